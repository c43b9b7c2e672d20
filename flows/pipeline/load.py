"""The first stage: sources to staged rows. Batch by batch: read, normalise, validate, stage. Holds no lock."""

import hashlib
import time
from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field

import duckdb
import polars as pl

from flows.pipeline.job import Job, Progress
from flows.pipeline.path_checks import refuse_database
from flows.readers.detect import detect_format
from flows.readers.reading import Batch, read_ahead
from flows.readers.registry import read
from flows.readers.sources import Source, find_sources, fingerprint
from flows.store.database import scratch
from flows.store.jobs import Content
from schemas.codes import ErrorCode, Severity
from schemas.connection import ConnectionSettings
from schemas.faults import JobFault
from schemas.frames import RECORDS
from schemas.job import JobStatus
from schemas.profiles import CANONICAL_PATHS, PROFILES, Profile
from transforms.normalise import normalise
from transforms.rejects.redact import redact
from transforms.rules.validate import RuleSet, Validated, rule_set, validate


@dataclass
class Tally:
    """What has been loaded so far: rows and the bytes of their texts, and errors by code; warnings apart."""

    total: int = 0
    bytes: int = 0
    refused: int = 0
    warnings: int = 0
    errors_by_code: Counter[str] = field(default_factory=Counter)
    first_records: list[int] = field(default_factory=list)

    def add(self, batch: Batch, parts: "_Parts") -> None:
        """Count the rows, errors and warnings of a batch."""
        self.total += batch.seen
        self.bytes += int(batch.rows["text"].str.len_bytes().sum())
        self.refused += parts.refused.height
        for severity, code, count in parts.errors.group_by("severity", "code").len().rows():
            if severity == Severity.ERROR.value:
                self.errors_by_code[code] += count
            else:
                self.warnings += count


@dataclass(frozen=True)
class Loaded:
    """What the load stage found: counts of rows and errors, the profile that was used and what the sources were."""

    total: int
    mean_bytes: float  # of the texts of the records
    refused: int
    warnings: int
    errors_by_code: Mapping[str, int]
    profile: str
    content: Content


@dataclass(frozen=True)
class _Stage:
    """What every batch needs."""

    job: Job
    engine: duckdb.DuckDBPyConnection
    rules: RuleSet


def open_sources(job: Job) -> tuple[Source, ...]:
    """The files that the job's sources name.

    Raises:
        FileFault: one is missing, unreadable, an empty folder or the database itself.

    """
    sources = find_sources(job.options.sources, spool=job.folder.path, waiting=job.stop.check)
    for source in sources:
        refuse_database(source.path, job.settings)
    return sources


def content_hash(sources: Sequence[Source]) -> str:
    """A hash of what the sources hold, in their order."""
    return hashlib.sha256("".join(fingerprint(source) for source in sources).encode()).hexdigest()


def load(job: Job, sources: Sequence[Source], *, connection: ConnectionSettings) -> Loaded:
    """Stage every row of the sources as accepted or refused.

    Raises:
        FileFault: a source cannot be imported.
        JobFault: the job must stop, or rows got lost.

    """
    job.enter(JobStatus.LOADING)
    rules = rule_set(
        connection,
        unknown_fields=job.options.unknown_fields,
        reset_unsupported_hashes=job.options.reset_unsupported_hashes,
    )
    tally = Tally()
    with closing(scratch(job.settings, spill=job.folder.path)) as engine, ThreadPoolExecutor(1) as hasher:
        hashing: Future[str] = hasher.submit(content_hash, sources)
        stage = _Stage(job, engine, rules)
        batches = _batches(stage, sources, tally=tally)
        with closing(batches), _Writer(stage) as writer:  # both before the engine is
            for number, batch in enumerate(batches):
                parts = _judged(stage, batch.batch, profile=batch.profile)
                job.step("stage a batch")
                writer.write(number, parts)
                tally.add(batch.batch, parts)
                job.tell(Progress(tally.total, batch.done_bytes, batch.total_bytes, time.monotonic() - job.started))
            writer.wait()
        profile = _profile(job.options.profile, detect_format(sources[0], job.options.format)).name
        files = tuple(source.name for source in sources)
        content = Content(hash=hashing.result(), files=files, first_records=tuple(tally.first_records))
        mean_bytes = tally.bytes / max(tally.total, 1)
        return Loaded(tally.total, mean_bytes, tally.refused, tally.warnings, tally.errors_by_code, profile, content)


@dataclass(frozen=True)
class _Read:
    """A batch with what was made of its source's name and how far all sources are read."""

    batch: Batch
    profile: Profile
    done_bytes: int
    total_bytes: int


def _batches(stage: _Stage, sources: Sequence[Source], *, tally: Tally) -> Generator[_Read, None, None]:
    """The batches of all sources; record numbers go on from one to the next."""
    total_bytes = sum(source.size for source in sources)
    before = 0
    for source in sources:
        tally.first_records.append(tally.total + 1)
        form = detect_format(source, stage.job.options.format)
        profile = _profile(stage.job.options.profile, form)
        batches = read(
            source,
            format=form,
            profile=profile,
            limits=stage.job.settings.limits,
            first_record=tally.total + 1,
            engine=stage.engine,
        )
        with closing(read_ahead(batches)) as ahead:
            for number, batch in enumerate(ahead):
                if number == 0:
                    stage.job.folder.add_layout(form, batch.layout.columns)
                yield _Read(batch, profile, before + batch.position, total_bytes)
        before += source.size


def _profile(name: str, form: str) -> Profile:
    """The profile asked for; by default the one that fits the format."""
    if name == "auto":
        return PROFILES["csv" if form == "csv" else "auth0"]
    return PROFILES[name]


@dataclass(frozen=True)
class _Parts:
    """A batch as it is staged."""

    accepted: pl.DataFrame
    errors: pl.DataFrame
    originals: pl.DataFrame
    refused: pl.DataFrame


def _judged(stage: _Stage, batch: Batch, *, profile: Profile) -> _Parts:
    """The batch with its verdicts."""
    canonical = normalise(batch.rows, engine=stage.engine, profile=profile, layout=batch.layout)
    verdicts = validate(canonical, rules=stage.rules)
    refused = pl.concat([batch.refused, _refused(batch.rows, verdicts)], how="vertical").sort("record")
    if not batch.seen == verdicts.accepted.height + refused.height:
        raise JobFault(
            ErrorCode.NOT_CONSERVED,
            f"{batch.seen} records were read, but {verdicts.accepted.height + refused.height} have a verdict",
            "please report this with a sample of the file; nothing was merged",
        )
    return _Parts(
        accepted=verdicts.accepted,
        errors=pl.concat([batch.errors, verdicts.errors], how="vertical"),
        originals=_not_rewritable(batch.rows, verdicts, profile=profile),
        refused=refused,
    )


class _Writer(ThreadPoolExecutor):
    """Writes the parts of one batch while the next is judged; what that raises comes with the next, or at the end."""

    def __init__(self, stage: _Stage) -> None:
        super().__init__(1, "stage")
        self._folder = stage.job.folder
        self._engine = stage.engine
        self._writing: Future[None] | None = None

    def write(self, number: int, parts: _Parts) -> None:
        """Begin to write, when the batch before is written."""
        self.wait()
        self._writing = self.submit(self._write, number, parts)

    def wait(self) -> None:
        """Go on when everything is written."""
        if self._writing is not None:
            self._writing.result()

    def _write(self, number: int, parts: _Parts) -> None:
        for kind in ("accepted", "errors", "originals", "refused"):
            self._folder.write_part(kind, number, getattr(parts, kind))
        if parts.refused.height:
            with self._engine.cursor() as cursor:
                self._folder.write_part("rejected", number, redact(parts.refused, engine=cursor))


def _not_rewritable(rows: pl.DataFrame, verdicts: Validated, *, profile: Profile) -> pl.DataFrame:
    """The accepted records that their fields alone do not give back: under other names, or with parts left out."""
    accepted = verdicts.accepted.select("record")
    if profile.paths != CANONICAL_PATHS:
        return rows.join(accepted, on="record", how="semi")
    warned = verdicts.errors.filter(severity=Severity.WARNING.value).join(accepted, on="record", how="semi")
    return rows.join(warned, on="record", how="semi") if warned.height else RECORDS.to_frame()


def _refused(rows: pl.DataFrame, verdicts: Validated) -> pl.DataFrame:
    """The records that the rules refused, as the file has them."""
    if verdicts.accepted.height == rows.height:
        return pl.DataFrame(schema=RECORDS)
    return rows.join(verdicts.accepted.select("record"), on="record", how="anti")

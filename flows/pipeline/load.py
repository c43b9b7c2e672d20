"""Load the sources into staged rows, batch by batch: read, normalise, validate, stage. The database is not locked."""

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import polars as pl

from flows.pipeline.instructions import NO_INSTRUCTIONS, Instructions
from flows.pipeline.job import Job, Progress
from flows.pipeline.lifecycle import in_worker_thread
from flows.pipeline.path_checks import refuse_database, require_in_roots, require_source_in_roots, require_url_in_roots
from flows.readers.archive import unpack_archives
from flows.readers.detect import detect_format
from flows.readers.encodings import EncodingFault
from flows.readers.mapping.choose import SAMPLED_BY_READER, choose_profile, recognise
from flows.readers.reading import Batch, Skipped, read_ahead
from flows.readers.registry import read
from flows.readers.sources import (
    SPOOLED,
    STDIN,
    STDIN_NAME,
    Source,
    find_sources,
    fingerprint,
    held_open,
    require_unchanged,
)
from flows.settings import format_import, is_listed_url
from flows.store.database import scratch
from flows.store.jobs import Content
from schemas.codes import WARNINGS, ErrorCode, Severity
from schemas.connection import ConnectionSettings, RequiredField
from schemas.faults import FileFault, JobFault
from schemas.fields import TRIMMED
from schemas.frames import ERRORS, RECORDS
from schemas.job import JobStatus, JobSummary
from schemas.profiles import Profile
from schemas.source_names import is_url
from transforms.mapping.messages import name_origins
from transforms.normalise import normalise
from transforms.rejects.redact import redact
from transforms.rules.validate import RuleSet, Validated, rule_set, validate
from transforms.stored_warnings import limit_warnings

if TYPE_CHECKING:
    from flows.readers.remote.fetch import Fetch

WRITTEN_AS = {"excel": "csv", "ldif": "ndjson"}  # the format of a file of refused rows, where another than the source's


@dataclass(frozen=True)
class Loaded:
    """The result of the load stage."""

    summary: JobSummary  # with the profile that was used and what is counted so far: rows, refused, errors, warnings
    mean_bytes: float  # of the texts of the records
    content: Content


@dataclass(frozen=True)
class _Context:
    """What the work on every batch needs."""

    job: Job
    sources: Sequence[Source]
    engine: duckdb.DuckDBPyConnection
    rules: RuleSet
    required: RequiredField
    instructions: Instructions
    profiles: list[Profile] = field(default_factory=list)  # of each source
    skipped: list[Skipped] = field(default_factory=list)  # of each source


@dataclass(frozen=True)
class _Checked:
    """A batch as it is staged, without the rows that it came from."""

    source: int  # its place among the sources
    done_bytes: int  # of all sources, up to its end
    seen: int
    others: int  # of the records seen, that are not users
    text_bytes: int
    accepted: pl.DataFrame
    errors: pl.DataFrame
    originals: pl.DataFrame
    trimmed: pl.DataFrame
    refused: pl.DataFrame


@dataclass
class _Tally:
    """Counts of what has been staged so far."""

    rows: int = 0
    bytes: int = 0
    refused: int = 0
    warnings: int = 0
    stored_warnings: Counter[str] = field(default_factory=Counter)
    others: int = 0
    seen_by_source: Counter[int] = field(default_factory=Counter)
    errors_by_code: Counter[str] = field(default_factory=Counter)

    def add(self, batch: _Checked) -> None:
        self.rows += batch.seen - batch.others
        self.others += batch.others
        self.seen_by_source[batch.source] += batch.seen
        self.bytes += batch.text_bytes
        self.refused += batch.refused.height
        errors = batch.errors.filter(severity=Severity.ERROR.value)
        self.errors_by_code.update(dict(errors["code"].value_counts().rows()))
        self.warnings += batch.errors.height - errors.height


@contextmanager
def open_sources(job: Job) -> Iterator[tuple[Source, ...]]:
    """Yield the files that the job's sources name, held open within the block; what was fetched or unpacked for them is
    removed at its end. Raise `FileFault` if one is missing, unreadable, an empty folder or the database itself."""
    try:
        with _open_files(job) as sources:
            yield sources
    finally:
        for path in job.folder.path.glob(f"{SPOOLED}*"):
            path.unlink(missing_ok=True)


@contextmanager
def _open_files(job: Job) -> Iterator[tuple[Source, ...]]:
    job.publish(JobStatus.LOADING)  # standard input is read here
    for name in job.options.sources:
        if is_url(name):
            require_url_in_roots(name, job.settings)
        elif name != STDIN:
            require_source_in_roots(Path(name), job.settings)
    fetch = _fetch(job) if any(map(is_url, job.options.sources)) else None
    sources = find_sources(job.options.sources, spool=job.folder.path, waiting=job.stop.check, fetch=fetch)
    for source in sources:
        refuse_database(source.path, job.settings)

    def check(source: Source, opened: Path) -> None:  # a link may have led elsewhere by then
        if source.name != STDIN_NAME:
            require_in_roots(opened, job.settings, name=source.name)

    found = [replace(source, encoding=job.options.encoding) for source in sources]
    spool, limits = job.folder.path, job.settings.limits
    with held_open(found, check=check) as held:
        opened = unpack_archives(held, spool=spool, limits=limits, waiting=job.stop.check)
        job.observer.on_open(held)  # the files themselves, which an inbox moves
        yield opened


def _fetch(job: Job) -> "Fetch":
    from flows.readers.remote.fetch import Fetch  # noqa: PLC0415 - loads HTTP and TLS, which files do without

    return Fetch(
        folder=job.folder.path,
        limits=job.settings.limits,
        waiting=job.stop.check,
        may_be_private=lambda url: is_listed_url(url, job.settings.url_roots),
    )


def content_hash(
    sources: Sequence[Source], *, of_instructions: str = "", waiting: Callable[[], None] | None = None
) -> str:
    """Return a hash of the bytes of the sources, in their order, and of the fingerprint of its instructions.

    `waiting` may raise to stop the reading.
    """
    digests = "".join(fingerprint(source, algorithm="blake2b", waiting=waiting) for source in sources)
    require_unchanged(sources)
    return hashlib.sha256(f"{digests}{of_instructions}".encode()).hexdigest()


@in_worker_thread
def load(
    job: Job, sources: Sequence[Source], *, connection: ConnectionSettings, instructions: Instructions = NO_INSTRUCTIONS
) -> Loaded:
    """Stage every row of the sources as accepted or refused.
    Raise `FileFault` if a source cannot be imported, and `JobFault` if the job must stop or rows were lost."""
    job.enter_phase(JobStatus.LOADING)
    options = job.options
    rules = rule_set(
        connection,
        unknown_fields=options.unknown_fields,
        reset_unsupported_hashes=options.reset_unsupported_hashes,
        profile=options.profile,
    )
    with closing(scratch(job.settings, spill=job.folder.path)) as engine, ThreadPoolExecutor(1) as hasher:
        hashed = hasher.submit(content_hash, sources, of_instructions=instructions.fingerprint)
        with _naming_command(job, sources):
            context = _Context(job, sources, engine, rules, connection.required, instructions)
            tally = _stage_batches(context)
        digest = hashed.result()
    require_unchanged(sources)  # so the hash is that of what was read
    first_records = accumulate((tally.seen_by_source[place] for place in range(len(sources) - 1)), initial=1)
    content = Content(digest, tuple(source.name for source in sources), tuple(first_records))
    summary = replace(
        job.summary,
        profile=context.profiles[0].name,
        total=tally.rows,
        failed=tally.refused,
        warnings=tally.warnings,
        not_users=tally.others,
        blank_lines=sum(skipped.blank_lines for skipped in context.skipped),
        errors_by_code=tally.errors_by_code,
    )
    return Loaded(summary, mean_bytes=tally.bytes / max(tally.rows, 1), content=content)


@contextmanager
def _naming_command(job: Job, sources: Sequence[Source]) -> Iterator[None]:
    """Add to the fault of a source in another encoding the command that imports it, without the other sources."""
    try:
        yield
    except EncodingFault as fault:
        alone = {} if len(sources) == 1 else {"sources": (fault.source,)}
        options = job.options.model_copy(update={"encoding": fault.encoding, **alone})
        command = format_import(options, database=job.store.path)
        raise FileFault(fault.code, fault.message, f"{fault.hint}: `{command}`") from None


def _stage_batches(context: _Context) -> _Tally:
    """Write each batch to the job folder while the next is checked and the one after it is read."""
    job, tally = context.job, _Tally()
    total_bytes = sum(source.size for source in context.sources)
    with closing(read_ahead(_checked_batches(context))) as batches:
        for number, batch in enumerate(batches):
            job.begin_step("stage a batch")
            tally.add(batch)
            job.read.rows = tally.rows
            errors = limit_warnings(batch.errors, stored=tally.stored_warnings)
            _write_parts(context, number, replace(batch, errors=errors))
            seconds = time.monotonic() - job.started
            job.report_progress(Progress(tally.rows, batch.done_bytes, total_bytes, seconds))
    return tally


def _write_parts(context: _Context, number: int, batch: _Checked) -> None:
    folder = context.job.folder
    for kind in ("accepted", "errors", "originals", "trimmed", "refused"):
        folder.write_part(kind, number, getattr(batch, kind))
    if batch.refused.height:
        with context.engine.cursor() as cursor:
            folder.write_part("rejected", number, redact(batch.refused, engine=cursor))


def _checked_batches(context: _Context) -> Generator[_Checked, None, None]:
    """Yield the batches of all sources; record numbers continue from one source to the next."""
    job, next_record, bytes_before = context.job, 1, 0
    for place, source in enumerate(context.sources):
        form = detect_format(source, job.options.format)
        is_auto = job.options.profile == "auto" and context.instructions.mapping is None
        profile = choose_profile(
            source,
            form=form,
            requested=job.options.profile,
            mapping=context.instructions.mapping,
            null=job.options.null,
        )
        context.profiles.append(profile)
        context.skipped.append(skipped := Skipped())
        batches = read(
            source,
            format=form,
            profile=profile,
            sheet=job.options.sheet or "",
            ignores_unknown=job.options.unknown_fields == "ignore",
            limits=job.settings.limits,
            first_record=next_record,
            engine=context.engine,
            skipped=skipped,
            hashing=context.instructions.hashing,
            recognise=partial(recognise, name=source.name, null=job.options.null)
            if form in SAMPLED_BY_READER and is_auto
            else None,
            waiting=job.stop.check,
        )
        with closing(read_ahead(batches)) as batches_ahead:
            for number, batch in enumerate(batches_ahead):
                if number == 0:
                    context.profiles[place] = profile = batch.profile or profile
                    job.folder.add_layout(WRITTEN_AS.get(form, form), batch.layout.columns)
                    batch = _warn_of_lines(batch, skipped.above_header)  # noqa: PLW2901
                next_record += batch.seen
                yield _check(context, batch, profile=profile, source=place, done_bytes=bytes_before + batch.position)
        bytes_before += source.size


def _warn_of_lines(batch: Batch, lines: range) -> Batch:
    """Return the first batch of a source with a warning about the lines above its header, if some were skipped."""
    if not lines:
        return batch
    place = f"line {lines[0]} was" if len(lines) == 1 else f"lines {lines[0]} to {lines[-1]} were"
    message = f"the header is in line {lines.stop}; {place} skipped"
    warning = {"line": lines[0], "code": ErrorCode.LINE_SKIPPED, "path": "", "message": message}
    first = pl.concat([batch.values.users["record"], batch.refused["record"]]).min()
    row = {**dict.fromkeys(ERRORS.names()), **warning, "record": first, "severity": Severity.WARNING}
    return replace(batch, errors=pl.concat([batch.errors, pl.DataFrame([row], schema=ERRORS)]))


def _check(context: _Context, batch: Batch, *, profile: Profile, source: int, done_bytes: int) -> _Checked:
    """Normalise and validate a batch."""
    canonical = normalise(
        batch.values, engine=context.engine, profile=profile, layout=batch.layout, required=context.required
    )
    verdicts = validate(canonical, rules=context.rules)
    if profile.mapping is not None:
        verdicts = replace(verdicts, errors=name_origins(verdicts.errors, profile.mapping))
    refused = pl.concat([batch.refused, _refused(batch, verdicts)], how="vertical").sort("record")
    errors = pl.concat([batch.errors, verdicts.errors], how="vertical")
    counted = verdicts.accepted.height + refused.height + batch.others
    if batch.seen != counted:
        message = f"{batch.seen:,} records were read, but {counted:,} were accepted or refused"
        hint = "please report this with a sample of the file; nothing was merged"
        raise JobFault(ErrorCode.NOT_CONSERVED, message, hint)
    return _Checked(
        source=source,
        done_bytes=done_bytes,
        seen=batch.seen,
        others=batch.others,
        text_bytes=batch.text_bytes,
        accepted=verdicts.accepted,
        errors=errors.select(pl.lit(context.sources[source].name).alias("source"), pl.all()),
        originals=_originals(batch, verdicts, profile=profile),
        trimmed=canonical.outer_white_space.join(verdicts.accepted, on="record", how="semi").select(TRIMMED.names()),
        refused=refused,
    )


def _originals(batch: Batch, verdicts: Validated, *, profile: Profile) -> pl.DataFrame:
    """Return the accepted records that cannot be written again from their fields: other names, or parts left out."""
    accepted = verdicts.accepted["record"]
    if profile.mapping is None:
        is_left_out = (pl.col("severity") == Severity.WARNING.value) & ~pl.col("code").is_in(WARNINGS)
        warned = verdicts.errors.filter(is_left_out)["record"].unique()
        accepted = warned.filter(warned.is_in(accepted.implode()))
    return batch.write_texts(accepted) if accepted.len() else RECORDS.to_frame()


def _refused(batch: Batch, verdicts: Validated) -> pl.DataFrame:
    """Return the records that the rules refused, as they are in the file."""
    read, accepted = batch.values.users["record"], verdicts.accepted["record"]
    if accepted.len() == read.len():
        return RECORDS.to_frame()
    return batch.write_texts(read.filter(~read.is_in(accepted.implode())))

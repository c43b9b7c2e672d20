"""Stage the rows of sources: read, normalise, validate, and write each batch to the job's folder.

Which sources, and in which process, is the concern of `flows.pipeline.load` and `flows.pipeline.slices`.
"""

import time
from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial

import duckdb
import polars as pl

from flows.pipeline.instructions.read import Instructions
from flows.pipeline.job import Job, Progress
from flows.readers.detect import detect_format
from flows.readers.mapping.choose import SAMPLED_BY_READER, choose_profile, recognise
from flows.readers.reading import Batch, Skipped, read_ahead
from flows.readers.registry import read
from flows.readers.sources import Source
from schemas.codes import WARNINGS, ErrorCode, Severity
from schemas.connection import ConnectionSettings
from schemas.faults import JobFault
from schemas.fields import TRIMMED
from schemas.frames import ERRORS, RECORDS
from schemas.profiles import Profile
from transforms.mapping.messages import name_origins
from transforms.normalise import normalise
from transforms.rejects.known_names import known_names
from transforms.rejects.redact import redact
from transforms.rules.validate import RuleSet, Validated, rule_set, validate
from transforms.stored_warnings import limit_warnings

WRITTEN_AS = {"excel": "csv", "ldif": "ndjson"}  # the format of a file of refused rows, where another than the source's
KINDS = ("accepted", "errors", "originals", "trimmed", "refused")


@dataclass(frozen=True)
class Context:
    """What the work on every batch needs."""

    job: Job
    sources: Sequence[Source]
    engine: duckdb.DuckDBPyConnection
    rules: RuleSet
    connection: ConnectionSettings
    instructions: Instructions
    profiles: list[str] = field(default_factory=list)  # their names, of each source
    skipped: list[Skipped] = field(default_factory=list)  # of each source


def open_context(
    job: Job,
    sources: Sequence[Source],
    *,
    engine: duckdb.DuckDBPyConnection,
    connection: ConnectionSettings,
    instructions: Instructions,
) -> Context:
    """Return what the work on the batches of these sources needs: the rules of the connection and the options."""
    rules = rule_set(
        connection,
        unknown_fields=job.options.unknown_fields,
        reset_unsupported_hashes=job.options.reset_unsupported_hashes,
        profile=job.options.profile,
    )
    return Context(job, sources, engine, rules, connection, instructions)


@dataclass(frozen=True)
class Checked:
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
    known_names: Mapping[str, str]  # that may be shown, and the field of each


@dataclass
class Tally:
    """Counts of what has been staged so far."""

    rows: int = 0
    bytes: int = 0
    refused: int = 0
    warnings: int = 0
    stored_warnings: Counter[str] = field(default_factory=Counter)
    others: int = 0
    seen_by_source: Counter[int] = field(default_factory=Counter)
    errors_by_code: Counter[str] = field(default_factory=Counter)

    def add(self, batch: Checked) -> None:
        self.rows += batch.seen - batch.others
        self.others += batch.others
        self.seen_by_source[batch.source] += batch.seen
        self.bytes += batch.text_bytes
        self.refused += batch.refused.height
        errors = batch.errors.filter(severity=Severity.ERROR.value)
        self.errors_by_code.update(dict(errors["code"].value_counts().rows()))
        self.warnings += batch.errors.height - errors.height


def stage_batches(context: Context, batches: Generator[Checked, None, None]) -> Tally:
    """Write each batch to the job folder while the next is checked and the one after it is read."""
    job, tally = context.job, Tally()
    total_bytes = sum(source.size for source in context.sources)
    with closing(read_ahead(batches)) as ahead:
        for number, batch in enumerate(ahead):
            job.begin_step("stage a batch")
            tally.add(batch)
            job.read.rows = tally.rows
            errors = limit_warnings(batch.errors, stored=tally.stored_warnings)
            _write_parts(context, number, replace(batch, errors=errors))
            seconds = time.monotonic() - job.started
            job.report_progress(Progress(tally.rows, batch.done_bytes, total_bytes, seconds))
    return tally


def _write_parts(context: Context, number: int, batch: Checked) -> None:
    folder = context.job.folder
    for kind in KINDS:
        folder.write_part(kind, number, getattr(batch, kind))
    if batch.refused.height:
        with context.engine.cursor() as cursor:
            folder.write_part("rejected", number, redact(batch.refused, engine=cursor, known=batch.known_names))


def checked_batches(context: Context) -> Generator[Checked, None, None]:
    """Yield the batches of all sources; record numbers continue from one source to the next."""
    job, next_record, bytes_before = context.job, 1, 0
    for place, source in enumerate(context.sources):
        form = detect_format(source, job.options.format)
        profile = choose_profile_of(source, context, form=form)
        for batch in read_source(context, place, form=form, profile=profile, first_record=next_record):
            next_record += batch.seen
            yield replace(batch, done_bytes=bytes_before + batch.done_bytes)
        bytes_before += source.size


def first_profile(context: Context, source: Source, *, form: str) -> Profile:
    """Return the profile of a source, also where its reader recognises it, which then reads the first batch."""
    profile = choose_profile_of(source, context, form=form)
    if form not in SAMPLED_BY_READER or not _is_auto(context):
        return profile
    with closing(_read(context, source, form=form, profile=profile, first_record=1, skipped=Skipped())) as batches:
        first = next(batches, None)
    return (first and first.profile) or profile


def read_source(
    context: Context, place: int, *, form: str, profile: Profile, first_record: int, is_chosen: bool = False
) -> Generator[Checked, None, None]:
    """Yield the batches of one source, whose bytes are counted from its begin; the profile may be recognised by the
    reader instead, unless it is chosen."""
    job, source = context.job, context.sources[place]
    context.profiles.append(profile.name)
    context.skipped.append(skipped := Skipped())
    batches = _read(
        context,
        source,
        form=form,
        profile=profile,
        first_record=first_record,
        skipped=skipped,
        is_chosen=is_chosen,
    )
    with closing(read_ahead(batches)) as ahead:
        for number, batch in enumerate(ahead):
            if number == 0:
                profile = batch.profile or profile
                context.profiles[place] = profile.name
                job.folder.add_layout(WRITTEN_AS.get(form, form), batch.layout.columns)
                batch = _warn_of_lines(batch, skipped.above_header)  # noqa: PLW2901
            yield _check(context, batch, profile=profile, source=place, done_bytes=batch.position)


def _is_auto(context: Context) -> bool:
    return context.job.options.profile == "auto" and context.instructions.mapping is None


def choose_profile_of(source: Source, context: Context, *, form: str) -> Profile:
    """Return the profile of a source, if its reader does not recognise another in the first batch."""
    options = context.job.options
    mapping = context.instructions.mapping
    return choose_profile(source, form=form, requested=options.profile, mapping=mapping, null=options.null)


def _read(
    context: Context,
    source: Source,
    *,
    form: str,
    profile: Profile,
    first_record: int,
    skipped: Skipped,
    is_chosen: bool = False,
) -> Generator[Batch, None, None]:
    job, is_sampled = context.job, form in SAMPLED_BY_READER and not is_chosen and _is_auto(context)
    return read(
        source,
        format=form,
        profile=profile,
        sheet=job.options.sheet or "",
        ignores_unknown=job.options.unknown_fields == "ignore",
        limits=job.settings.limits,
        first_record=first_record,
        engine=context.engine,
        skipped=skipped,
        hashing=context.instructions.hashing,
        recognise=partial(recognise, name=source.name, null=job.options.null) if is_sampled else None,
        waiting=job.stop.check,
    )


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


def _check(context: Context, batch: Batch, *, profile: Profile, source: int, done_bytes: int) -> Checked:
    """Normalise and validate a batch."""
    canonical = normalise(
        batch.values, engine=context.engine, profile=profile, layout=batch.layout, required=context.connection.required
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
    return Checked(
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
        known_names=known_names([profile.mapping]),
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

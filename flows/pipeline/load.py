"""Load the sources into staged rows, batch by batch: read, normalise, validate, stage. The database is not locked."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

from flows.pipeline.instructions.read import NO_INSTRUCTIONS, Instructions
from flows.pipeline.job import Job
from flows.pipeline.lifecycle import in_worker_thread
from flows.pipeline.path_checks import refuse_database, require_in_roots, require_source_in_roots, require_url_in_roots
from flows.pipeline.slices.choose import choose_runner
from flows.pipeline.staging import Context, Tally, checked_batches, open_context, stage_batches
from flows.readers.archive import unpack_archives
from flows.readers.encodings import EncodingFault
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
from schemas.connection import ConnectionSettings
from schemas.faults import FileFault
from schemas.job import JobStatus, JobSummary
from schemas.mapping.names import MAPPED
from schemas.profiles import PROFILES
from schemas.source_names import is_url
from transforms.rejects.known_names import known_names

if TYPE_CHECKING:
    from flows.readers.remote.fetch import Fetch
    from schemas.mapping.language import Mapping as Language


@dataclass(frozen=True)
class Loaded:
    """The result of the load stage."""

    summary: JobSummary  # with the profile that was used and what is counted so far: rows, refused, errors, warnings
    mean_bytes: float  # of the texts of the records
    content: Content
    known_names: Mapping[str, str] = field(default_factory=dict)  # of all sources, that may be shown; by name the field


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
    with closing(scratch(job.settings, spill=job.folder.path)) as engine, ThreadPoolExecutor(1) as hasher:
        hashed = hasher.submit(content_hash, sources, of_instructions=instructions.fingerprint)
        with _naming_command(job, sources):
            context = open_context(job, sources, engine=engine, connection=connection, instructions=instructions)
            tally = _stage(context)
        digest = hashed.result()
    require_unchanged(sources)  # so the hash is that of what was read
    first_records = accumulate((tally.seen_by_source[place] for place in range(len(sources) - 1)), initial=1)
    content = Content(digest, tuple(source.name for source in sources), tuple(first_records))
    summary = replace(
        job.summary,
        profile=context.profiles[0],
        total=tally.rows,
        failed=tally.refused,
        warnings=tally.warnings,
        not_users=tally.others,
        blank_lines=sum(skipped.blank_lines for skipped in context.skipped),
        errors_by_code=tally.errors_by_code,
    )
    known = known_names(map(partial(_get_mapping, instructions), context.profiles))
    return Loaded(summary, mean_bytes=tally.bytes / max(tally.rows, 1), content=content, known_names=known)


def _get_mapping(instructions: Instructions, profile: str) -> "Language | None":
    """Return the mapping of a profile that was used; None for our own format."""
    if profile == MAPPED:
        return instructions.mapping
    if profile in PROFILES:
        return None
    from transforms.mapping.profiles import get_profile  # noqa: PLC0415 - our own format needs none

    return get_profile(profile)


def _stage(context: Context) -> Tally:
    """Stage the rows in worker processes, if there are to be some, else in this one."""
    size = sum(source.size for source in context.sources)
    if runner := choose_runner(context.job.settings, source_bytes=size):
        from flows.pipeline.slices.gather import load_slices  # noqa: PLC0415 - most jobs need one process

        if tally := load_slices(context, runner):
            return tally
    return stage_batches(context, checked_batches(context))


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

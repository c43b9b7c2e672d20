"""Load one slice in a worker process, which opens no database of users, and say by a manifest what was staged."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from flows.pipeline.instructions.read import Instructions
from flows.pipeline.job import Observer, accept_job
from flows.pipeline.slices.cut import Slice
from flows.pipeline.staging import choose_profile_of, open_context, read_source, stage_batches
from flows.pipeline.stop import Stop
from flows.readers.sources import Source, changed
from flows.settings import Settings
from flows.store.database import Store, scratch
from flows.store.fault_points import fault_point
from flows.store.job_folder import JobFolder
from flows.store.private_files import atomic_write, no_core_dumps, private_folder
from flows.store.slices.bucket import MANIFEST, Bucket
from schemas.codes import ErrorCode
from schemas.connection import ConnectionSettings
from schemas.faults import JobFault
from schemas.options import JobOptions
from schemas.profiles import Profile


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a worker needs to load a slice."""

    slice: Slice
    form: str
    profile: Profile | None  # None: the worker chooses it, for the whole of a source
    options: JobOptions
    settings: Settings
    connection: ConnectionSettings
    instructions: Instructions
    job_id: str
    folder: Path  # of the slices
    attempt: str  # its name, which no other has
    time_limit_seconds: float
    is_remote: bool = False  # the worker may be on another machine, where a file has other numbers
    bucket: Bucket | None = None  # where the worker cannot see the folder

    @property
    def path(self) -> Path:
        """The folder of the attempt."""
        return self.folder / f"{self.slice.number:05}-{self.attempt}"

    @property
    def source(self) -> Source:
        """The source as the worker opens it; raise `FileFault` if it is not the version that was cut."""
        source = self.slice.source
        if not self.is_remote:
            return source
        found = source.path.stat()
        if (found.st_size, found.st_mtime_ns) != self._version:
            raise changed(source)
        return replace(source, identity=None)

    @property
    def _version(self) -> tuple[int, int] | None:
        identity = self.slice.source.identity
        return None if identity is None else (identity.size, identity.mtime_ns)

    @property
    def fingerprint(self) -> str:
        """What orders with the same result have in common: the bytes, what is made of them, and the numbers."""
        one, profile = self.slice, self.profile
        mapping = profile and profile.mapping and profile.mapping.model_dump_json()
        said = (
            (one.number, one.records, one.first_record, one.source.name, one.source.span, self._version),
            (self.form, profile and (profile.name, profile.null, mapping)),
            (self.options.model_dump_json(), self.instructions.fingerprint),
            (self.connection, self.settings.limits),
        )
        return hashlib.sha256(repr(said).encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What was staged of a slice, and where."""

    number: int
    path: str
    fingerprint: str
    profile: str
    seen: int
    rows: int
    others: int
    bytes: int
    refused: int
    warnings: int
    blank_lines: int
    errors_by_code: Mapping[str, int]


def load_slice(order: Order) -> Manifest:
    """Stage the rows of a slice and return its manifest; that of an earlier attempt if there is one.
    Raise `Fault` as the load of a whole source does."""
    no_core_dumps()
    if found := _find_manifest(order):
        return found
    if order.bucket is None:
        return _stage(order)
    with ExitStack() as stack:
        here = replace(order, folder=Path(stack.enter_context(TemporaryDirectory(prefix="user-import-"))))
        stack.enter_context(order.bucket.passing_cancel(JobFolder(here.folder)))
        manifest = _stage(here)
        order.bucket.upload(here.path)
    return replace(manifest, path=str(order.path))


def _stage(order: Order) -> Manifest:
    """Stage the rows of a slice in the folder of its attempt."""
    stop = Stop(JobFolder(order.folder), order.time_limit_seconds)
    job = accept_job(order.options, store=Store(order.settings), stop=stop, observer=Observer(), job_id=order.job_id)
    job = replace(job, folder=JobFolder(private_folder(order.path)))
    fault_point(f"slice {order.slice.number}: begin")
    with stop.watching(), closing(scratch(order.settings, spill=order.path)) as engine:
        context = open_context(
            job, [order.source], engine=engine, connection=order.connection, instructions=order.instructions
        )
        first = order.slice.first_record
        profile = order.profile or choose_profile_of(order.source, context, form=order.form)
        is_chosen = order.profile is not None
        batches = read_source(context, 0, form=order.form, profile=profile, first_record=first, is_chosen=is_chosen)
        tally = stage_batches(context, batches)
    seen = tally.seen_by_source[0]
    expected = order.slice.records
    if expected not in (None, seen):
        message = f"{expected:,} records were counted in a slice, but {seen:,} were read"
        raise JobFault(ErrorCode.NOT_CONSERVED, message, "please report this; nothing was merged")
    manifest = Manifest(
        number=order.slice.number,
        path=str(order.path),
        fingerprint=order.fingerprint,
        profile=context.profiles[0],
        seen=seen,
        rows=tally.rows,
        others=tally.others,
        bytes=tally.bytes,
        refused=tally.refused,
        warnings=tally.warnings,
        blank_lines=context.skipped[0].blank_lines,
        errors_by_code=dict(tally.errors_by_code),
    )
    with atomic_write(order.path / MANIFEST) as temp:
        temp.write_text(json.dumps(asdict(manifest)), encoding="utf-8")
        fault_point(f"slice {order.slice.number}: write the manifest")
    return manifest


def _find_manifest(order: Order) -> Manifest | None:
    """Return the manifest of a finished attempt of the same slice."""
    for name, text in _manifests(order):
        with suppress(ValueError, TypeError):
            found = Manifest(**json.loads(text))
            if found.fingerprint == order.fingerprint:
                return replace(found, path=str(order.folder / name))
    return None


def _manifests(order: Order) -> Iterator[tuple[str, str]]:
    """Yield the attempts of the same slice that are finished, and their manifests."""
    attempts = f"{order.slice.number:05}-*"
    if order.bucket is not None:
        yield from order.bucket.manifests(attempts)
        return
    for path in sorted(order.folder.glob(f"{attempts}/{MANIFEST}")):
        with suppress(OSError):
            yield path.parent.name, path.read_text(encoding="utf-8")

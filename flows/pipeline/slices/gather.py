"""Load the sources of a job in slices and gather what was staged, as one process would have staged it."""

import os
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import monotonic

import polars as pl

from flows.pipeline.job import Job, Progress
from flows.pipeline.slices.cut import (
    SLICE_BYTES,
    CannotCutError,
    Slice,
    can_cut,
    cut_lines,
    cut_row_groups,
    narrow,
)
from flows.pipeline.slices.dask import Dask
from flows.pipeline.slices.runners import Processes
from flows.pipeline.slices.worker import Manifest, Order, load_slice
from flows.pipeline.staging import KINDS, Context, Tally, first_profile
from flows.readers.detect import detect_format
from flows.readers.reading import Skipped
from flows.store.job_folder import JobFolder
from flows.store.private_files import private_folder
from flows.store.resources import available_processors
from schemas.profiles import Profile
from transforms.stored_warnings import limit_warnings

PARTS_OF_SLICE = 1_000_000  # numbers of staged parts that each slice has to itself
PROGRESS_SECONDS = 0.5


def load_slices(context: Context, runner: "Processes | Dask") -> Tally | None:
    """Stage the rows of all sources by several processes and return what was counted; None if the sources cannot be
    cut, or are one slice. Raise what loading them whole raises."""
    forms = [detect_format(source, context.job.options.format) for source in context.sources]
    if not all(map(can_cut, context.sources, forms)):
        return None
    try:
        slices = _cut(context, forms)
    except CannotCutError:
        return None
    if len(slices) < 2:
        return None
    profiles = [first_profile(context, one, form=form) for one, form in zip(context.sources, forms, strict=True)]
    run = _Run(context, slices, forms, profiles)
    loading = runner.run(load_slice, run.orders(runner), again=run.try_again, waiting=run.report)
    try:
        for manifest in loading:
            run.manifests[manifest.number] = manifest
    except BaseException:
        run.folder.request_cancel()  # workers of other machines watch for it
        raise
    return run.gather()


def _cut(context: Context, forms: Sequence[str]) -> list[Slice]:
    """Return the slices of all sources, in order, with the numbers of their records."""
    slices: list[Slice] = []
    first_record = 1
    for place, (source, form) in enumerate(zip(context.sources, forms, strict=True)):
        cut = cut_lines if form == "ndjson" else cut_row_groups
        for span, records in cut(source, size=SLICE_BYTES):
            context.job.stop.check()
            slices.append(Slice(len(slices), place, narrow(source, span, form), records, first_record))
            first_record += records
    return slices


@dataclass
class _Run:
    """The loading of the slices of a job, and what has come of it so far."""

    context: Context
    slices: Sequence[Slice]
    forms: Sequence[str]
    profiles: Sequence[Profile]
    manifests: dict[int, Manifest] = field(default_factory=dict)
    _attempts: dict[int, Order] = field(default_factory=dict)
    _reported: float = 0.0

    @property
    def folder(self) -> JobFolder:
        """The folder of the slices, and of the mark that cancels them."""
        return JobFolder(self._job.settings.slices_of(self._job.id))

    def orders(self, runner: "Processes | Dask") -> list[Order]:
        """Return the order of each slice."""
        job = self._job
        private_folder(self.folder.path)
        self.folder.discard_cancel()
        is_remote = isinstance(runner, Dask) and bool(runner.address)
        settings = job.settings.shared_by(runner.count if isinstance(runner, Processes) else available_processors())
        for one in self.slices:
            self._attempts[one.number] = Order(
                slice=_leave_machine(one) if is_remote else one,
                form=self.forms[one.place],
                profile=self.profiles[one.place],
                options=job.options,
                settings=settings,
                connection=self.context.connection,
                instructions=self.context.instructions,
                job_id=job.id,
                folder=self.folder.path.absolute(),
                is_remote=is_remote,
                attempt=uuid.uuid4().hex[:8],
                time_limit_seconds=job.stop.time_limit_seconds,
            )
        return [*self._attempts.values()]

    def try_again(self, order: Order) -> Order:
        """Return the order of another attempt, whose folder is another."""
        again = replace(order, attempt=uuid.uuid4().hex[:8])
        self._attempts[order.slice.number] = again
        return again

    def report(self) -> None:
        """Report how far all slices are, from time to time; raise if the job must stop."""
        job = self._job
        job.stop.check()
        if monotonic() - self._reported < PROGRESS_SECONDS:
            return
        self._reported = monotonic()
        rows, done = 0, 0.0
        for one in self.slices:
            if manifest := self.manifests.get(one.number):
                rows, done = rows + manifest.rows, done + 1.0
            else:
                status = JobFolder(self._attempts[one.number].path).read_status()
                rows += int(str(status.get("rows", 0)))
                done += float(str(status.get("percent", 0.0))) / 100
        job.read.rows = rows
        total = sum(source.size for source in self.context.sources)
        job.report_progress(Progress(rows, round(total * done / len(self.slices)), total, monotonic() - job.started))

    def gather(self) -> Tally:
        """Put the parts of all slices into the job's folder, in their order, and return what was counted."""
        tally, folder = Tally(), self._job.folder
        context, seen_places = self.context, set[int]()
        context.profiles.extend(self.profiles)
        context.skipped.extend(Skipped() for _ in self.profiles)
        for one in self.slices:
            manifest = self.manifests[one.number]
            attempt = JobFolder(Path(manifest.path))
            for layout in attempt.layouts()[:1] if one.place not in seen_places else ():
                folder.add_layout(layout[0], layout[1] or None)
                seen_places.add(one.place)
            _adopt_parts(folder, attempt, one.number, tally)
            _count(tally, manifest, place=one.place)
            context.skipped[one.place].blank_lines += manifest.blank_lines
        self._job.read.rows = tally.rows
        return tally

    @property
    def _job(self) -> Job:
        return self.context.job


def _leave_machine(one: Slice) -> Slice:
    """Return the slice with the path that its source has on every machine, rather than that of an open file."""
    return replace(one, source=replace(one.source, path=Path(os.path.realpath(one.source.path))))


def _adopt_parts(folder: JobFolder, attempt: JobFolder, number: int, tally: Tally) -> None:
    """Link the parts of a slice into the job's folder, where later attempts replace them; limit the warnings."""
    for kind in (*KINDS, "rejected"):
        for count, part in enumerate(attempt.parts(kind)):
            at = number * PARTS_OF_SLICE + count
            if kind == "errors":
                errors = pl.read_parquet(part)
                kept = limit_warnings(errors, stored=tally.stored_warnings)
                if kept.height < errors.height:
                    folder.write_part(kind, at, kept)
                    continue
            folder.link_part(kind, at, part)


def _count(tally: Tally, manifest: Manifest, *, place: int) -> None:
    tally.rows += manifest.rows
    tally.others += manifest.others
    tally.seen_by_source[place] += manifest.seen
    tally.bytes += manifest.bytes
    tally.refused += manifest.refused
    tally.warnings += manifest.warnings
    tally.errors_by_code.update(manifest.errors_by_code)

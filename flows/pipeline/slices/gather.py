"""Load the sources of a job in slices and gather what was staged, as one process would have staged it."""

import os
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import monotonic

from flows.pipeline.job import Job, Progress
from flows.pipeline.slices.adopt import adopt_slice
from flows.pipeline.slices.cut import SLICE_BYTES, Slice, cut_source, narrow
from flows.pipeline.slices.dask import Dask
from flows.pipeline.slices.runners import Processes
from flows.pipeline.slices.worker import Manifest, Order, load_slice
from flows.pipeline.staging import Context, Tally, first_profile
from flows.readers.detect import detect_format
from flows.readers.reading import Skipped
from flows.readers.sources import Source
from flows.store.job_folder import JobFolder
from flows.store.private_files import private_folder
from flows.store.resources import available_processors
from flows.store.slices.bucket import Bucket, bucket_of
from schemas.faults import JobFault
from schemas.profiles import Profile

PROGRESS_SECONDS = 0.5


def load_slices(context: Context, runner: "Processes | Dask") -> Tally | None:
    """Stage the rows of all sources by several processes and return what was counted; None if there is only one slice,
    or the workers cannot see all sources. Raise what loading them whole raises."""
    job = context.job
    stages_elsewhere = job.settings.staging is not None or job.settings.staging_url != ""
    if _is_remote(runner) and stages_elsewhere and any(_is_spooled(source, job) for source in context.sources):
        return None
    forms = [detect_format(source, context.job.options.format) for source in context.sources]
    slices = _cut(context, forms)
    if len(slices) < 2:
        return None
    profiles = {
        one.place: first_profile(context, context.sources[one.place], form=forms[one.place])
        for one in slices
        if one.source.span and one.source.span.begin == 0
    }
    bucket = bucket_of(job.settings, job.id) if _is_remote(runner) else None
    run = _Run(context, slices, forms, profiles, bucket)
    loading = runner.run(load_slice, run.orders(runner), again=run.try_again, waiting=run.report)
    try:
        for manifest in loading:
            if bucket is not None:
                bucket.download(Path(manifest.path))
            run.manifests[manifest.number] = manifest
    except BaseException:
        with suppress(JobFault):
            (bucket or run.folder).request_cancel()  # workers of other machines watch for it
        raise
    return run.gather()


def _cut(context: Context, forms: Sequence[str]) -> list[Slice]:
    """Return the slices of all sources, in order, with the numbers of their records as far as they are known."""
    slices: list[Slice] = []
    before: int | None = 0
    for place, (source, form) in enumerate(zip(context.sources, forms, strict=True)):
        for span, records in cut_source(source, form, size=SLICE_BYTES, waiting=context.job.stop.check):
            slices.append(Slice(len(slices), place, narrow(source, span, form), records, 1 + (before or 0)))
            before = None if before is None or records is None else before + records
    return slices


@dataclass
class _Run:
    """The loading of the slices of a job, and what has come of it so far."""

    context: Context
    slices: Sequence[Slice]
    forms: Sequence[str]
    profiles: Mapping[int, Profile]  # of the sources that are cut, by their place
    bucket: Bucket | None
    manifests: dict[int, Manifest] = field(default_factory=dict)
    _attempts: dict[int, Order] = field(default_factory=dict)
    _reported: float = 0.0

    @property
    def folder(self) -> JobFolder:
        """The folder of the slices, and of the mark that cancels them."""
        return JobFolder(self._job.settings.slices_of(self._job.id))

    def orders(self, runner: "Processes | Dask") -> list[Order]:
        """Return the order of each slice; the largest of the whole sources first, which may take longest."""
        job = self._job
        private_folder(self.folder.path)
        for place in (self.folder, self.bucket):
            if place is not None:
                place.discard_cancel()
        is_remote = _is_remote(runner)
        settings = job.settings.shared_by(runner.count if isinstance(runner, Processes) else available_processors())
        for one in self.slices:
            self._attempts[one.number] = Order(
                slice=_leave_machine(one) if is_remote else one,
                form=self.forms[one.place],
                profile=self.profiles.get(one.place),
                options=job.options,
                settings=settings,
                connection=self.context.connection,
                instructions=self.context.instructions,
                job_id=job.id,
                folder=self.folder.path.absolute(),
                is_remote=is_remote,
                bucket=self.bucket,
                attempt=uuid.uuid4().hex[:8],
                time_limit_seconds=job.stop.time_limit_seconds,
            )
        return sorted(self._attempts.values(), key=lambda order: (order.profile is not None, -order.slice.source.size))

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
        sizes, cut_into = [source.size for source in self.context.sources], Counter(one.place for one in self.slices)
        rows, done = 0, 0.0
        for one in self.slices:
            if manifest := self.manifests.get(one.number):
                found, share = manifest.rows, 1.0
            else:
                status = JobFolder(self._attempts[one.number].path).read_status()
                found, share = int(str(status.get("rows", 0))), float(str(status.get("percent", 0.0))) / 100
            rows, done = rows + found, done + share * sizes[one.place] / cut_into[one.place]
        job.read.rows = rows
        job.report_progress(Progress(rows, round(done), sum(sizes), monotonic() - job.started))

    def gather(self) -> Tally:
        """Put the parts of all slices into the job's folder, in their order, and return what was counted."""
        tally, folder = Tally(), self._job.folder
        context, seen_places = self.context, set[int]()
        for one in self.slices:
            self._job.stop.check()
            manifest = self.manifests[one.number]
            for layout in JobFolder(Path(manifest.path)).layouts()[:1] if one.place not in seen_places else ():
                folder.add_layout(layout[0], layout[1] or None)
                seen_places.add(one.place)
            if one.place == len(context.profiles):  # its first slice
                context.profiles.append(manifest.profile)
                context.skipped.append(Skipped())
            context.skipped[one.place].blank_lines += manifest.blank_lines
            offset = tally.rows + tally.others + 1 - one.first_record
            adopt_slice(folder, manifest, offset=offset, tally=tally, place=one.place)
        self._job.read.rows = tally.rows
        return tally

    @property
    def _job(self) -> Job:
        return self.context.job


def _is_spooled(source: Source, job: Job) -> bool:
    """Return whether a source was fetched, unpacked or read from standard input into the job's folder."""
    return Path(os.path.realpath(source.path)).is_relative_to(os.path.realpath(job.folder.path))


def _is_remote(runner: "Processes | Dask") -> bool:
    return isinstance(runner, Dask) and bool(runner.address)


def _leave_machine(one: Slice) -> Slice:
    """Return the slice with the path that its source has on every machine, rather than that of an open file."""
    return replace(one, source=replace(one.source, path=Path(os.path.realpath(one.source.path))))

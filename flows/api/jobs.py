"""Jobs as the HTTP face sees them: requested, found, listed and canceled, within what a token may see.

Every router goes through `JobService`; none touches a folder, a queue or the database itself. Methods block: call them
from plain functions, which FastAPI runs in threads.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from pydantic import ValidationError

from flows.api.own.shown import without_folders
from flows.api.problems import Problem, forbidden, not_found, unavailable
from flows.pipeline.path_checks import require_source_in_roots, require_url_in_roots
from flows.report.ids import find_imported
from flows.report.vendors import JobView
from flows.settings import Settings
from flows.store import connections as stored_connections
from flows.store.database import Store
from flows.store.job_folder import JOB_ID, JobFolder, folders_in
from flows.store.job_status import (
    JobFilter,
    KnownJob,
    find_ended_job,
    find_job_named,
    find_jobs,
    find_running_job,
    impatient,
    request_cancel,
)
from flows.store.jobs import find_errors, find_rejected
from flows.store.locks import file_lock
from flows.store.private_files import private_folder
from flows.store.requests import request as requests
from flows.store.requests import staging
from flows.store.requests.queue import dequeue, end_request, enqueue, queued_jobs
from flows.store.requests.request import JobRequest
from flows.store.retention import purge_job
from schemas.codes import ErrorCode
from schemas.connection import ConnectionSettings
from schemas.faults import Canceled, DatabaseFault, Fault, JobFault
from schemas.job import RUNNING, JobStatus
from schemas.options import JobOptions
from schemas.source_names import is_url
from transforms.statements import Value, run_mapped

if TYPE_CHECKING:
    from flows.api.dispatch.dispatcher import Dispatcher
    from flows.api.guard.tokens import Token

RECORDS_PER_PAGE = 10_000
READ_SECONDS = 10.0  # that a call waits for a busy database before it answers that it is
PATH_OPTIONS = ("plan", "mapping", "hash_parameters")  # name files of this machine
OF_PROFILES = "name it by a path within IMPORT_ROOTS"
CANCELED = Canceled(ErrorCode.CANCELED, "the job was canceled before it began", "request it again")


class Draft:
    """A request that nobody sees yet; a `with` block removes it unless it was submitted or staged."""

    def __init__(self, service: "JobService", draft: requests.Draft, token: "Token") -> None:
        """Hold the draft on disk."""
        self._service, self._draft, self._token = service, draft, token

    @property
    def job_id(self) -> str:
        """The id that the job has."""
        return self._draft.request.job_id

    @property
    def connection(self) -> str:
        """The connection that the users belong to."""
        return self._draft.request.connection

    def update(
        self,
        *,
        connection: str | None = None,
        options: Mapping[str, object] | None = None,
        details: Mapping[str, object] | None = None,
    ) -> None:
        """Set what was not known at the beginning; raise `Problem` as `JobService.begin` does."""
        before = self._draft.request
        request = replace(
            before,
            connection=connection or before.connection,
            options={**before.options, **(options or {})},
            details={**before.details, **(details or {})},
        )
        self._service.check(request, self._token)
        self._draft.request = request

    def add_file(self, name: str) -> AbstractContextManager[BinaryIO]:
        """Return a block that writes the next source file, in pieces of any size."""
        return self._draft.add_file(name)

    @property
    def files(self) -> Sequence[Path]:
        """The files that were sent so far."""
        return requests.sent_files(self._draft.folder)

    def add_path(self, path: str) -> None:
        """Add a source by its path or URL; raise `Problem` (400) unless it is within `IMPORT_ROOTS`."""
        self._service.require_in_roots(path)
        self._draft.request = replace(self._draft.request, paths=(*self._draft.request.paths, path))

    def add_job(self, job_id: str) -> None:
        """Add the job that is undone or applied."""
        self._draft.request = replace(self._draft.request, paths=(job_id,))

    def submit(self) -> KnownJob:
        """Record and queue the job, and return it."""
        self._draft.publish()
        return self._service.enqueue(self.job_id)

    def stage(self) -> JobRequest:
        """Record the job as staged, to be run by `JobService.run_staged`, and return the request."""
        self._draft.publish(is_staged=True)
        return self._draft.request


@dataclass(frozen=True)
class JobService:
    """The jobs of one database."""

    settings: Settings
    dispatcher: "Dispatcher | None" = None

    @contextmanager
    def begin(
        self,
        *,
        face: str,
        token: "Token",
        connection: str,
        options: Mapping[str, object],
        job_id: str | None = None,
        details: Mapping[str, object] | None = None,
        kind: str = "import",
    ) -> Iterator[Draft]:
        """Yield a new request. Raise `Problem`: 400 for an option that cannot be used, 403 for a connection that the
        token may not use, 409 for an id that a job has; and `Fault` if the disk is full."""
        request = JobRequest(
            job_id=job_id or requests.new_job_id(),
            face=face,
            requested_by=token.name,
            connection=connection,
            kind=kind,
            options=options,
            details=details or {},
        )
        self.check(request, token)
        if self._folder(request.job_id).is_requested:
            raise Problem(409, "conflict", f"there is a job {request.job_id} already")
        draft = requests.Draft(self.settings, request)
        try:
            yield Draft(self, draft, token)
        finally:
            draft.close()

    def check(self, request: JobRequest, token: "Token") -> None:
        """Raise `Problem` for a connection that the token may not use, or options that cannot be."""
        if not token.may_use(request.connection):
            raise forbidden(f"the token may not use the connection {request.connection}")
        values = {**request.options, "connection": request.connection, "sources": ("users",)}
        try:
            JobOptions.model_validate(values)
        except ValidationError as error:
            wrong = error.errors(include_url=False)[0]
            name, message = ".".join(map(str, wrong["loc"])), wrong["msg"].removeprefix("Value error, ")
            raise Problem(400, "invalid_option", f"{name}: {message}") from None
        for name in PATH_OPTIONS:
            if path := request.options.get(name):
                self.require_in_roots(str(path))

    def require_in_roots(self, path: str) -> None:
        """Raise `Problem` (400) for a path or URL that is not within `IMPORT_ROOTS`, or if those are not set."""
        if not self.settings.roots:
            raise Problem(400, "path_refused", "paths can be named only where IMPORT_ROOTS limits them")
        try:
            if is_url(path):
                require_url_in_roots(path, self.settings)
            else:
                require_source_in_roots(Path(path), self.settings)
        except Fault:
            raise Problem(400, "path_refused", "the path is not within IMPORT_ROOTS") from None

    def enqueue(self, job_id: str) -> KnownJob:
        """Let a published request wait for its process, and return its job."""
        enqueue(self.settings, job_id)
        if self.dispatcher:
            self.dispatcher.wake()
        found = self._known(job_id)
        if found is None:
            raise not_found()
        return found

    def find(self, job_id: str, *, token: "Token", needs_table: bool = False) -> KnownJob:
        """Return a job as its folder has it, without waiting for the database, unless all that the table knows of one
        that has ended is needed. Raise `Problem`: 404 for an unknown job and one of a connection that the token may not
        use, 503 if only a busy database knows it."""
        found = self._known(job_id, needs_table=needs_table)
        if found is None or not token.may_use(found.summary.connection):
            raise not_found()
        return found

    def find_whole(self, job_id: str, *, token: "Token") -> KnownJob:
        """Return a job with all that the table knows of it, unless that is busy; raise `Problem` as `find` does."""
        job = self.find(job_id, token=token)
        if not job.is_running:
            with suppress(Fault):
                return find_job_named(self._store(), job.summary.job_id)
        return job

    def request_of(self, job_id: str) -> JobRequest | None:
        """Return what was requested; None if the job began elsewhere or its data is purged."""
        return requests.read_request(self._folder(job_id)) if JOB_ID.fullmatch(job_id) else None

    def list(self, *, token: "Token", wanted: JobFilter) -> list[KnownJob]:
        """Return the wanted jobs, newest first, of the connections that the token may use."""
        scopes = [wanted.connection] if token.connections is None else sorted(token.connections)
        if wanted.connection is not None:
            scopes = [wanted.connection] if token.may_use(wanted.connection) else []
        found = [
            job for connection in scopes for job in find_jobs(self._store(), replace(wanted, connection=connection))[0]
        ]
        return sorted(found, key=lambda job: job.summary.created_at, reverse=True)[: wanted.limit]

    def view(self, job: KnownJob, *, with_errors: bool = False) -> JobView:
        """Return the job as the formats of other systems need it, without paths of this machine; with all its errors
        only where asked for."""
        summary = without_folders(job).summary
        view = JobView(
            summary=summary,
            percent=cast("float | None", job.progress.get("percent")),
            seconds_left=cast("float | None", job.progress.get("seconds_left")),
            rows=cast("int", job.progress.get("rows", 0)),
            expired=job.is_purged,
            on_error=self._on_error(job),
        )
        if not with_errors or job.is_running:
            return view
        with self.reading():
            errors, rejected = find_errors(self.patient, summary.job_id), find_rejected(self.patient, summary.job_id)
        return replace(view, errors=errors, rejected=rejected)

    def sent_files(self, job_id: str) -> Sequence[Path]:
        """Return the files that were sent for a job, until its data is purged."""
        return requests.sent_files(self._folder(job_id))

    def refused_pages(self, job: KnownJob) -> Iterator[JobView]:
        """Yield the job with the refused records of some thousand records at a time, all as of one moment.
        Raise `Problem` (503) before the first if the database is busy."""
        view = self.view(job)
        with self.reading(), self.patient.reading() as connection:
            for after in range(0, job.summary.total, RECORDS_PER_PAGE):
                page: dict[str, Value] = {
                    "job_id": job.summary.job_id,
                    "after": after,
                    "upto": after + RECORDS_PER_PAGE,
                }
                errors = run_mapped(connection, "errors_of_records", **page)
                if errors:
                    yield replace(view, errors=errors, rejected=run_mapped(connection, "rejected_of_records", **page))

    def imported(self, job: KnownJob, *, after: int, limit: int) -> Sequence[Mapping[str, object]]:
        """Return the users of a job that are in the table now: those of the records after one, at most so many."""
        return find_imported(self.patient, job.summary, after=after, limit=limit)

    def refused(self, job: KnownJob, *, after: int, limit: int) -> JobView:
        """Return the job with what was refused of the records after one, up to so many records further."""
        page: dict[str, Value] = {"job_id": job.summary.job_id, "after": after, "upto": after + limit}
        with self.reading(), self.patient.reading() as connection:
            errors = run_mapped(connection, "errors_of_records", **page)
            return replace(
                self.view(job), errors=errors, rejected=run_mapped(connection, "rejected_of_records", **page)
            )

    def find_request(self, *, face: str, key: str) -> JobRequest | None:
        """Return the request of a face that has the key among its details; None if none has it."""
        database = self.settings.database.resolve()
        folders = [folder for folder in folders_in(self.settings.jobs_folder) if folder.is_requested]
        found = (requests.read_request(folder) for folder in folders if folder.belongs_to(database))
        return next((r for r in found if r and r.face == face and r.details.get("key") == key), None)

    def purge(self, job: KnownJob) -> None:
        """Remove the data of a job that has ended, its refused users among them; it is known as before.
        Raise `JobFault` if it runs, `Problem` (503) if the database is busy."""
        with self.reading():
            purge_job(self.patient, job.summary.job_id)

    @contextmanager
    def one_at_a_time(self, face: str) -> Iterator[None]:
        """Let one call of a face at a time count the jobs and submit one, whatever server of the database takes it."""
        with file_lock(private_folder(self.settings.jobs_folder) / f".{face}.lock"):
            yield

    def cancel(self, job: KnownJob) -> str:
        """Stop a job wherever it is, and return a sentence for the user."""
        job_id, folder = job.summary.job_id, self._folder(job.summary.job_id)
        with suppress(JobFault), requests.changing(folder) as request:
            is_waiting = not (requests.is_started(folder) or requests.has_begun(folder))
            if not is_waiting and job.is_running:
                folder.request_cancel()
        if folder.is_requested and is_waiting:
            if request.flow_run_id:
                from flows.jobs.queued import cancel_run  # noqa: PLC0415 - only with Prefect

                cancel_run(request.flow_run_id)
            end_request(folder, JobStatus.CANCELED, CANCELED)
            dequeue(self.settings, job_id)
            if self.dispatcher:
                self.dispatcher.ended[JobStatus.CANCELED] += 1
            return f"job {job_id} was canceled before it began"
        if (job.is_running and folder.is_requested) or request_cancel(self._store(), job_id):
            return f"job {job_id} was requested to stop"
        return f"job {job_id} has already ended: {job.summary.status.value}"

    def active(self, *, connection: str, face: str | None = None) -> int:
        """Return how many requested jobs of a connection wait or run."""
        return sum(r.connection == connection and face in (None, r.face) for r in self.active_requests())

    def active_requests(self) -> Iterator[JobRequest]:
        """Yield the requests of the jobs that wait or run."""
        for job_id in {*queued_jobs(self.settings)}:
            if self._is_active(job_id) and (request := self.request_of(job_id)):
                yield request

    def staged(self, *, connection: str) -> JobRequest | None:
        """Return the latest staging of a connection, also when it has run; None if there was none."""
        return staging.find_operation(self.settings, connection=connection)

    @contextmanager
    def add_to_staged(
        self, job_id: str, *, token: "Token", name: str = "users.ndjson", records: int = 0
    ) -> Iterator[BinaryIO]:
        """Yield one more source file of a staged job, with so many records, as far as that is known.
        Raise `Problem` (404) for a job that the token may not use, and `JobFault` if it is gone or has begun."""
        self._require_allowed(job_id, token)
        with staging.add_source(self.settings, job_id, name=name, records=records) as file:
            yield file

    def run_staged(self, job_id: str, *, token: "Token") -> KnownJob:
        """Queue a staged job, and return it. Raise `Problem` and `JobFault` as `add_to_staged`."""
        self._require_allowed(job_id, token)
        with staging.changing_staged(self.settings, job_id) as request:
            requests.write_request(self._folder(job_id), replace(request, is_staged=False))
        return self.enqueue(job_id)

    def clear_staged(self, *, connection: str) -> bool:
        """Remove what is staged for a connection and has not begun; return whether there was something."""
        return staging.clear(self.settings, connection=connection)

    def connections(self, *, token: "Token") -> Sequence[ConnectionSettings]:
        """Return the connections that the token may see."""
        with self.reading():
            found = stored_connections.list_connections(self.patient)
        return [one for one in found if token.may_use(one.connection)]

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Raise `Problem` (503) in place of the fault of a busy database within the block."""
        try:
            yield
        except DatabaseFault as fault:
            if fault.code is ErrorCode.DATABASE_BUSY:
                raise unavailable("the database is busy; ask again") from None
            raise

    @property
    def patient(self) -> Store:
        """The store for calls that need the database: they wait some seconds for it."""
        seconds = min(READ_SECONDS, self.settings.wait_seconds)
        return Store(replace(self.settings, wait_seconds=seconds))

    def _require_allowed(self, job_id: str, token: "Token") -> None:
        request = self.request_of(job_id)
        if request is None or not token.may_use(request.connection):
            raise not_found()

    def _known(self, job_id: str, *, needs_table: bool = False) -> KnownJob | None:
        if not JOB_ID.fullmatch(job_id):
            return None
        store = self._store()
        found = find_running_job(store, job_id) or (None if needs_table else find_ended_job(store, job_id))
        if found:
            return found
        try:
            with self.reading():
                if self._folder(job_id).read_status() or store.path.exists():
                    named = find_job_named(self.patient if needs_table else store, job_id)
                    return named if self._is_meant(named, job_id) else None
        except JobFault:
            pass
        return None

    def _is_meant(self, job: KnownJob, job_id: str) -> bool:
        """Return whether the id is that of the job or of a repeat of it, rather than an external id."""
        return job_id not in (job.summary.external_id, *job.other_external_ids) or job.summary.job_id == job_id

    def _is_active(self, job_id: str) -> bool:
        folder = self._folder(job_id)
        has_ended = folder.read_status().get("status") not in RUNNING  # its process may still send notices
        return not has_ended and (requests.is_started(folder) or not requests.has_begun(folder))

    def _on_error(self, job: KnownJob) -> str:
        request = self.request_of(job.summary.job_id)
        return str(request.options.get("on_error", job.on_error)) if request else job.on_error

    def _store(self) -> Store:
        return impatient(Store(self.settings))

    def _folder(self, job_id: str) -> JobFolder:
        return JobFolder(self.settings.jobs_folder / job_id)

"""The progress of a job as server-sent events, from the file in its folder that its process replaces.

An event is the whole current state, so that a client that comes back has missed nothing: `phase` when the status has
changed, `progress` when the counts have, `end` with the summary. Who watches the same job shares what is read of it.
"""

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool

from flows.api.jobs import JobService
from flows.api.own.shown import show_job
from flows.api.problems import Problem
from flows.api.tokens import Token
from flows.store.job_folder import STATUS_FILE
from flows.store.job_status import KnownJob

LOOK_SECONDS = 0.25
HEARTBEAT_SECONDS = 10.0  # proxies close connections that are silent for some tens of seconds
SHARED_SECONDS = 0.2
ASK_SECONDS = 2.0  # between two looks whether a silent job's process is still there
END = "end"


class Board:
    """The latest state of the jobs that are watched."""

    def __init__(self, jobs: JobService) -> None:
        """Begin empty."""
        self.jobs = jobs
        self._read: dict[str, tuple[float, KnownJob]] = {}

    def find(self, job_id: str, *, token: Token) -> KnownJob:
        """Return a job as it was a moment ago; raise `Problem` as `JobService.find` does."""
        at, job = self._read.get(job_id, (0.0, None))
        if job is None or time.monotonic() - at > SHARED_SECONDS or not token.may_use(job.summary.connection):
            job = self.jobs.find(job_id, token=token)
            now = time.monotonic()
            self._read = {name: kept for name, kept in self._read.items() if now - kept[0] < 1.0}
            self._read[job_id] = (now, job)
        return job


@dataclass(frozen=True)
class Watch:
    """A job that is watched with a token, which has to stay valid."""

    board: Board
    job_id: str
    token: Token
    is_valid: Callable[[Token], bool]

    async def events(self, *, last_id: str = "") -> AsyncIterator[str]:
        """Yield the events of the job, from the current state on, until it has ended."""
        before: dict[str, object] = {}
        seen, waited, silent = "", ASK_SECONDS, 0.0
        yield "retry: 2000\n\n"
        while True:
            version = self._version()
            if version != seen or waited >= ASK_SECONDS:
                job = await run_in_threadpool(self._find)
                waited = 0.0
                if job is None:
                    return
                seen = version
                state = show_job(job)
                if not job.is_running:
                    yield write_event(END, state, event_id=END)
                    return
                now = _progress(job)
                if now != before:
                    name = "phase" if now["status"] != before.get("status") else "progress"
                    if before or version != last_id:
                        yield write_event(name, now, event_id=version)
                        silent = 0.0
                    before = now
            if silent >= HEARTBEAT_SECONDS:
                yield ": still there\n\n"
                silent = 0.0
            await asyncio.sleep(LOOK_SECONDS)
            waited, silent = waited + LOOK_SECONDS, silent + LOOK_SECONDS

    def _version(self) -> str:
        """Return what changes whenever the job's process has published its progress; empty without a file."""
        try:
            found = os.stat(self.board.jobs.settings.jobs_folder / self.job_id / STATUS_FILE)  # noqa: PTH116 - for speed
        except FileNotFoundError:
            return ""
        return f"{found.st_mtime_ns:x}-{found.st_ino:x}"

    def _find(self) -> KnownJob | None:
        """Return the job; None if the token is not valid any more, or the job is gone."""
        if not self.is_valid(self.token):
            return None
        try:
            return self.board.find(self.job_id, token=self.token)
        except Problem:
            return None


def write_event(name: str, data: Mapping[str, object], *, event_id: str) -> str:
    """Return an event as it is sent."""
    return f"id: {event_id}\nevent: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"


def _progress(job: KnownJob) -> dict[str, object]:
    return {"job_id": job.summary.job_id, "status": job.summary.status.value, **job.progress}

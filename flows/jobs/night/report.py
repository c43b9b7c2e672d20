"""What became of a night: each file of the inboxes, each job, and what needs a person; as a sentence and as JSON.

What is found is up to `flows.jobs.night.account`.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from schemas.job import DONE, UNDO, JobSummary

Kind = Literal["lost", "blocked", "waiting", "changed"]
KINDS: tuple[Kind, ...] = ("lost", "blocked", "waiting", "changed")
COUNTS = ("total", "inserted", "updated", "unchanged", "failed")


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Something that needs a person: what it is, and what to do."""

    kind: Kind
    message: str
    hint: str


@dataclass(frozen=True, kw_only=True)
class NightFile:
    """A file of an inbox: where it lies, since when, and the job that imported it."""

    inbox: str
    name: str  # under which it came
    place: str  # waiting, importing, withdrawn, replaced, purged, missing, or the folder that it was filed under
    path: str | None  # where it lies
    since: datetime
    why: str = ""
    is_changed: bool = False
    is_repeat: bool = False  # its content had been imported before
    job: JobSummary | None = None

    def to_dict(self) -> dict[str, object]:
        """Return the file as JSON values."""
        rows = {name: getattr(self.job, name) if self.job and not self.is_repeat else 0 for name in COUNTS}
        return {
            **{name: getattr(self, name) for name in ("inbox", "name", "place", "path")},
            "since": _iso(self.since),
            "why": self.why,
            "changed": self.is_changed,
            "repeat": self.is_repeat,
            "job_id": self.job.job_id if self.job else None,
            "status": self.job.status.value if self.job else None,
            **rows,
        }


@dataclass(frozen=True, kw_only=True)
class Night:
    """What became of every file and job since a time, and what needs a person."""

    since: datetime
    until: datetime
    files: tuple[NightFile, ...]
    jobs: tuple[JobSummary, ...]
    problems: tuple[Problem, ...]

    @property
    def is_good(self) -> bool:
        """Whether nothing needs a person."""
        return not self.problems

    @property
    def places(self) -> Mapping[str, int]:
        """The number of files by place."""
        return Counter(file.place for file in self.files)

    @property
    def statuses(self) -> Mapping[str, int]:
        """The number of jobs by status."""
        return Counter(job.status.value for job in self.jobs)

    @property
    def rows(self) -> Mapping[str, int]:
        """The rows of the jobs by outcome; those of dry runs, of undos and of jobs that were stopped, whose rows nobody
        refused, are not counted."""
        ended = (job for job in self.jobs if job.status in DONE or job.errors_by_code)
        counted = [job for job in ended if not job.dry_run and job.mode != UNDO]
        return {name: sum(getattr(job, name) for job in counted) for name in COUNTS}

    @property
    def sentence(self) -> str:
        """Whether the night was good, and what there was."""
        found = Counter(problem.kind for problem in self.problems)
        verdict = ", ".join(f"{found[kind]:,} {kind}" for kind in KINDS if found[kind])
        rows = self.rows
        counts = (
            f"{_count(len(self.files), 'file')}{_listed(self.places)}, {_count(len(self.jobs), 'job')}"
            f"{_listed(self.statuses)}, {rows['failed']:,} of {_count(rows['total'], 'row')} refused"
        )
        return f"the night needs a person: {verdict}; {counts}" if verdict else f"the night was good: {counts}"

    def to_dict(self) -> dict[str, object]:
        """Return the night as JSON values, keys in the documented order."""
        return {
            "good": self.is_good,
            "sentence": self.sentence,
            "since": _iso(self.since),
            "until": _iso(self.until),
            "problems": [dict(problem.__dict__) for problem in self.problems],
            "counts": {"files": dict(self.places), "jobs": dict(self.statuses), "rows": dict(self.rows)},
            "files": [file.to_dict() for file in self.files],
            "jobs": [job.to_dict() for job in self.jobs],
        }


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _listed(counts: Mapping[str, int]) -> str:
    listed = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in sorted(counts.items()))
    return f" ({listed})" if listed else ""


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")

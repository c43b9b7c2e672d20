"""What a commit left, counted again before anybody is told: a commit can fail without an error.

Where the tables do not hold what was planned, the job has failed, although something of it may be in.
"""

from collections.abc import Mapping
from dataclasses import replace

import duckdb

from flows.pipeline.job import Job, finished
from schemas.codes import ErrorCode
from schemas.faults import JobFault
from schemas.job import JobStatus, JobSummary, fault_record
from transforms.statements import Value, run_mapped

HINT = "keep a copy of the database and report this; `python -m flows.jobs undo JOB` takes back what is in"


class BrokenCommit(JobFault):
    """A commit that left something else than what was planned; `summary` is the end of the job, with what was found."""

    def __init__(self, message: str, summary: JobSummary) -> None:
        super().__init__(ErrorCode.NOT_CONSERVED, message, HINT)
        self.summary = replace(summary, fault=fault_record(self))

    def __reduce__(self) -> tuple[type["BrokenCommit"], tuple[str, JobSummary]]:  # type: ignore[override]
        return type(self), (self.message, self.summary)


def merged_counts(connection: duckdb.DuckDBPyConnection, job: Job) -> dict[str, int]:
    """What the job has left in the tables: changes and users, and `key_sum` over the keys of those users."""
    values: Mapping[str, Value] = {"connection": job.options.connection, "job_id": job.id}
    (counted,) = run_mapped(connection, "merged_counts", **values)
    return {name: int(str(count)) for name, count in counted.items()}


def verify_merge(connection: duckdb.DuckDBPyConnection, job: Job, summary: JobSummary, *, key_sum: int) -> None:
    """Go on when the tables hold what the summary of an import says, with the keys that were found to be unique.

    Raises:
        BrokenCommit: they do not.

    """
    found = merged_counts(connection, job)
    merged = not summary.dry_run and summary.fault is None
    inserted, updated = (summary.inserted, summary.updated) if merged else (0, 0)
    _compare(job, summary, found, {"inserts": inserted, "updates": updated, "created": inserted, "changed": updated})
    if found["key_sum"] != key_sum:
        raise _broken(job, summary, found, "users whose keys are not those that the job wrote")


def verify_undo(connection: duckdb.DuckDBPyConnection, job: Job, summary: JobSummary, *, put_in: int) -> None:
    """Go on when the tables hold what the summary of an undo says.

    Raises:
        BrokenCommit: they do not.

    """
    values: Mapping[str, Value] = {"connection": job.options.connection, "job_id": job.id}
    (counted,) = run_mapped(connection, "reversed_counts", **values)
    found = {name: int(str(count)) for name, count in counted.items()}
    expected = {"reversed": 0, "restored": 0} if summary.dry_run else {"reversed": summary.updated, "restored": put_in}
    _compare(job, summary, found, expected)


def _compare(job: Job, summary: JobSummary, found: Mapping[str, int], expected: Mapping[str, int]) -> None:
    wrong = [f"{found[name]} {name}, not {count}" for name, count in expected.items() if found[name] != count]
    if wrong:
        raise _broken(job, summary, found, ", ".join(wrong))


def _broken(job: Job, summary: JobSummary, found: Mapping[str, int], what: str) -> BrokenCommit:
    """The fault with the end of the job: its counts are what was found."""
    inserted, updated = found.get("created", 0), found.get("changed", found.get("reversed", 0))
    failed = summary.total - inserted - updated - summary.unchanged
    counts = replace(summary, status=JobStatus.FAILED, inserted=inserted, updated=updated, failed=failed)
    return BrokenCommit(f"after the commit the tables hold {what}", finished(job, counts))

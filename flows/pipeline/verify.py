"""Verify a commit: count what the tables hold before anything is reported, for a commit can fail silently.

Where the tables do not hold what was planned, the job has failed, although some of its changes may be committed.
"""

from collections.abc import Mapping
from dataclasses import replace

import duckdb

from flows.pipeline.job import Job, Values, fill_times
from flows.settings import format_command
from schemas.codes import ErrorCode
from schemas.faults import JobFault
from schemas.job import JobStatus, JobSummary, fault_record
from transforms.statements import run_mapped


class BrokenCommit(JobFault):
    """A commit that left something else than what was planned; `summary` is the end of the job, with what was found."""

    def __init__(self, message: str, hint: str, summary: JobSummary) -> None:
        super().__init__(ErrorCode.NOT_CONSERVED, message, hint)
        self.summary = replace(summary, fault=fault_record(self))

    def __reduce__(self) -> tuple[type["BrokenCommit"], tuple[str, str, JobSummary]]:  # type: ignore[override] # other fields
        return type(self), (self.message, self.hint, self.summary)


def read_counts(connection: duckdb.DuckDBPyConnection, query: str, values: Values) -> dict[str, int]:
    """Return the one row of a query whose columns are counts."""
    (counts,) = run_mapped(connection, query, **values)
    return {name: int(str(count)) for name, count in counts.items()}


def verify_merge(
    connection: duckdb.DuckDBPyConnection, job: Job, summary: JobSummary, *, key_sum: int, refused: int
) -> None:
    """Raise `BrokenCommit` unless the tables hold what the summary of an import says.
    `key_sum` is the checksum of the users' keys and digests that was read when the keys were found to be unique,
    `refused` the number of records that were refused, which a job that merges nothing also has."""
    found = read_counts(connection, "merged_counts", job.key)
    merged = not summary.dry_run and summary.fault is None
    inserted, updated = (summary.inserted, summary.updated) if merged else (0, 0)
    users = {"updates": updated, "created": inserted, "changed": updated}
    records = {"errors": _errors_of(summary), "warnings": found["staged_warnings"], "refused": refused}
    _compare(job, summary, found, users | records)
    if found["key_sum"] != key_sum:
        raise _broken_commit(job, summary, found, "users that are not those that the job wrote")


def verify_undo(connection: duckdb.DuckDBPyConnection, job: Job, summary: JobSummary, *, put_in: int) -> None:
    """Raise `BrokenCommit` unless the tables hold what the summary of an undo says.
    `put_in` is the number of users put in again."""
    expected = {"reversed": 0, "restored": 0} if summary.dry_run else {"reversed": summary.updated, "restored": put_in}
    expected |= {"errors": _errors_of(summary), "kept": summary.failed}
    _compare(job, summary, read_counts(connection, "reversed_counts", job.key), expected)


def _errors_of(summary: JobSummary) -> int:
    return sum(summary.errors_by_code.values())


def _compare(job: Job, summary: JobSummary, found: Mapping[str, int], expected: Mapping[str, int]) -> None:
    wrong = [f"{found[name]:,} {name}, not {count:,}" for name, count in expected.items() if found[name] != count]
    if wrong:
        raise _broken_commit(job, summary, found, ", ".join(wrong))


def _broken_commit(job: Job, summary: JobSummary, found: Mapping[str, int], what: str) -> BrokenCommit:
    """Return the fault with the end of the job, whose counts are those that were found."""
    inserted, updated = found.get("created", 0), found.get("changed", found.get("reversed", 0))
    failed = summary.total - inserted - updated - summary.unchanged
    counts = replace(summary, status=JobStatus.FAILED, inserted=inserted, updated=updated, failed=failed)
    undo = format_command("jobs", "undo", summary.job_id, database=job.store.path)
    hint = f"keep a copy of the database and report this; `{undo}` takes back what is in"
    return BrokenCommit(f"after the commit the tables hold {what}", hint, fill_times(job, counts))

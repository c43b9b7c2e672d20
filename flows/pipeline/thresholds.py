"""What a job may not exceed, checked on its plan before anything is merged."""

from schemas.codes import ErrorCode
from schemas.faults import JobFault
from schemas.job import JobSummary, OnError
from schemas.options import JobOptions

HINT = "see the errors with `python -m flows.jobs errors JOB`, correct the file or allow more; nothing was merged"
HINT_OF_CHANGES = "look at the changes with --dry-run --plan FILE, correct the file or allow more; nothing was merged"


def exceeded_threshold(options: JobOptions, summary: JobSummary, *, users: int) -> JobFault | None:
    """Why a job with this plan may not merge, if it may not; `users` are those that its connection has."""
    return (
        _not_conserved(summary)
        or _refused_too_many(options, summary)
        or _would_change_too_many(options, summary, users=users)
    )


def _not_conserved(summary: JobSummary) -> JobFault | None:
    counted = summary.inserted + summary.updated + summary.unchanged + summary.failed
    if counted == summary.total:
        return None
    hint = "please report this; nothing was merged"
    return JobFault(ErrorCode.NOT_CONSERVED, f"{summary.total} rows came in, {counted} are accounted for", hint)


def _refused_too_many(options: JobOptions, summary: JobSummary) -> JobFault | None:
    refused = f"{summary.failed} of {summary.total} rows were refused"
    if summary.failed and options.on_error is OnError.FAIL:
        return JobFault(ErrorCode.TOO_MANY_ERRORS, f"{refused}, and the job allows none", HINT)
    if options.max_errors is not None and summary.failed > options.max_errors:
        return JobFault(ErrorCode.TOO_MANY_ERRORS, f"{refused}, more than the {options.max_errors} allowed", HINT)
    if summary.failed > options.max_error_rate * summary.total:
        share = f"{summary.failed / summary.total:.1%} of the rows were refused"
        return JobFault(ErrorCode.TOO_MANY_ERRORS, f"{share}, more than the {options.max_error_rate:.1%} allowed", HINT)
    return None


def _would_change_too_many(options: JobOptions, summary: JobSummary, *, users: int) -> JobFault | None:
    if summary.updated <= options.max_updates_rate * users:
        return None
    message = (
        f"the job would change {summary.updated / users:.1%} of the {users} users of connection {summary.connection}, "
        f"more than the {options.max_updates_rate:.1%} allowed"
    )
    return JobFault(ErrorCode.TOO_MANY_CHANGES, message, HINT_OF_CHANGES)

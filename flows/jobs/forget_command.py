"""`python -m flows.jobs forget`: understand whom to forget, ask, and print where the user was found."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from flows.import_users.cli import Common
from flows.jobs.forget import Forgotten, forget
from flows.readers.sources import printable
from flows.report.command_line import UsageError
from flows.report.printing import confirm
from flows.store.forget import AmbiguousUserError, WantedUser
from schemas.codes import ErrorCode
from schemas.faults import Canceled, ExitCode

OUT_OF_REACH = (
    "Prefect's own database and logs",
    "mails, webhooks and backups",
    "files that were published, exported or written as plans and refused records",
)


def parse_user(given: Mapping[str | None, str | None]) -> WantedUser:
    """Return whom the arguments name, by kind of key (None: any); raise `UsageError` unless it is exactly one."""
    values = [(kind, value) for kind, value in given.items() if value is not None]
    if len(values) != 1:
        raise UsageError("name one user, with --email, --username, --user-id or one VALUE")
    ((kind, value),) = values
    if not value.strip():
        raise UsageError("the key of the user is empty")
    return WantedUser(value if kind == "user_id" else value.strip(), kind)


def run(
    common: Common,
    wanted: WantedUser,
    *,
    connection_id: str | None,
    inboxes: Sequence[Path],
    dry_run: bool,
    yes: bool,
) -> int:
    """Forget the user, after asking on a terminal, and return the exit code: 1 where something is left."""
    if not (dry_run or yes or sys.stdin.isatty()):
        raise UsageError("add --yes to erase without being asked, or --dry-run to see what would be erased")
    store = common.find_store()
    try:
        if not (dry_run or yes):
            sys.stderr.write(
                _format(forget(store, wanted, connection_id=connection_id, inboxes=inboxes, dry_run=True), dry_run=True)
            )
            if not confirm(f"erase the user {printable(wanted.value)} for good?"):
                raise Canceled(ErrorCode.CANCELED, "nothing was erased")
        found = forget(store, wanted, connection_id=connection_id, inboxes=inboxes, dry_run=dry_run)
    except AmbiguousUserError as error:
        raise UsageError(str(error)) from None
    common.print(_document(found, dry_run=dry_run), _format(found, dry_run=dry_run))
    return ExitCode.JOB_FAILED if found.left else ExitCode.ALL_ROWS_IN


def _document(found: Forgotten, *, dry_run: bool) -> dict[str, object]:
    return {
        "dry_run": dry_run,
        "rows": sum(found.tables.values()),
        "tables": dict(found.tables),
        "jobs": list(found.jobs),
        "staged_records": dict(found.jobs),
        "files": [{"path": str(file.path), "records": file.records} for file in found.files],
        "left": [{"path": str(path), "reason": reason} for path, reason in found.left.items()],
        "not_searched": [*found.sources, *OUT_OF_REACH],
    }


def _format(found: Forgotten, *, dry_run: bool) -> str:
    rows = sum(found.tables.values())
    begin = "would be erased" if dry_run else "erased"
    lines = [
        f"{begin}: {rows:,} rows, staged records of {len(found.jobs):,} jobs, records in {len(found.files):,} files"
    ]
    lines += [f"  {table}: {count:,}" for table, count in found.tables.items() if count]
    lines += [f"  job {job_id}: {records:,} staged records" for job_id, records in found.jobs.items()]
    lines += [f"  {printable(str(file.path))}: {file.records:,} records" for file in found.files]
    lines += [f"left: {printable(str(path))}: {reason}" for path, reason in found.left.items()]
    lines += [f"not searched: {name}" for name in (*found.sources, *OUT_OF_REACH)]
    return "\n".join(lines) + "\n"

"""The commands `purge` and `forget` of `flows.jobs`: they print only, the acts are `flows.retention`'s."""

import argparse
import sys

from flows.printing import print_json
from flows.settings import Settings
from schemas.faults import ExitCode


def purge(arguments: argparse.Namespace, settings: Settings) -> int:
    """Remove what is past retention and print what that was."""
    from flows.retention import purge as purge_jobs
    from flows.store import Store

    store = Store(settings)
    store.must_exist()
    purged = purge_jobs(store, days=arguments.days, dry_run=arguments.dry_run)
    if arguments.json:
        document = {"jobs": list(purged.jobs), "rejected_users": purged.rejected_users, "dry_run": arguments.dry_run}
        print_json(document)
        return ExitCode.ALL_ROWS_IN
    would = "would be " if arguments.dry_run else ""
    sys.stdout.write(
        f"the data of {len(purged.jobs)} jobs {would}removed, {purged.rejected_users} refused rows with it\n"
    )
    sys.stdout.writelines(f"  {job}\n" for job in purged.jobs)
    return ExitCode.ALL_ROWS_IN


def forget(arguments: argparse.Namespace, settings: Settings) -> int:
    """Erase a user and print what was erased."""
    from flows.retention import forget as forget_user
    from flows.store import Store

    store = Store(settings)
    store.must_exist()
    forgotten = forget_user(store, arguments.user, connection_id=arguments.connection)
    if arguments.json:
        print_json({"rows": forgotten.rows, "jobs": list(forgotten.jobs)})
    elif forgotten.rows or forgotten.jobs:
        sys.stdout.write(f"erased: {forgotten.rows} rows, and the staged data of {len(forgotten.jobs)} jobs\n")
    else:
        sys.stdout.write("nothing names that user; nothing was erased\n")
    return ExitCode.ALL_ROWS_IN

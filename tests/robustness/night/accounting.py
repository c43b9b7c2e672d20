"""Account for every file, job and row of a night from the files that were made; nothing of the product is used here."""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from tests.robustness.night.files import NightFile

REPORT = ".report.json"
MERGED = ("completed", "completed_with_errors")
FOLDERS = ("inbox", "done", "partly", "refused", "canceled")
Row = Mapping[str, Any]


def find_violations(files: Sequence[NightFile], *, inbox: Path, database: Path) -> list[str]:
    """Return a sentence for all that is lost, in twice, of nobody or unfinished; none after a good night."""
    with duckdb.connect(str(database), read_only=True) as connection:
        jobs = _rows(connection, "from import_jobs order by created_at")
        emails = [row["email"] for row in _rows(connection, "select email from users")]
    return [
        *_check_places(files, inbox),
        *_check_reports(files, inbox, {job["job_id"]: job for job in jobs}),
        *_check_users(files, emails),
        *_check_jobs(files, jobs, users=len(emails)),
    ]


def _rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[Row]:
    cursor = connection.execute(query)
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def files_in(inbox: Path) -> Iterator[tuple[str, Path]]:
    """Yield each file that someone has sent, wherever it lies, and the folder."""
    for name in FOLDERS:
        folder = inbox if name == "inbox" else inbox / name
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            is_ours = path.name.endswith(REPORT) or ".rejects." in path.name or path.name.startswith(".")
            if path.is_file() and not is_ours:
                yield name, path


def _check_places(files: Sequence[NightFile], inbox: Path) -> Iterator[str]:
    """Say which contents lie elsewhere than they should, more often or not at all: names may have changed."""
    expected: dict[str, Counter[str]] = defaultdict(Counter)
    names: dict[str, str] = {}
    for file in files:
        digest = hashlib.sha256(file.content).hexdigest()
        names[digest] = ascii(file.name)
        expected[digest].update([file.place] if file.place != "nowhere" else [])
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for place, path in files_in(inbox):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        names.setdefault(digest, ascii(path.name))
        found[digest][place] += 1
    for digest in expected.keys() | found.keys():
        if expected[digest] != found[digest]:
            yield f"{names[digest]} lies in {dict(found[digest])}, not in {dict(expected[digest])}"


def _check_reports(files: Sequence[NightFile], inbox: Path, jobs: Mapping[str, Row]) -> Iterator[str]:
    failed = {hashlib.sha256(file.content).hexdigest(): file.failed for file in files}
    for place, path in files_in(inbox):
        if place == "inbox":
            continue
        try:
            report = json.loads(path.with_name(f"{path.name}{REPORT}").read_text())
        except FileNotFoundError:
            yield f"{path.name!a} in {place} has no report"
            continue
        digest, summary = hashlib.sha256(path.read_bytes()).hexdigest(), report["summary"]
        if (report["file"]["size"], report["file"]["sha256"]) != (path.stat().st_size, digest):
            yield f"the report of {path.name!a} is about another version"
        if summary["job_id"] not in jobs:
            yield f"the report of {path.name!a} names a job that does not exist"
        elif place in ("done", "partly") and jobs[summary["job_id"]]["status"] not in MERGED:
            yield f"{path.name!a} is in {place}, but its job has not merged it"
        # of a job that was stopped, the rows that it had read count as failed
        is_stopped = place == "canceled" or (summary["fault"] or {"code": ""})["code"].startswith("FILE_")
        if summary["failed"] != failed.get(digest, 0) and not is_stopped:
            yield f"{summary['failed']} rows of {path.name!a} were refused, not {failed.get(digest, 0)}"


def _check_users(files: Sequence[NightFile], emails: Sequence[str]) -> Iterator[str]:
    wanted = {email for file in files if file.place in ("done", "partly", "nowhere") for email in file.users}
    for email, count in Counter(emails).items():
        if count > 1:
            yield f"{email} is in {count} times"
    for what, these in (("lost", wanted - {*emails}), ("of nobody", {*emails} - wanted)):
        if these:
            yield f"{len(these)} users are {what}, such as {min(these)}"


def _check_jobs(files: Sequence[NightFile], jobs: Sequence[Row], *, users: int) -> Iterator[str]:
    if len({job["job_id"] for job in jobs}) < len(jobs):
        yield "two jobs have one id"
    merged = [job for job in jobs if job["status"] in MERGED]
    if sum(job["inserted"] for job in merged) != users:
        yield f"the jobs say {sum(job['inserted'] for job in merged)} users, the table has {users}"
    files_by_name = {file.name.encode("utf-8", "backslashreplace").decode(): file for file in files}
    for job in jobs:
        (name,) = (Path(source).name for source in job["sources"])
        counts = job["inserted"] + job["updated"] + job["unchanged"] + job["failed"]
        if job["total"] != counts or job["finished_at"] is None or job["status"] not in (*MERGED, "failed", "canceled"):
            yield f"job {job['job_id']} of {name} is {job['status']} with {counts} of {job['total']} rows"
        if name not in files_by_name:
            yield f"job {job['job_id']} is about {name}, which nobody sent"
        elif files_by_name[name].place in ("done", "partly", "nowhere") and not any(
            later["sources"] == job["sources"] for later in merged if later["created_at"] >= job["created_at"]
        ):
            yield f"job {job['job_id']} of {name} is {job['status']}, and no later one has imported it"

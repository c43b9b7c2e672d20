"""What a person or a script gets from the command line: one summary, a clear exit code, one sentence for a fault."""

import csv
import gzip
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import pytest

from flows import connections
from flows.import_users.cli import app
from flows.jobs import cli as jobs
from flows.report.command_line import main
from flows.settings import Settings
from flows.store.database import Store
from flows.store.job_folder import JobFolder
from flows.store.job_status import end_lost_jobs
from tests.flows.importing import change_database
from tests.flows.report.receivers import WEBHOOK_SECRET, http_receiver
from tests.population import user

Run = Callable[..., tuple[int, str, str]]
jobs_main = partial(main, jobs.app)
connections_main = partial(main, connections.app)
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command line on a database of the test's own: exit code, stdout, stderr."""

    def run(command: Callable[[Sequence[str]], int], *arguments: object) -> tuple[int, str, str]:
        code = command([*map(str, arguments), "--database", str(tmp_path / "users.duckdb")])
        output = capsys.readouterr()
        return code, output.out, output.err

    return run


def people(path: Path, *records: object) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def direct(arguments: Sequence[str]) -> int:
    return main(app, [*arguments, "--direct"])


def test_all_rows_in_is_0_and_one_json_document(run: Run, tmp_path: Path) -> None:
    code, out, _ = run(direct, people(tmp_path / "a.ndjson", user(1), user(2)), "--json")
    summary = json.loads(out)
    assert code == 0
    assert (summary["status"], summary["total"], summary["inserted"]) == ("completed", 2, 2)
    assert list(summary) == [
        *(
            "job_id",
            "external_id",
            "connection",
            "sources",
            "profile",
            "mode",
            "dry_run",
            "status",
            "total",
            "inserted",
        ),
        *(
            "updated",
            "unchanged",
            "failed",
            "warnings",
            "not_users",
            "blank_lines",
            "errors_by_code",
            "fault",
            "created_at",
            "started_at",
        ),
        *("finished_at", "duration_seconds", "rows_per_second", "lock_seconds"),
    ]


def test_refused_rows_are_3_and_listed(run: Run, tmp_path: Path) -> None:
    path = people(tmp_path / "a.ndjson", user(1), user(2) | {"email": "no"})
    code, out, _ = run(direct, path, "--json")
    assert code == 3
    job = json.loads(out)["job_id"]
    code, out, _ = run(jobs_main, "errors", job, "--json")
    assert code == 0
    (error,) = json.loads(out)
    assert error.pop("message")
    place = {"source": str(path), "record": 2, "line": 2, "key": "no"}
    assert error == {**place, "code": "FORMAT", "path": "email", "severity": "error"}


@pytest.mark.parametrize(
    ("more", "code"),
    [
        (("--on-error", "fail"), "TOO_MANY_ERRORS"),
        (("--max-error-rate", "0.4"), "TOO_MANY_ERRORS"),
        (("--connection", "nowhere"), "CONNECTION_NOT_FOUND"),
    ],
)
def test_a_job_that_may_not_merge_leaves_nothing_but_its_row(
    run: Run, tmp_path: Path, more: tuple[str, str], code: str
) -> None:
    path = people(tmp_path / "a.ndjson", user(1), user(2) | {"email": "no"})
    exit_code, out, _ = run(direct, path, "--json", *more)
    summary = json.loads(out)
    assert (exit_code, summary["status"], summary["fault"]["code"]) == (1, "failed", code)
    assert summary["fault"]["message"]
    assert summary["fault"]["hint"]
    assert summary["total"] == summary["failed"]
    _, out, _ = run(jobs_main, "list", "--json")
    assert [job["status"] for job in json.loads(out)] == ["failed"]
    _, out, _ = run(direct, path, "--json", "--mode", "update")
    assert json.loads(out)["updated"] == 0


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("missing.json", None, "FILE_NOT_FOUND"),
        ("page.csv", b"<!doctype html><html><body>Sign in</body></html>", "FILE_FORMAT"),
        ("picture.json", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "FILE_SYNTAX"),
        ("half.json", b'[{"email":"a@example.com"},{"em', "FILE_SYNTAX"),
        ("none.ndjson", b"\r\n \n", "FILE_EMPTY"),
        ("empty.csv", b"", "FILE_EMPTY"),
        ("wide.csv", "email\na@example.com\n".encode("utf-16"), "FILE_FORMAT"),
        ("orders.json", b'{"orders":[{"id":1}]}', "FILE_FORMAT"),
    ],
)
def test_a_file_without_users_is_refused_with_one_sentence(
    run: Run, tmp_path: Path, name: str, content: bytes | None, code: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    exit_code, out, err = run(direct, tmp_path / name)
    assert exit_code == 1
    assert err.splitlines()[-2].startswith(f"{code}: ")
    assert err.splitlines()[-1]
    assert "Traceback" not in err
    _, out, _ = run(jobs_main, "list", "--json")
    (job,) = json.loads(out)
    assert (job["status"], job["fault"]["code"], job["inserted"]) == ("failed", code, 0)


@pytest.mark.parametrize("options", [(), ("--dry-run",), ("--mode", "upsert")])
@pytest.mark.parametrize(
    ("name", "content"),
    [("none.json", b"[]"), ("none.csv", b"email,name\n"), ("none.csv.gz", gzip.compress(b"email\n", mtime=0))],
)
def test_a_file_without_users_completes(
    run: Run, tmp_path: Path, name: str, content: bytes, options: tuple[str, ...]
) -> None:
    (tmp_path / name).write_bytes(content)
    code, out, _ = run(direct, tmp_path / name, *options)
    assert (code, "no users in the file" in out) == (0, True)
    code, out, err = run(direct, tmp_path / name, "--json", "--again", *options)
    assert (code, json.loads(out)["status"], json.loads(out)["total"]) == (0, "completed", 0)
    assert "no users in the file" in err


def test_a_folder_with_nothing_in_it_is_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "inbox").mkdir()
    code, _, err = run(direct, tmp_path / "inbox")
    assert code == 1
    assert "FILE_EMPTY" in err


@pytest.mark.parametrize(
    "arguments",
    [(), ("a.json", "--mode", "replace"), ("a.json", "--profile", "nobody"), ("a.json", "--max-error-rate", "7")],
)
def test_a_usage_error_is_2_and_starts_no_job(run: Run, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    code, out, err = run(direct, *arguments)
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 2
    assert not (tmp_path / "users.duckdb").exists()


def test_a_dry_run_counts_and_changes_nothing(run: Run, tmp_path: Path) -> None:
    path = people(tmp_path / "a.ndjson", user(1), user(2))
    _, out, _ = run(direct, path, "--json", "--dry-run")
    assert (json.loads(out)["inserted"], json.loads(out)["dry_run"]) == (2, True)
    _, out, _ = run(direct, path, "--json")
    assert json.loads(out)["inserted"] == 2


def test_importing_the_same_file_again_returns_the_first_job(run: Run, tmp_path: Path) -> None:
    path = people(tmp_path / "a.ndjson", user(1), user(2) | {"email": "no"})
    first_code, out, _ = run(direct, path, "--json")
    code, again, err = run(direct, path, "--json")
    assert (code, json.loads(again)) == (first_code, json.loads(out))
    assert f"already imported by job {json.loads(out)['job_id']}" in err
    _, out, _ = run(direct, path, "--json", "--again")
    assert json.loads(out)["errors_by_code"] == {
        "CONFLICT": 1,
        "CONFLICT_EMAIL": 1,
        "CONFLICT_USERNAME": 1,
        "FORMAT": 1,
    }


def test_the_status_of_an_unknown_job_is_a_fault(run: Run, tmp_path: Path) -> None:
    code, _, err = run(jobs_main, "list")
    assert code == 1
    assert "there is no database" in err
    run(direct, people(tmp_path / "a.ndjson", user(1)))
    code, _, err = run(jobs_main, "status", "nobody")
    assert code == 1
    assert err.startswith("JOB_NOT_FOUND: there is no job nobody")


def test_the_username_rules_of_a_connection_hold(run: Run, tmp_path: Path) -> None:
    assert run(connections_main, "add", "crm", "--username-required", "--username-max-length", "6")[0] == 0
    assert run(connections_main, "add", "crm")[0] == 2
    path = people(tmp_path / "a.ndjson", {"email": "a@example.com"}, {"email": "b@example.com", "username": "toolong"})
    _, out, _ = run(direct, path, "--json", "--connection", "crm")
    assert json.loads(out)["errors_by_code"] == {"MAX_LENGTH": 1, "OBJECT_REQUIRED": 1}


def test_standard_input_is_a_source(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "flows.import_users", "-", "--format", "ndjson", "--direct", "--json"]
    text = json.dumps(user(1)) + "\n"
    child = subprocess.run(
        [*command, "--database", str(tmp_path / "users.duckdb")],
        cwd=ROOT, input=text, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(child.stdout)["inserted"] == 1


def test_an_import_notifies_its_targets_and_once_of_a_job_that_it_finds_lost(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, settings = people(tmp_path / "users.ndjson", user(1)), Settings(database=tmp_path / "users.duckdb")
    lost = json.loads(run(direct, source, "--json")[1])["job_id"]
    JobFolder(settings.jobs_folder / lost).write_status({"status": "importing"})
    change_database(settings, "update import_jobs set status = 'importing', finished_at = null")
    with http_receiver() as received:
        monkeypatch.setenv("IMPORT_NOTIFY_CRM", f"{received.url}#{WEBHOOK_SECRET}")
        monkeypatch.setenv("IMPORT_WEBHOOK_ALLOW_PRIVATE", "1")
        assert run(direct, people(source, user(2)), "--notify", "crm")[0] == 0
    assert end_lost_jobs(Store(settings)) == []
    documents = [json.loads(request.body) for request in received.requests]
    assert [document["type"] for document in documents] == ["import.failed", "import.completed"]
    data = documents[0]["data"]
    assert (data["job_id"], data["fault"]["code"], data["hint"]) == (lost, "JOB_LOST", "run it again")


def test_a_target_that_the_environment_has_not_is_a_usage_error(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMPORT_NOTIFY_OPS", "ops@example.org")
    source = people(tmp_path / "users.ndjson", user(1))
    code, _, error = run(direct, source, "--notify", "opz")
    assert code == 2
    assert "there is no target of notices 'opz'; IMPORT_NOTIFY_… variables describe: ops\n" in error
    assert not (tmp_path / "users.duckdb").exists()


@pytest.mark.parametrize("arguments", [("list", "--limit", "-1"), ("purge", "--days", "-1")])
def test_a_negative_count_is_a_usage_error(run: Run, arguments: tuple[str, ...]) -> None:
    code, _, err = run(jobs_main, *arguments)
    assert code == 2
    assert "-1 is negative" in err


def test_the_list_says_which_jobs_were_dry_runs(run: Run, tmp_path: Path) -> None:
    path = people(tmp_path / "a.ndjson", user(1))
    run(direct, path, "--dry-run")
    run(direct, path)
    _, out, _ = run(jobs_main, "list")
    jobs_listed = csv.DictReader(out.splitlines(), delimiter="\t")
    assert [job["mode"] for job in jobs_listed] == ["insert", "insert (dry run)"]


def test_a_narrow_terminal_shows_whole_ids(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, out, _ = run(direct, people(tmp_path / "a.ndjson", user(1)), "--json")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    _, shown, _ = run(jobs_main, "list")
    assert json.loads(out)["job_id"] in shown.splitlines()
    assert len(shown.splitlines()[-1]) <= 80

"""Secrets of good, bad and broken rows are only in the users table and in the private parts of a job."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from flows.import_users.cli import app as import_users
from flows.jobs.cli import app as jobs
from flows.report.command_line import main
from flows.settings import Settings
from flows.store.database import Store
from schemas.faults import ExitCode
from tests.marks import mostly_slow
from tests.robustness.secrets_planted import (
    WRITERS,
    Planted,
    Record,
    changed,
    hits,
    hits_in_database,
    hits_in_files,
    planted_users,
    refused,
)

ROOT = Path(__file__).parents[2]
Run = Callable[..., bytes]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return the folder for all that a program writes by itself: home, working folder and temporary files."""
    home = tmp_path / "home"
    home.mkdir()
    return home


@pytest.fixture
def run(home: Path) -> Run:
    """Return a function that runs a command there and returns all that it prints."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "IMPORT_"))}
    own = {"HOME": str(home), "TMPDIR": str(home), "PYTHONPATH": str(ROOT), "PREFECT_HOME": str(home / "prefect")}

    def run(module: str, *arguments: str | Path, code: int | None = None) -> bytes:
        command = [sys.executable, "-m", module, *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, cwd=home, env={**environment, **own}, check=False)
        assert code is None or done.returncode == code, done.stderr.decode()
        return done.stdout + done.stderr

    return run


def find_leaks(planted: Planted, printed: bytes, folder: Path, sources: Sequence[Path]) -> list[str]:
    """Return every marker outside the users table and the private parts."""
    settings = Settings(database=folder / "data" / "users.duckdb")
    with Store(settings).reading() as connection:
        in_tables = [*hits_in_database(planted, connection)]
    raw = b"".join(path.read_bytes() for path in settings.database.parent.glob("users.duckdb*"))
    return [
        *hits(planted, "what was printed", printed),
        *in_tables,
        *hits(refused(planted), "the database file", raw),
        *hits_in_files(planted, folder, known=sources),
    ]


@pytest.mark.parametrize("form", mostly_slow(WRITERS, quick=("csv",)))
def test_no_secret_of_any_row_is_printed_logged_or_stored_elsewhere(
    form: str, tmp_path: Path, run: Run, capfd: pytest.CaptureFixture[str]
) -> None:
    planted = Planted()
    records = planted_users(planted)
    users = WRITERS[form](tmp_path, records, planted)
    (tmp_path / "more").mkdir()
    more: list[Record] = changed(planted, records)
    update = WRITERS["ndjson"](tmp_path / "more", more, planted)
    database = ("--database", tmp_path / "data" / "users.duckdb")
    (tmp_path / "data").mkdir()
    plan = tmp_path / "plan.ndjson"
    importing = ("flows.import_users", "--direct", *database)
    printed = run(*importing, users, code=ExitCode.ROWS_REFUSED)
    printed += run(*importing, update, "--mode", "upsert", "--json", "--plan", plan, code=ExitCode.ROWS_REFUSED)
    again = [str(users), "--direct", "--again", *map(str, database)]
    main(import_users, [*again, "--mode", "upsert", "--dry-run", "--plan", str(tmp_path / "other.csv")])
    main(import_users, [*again, "--on-error", "fail"])
    for job in _jobs(tmp_path):
        for command in (["status"], ["errors"], ["errors", "--json"], ["errors", "--as", "auth0"], ["diff"]):
            main(jobs, [command[0], job, *command[1:], *map(str, database)])
    first = _find_user_with_hash(tmp_path)
    forgetting = ["forget", "--user-id", first, *map(str, database)]
    assert main(jobs, [*forgetting, "--dry-run"]) == ExitCode.ALL_ROWS_IN
    printed += "".join(capfd.readouterr()).encode()
    users_in = repr(_users(tmp_path)).encode()
    assert len({*hits(planted, "users", users_in)}) >= 5, "the search finds the secrets of imported users"
    assert find_leaks(planted, printed, tmp_path, [users, update]) == []
    own = [user for user in _users(tmp_path) if first in user]
    secrets = Planted({marker: field for marker, field in planted.markers.items() if marker in repr(own)})
    assert secrets.markers
    assert main(jobs, [*forgetting, "--yes"]) == ExitCode.ALL_ROWS_IN
    printed = "".join(capfd.readouterr()).encode()
    left = b"".join(path.read_bytes() for path in (tmp_path / "data").rglob("*") if path.is_file())
    assert [*hits(secrets, "after it was forgotten", left)] == []
    assert find_leaks(planted, printed, tmp_path, [users, update]) == []


def _find_user_with_hash(folder: Path) -> str:
    with Store(Settings(database=folder / "data" / "users.duckdb")).reading() as connection:
        ((found,),) = connection.execute("select min(user_id) from users where password_hash is not null").fetchall()
        return str(found)


def _jobs(folder: Path) -> list[str]:
    with Store(Settings(database=folder / "data" / "users.duckdb")).reading() as connection:
        return [job for (job,) in connection.execute("select job_id from import_jobs").fetchall()]


def _users(folder: Path) -> list[tuple[object, ...]]:
    with Store(Settings(database=folder / "data" / "users.duckdb")).reading() as connection:
        return connection.execute("from users").fetchall()


REFUSED = (
    ("cut.json", '[{"email": "a@x.example", "password": "%s"}, {"password_hash": "%s'),
    ("wrapped.json", '{"rows": [{"password_hash": "%s", "mfa": "%s"}]}'),
    ("open.csv", 'email,password_hash\na@x.example,"%s\nb@x.example,%s\n'),
    ("twice.csv", "email,%s,%s,email\na,b,c,d\n"),
    ("page.csv", "<html><body>%s%s</body></html>"),
    ("no.parquet", "PAR1%s%sPAR1"),
)


@pytest.mark.parametrize(("name", "content"), mostly_slow(REFUSED, quick=REFUSED[:3]))
def test_a_file_that_is_refused_whole_shows_none_of_its_secrets(
    name: str, content: str, tmp_path: Path, run: Run
) -> None:
    planted = Planted()
    markers = [planted.word("first"), planted.word("second")]
    source = tmp_path / name
    source.write_text(content % tuple(markers))
    (tmp_path / "data").mkdir()
    printed = run("flows.import_users", source, "--direct", "--database", tmp_path / "data" / "users.duckdb")
    if name != "twice.csv":  # its markers are the names of columns
        assert find_leaks(planted, printed, tmp_path, [source]) == []


def test_an_internal_fault_shows_no_secret(tmp_path: Path, run: Run) -> None:
    """Messages of DuckDB quote values: they are written to the private folder only."""
    planted = Planted()
    same = planted.bcrypt("good row: password_hash")
    source = tmp_path / "users.ndjson"
    source.write_text("".join(json.dumps({"email": f"{n}@x.example", "password_hash": same}) + "\n" for n in range(2)))
    settings = Settings(database=tmp_path / "data" / "users.duckdb")
    settings.database.parent.mkdir()
    Store(settings).prepare()
    with Store(settings).transaction() as connection:
        connection.execute("create unique index broken on users (password_hash)")
    printed = run("flows.import_users", source, "--direct", "--database", settings.database, code=ExitCode.JOB_FAILED)
    assert b"INTERNAL" in printed
    (notes,) = settings.jobs_folder.glob("*/traceback.txt")
    assert [*hits(planted, "traceback", notes.read_bytes())] != [], "the traceback does hold the secret"
    assert notes.stat().st_mode & 0o777 == 0o600
    assert find_leaks(planted, printed, tmp_path, [source]) == []


@pytest.mark.prefect
def test_a_run_with_a_private_server_sends_prefect_no_secret_and_no_address(
    tmp_path: Path, run: Run, home: Path
) -> None:
    planted = Planted()
    records = planted_users(planted)
    source = WRITERS["ndjson"](tmp_path, records, planted)
    database = tmp_path / "data" / "users.duckdb"
    database.parent.mkdir()
    printed = run("flows.import_users", source, "--database", database, code=ExitCode.ROWS_REFUSED)
    assert find_leaks(planted, printed, tmp_path, [source]) == []
    addresses = Planted({str(r["email"]): "an address" for r in records if "@" in str(r.get("email"))})
    assert [*hits_in_files(addresses, home / "prefect", known=[])] == []
    assert any((home / "prefect").rglob("*.db")), "the run was recorded"

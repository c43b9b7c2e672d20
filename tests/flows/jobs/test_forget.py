"""A forgotten user is in no byte of tables, job folders and inboxes; everything of all others is as it was."""

import hashlib
import io
import json
import os
import pty
import select
import signal
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from flows.jobs.cli import app as jobs
from flows.jobs.forget import forget
from flows.pipeline.undo import undo
from flows.report.command_line import main
from flows.report.rejects import write_rejects
from flows.settings import Settings
from flows.store.connections import add_connection
from flows.store.database import Store
from flows.store.fault_points import on_fault_point
from flows.store.forget import AmbiguousUserError, WantedUser
from flows.store.job_folder import JobFolder
from flows.store.retention import purge
from schemas.codes import ErrorCode
from schemas.connection import ConnectionSettings
from schemas.faults import DatabaseFault, ExitCode, JobFault
from schemas.job import Mode
from tests.flows.importing import Record, change_database, import_file, import_records, query_rows, read_users
from tests.flows.other_user import NOBODY, folder_for_all, give_to_nobody, needs_root, run_as_nobody
from tests.marks import mostly_slow
from tests.population import user

ROOT = Path(__file__).parents[3]
ADA = {"email": "Ada@hidden.example", "user_id": "u-hidden", "username": "hidden_name", "name": "Zq Hidden"}
SPELLINGS = (
    "<ada@hidden.example>",
    "mailto:ada@hidden.example",
    "ADA@HIDDEN.example ",
    "ａｄａ＠ｈｉｄｄｅｎ．ｅｘａｍｐｌｅ",
    "ada\u200b@hidden.example",
    "Ada L. <ada@hidden.example>, other",
)
MARKER = b"Zq"  # in every record of the forgotten user, and nowhere else
TABLES = ("users", "user_changes", "rejected_users", "import_errors", "import_jobs", "job_attempts")


def by_email(value: str = "ada@HIDDEN.example") -> WantedUser:
    return WantedUser(value, "email")


def find_bytes(folder: Path, *markers: bytes) -> list[str]:
    """Return the files of a folder that hold one of the markers, and files that were left behind."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    named = [str(path) for path in files if any(marker in path.read_bytes() for marker in markers)]
    return [*named, *(str(path) for path in files if "forgetting" in path.name or ".wal" in path.name)]


def fingerprint(folder: Path) -> Mapping[str, str]:
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file()}


def contents(settings: Settings) -> str:
    return repr([query_rows(settings, f"from {table}") for table in TABLES])


@pytest.mark.parametrize(
    ("kind", "value"),
    mostly_slow(
        [("email", "ada@HIDDEN.example"), ("user_id", "u-hidden"), ("username", "HIDDEN_name"), (None, "u-hidden")],
        quick=[(None, "u-hidden")],
    ),
)
def test_a_forgotten_user_is_in_no_byte_and_others_are_as_they_were(
    kind: str | None, value: str, settings: Settings
) -> None:
    others: list[Record] = [user(1), user(2), user(2), {"email": "no address", "name": "Kept One"}]
    broken = {"email": "<ada@hidden.example>", "name": "Zq Broken"}
    first = import_records(settings, [ADA, *others, broken], Mode.INSERT, external_id="u-hidden")
    import_records(settings, [{**ADA, "name": "Zq Two"}, user(3)], Mode.UPSERT)
    import_records(settings, [ADA, user(3)], Mode.INSERT)
    kept = [row for row in read_users(settings) if row["user_id"] != "u-hidden"]
    refused = query_rows(
        settings, """select * from rejected_users where "user"::varchar not like '%idden%' order by all"""
    )
    found = forget(Store(settings), WantedUser(value, kind))
    assert found.tables["users"] == 1
    assert read_users(settings) == kept
    assert query_rows(settings, "from rejected_users order by all") == refused
    assert len(refused) == 3
    assert "idden" not in contents(settings)
    assert find_bytes(settings.jobs_folder, MARKER, b"hidden") == []
    assert find_bytes(settings.database.parent, b"Zq Hidden", b"hidden_name") == [
        str(path) for path in settings.database.parent.glob("*.ndjson") if MARKER in path.read_bytes()
    ]
    assert (first.total, JobFolder(settings.jobs_folder / first.job_id).path.exists()) == (6, True)
    assert (
        main(
            jobs,
            [
                "rejects",
                first.job_id,
                "-o",
                str(settings.jobs_folder / "fix.ndjson"),
                "--database",
                str(settings.database),
            ],
        )
        == 0
    )
    assert "Kept One" in (settings.jobs_folder / "fix.ndjson").read_text()


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("field", mostly_slow(["email", "username", "e_mail"], quick=["email"]))
def test_a_refused_record_is_found_however_the_address_is_written(
    spelling: str, field: str, settings: Settings
) -> None:
    record: Record = {"name": "Zq", "blocked": "maybe", field: spelling}
    import_records(settings, [record, user(1), {**user(2), "blocked": "maybe"}], Mode.INSERT)
    forget(Store(settings), by_email())
    assert query_rows(settings, "select count(*) from rejected_users") == [(1,)]
    assert find_bytes(settings.jobs_folder, MARKER) == []


def test_a_record_that_cannot_be_read_is_found_by_its_address(settings: Settings) -> None:
    path = settings.database.parent / "broken.csv"
    path.write_text('email,name\nada@hidden.example,Zq,more\nkept@x.example,Kept,more\n"<ada@hidden.example>",Zq,x\n')
    import_file(settings, path)
    forget(Store(settings), by_email())
    path.unlink()
    assert find_bytes(settings.database.parent, MARKER) == []
    assert len(find_bytes(settings.jobs_folder, b"kept@x.example")) == 1


def test_words_that_are_keys_erase_nothing_of_others(settings: Settings) -> None:
    """Messages, metadata and ids of others hold the same words."""
    plan = {"user_metadata": {"plan": "pro", "note": "is"}}
    records = [
        {"email": "a@x.example", "user_id": "u-a", "username": "pro", **plan},
        {"email": "b@x.example", "user_id": "is", **plan},
        {"email": "c@x.example", "user_id": "pro@x.example", **plan},
        {"email": "pro@x.example", "user_id": "u-d", **plan},
        {"email": "e@x.example", "user_id": "u-e", "blocked": "is", **plan},
        {"email": "b@x.example", "user_id": "u-f", **plan},
    ]
    import_records(settings, records, Mode.INSERT, external_id="this is pro", name="first")
    import_records(settings, [{"email": "b@x.example", "user_id": "u-g", "name": "x"}], Mode.INSERT)
    before = query_rows(settings, "from import_errors where code = 'INVALID_TYPE'")
    forget(Store(settings), WantedUser("is", "user_id"))
    forget(Store(settings), WantedUser("PRO", "username"))
    forget(Store(settings), WantedUser("pro@x.example", "email"))
    assert [row["user_id"] for row in read_users(settings)] == ["pro@x.example"]
    assert query_rows(settings, "from import_errors where code = 'INVALID_TYPE'") == before
    assert query_rows(settings, """select "user" ->> '$.user_id' from rejected_users""") == [("u-e",)]
    assert query_rows(settings, "select external_id from import_jobs where job_id = 'first'") == [("this is pro",)]


def test_other_external_ids_of_a_job_are_erased(settings: Settings) -> None:
    import_records(settings, [ADA], external_id="night")
    names = ["for ada@hidden.example", "morning"]
    change_database(settings, "update import_jobs set other_external_ids = $names", names=names)
    forget(Store(settings), by_email())
    assert query_rows(settings, "select other_external_ids from import_jobs") == [(["for erased", "morning"],)]


def test_messages_that_outlive_their_records_lose_the_user_id(settings: Settings) -> None:
    """After a purge only the errors are left; a user_id can be a word of the sentence that names it."""
    names = ("held", "existing", "existing,")
    people = [{"email": f"p{n}@x.example", "user_id": name, "username": f"n{n}"} for n, name in enumerate(names)]
    assert import_records(settings, people, Mode.INSERT).inserted == 3
    mixed = {"email": "p0@x.example", "username": "n1"}
    other = {"email": "p0@x.example", "username": "n2"}
    for name, record in (("mixed", mixed), ("other", other)):
        import_records(settings, [record], Mode.UPSERT, name=name)
    again = import_records(settings, [people[1], people[2]], Mode.INSERT)
    purge(Store(settings), days=0)
    forget(Store(settings), WantedUser("existing", "user_id"))
    query = "select message from import_errors where job_id = $job and severity = 'error' order by all"
    begin = "matches different existing users: email is held by held, username is held by"
    assert query_rows(settings, query, job="mixed") == [(f"{begin} erased",)]
    assert query_rows(settings, query, job="other") == [(f"{begin} existing,",)]
    found = {message for (message,) in query_rows(settings, query, job=again.job_id)}
    assert found == {"is held by the existing user erased", "is held by the existing user existing,"}


def test_an_undo_that_kept_others_loses_the_user_in_its_messages(settings: Settings) -> None:
    import_records(settings, [{"email": "a@x.example", "user_id": "u-a"}], Mode.INSERT, name="first")
    undo("first", dry_run=False, settings=settings, job_id="undo")
    import_records(settings, [{"email": "a@x.example", "user_id": "u-hidden"}], Mode.INSERT)
    undo("undo", dry_run=False, settings=settings, job_id="undo of undo")
    assert "u-hidden" in contents(settings)
    forget(Store(settings), WantedUser("u-hidden", "user_id"))
    assert "u-hidden" not in contents(settings)
    assert undo("undo", dry_run=False, settings=settings, job_id="again").fault is None


def test_faults_of_earlier_attempts_lose_the_user(settings: Settings) -> None:
    import_records(settings, [{"email": "a@hidden.example"}])
    for _ in range(3):  # no such file
        import_file(settings, settings.database.parent / "for a@hidden.example.csv", name="attempted")
    forget(Store(settings), by_email("a@hidden.example"))
    assert "a@hidden" not in contents(settings)
    assert query_rows(settings, "select count(fault_message) from job_attempts") == [(2,)]


def test_only_the_connection_is_searched_unless_all_are(settings: Settings) -> None:
    Store(settings).prepare()
    add_connection(Store(settings), ConnectionSettings(connection="crm"))
    for connection in ("default", "crm"):
        import_records(settings, [ADA, ADA, user(1)], Mode.INSERT, connection=connection)
    forget(Store(settings), by_email(), connection_id="crm")
    owners = "select connection from users where user_id = 'u-hidden'"
    assert query_rows(settings, owners) == [("default",)]
    assert query_rows(settings, "select count(*) from rejected_users") == [(1,)]
    found = forget(Store(settings), by_email(), connection_id=None)
    assert (found.tables["users"], query_rows(settings, "select count(*) from users")) == (1, [(2,)])
    assert "idden" not in contents(settings)


def test_a_value_that_means_two_users_is_refused(settings: Settings) -> None:
    import_records(settings, [ADA, {"email": "b@x.example", "user_id": "hidden_name"}], Mode.INSERT)
    before = fingerprint(settings.database.parent)
    with pytest.raises(AmbiguousUserError, match="username or user_id of 2 different users"):
        forget(Store(settings), WantedUser("hidden_name"))
    assert main(jobs, ["forget", "hidden_name", "--yes", "--database", str(settings.database)]) == ExitCode.USAGE
    assert fingerprint(settings.database.parent) == before


def test_a_user_that_was_removed_and_came_again_is_forgotten_with_its_history(settings: Settings) -> None:
    import_records(settings, [{"email": "ada@hidden.example", "name": "Zq"}, user(1)], Mode.INSERT, name="first")
    undo("first", dry_run=False, settings=settings, job_id="undo")
    import_records(settings, [{"email": "ada@hidden.example", "name": "Zq"}], Mode.INSERT)
    forget(Store(settings), by_email())
    assert "idden" not in contents(settings)
    assert "Zq" not in contents(settings)
    assert len(query_rows(settings, "from all_changes")) == 2, "those of the other user"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--email", "nobody@x.example", "--yes"], ExitCode.JOB_FAILED, "USER_NOT_FOUND"),
        (["--email", "", "--yes"], ExitCode.USAGE, "1 to 255 characters"),
        ([" ", "--yes"], ExitCode.USAGE, "is empty"),
        (["--yes"], ExitCode.USAGE, "name one user"),
        (["x", "--user-id", "u-hidden", "--yes"], ExitCode.USAGE, "name one user"),
        (["--user-id", "u-hidden"], ExitCode.USAGE, "--yes"),
        (["--user-id", "u-hidden", "--yes", "--connection", "none"], ExitCode.JOB_FAILED, "CONNECTION_NOT_FOUND"),
        (["--user-id", "u-hidden", "--yes", "--connection", "default", "--all-connections"], ExitCode.USAGE, "exclude"),
    ],
)
def test_what_cannot_be_done_changes_nothing(
    arguments: list[str], code: ExitCode, said: str, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    import_records(settings, [ADA], Mode.INSERT)
    before = fingerprint(settings.database.parent)
    command = ["forget", *arguments, "--database", str(settings.database)]
    assert main(jobs, command) == code
    assert said in capsys.readouterr().err
    assert main(jobs, [*command, "--json"]) == code
    assert "fault" in json.loads(capsys.readouterr().out)
    assert fingerprint(settings.database.parent) == before


def test_a_dry_run_lists_every_place_and_changes_nothing(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    job = import_records(settings, [ADA, ADA, user(1)], Mode.INSERT)
    before = fingerprint(settings.database.parent)
    command = ["forget", "--username", "hidden_NAME", "--database", str(settings.database)]
    assert main(jobs, [*command, "--dry-run", "--json"]) == ExitCode.ALL_ROWS_IN
    planned = json.loads(capsys.readouterr().out)
    assert fingerprint(settings.database.parent) == before
    assert planned["tables"]["users"] == planned["tables"]["rejected_users"] == 1
    assert (planned["jobs"], planned["staged_records"]) == ([job.job_id], {job.job_id: 2})
    assert main(jobs, [*command, "--yes", "--json"]) == ExitCode.ALL_ROWS_IN
    assert json.loads(capsys.readouterr().out) == {**planned, "dry_run": False}


def test_a_running_job_keeps_its_folder_and_stops_the_command(settings: Settings) -> None:
    job = import_records(settings, [ADA], Mode.INSERT).job_id
    impatient = replace(settings, wait_seconds=0.3)
    before = contents(settings)
    with JobFolder(settings.jobs_folder / job).locked(), pytest.raises(JobFault) as caught:
        forget(Store(impatient), by_email())
    assert caught.value.code is ErrorCode.JOB_RUNNING
    assert contents(settings) == before
    forget(Store(settings), by_email())
    assert "idden" not in contents(settings)


def test_an_import_waits_for_the_command_and_keeps_its_folder(settings: Settings) -> None:
    import_records(settings, [ADA], Mode.INSERT)
    begun = JobFolder(settings.jobs_folder / "00000000-0000-4000-8000-000000000001")
    with begun.locked():
        begun.write_database_name(settings.database)
        forget(Store(settings), by_email())
        assert begun.path.exists()


@pytest.mark.parametrize(
    "step",
    ["rewrite a file", "copy the database: draft", "copy the changed database", "put the copy in its place"],
)
def test_a_full_disk_is_completed_by_the_next_run(step: str, settings: Settings) -> None:
    import_records(settings, [ADA, ADA, user(1)], Mode.INSERT)

    def fill(name: str) -> None:
        if name == step:
            raise OSError(28, "No space left on device")

    with on_fault_point(fill), pytest.raises(DatabaseFault) as caught:
        forget(Store(settings), by_email())
    assert caught.value.code is ErrorCode.DISK_FULL
    assert "the tables still have the user" in caught.value.hint
    assert [row["user_id"] for row in read_users(settings)] == ["u-1", "u-hidden"]
    assert [*settings.jobs_folder.glob(".users*")] == []
    forget(Store(settings), by_email())
    assert "idden" not in contents(settings)
    assert find_bytes(settings.jobs_folder, b"hidden") == []


def test_too_little_room_is_said_before_anything_is_erased(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    import_records(settings, [ADA], Mode.INSERT)
    before = fingerprint(settings.database.parent)
    monkeypatch.setattr(
        "shutil.disk_usage", lambda _path: os.terminal_size((0, 0)) and type("Usage", (), {"free": 4_000_000})
    )
    with pytest.raises(DatabaseFault, match="are needed on the disk") as caught:
        forget(Store(settings), by_email())
    assert "nothing was erased" in caught.value.hint
    assert fingerprint(settings.database.parent) == before


@needs_root
def test_the_database_keeps_owner_and_mode_when_root_forgets() -> None:
    with folder_for_all() as settings:
        import_records(settings, [ADA, ADA, user(1)], Mode.INSERT)
        give_to_nobody(settings.database.parent)
        settings.database.chmod(0o640)
        forget(Store(settings), by_email())
        found = settings.database.stat()
        assert (found.st_uid, found.st_gid, found.st_mode & 0o777) == (NOBODY, NOBODY, 0o640)
        assert {path.stat().st_uid for path in settings.jobs_folder.rglob("*.parquet")} == {NOBODY}
        done = run_as_nobody("-m", "flows.jobs", "list", "--json", "--database", settings.database)
        assert (done.returncode, len(json.loads(done.stdout))) == (0, 1)


@needs_root
def test_a_job_folder_of_another_owner_is_named_and_the_rest_erased() -> None:
    with folder_for_all() as settings:
        own = import_records(settings, [ADA], Mode.INSERT).job_id
        job = import_records(settings, [{**ADA, "blocked": "x"}, user(1)], Mode.UPSERT).job_id
        folder = settings.jobs_folder / job
        give_to_nobody(settings.database.parent, but=folder)
        command = (
            "flows.jobs",
            "forget",
            "--email",
            "ada@hidden.example",
            "--yes",
            "--json",
            "--database",
            settings.database,
        )
        done = run_as_nobody("-m", *command)
        assert done.returncode == 1, done.stderr
        found = json.loads(done.stdout)
        assert (found["jobs"], [place["path"] for place in found["left"]]) == ([own], [str(folder)])
        assert "idden" not in contents(settings)
        assert len(find_bytes(settings.jobs_folder, b"hidden")) > 0
        assert list(forget(Store(settings), by_email()).jobs) == [job]
        assert find_bytes(settings.jobs_folder, b"hidden") == []


@pytest.mark.parametrize("answer", ["n\n", "", "Y\n"])
def test_a_terminal_is_asked(
    answer: str,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    import_records(settings, [ADA, user(1)], Mode.INSERT)
    terminal = io.StringIO(answer)
    terminal.isatty = lambda: True  # type: ignore[method-assign] # what a terminal says
    monkeypatch.setattr("sys.stdin", terminal)
    command = ["forget", "--user-id", "u-hidden", "--json", "--database", str(settings.database)]
    code, left = (ExitCode.ALL_ROWS_IN, 1) if answer == "Y\n" else (ExitCode.CANCELED, 2)
    assert main(jobs, command) == code
    printed = capsys.readouterr()
    assert "erase the user u-hidden for good? [y/N]" in printed.err
    assert len(json.loads(printed.out)) >= 1
    assert len(read_users(settings)) == left


def test_ctrl_c_ends_the_question(settings: Settings) -> None:
    """Polars has the system restart a call that a signal interrupts."""
    import_records(settings, [ADA], Mode.INSERT)
    process, terminal = pty.fork()
    if process == 0:
        command = ["-m", "flows.jobs", "forget", "u-hidden", "--database", str(settings.database)]
        os.chdir(ROOT)
        os.execv(sys.executable, [sys.executable, *command])  # noqa: S606 - no shell
    shown = b""
    with suppress(OSError):  # the end of the terminal
        while select.select([terminal], [], [], 20)[0]:
            shown += os.read(terminal, 4096)
            if shown.endswith(b"[y/N] "):
                time.sleep(0.2)
                os.write(terminal, b"\x03")
    os.kill(process, signal.SIGKILL)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == ExitCode.CANCELED, shown
    assert len(read_users(settings)) == 1


def test_a_file_of_refused_records_in_the_folder_of_its_job_is_searched(settings: Settings) -> None:
    job = import_records(
        settings, [{**ADA, "email": "no address"}, user(1)], name="1" * 8 + "-1111-4111-8111-111111111111"
    )
    store = Store(settings)
    path = JobFolder(settings.jobs_folder / job.job_id).path_of_rejects()
    assert write_rejects(store, job.job_id, path).records == 1
    found = forget(store, WantedUser("u-hidden", "user_id"))
    assert [file.path for file in found.files] == [path]
    assert not path.exists()

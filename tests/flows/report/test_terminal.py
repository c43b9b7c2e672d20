"""The result of a job as printed: tables on a terminal of 80 columns, lines in a pipe, one JSON document."""

import io
import json
from dataclasses import replace

import pytest
from inline_snapshot import snapshot

from flows.pipeline.job import Progress
from flows.report import terminal as terminal_module
from flows.report.terminal import PipeConsole, Terminal, show_changes, show_errors_by_code, show_summary
from flows.settings import Settings
from schemas.job import JobStatus, JobSummary, Mode
from tests.flows.importing import Record, import_file
from tests.flows.summaries import job_summary

COMPLETED = job_summary(inserted=1_200, updated=34, unchanged=5)
WITH_ERRORS = replace(
    job_summary(inserted=9, updated=2, unchanged=1, failed=3),
    warnings=2,
    duration_seconds=1.5,
    rows_per_second=36_585,
    lock_seconds=0.12,
)
FAILED = replace(
    job_summary(failed=15),
    status=JobStatus.FAILED,
    duration_seconds=0.25,
    fault={"code": "FILE_SYNTAX", "message": "users.json ends [early] at byte 7", "hint": "complete the file"},
)
ADA: Record = {"email": "ada@x.example", "user_id": "u-ada", "name": "Ada", "password_hash": f"$2b$10${'a' * 53}"}
BOB: Record = {"email": "bob@x.example", "user_id": "u-bob", "phone_number": "+49301"}
FAULTY: tuple[Record, ...] = (
    {"email": "[red]nobody[/]"},
    {"email": "no address"},
    {"email": "eve@x.example", "blocked": 7},
)


def make_console(*, is_terminal: bool) -> PipeConsole:
    return PipeConsole(
        file=io.StringIO(),
        force_terminal=is_terminal,
        width=80,
        color_system=None,
        highlight=False,
        soft_wrap=not is_terminal,
    )


def printed(console: PipeConsole) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def run_import(settings: Settings, *records: Record, **options: object) -> JobSummary:
    """Import the records as `users.ndjson` by a job with the id of `job_summary`; times are fixed."""
    path = settings.database.parent / "users.ndjson"
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    summary = import_file(settings, path, Mode.UPSERT, name=COMPLETED.job_id, **options)
    return replace(summary, duration_seconds=1.5, rows_per_second=2, lock_seconds=0.12)


def test_summary_is_a_table_on_a_terminal() -> None:
    console = make_console(is_terminal=True)
    for summary in (COMPLETED, WITH_ERRORS, FAILED):
        show_summary(console, summary)
    assert printed(console) == snapshot("""\
completed
┏━━━━━━━━━━┳━━━━━━━━━┳━━━━━━━━━━━┳━━━━━━━━┳━━━━━━━┳━━━━━━━━━━┓
┃ inserted ┃ updated ┃ unchanged ┃ failed ┃ total ┃ warnings ┃
┡━━━━━━━━━━╇━━━━━━━━━╇━━━━━━━━━━━╇━━━━━━━━╇━━━━━━━╇━━━━━━━━━━┩
│ 1,200    │ 34      │ 5         │ 0      │ 1,239 │ 0        │
└──────────┴─────────┴───────────┴────────┴───────┴──────────┘
job 11111111-2222-4333-8444-555555555555, connection crm-eu, mode upsert, 0.00 s
completed with errors
┏━━━━━━━━━━┳━━━━━━━━━┳━━━━━━━━━━━┳━━━━━━━━┳━━━━━━━┳━━━━━━━━━━┓
┃ inserted ┃ updated ┃ unchanged ┃ failed ┃ total ┃ warnings ┃
┡━━━━━━━━━━╇━━━━━━━━━╇━━━━━━━━━━━╇━━━━━━━━╇━━━━━━━╇━━━━━━━━━━┩
│ 9        │ 2       │ 1         │ 3      │ 15    │ 2        │
└──────────┴─────────┴───────────┴────────┴───────┴──────────┘
job 11111111-2222-4333-8444-555555555555, connection crm-eu, mode upsert, 1.50 \n\
s, 36,585 rows/s, write lock 0.12 s
failed
┏━━━━━━━━━━┳━━━━━━━━━┳━━━━━━━━━━━┳━━━━━━━━┳━━━━━━━┳━━━━━━━━━━┓
┃ inserted ┃ updated ┃ unchanged ┃ failed ┃ total ┃ warnings ┃
┡━━━━━━━━━━╇━━━━━━━━━╇━━━━━━━━━━━╇━━━━━━━━╇━━━━━━━╇━━━━━━━━━━┩
│ 0        │ 0       │ 0         │ 15     │ 15    │ 0        │
└──────────┴─────────┴───────────┴────────┴───────┴──────────┘
job 11111111-2222-4333-8444-555555555555, connection crm-eu, mode upsert, 0.25 s
""")


def test_summary_is_two_lines_in_a_pipe() -> None:
    console = make_console(is_terminal=False)
    for summary in (COMPLETED, WITH_ERRORS, FAILED, replace(COMPLETED, dry_run=True), replace(COMPLETED, mode="undo")):
        show_summary(console, summary)
    assert printed(console) == snapshot("""\
completed: 1,200 inserted, 34 updated, 5 unchanged, 0 failed of 1,239
job 11111111-2222-4333-8444-555555555555, connection crm-eu, mode upsert, 0.00 s
completed with errors: 9 inserted, 2 updated, 1 unchanged, 3 failed of 15
job 11111111-2222-4333-8444-555555555555, connection crm-eu, mode upsert, 1.50 s, 36,585 rows/s, write lock 0.12 s
failed: 0 inserted, 0 updated, 0 unchanged, 15 failed of 15
job 11111111-2222-4333-8444-555555555555, connection crm-eu, mode upsert, 0.25 s
completed (dry run: nothing merged): 1,200 inserted, 34 updated, 5 unchanged, 0 failed of 1,239
job 11111111-2222-4333-8444-555555555555, connection crm-eu, mode upsert, 0.00 s
completed: 34 reverted, 0 kept of 1,239
job 11111111-2222-4333-8444-555555555555, connection crm-eu, mode undo, 0.00 s
""")


def test_errors_by_code_are_a_table_on_a_terminal(settings: Settings) -> None:
    summary = run_import(settings, ADA, *FAULTY)
    console = make_console(is_terminal=True)
    show_errors_by_code(console, summary, settings=settings)
    assert printed(console).replace(str(settings.database), "DATABASE") == snapshot("""\
errors and warnings                                                             \n\
┏━━━━━━━━━━━━━━┳━━━━━━━━━┳━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━┓
┃ code         ┃ path    ┃ count ┃ first at             ┃ example              ┃
┡━━━━━━━━━━━━━━╇━━━━━━━━━╇━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━┩
│ FORMAT       │ email   │ 2     │ record 2, line 2 of  │ is not an e-mail     │
│              │         │       │ users.ndjson         │ address              │
│              │         │       │ ([red]nobody[/])     │                      │
│ INVALID_TYPE │ blocked │ 1     │ record 4, line 4 of  │ is 7; expected true  │
│              │         │       │ users.ndjson         │ or false             │
│              │         │       │ (eve@x.example)      │                      │
└──────────────┴─────────┴───────┴──────────────────────┴──────────────────────┘
all of them: python -m flows.jobs errors 11111111-2222-4333-8444-555555555555 --database DATABASE
""")


def test_errors_by_code_are_lines_in_a_pipe(settings: Settings) -> None:
    summary = run_import(settings, ADA, *FAULTY)
    console = make_console(is_terminal=False)
    show_errors_by_code(console, summary, settings=settings)
    assert printed(console).replace(str(settings.database), "DATABASE") == snapshot("""\
  FORMAT at email: 2, first at record 2, line 2 of users.ndjson ([red]nobody[/]): is not an e-mail address
  INVALID_TYPE at blocked: 1, first at record 4, line 4 of users.ndjson (eve@x.example): is 7; expected true or false
all of them: python -m flows.jobs errors 11111111-2222-4333-8444-555555555555 --database DATABASE
""")


def test_job_without_errors_prints_no_table_of_them(settings: Settings) -> None:
    console = make_console(is_terminal=True)
    show_errors_by_code(console, run_import(settings, ADA), settings=settings)
    assert printed(console) == ""


@pytest.fixture
def dry_run(settings: Settings) -> JobSummary:
    path = settings.database.parent / "before.ndjson"
    path.write_text(f"{json.dumps(ADA)}\n{json.dumps(BOB)}\n", encoding="utf-8")
    import_file(settings, path)
    changed: Record = {**ADA, "name": "Ada Lovelace", "password_hash": f"$2b$10${'b' * 53}"}
    policy = {"password_hash": "replace"}
    return run_import(settings, changed, {**BOB, "nickname": "bobby"}, dry_run=True, policy=policy)


def test_changes_of_a_dry_run_are_a_table_on_a_terminal(settings: Settings, dry_run: JobSummary) -> None:
    console = make_console(is_terminal=True)
    show_changes(console, dry_run, settings=settings)
    assert printed(console) == snapshot("""\
some of the changes                             \n\
┏━━━━━━━━━┳━━━━━━━━━━━━━━━┳━━━━━┳━━━━━━━━━━━━━━┓
┃ user_id ┃ field         ┃ old ┃ new          ┃
┡━━━━━━━━━╇━━━━━━━━━━━━━━━╇━━━━━╇━━━━━━━━━━━━━━┩
│ u-ada   │ name          │ Ada │ Ada Lovelace │
│ u-ada   │ password_hash │     │ changed      │
│ u-bob   │ nickname      │     │ bobby        │
└─────────┴───────────────┴─────┴──────────────┘
""")


def test_changes_of_a_dry_run_are_lines_in_a_pipe(
    settings: Settings, dry_run: JobSummary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminal_module, "SAMPLED_USERS", 1)
    console = make_console(is_terminal=False)
    show_changes(console, dry_run, settings=settings)
    assert printed(console) == snapshot("""\
  would change name of u-ada: Ada → Ada Lovelace
  would change password_hash of u-ada: changed
all of them: add --plan FILE
""")


def test_result_in_a_pipe_has_summary_and_errors(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    Terminal(json=False, quiet=False).show(run_import(settings, ADA, *FAULTY), settings=settings)
    out, err = capsys.readouterr()
    assert out.replace(str(settings.database), "DATABASE") == snapshot("""\
completed with errors: 1 inserted, 0 updated, 0 unchanged, 3 failed of 4
job 11111111-2222-4333-8444-555555555555, connection default, mode upsert, 1.50 s, 2 rows/s, write lock 0.12 s
  FORMAT at email: 2, first at record 2, line 2 of users.ndjson ([red]nobody[/]): is not an e-mail address
  INVALID_TYPE at blocked: 1, first at record 4, line 4 of users.ndjson (eve@x.example): is 7; expected true or false
all of them: python -m flows.jobs errors 11111111-2222-4333-8444-555555555555 --database DATABASE
""")
    assert err == ""


def test_fault_goes_to_stderr_with_its_hint(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    Terminal(json=False, quiet=True).show(FAILED, settings=settings)
    out, err = capsys.readouterr()
    assert out == ""
    assert err == snapshot("""\
FILE_SYNTAX: users.json ends [early] at byte 7
complete the file
""")


def test_json_is_one_document_and_nothing_else(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    Terminal(json=True, quiet=False).show(FAILED, settings=settings)
    out, err = capsys.readouterr()
    assert out.count("\n") == 1
    assert json.loads(out) == snapshot(
        {
            "job_id": "11111111-2222-4333-8444-555555555555",
            "external_id": "crm-7",
            "connection": "crm-eu",
            "sources": ["/data/users.csv"],
            "profile": "auth0",
            "mode": "upsert",
            "dry_run": False,
            "status": "failed",
            "total": 15,
            "inserted": 0,
            "updated": 0,
            "unchanged": 0,
            "failed": 15,
            "warnings": 0,
            "not_users": 0,
            "blank_lines": 0,
            "errors_by_code": {},
            "fault": {
                "code": "FILE_SYNTAX",
                "message": "users.json ends [early] at byte 7",
                "hint": "complete the file",
            },
            "created_at": "2026-01-01T00:00:00.000000Z",
            "started_at": "2026-01-01T00:00:01.000000Z",
            "finished_at": "2026-01-01T00:00:02.000000Z",
            "duration_seconds": 0.25,
            "rows_per_second": None,
            "lock_seconds": None,
        }
    )
    assert err == ""


def test_progress_in_a_pipe_is_a_line_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminal_module, "LINE_SECONDS", -1.0)
    progress = Progress(rows=420_000, done_bytes=42, total_bytes=100, seconds=8.4)
    with Terminal(json=False, quiet=False) as terminal:
        for status in (JobStatus.LOADING, JobStatus.READY, JobStatus.IMPORTING):
            terminal.on_phase(status)
        terminal.on_progress(progress)
        terminal.on_progress(replace(progress, done_bytes=0))
        terminal.on_already_imported("11111111-2222-4333-8444-555555555555")
    out, err = capsys.readouterr()
    assert out == ""
    assert err == snapshot("""\
loading
planned
merging
loading: 42 %, 420,000 rows, 50,000 rows/s, 12 s left
loading: 0 %, 420,000 rows, 50,000 rows/s
already imported by job 11111111-2222-4333-8444-555555555555; to import it again, add --again
""")


def test_quiet_prints_no_progress(capsys: pytest.CaptureFixture[str]) -> None:
    with Terminal(json=False, quiet=True) as terminal:
        terminal.on_phase(JobStatus.LOADING)
        terminal.on_already_imported("x")
    assert capsys.readouterr() == ("", "")


def test_a_narrow_terminal_has_lines_instead_of_tables_and_no_command_is_broken(settings: Settings) -> None:
    summary = run_import(settings, ADA, *FAULTY)
    console = make_console(is_terminal=True)
    console.width = 50
    show_summary(console, summary)
    show_errors_by_code(console, summary, settings=settings)
    lines = printed(console).splitlines()
    assert lines[0] == "completed with errors: 1 inserted, 0 updated, 0 "
    assert not any("…" in line or "┃" in line for line in lines)
    assert lines[-1].endswith(f"python -m flows.jobs errors {summary.job_id} --database {settings.database}")

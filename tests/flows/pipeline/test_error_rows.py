"""Each error says in which file its record is and whose it is."""

import json
from pathlib import Path

import pytest

from flows.jobs.cli import app as jobs
from flows.pipeline.job import Observer
from flows.pipeline.run import run_job
from flows.pipeline.undo import undo
from flows.report.command_line import main
from flows.settings import Settings
from flows.store.database import Store
from flows.store.jobs import find_errors
from schemas.options import JobOptions
from tests.flows.importing import change_database, import_records, query_rows


def import_files(settings: Settings, *paths: Path) -> str:
    options = JobOptions(sources=tuple(map(str, paths)), again=True)
    return run_job(options, settings=settings, job_id=str(len(paths)), observer=Observer()).job_id


@pytest.fixture
def files(settings: Settings) -> list[Path]:
    """Three files, of which the second has no rows; the user of the first row exists."""
    import_records(settings, [{"email": "ada@x.example"}])
    contents = {
        "a.csv": "email,user_id\nada@x.example,u-1\nno address,u-2\n",
        "b.csv": "email\n",
        "c.ndjson": '{"user_id": "u-3"}\n{"email": "bob@x.example", "name": " Bob"}\n{"email": \n'
        '{"email": "BOB@x.example"}\n',
    }
    paths = [settings.database.parent / name for name in contents]
    for path, text in zip(paths, contents.values(), strict=True):
        path.write_text(text)
    return paths


def test_every_error_and_warning_has_the_file_and_the_key_of_its_row(settings: Settings, files: list[Path]) -> None:
    errors = find_errors(Store(settings), import_files(settings, *files))
    assert list(errors[0]) == ["source", "record", "line", "key", "code", "path", "message", "severity"]
    assert [(e["source"], e["record"], e["line"], e["key"], e["code"]) for e in errors] == [
        (str(files[0]), 1, 2, "ada@x.example", "CONFLICT_EMAIL"),
        (str(files[0]), 2, 3, "no address", "FORMAT"),
        (str(files[2]), 3, 1, "u-3", "OBJECT_REQUIRED"),
        (str(files[2]), 4, 2, "bob@x.example", "TRIMMED"),
        (str(files[2]), 5, 3, None, "MALFORMED_RECORD"),
        (str(files[2]), 6, 4, "BOB@x.example", "DUPLICATED_USER"),
    ]


def test_the_views_have_them_too(settings: Settings, files: list[Path]) -> None:
    job_id = import_files(settings, *files)
    query = "select first_source, first_line, first_key from errors_by_code where job_id = $job and code = $code"
    assert query_rows(settings, query, job=job_id, code="MALFORMED_RECORD") == [(str(files[2]), 3, None)]
    query = "select source, line, key from rejected_overview where job_id = $job and record = 2"
    assert query_rows(settings, query, job=job_id) == [(str(files[0]), 3, "no address")]


def test_the_list_of_errors_shows_them(
    settings: Settings, files: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["errors", import_files(settings, files[0]), "--database", str(settings.database)]
    assert main(jobs, command) == 0
    head, *_, second = (line.split("\t") for line in capsys.readouterr().out.splitlines())
    assert head == ["record", "line", "source", "key", "severity", "code", "path", "message"]
    assert second[:6] == ["2", "3", str(files[0]), "no address", "error", "FORMAT"]
    assert main(jobs, [*command, "--json"]) == 0
    assert [error["key"] for error in json.loads(capsys.readouterr().out)] == ["ada@x.example", "no address"]


def test_a_user_that_an_undo_keeps_is_named_by_its_user_id(settings: Settings) -> None:
    import_records(settings, [{"email": "ada@x.example", "user_id": "u-1"}], name="first")
    change_database(settings, "update users set name = 'Ada'")
    undo("first", dry_run=False, settings=settings, job_id="undo")
    assert query_rows(settings, "select source, key, code from import_errors where job_id = 'undo'") == [
        (None, "u-1", "CHANGED_SINCE")
    ]

"""What to do after a job: each command works as printed, and each deployment takes its parameters."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from prefect import Flow

from flows.import_users.cli import app as imports
from flows.import_users.flow import import_users
from flows.jobs.cli import app as jobs
from flows.jobs.from_prefect import undo_job, write_rejects_of_job
from flows.report.command_line import main
from flows.report.next_steps import IMPORT, REJECTS, UNDO, Step, steps_after_import, steps_after_rejects
from flows.settings import Settings
from flows.store.database import Store
from flows.store.jobs import find_job, get_job_row, options_of
from schemas.job import JobStatus, Mode
from schemas.options import JobOptions
from tests.flows.importing import import_file, query_rows

FLOWS: Mapping[str, Flow[Any, Any]] = {IMPORT: import_users, REJECTS: write_rejects_of_job, UNDO: undo_job}
MORE: Mapping[str, object] = {"mode": Mode.UPSERT, "policy": {"name": "keep", "nickname": "fill"}, "max_errors": 7}


def run(step: Step) -> int:
    """Run the command of a step, an import without Prefect, and return its exit code."""
    python, _, module, *arguments = shlex.split(step.command)
    assert python == "python"
    return main(jobs, arguments) if module == "flows.jobs" else main(imports, [*arguments, "--direct"])


def test_every_command_works_as_printed_and_every_deployment_takes_its_parameters(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    source = tmp_path / "my users.csv"
    source.write_text("email,name\nann@example.com,Ann\nno address,Bob\n")
    options = JobOptions.model_validate({"sources": (str(source),), **MORE})
    summary = import_file(settings, source, **MORE)  # type: ignore[arg-type] # the mode is one of them
    steps = steps_after_import(summary, options=options, database=settings.database)
    assert [step.deployment for step in steps] == [REJECTS, None, None, None, UNDO]
    assert [run(step) for step in steps] == [0, 1, 0, 0, 0]  # the refused record has not been corrected
    assert query_rows(settings, "select count(*) from users") == [(0,)]
    assert json.loads((tmp_path / "fix.csv").read_text().splitlines()[1].split(",")[0]) == 3
    for step in (step for step in steps if step.deployment):
        FLOWS[str(step.deployment)].validate_parameters(dict(step.parameters))
    capsys.readouterr()


@pytest.mark.slow
def test_other_ends_have_commands_that_work(settings: Settings, tmp_path: Path) -> None:
    source = tmp_path / "users.ndjson"
    source.write_text('{"email": "ann@example.com"}\n')
    options = JobOptions(sources=(str(source),))
    dry_run = import_file(settings, source, Mode.INSERT, dry_run=True)
    (carry_out,) = steps_after_import(
        dry_run, options=options.model_copy(update={"dry_run": True}), database=settings.database
    )
    assert run(carry_out) == 0
    assert query_rows(settings, "select count(*) from users") == [(1,)]
    see, again = steps_after_import(dry_run, options=options, database=settings.database, is_repeat=True)
    assert [run(see), run(again)] == [0, 3]
    FLOWS[str(again.deployment)].validate_parameters(dict(again.parameters))
    failed = replace(dry_run, status=JobStatus.FAILED, dry_run=False)
    (retry,) = steps_after_import(failed, options=options, database=settings.database)
    assert run(retry) == 3  # as the job that has imported the same


def test_a_file_of_refused_records_is_imported_as_the_job_was(settings: Settings, tmp_path: Path) -> None:
    source = tmp_path / "users.csv"
    source.write_text("email,name\nno address,Bob\n")
    summary = import_file(settings, source, **MORE)  # type: ignore[arg-type] # the mode is one of them
    store = Store(settings)
    options = options_of(get_job_row(store, find_job(store, summary.job_id).job_id), sources=("/tmp/rejects.csv",))
    (step,) = steps_after_rejects(options, profile="auth0", database=settings.database)
    assert step.command == (
        "python -m flows.import_users /tmp/rejects.csv --mode upsert --max-errors 7 --policy name=keep,nickname=fill"
        f" --database {settings.database}"
    )
    assert (step.deployment, step.parameters["sources"]) == (IMPORT, ["/tmp/rejects.csv"])

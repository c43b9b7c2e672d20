"""Refused records go where they were sent: never over an imported file, whole or not at all."""

import errno
import io
import json
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from flows.jobs.cli import app
from flows.report import rejects
from flows.report.command_line import main
from flows.report.printing import Output
from flows.report.rejects import write_rejects
from flows.settings import Settings
from flows.store.database import Store
from flows.store.job_folder import JobFolder
from flows.store.job_status import JobFilter, find_jobs
from schemas.codes import ErrorCode
from schemas.faults import ExitCode, Fault, FileFault
from schemas.job import Mode
from tests.flows.importing import import_file, import_records

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer


def test_imported_file_is_not_overwritten_from_another_folder(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in").mkdir()
    source = tmp_path / "in" / "users.csv"
    source.write_text("email\nno address\nann@example.com\n")
    monkeypatch.chdir(source.parent)
    job = import_file(settings, Path("users.csv"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to(source.parent)
    for path in (source, Path("in/users.csv"), Path("link/users.csv"), Path("link/../in/users.csv")):
        with pytest.raises(FileFault, match="is an imported file and would be overwritten"):
            write_rejects(Store(settings), job.job_id, path)
    assert source.read_text().startswith("email\nno address")
    for named in ("users.csv", str(source), "in/users.csv"):
        found, _ = find_jobs(Store(settings), JobFilter(file=named))
        assert [one.summary.job_id for one in found] == [job.job_id]


def test_refused_records_go_to_standard_output(settings: Settings, capfd: pytest.CaptureFixture[str]) -> None:
    job = import_records(settings, [{"email": "x"}, {"email": "ann@example.com"}], Mode.INSERT)
    command = ["rejects", job.job_id, "-o", "-", "--database", str(settings.database)]
    assert main(app, command) == 0
    out, err = capfd.readouterr()
    assert [json.loads(line)["email"] for line in out.splitlines()] == ["x"]
    assert err == "1 refused record written to standard output\n"
    assert main(app, [*command, "--json"]) == ExitCode.USAGE
    folder = JobFolder(settings.jobs_folder / job.job_id).path
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


def test_refused_records_that_are_purged_or_none_are_not_printed(
    settings: Settings, capfd: pytest.CaptureFixture[str]
) -> None:
    refused, clean = (import_records(settings, [{"email": email}], Mode.INSERT) for email in ("x", "ann@example.com"))
    for job in (refused, clean):
        shutil.rmtree(settings.jobs_folder / job.job_id)
    command = ["-o", "-", "--database", str(settings.database)]
    assert main(app, ["rejects", refused.job_id, *command]) == ExitCode.JOB_FAILED
    assert capfd.readouterr().err.startswith("REJECTS_PURGED: ")
    assert main(app, ["rejects", clean.job_id, *command]) == 0
    assert capfd.readouterr() == ("", f"job {clean.job_id} refused no records\n")


@pytest.mark.parametrize(("code", "exit_code"), [(errno.ENOSPC, 1), (errno.EPIPE, 0)])
def test_refused_records_that_were_not_printed_are_not_said_to_be(
    settings: Settings, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, code: int, exit_code: int
) -> None:
    class Broken(Output):
        def write(self, data: "Buffer", /) -> int:
            if code == errno.EPIPE:
                raise BrokenPipeError
            self.error = OSError(code, os.strerror(code))
            return memoryview(data).nbytes

    job = import_records(settings, [{"email": "x"}], Mode.INSERT)
    output = Broken(settings.database.parent / "output", "w")
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BufferedWriter(output)))
    assert main(app, ["rejects", job.job_id, "-o", "-", "--database", str(settings.database)]) == exit_code
    assert "written to" not in capfd.readouterr().err


def test_full_disk_is_named_and_leaves_nothing(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    job = import_records(settings, [{"email": "x"}], Mode.INSERT)

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, None)

    monkeypatch.setitem(rejects.WRITERS, "csv", fail)
    with pytest.raises(Fault) as raised:
        write_rejects(Store(settings), job.job_id, settings.database.parent / "fix.csv")
    assert (raised.value.code, "None" in raised.value.message) == (ErrorCode.DISK_FULL, False)
    assert [*settings.database.parent.glob("*fix*"), *settings.database.parent.glob(".user-import-*")] == []

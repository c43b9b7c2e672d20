"""The file of `--hash-parameters` is checked before anything is read; its key is in nothing that is kept or shown."""

from dataclasses import replace
from pathlib import Path

import pytest

from flows.pipeline.instructions.hash_parameters import read_hashing
from flows.settings import Settings
from schemas.faults import FileFault
from schemas.hashing import NO_HASHING, Hashing
from schemas.job import JobStatus
from schemas.options import JobOptions
from tests.flows.importing import import_file, query_rows
from tests.transforms.hashes.vectors import PARAMETERS, SIGNER_KEY

CONSOLE = f"""hash_config {{
  algorithm: SCRYPT,
  base64_signer_key: {SIGNER_KEY},
  base64_salt_separator: Bw==,
  rounds: 8,
  mem_cost: 14,
}}
"""


@pytest.fixture
def parameters(settings: Settings) -> Path:
    path = settings.database.parent / "firebase.txt"
    path.write_text(CONSOLE)
    return path


@pytest.fixture
def users(settings: Settings) -> Path:
    path = settings.database.parent / "users.csv"
    path.write_text("email\nann@example.com\n")
    return path


def test_the_file_and_the_options_say_how_hashes_are_treated(settings: Settings, parameters: Path) -> None:
    options = JobOptions(sources=("users.json",), hash_parameters=str(parameters), hash_passwords=True)
    assert read_hashing(options, settings=settings) == Hashing(PARAMETERS, hashes_plain=True)
    assert read_hashing(JobOptions(sources=("users.json",)), settings=settings) == NO_HASHING


def test_a_fault_of_the_file_refuses_the_job_with_every_line(settings: Settings, users: Path, parameters: Path) -> None:
    parameters.write_text(CONSOLE.replace("rounds: 8", "rounds: 0").replace("WmXA==", "WmX=="))
    job = import_file(settings, users, hash_parameters=str(parameters))
    assert job.fault is not None
    assert (job.status, job.total, job.fault["code"]) == (JobStatus.FAILED, 0, "FILE_SYNTAX")
    assert job.fault["message"].endswith(
        "cannot be used; line 3: base64_signer_key is not base64, or is empty; copy the whole of it;"
        " line 5: rounds must be a whole number from 1 to 8"
    )
    assert query_rows(settings, "select count(*) from users") == [(0,)]


def test_a_file_that_cannot_be_read_is_refused(settings: Settings, parameters: Path) -> None:
    binary, none = parameters.with_name("binary"), parameters.with_name("none")
    binary.write_bytes(b"\xff\xfe")
    found = []
    for path in (none, parameters.parent, binary, settings.database):
        settings.database.touch()
        with pytest.raises(FileFault) as caught:
            read_hashing(JobOptions(sources=("u",), hash_parameters=str(path)), settings=settings)
        found.append(caught.value.code.value)
    assert found == ["FILE_NOT_FOUND", "FILE_UNREADABLE", "FILE_FORMAT", "FILE_FORMAT"]


def test_a_file_outside_of_the_roots_is_refused(settings: Settings, parameters: Path, users: Path) -> None:
    rooted = replace(settings, roots=(users.parent / "elsewhere", settings.database))
    with pytest.raises(FileFault, match="outside of the folders that runs may use"):
        read_hashing(JobOptions(sources=(str(users),), hash_parameters=str(parameters)), settings=rooted)


def test_the_key_is_kept_nowhere_but_in_hashes(settings: Settings, users: Path, parameters: Path) -> None:
    job = import_file(settings, users, hash_parameters=str(parameters))
    assert (job.status, job.inserted) == (JobStatus.COMPLETED, 1)
    kept = [path for path in settings.database.parent.rglob("*") if path.is_file() and path != parameters]
    assert [path.name for path in kept if SIGNER_KEY[:40].encode() in path.read_bytes()] == []


def test_other_parameters_make_another_import(settings: Settings, users: Path, parameters: Path) -> None:
    first = import_file(settings, users, hash_parameters=str(parameters))
    assert import_file(settings, users, hash_parameters=str(parameters), again=False).job_id == first.job_id
    parameters.write_text(CONSOLE.replace("mem_cost: 14", "mem_cost: 13"))
    assert import_file(settings, users, hash_parameters=str(parameters), again=False).job_id != first.job_id

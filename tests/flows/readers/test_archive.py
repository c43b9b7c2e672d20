"""ZIP archives: the one file of users in it is read as if it had been unpacked."""

import io
import struct
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from flows.settings import Settings
from flows.store.database import Store
from schemas.job import JobStatus
from tests.flows.importing import import_file, query_rows, read_users
from tests.flows.readers.excel.workbooks import write_xlsx

USERS = b"email\nann@example.com\nwrong\n"


def zipped(files: dict[str, bytes], level: int | None = None) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return content.getvalue()


@pytest.fixture
def path(settings: Settings) -> Path:
    """Return the path of an archive beside the database."""
    return settings.database.parent / "export.zip"


def fault_of(settings: Settings, path: Path) -> tuple[str, str]:
    job = import_file(settings, path)
    assert (job.status, read_users(settings)) == (JobStatus.FAILED, [])
    assert job.fault is not None
    return job.fault["code"], job.fault["message"].replace(str(path), path.name)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("users.csv", USERS),
        ("folder/export", USERS),
        ("people.ndjson", b'{"email":"ann@example.com"}\n{"email":"wrong"}\n'),
        ("people.xlsx", write_xlsx(("email",), ("ann@example.com",), ("wrong",))),
    ],
)
def test_the_only_file_is_read_in_its_format(name: str, data: bytes, settings: Settings, path: Path) -> None:
    path.write_bytes(zipped({name: data, "__MACOSX/._users.csv": b"x", ".hidden.csv": b"x", "folder/": b""}))
    job = import_file(settings, path)
    assert (job.inserted, job.failed) == (1, 1)
    assert query_rows(settings, "select source from import_errors") == [(str(path),)]
    assert not [*path.parent.glob("jobs/*/spooled-*")]


def test_the_file_named_users_is_read_among_others(settings: Settings, path: Path) -> None:
    path.write_bytes(zipped({"channels.csv": b"name\n", "users.csv": USERS, "general/2024-01.csv": b"x\n"}))
    assert import_file(settings, path).inserted == 1


def test_a_file_of_users_is_read_beside_others_that_are_none(settings: Settings, path: Path) -> None:
    path.write_bytes(zipped({"README.txt": b"hello", "people.csv": USERS}))
    assert import_file(settings, path).inserted == 1


def test_an_archive_in_a_folder_is_a_source(settings: Settings, path: Path) -> None:
    folder = path.parent / "folder"
    folder.mkdir()
    (folder / "export.zip").write_bytes(zipped({"users.csv": USERS}))
    assert import_file(settings, folder).inserted == 1


def test_the_same_content_packed_again_is_the_same_import(settings: Settings, path: Path) -> None:
    path.write_bytes(zipped({"users.csv": b"email\nann@example.com\n"}))
    first = import_file(settings, path, again=False)
    path.write_bytes(zipped({"other.csv": b"email\nann@example.com\n"}, level=1))
    assert import_file(settings, path, again=False).job_id == first.job_id


def test_archives_without_one_file_of_users_are_refused(settings: Settings, path: Path) -> None:
    path.write_bytes(zipped({"a.csv": USERS, "b.json": b"[]"}))
    assert fault_of(settings, path) == ("FILE_FORMAT", "export.zip is an archive with several files: a.csv, b.json")
    path.write_bytes(zipped({"folder/": b""}))
    assert fault_of(settings, path) == ("FILE_EMPTY", "export.zip is an archive without files")


def test_archives_that_cannot_be_unpacked_are_refused(settings: Settings, path: Path) -> None:
    content = zipped({"users.csv": USERS * 100})
    path.write_bytes(content[:-30])
    assert fault_of(settings, path)[0] == "FILE_FORMAT"
    start = 30 + len("users.csv")
    path.write_bytes(content[:start] + b"\xff" * 20 + content[start + 20 :])
    assert fault_of(settings, path) == ("FILE_UNREADABLE", "export.zip is a damaged ZIP archive")
    central = content.rindex(b"PK\x01\x02")
    encrypted = content[: central + 8] + struct.pack("<H", 1) + content[central + 10 :]
    path.write_bytes(encrypted)
    assert fault_of(settings, path) == ("FILE_FORMAT", "export.zip is encrypted")


def test_an_archive_of_too_many_files_is_not_listed(settings: Settings, path: Path) -> None:
    content = zipped({"users.csv": USERS})
    end = content.rindex(b"PK\x05\x06")
    path.write_bytes(content[: end + 12] + struct.pack("<I", 1 << 25) + content[end + 16 :])
    code, message = fault_of(settings, path)
    assert (code, message) == (
        "FILE_FORMAT",
        "export.zip looks like a ZIP archive of too many files, which is not supported",
    )


def test_a_bomb_is_not_unpacked_to_its_end(settings: Settings, path: Path) -> None:
    path.write_bytes(zipped({"users.csv": b"email\n" + b"\n" * (70 << 20)}))
    code, message = fault_of(settings, path)
    assert (code, message) == ("FILE_UNREADABLE", "export.zip decompresses to more than 67,108,864 bytes")
    limits = replace(settings.limits, decompressed_bytes=1000)
    assert fault_of(replace(settings, limits=limits), path)[1].endswith("more than 1,000 bytes")
    assert not [*Store(settings).settings.jobs_folder.glob("*/spooled-*")]

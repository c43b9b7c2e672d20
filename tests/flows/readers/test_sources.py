"""The names on a command line are resolved to files."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from flows.readers.sources import Source, find_sources, fingerprint
from schemas.codes import ErrorCode
from schemas.faults import FileFault


def fault_of(name: str, spool: Path) -> FileFault:
    with pytest.raises(FileFault) as raised:
        find_sources([name], spool=spool)
    return raised.value


def test_a_source_has_the_name_that_was_given(tmp_path: Path) -> None:
    path = tmp_path / "users.json"
    path.write_bytes(b"[{}]")
    (source,) = find_sources([str(path)], spool=tmp_path)
    assert (source.name, source.path, source.size) == (str(path), path, 4)
    assert fingerprint(source) == hashlib.sha256(b"[{}]").hexdigest()


def test_a_folder_stands_for_its_files_with_known_extensions_by_name(tmp_path: Path) -> None:
    for name in (
        "b.csv",
        "a.NDJSON",
        "c.json.gz",
        "d.parquet",
        "e.tsv.zst",
        "readme.txt",
        "f.gz",
        "~$b.csv",
        "._b.csv",
    ):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "deeper.json").mkdir()
    linked = tmp_path.parent / f"{tmp_path.name} link"
    linked.symlink_to(tmp_path)
    found = [source.path.name for source in find_sources([str(linked)], spool=tmp_path)]
    assert found == ["a.NDJSON", "b.csv", "c.json.gz", "d.parquet", "e.tsv.zst"]


def test_a_folder_without_files_to_import_is_refused(tmp_path: Path) -> None:
    (tmp_path / "readme.txt").write_bytes(b"x")
    assert fault_of(str(tmp_path), tmp_path).code is ErrorCode.FILE_EMPTY


def test_a_missing_file_is_refused_with_the_most_similar_name(tmp_path: Path) -> None:
    (tmp_path / "users_2024.json").write_bytes(b"x")
    fault = fault_of(str(tmp_path / "user_2024.json"), tmp_path)
    assert fault.code is ErrorCode.FILE_NOT_FOUND
    assert "users_2024.json" in fault.hint


def test_what_fetches_urls_is_asked_for_urls_only(tmp_path: Path) -> None:
    path = tmp_path / "users.json"
    path.write_bytes(b"[]")
    asked = []

    def fetch(url: str) -> Source:
        asked.append(url)
        return Source(url, path, 2)

    names = ["https://example.com/a.json", str(path), "s3://bucket/b.json", "https://[::1"]
    found = find_sources(names, spool=tmp_path, fetch=fetch)
    assert [source.name for source in found] == names
    assert asked == [names[0], *names[2:]]


@pytest.mark.parametrize("name", ["*.json", "users[1].json", "user?.json", "~/users.json"])
def test_a_name_is_never_a_pattern(name: str, tmp_path: Path) -> None:
    (tmp_path / "users1.json").write_bytes(b"[{}]")
    assert fault_of(str(tmp_path / name), tmp_path).code is ErrorCode.FILE_NOT_FOUND
    exact = tmp_path / name.replace("~/", "")
    exact.write_bytes(b"[]")
    assert [source.size for source in find_sources([str(exact)], spool=tmp_path)] == [2]


@pytest.mark.parametrize("name", ["\0", "users\0.json", "a" * 5000, "", "../" * 2000 + "etc/nothing-here"])
def test_a_name_that_no_file_can_have_is_refused_with_a_fault(name: str, tmp_path: Path) -> None:
    if name:
        assert fault_of(name, tmp_path).code in (ErrorCode.FILE_NOT_FOUND, ErrorCode.FILE_UNREADABLE)
    else:
        assert fault_of(str(tmp_path / "nothing" / name), tmp_path).code is ErrorCode.FILE_NOT_FOUND


def test_a_pipe_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "users.json")
    fault = fault_of(str(tmp_path / "users.json"), tmp_path)
    assert (fault.code, fault.hint) == (ErrorCode.FILE_UNREADABLE, "use - to read from standard input")


def test_a_name_that_cannot_be_printed_is_shown_with_escapes(tmp_path: Path) -> None:
    path = tmp_path / "us\x1b[31mers\n.json"
    path.write_bytes(b"[]")
    (source,) = find_sources([str(path)], spool=tmp_path)
    assert source.name.isprintable()
    assert source.path == path


def test_standard_input_is_copied_to_a_private_file(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from flows.readers.sources import find_sources, fingerprint\n"
        "(source,) = find_sources(['-'], spool=Path(sys.argv[1]))\n"
        "print(source.name, source.size, oct(source.path.stat().st_mode & 0o777), fingerprint(source))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], input=b'{"email":"a@b.c"}', capture_output=True, check=True
    )
    digest = hashlib.sha256(b'{"email":"a@b.c"}').hexdigest()
    assert done.stdout.decode().split() == ["stdin", "17", "0o600", digest]

"""The format of a file is detected by its name and its content."""

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pytest

from flows.readers.detect import detect_format
from flows.readers.sources import STDIN_NAME, Source
from schemas.codes import ErrorCode
from schemas.faults import FileFault
from tests.flows.readers.outcomes import SMALL, Reader
from tests.flows.readers.parquet.test_reader import parquet

USER = b'{"email":"ann@example.com"}'
JSON = (
    b"[" + USER + b"]",
    b"[" + USER + b"," + USER + b"]\n",
    b"[\n" + USER + b",\n" + USER + b"\n]",
    b'{"total":1, "users":[' + USER + b"]}",
    b'{"users":[\n' + USER + b"\n]}",
)
CSV = b"email,name\nann@example.com,Ann\n"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("users.json", b"[" + USER + b"]"),
        ("users.json", USER),
        ("users.json", USER + b"\n"),
        ("users.json", USER + b"\n\n" + USER + b"\n"),  # NDJSON, whatever the name
        ("users.json", b'{"users":[' + USER + b"]}"),
        ("users.ndjson", USER + b"\n" + USER),
        ("users.JSONL", USER),
        *((f"users.{ending}", content) for ending in ("ndjson", "jsonl", "txt", "csv", "tsv") for content in JSON),
        ("users.csv", USER + b"\n" + USER),
        ("users.csv", CSV),
        ("users.tsv", CSV.replace(b",", b"\t")),
        ("users", b"[" + USER + b"]"),
        ("users", USER + b"\n" + USER),
        ("stdin", CSV),
        ("export.txt", CSV.replace(b",", b";")),
        ("users.csv.gz", gzip.compress(CSV, mtime=0)),
    ],
)
def test_a_file_is_read_in_its_format(name: str, content: bytes, reader: Reader) -> None:
    outcome = reader.read(content, name)
    assert outcome.errors == []
    assert all('"email":"ann@example.com"' in text for text in outcome.texts)
    assert outcome.seen >= 1


@pytest.mark.parametrize(
    ("name", "content", "guess"),
    [
        ("users.csv", "email,name\n".encode("utf-16"), "UTF-16"),
        ("users.json", '[{"email":1}]'.encode("utf-16-le"), "UTF-16"),
        ("users.json", '[{"email":1}]'.encode("utf-16-be"), "UTF-16"),
        ("users.csv", "email,name\n".encode("utf-32"), "UTF-32"),
        ("users.csv", b"<!DOCTYPE html><html><body>Sign in</body></html>", "HTML"),
        ("users.json", b"\n <html lang='en'>", "HTML"),
        ("users.csv", b"<?xml version='1.0'?>", "XML"),
        ("users.csv", b"PAR1....PAR1", "Parquet"),
        ("users.csv", gzip.compress(CSV, mtime=0), "gzip"),
        ("users.csv", b"\x28\xb5\x2f\xfd\x00\x00", "zstd"),
        ("users.csv", b"PK\x03\x04\x14\x00", "Excel"),
        ("users.json", CSV, "CSV"),
        ("users.ndjson", CSV, "CSV"),
        ("users.parquet", CSV, "CSV"),
        ("users.parquet", b"anything else", "something else"),
    ],
)
def test_a_file_whose_name_and_content_differ_is_refused_with_a_guess(
    name: str, content: bytes, guess: str, reader: Reader
) -> None:
    fault = reader.fault(content, name)
    assert fault.code is ErrorCode.FILE_FORMAT
    assert guess in fault.message
    assert name in fault.message
    assert fault.hint


def test_a_file_without_a_known_name_or_content_is_refused(reader: Reader) -> None:
    fault = reader.fault(b"Dear Sir or Madam,\n", "letter.txt")
    assert fault.code is ErrorCode.FILE_FORMAT
    assert "--format" in fault.hint


def test_the_requested_format_overrides_the_name(reader: Reader) -> None:
    assert reader.read(USER, "users.csv", requested="ndjson").texts == [USER.decode()]


@pytest.mark.parametrize(
    ("requested", "content"),
    [
        ("ndjson", JSON[0]),
        ("ndjson", JSON[2]),
        ("ndjson", CSV),
        ("csv", JSON[0]),
        ("csv", USER + b"\n" + USER),
        ("json", CSV),
    ],
)
def test_content_that_contradicts_the_requested_format_is_refused(
    requested: str, content: bytes, reader: Reader
) -> None:
    fault = reader.fault(content, "users.txt", requested=requested)
    assert (fault.code, fault.hint) == (ErrorCode.FILE_FORMAT, "import it without --format")
    assert f"but --format is {requested}" in fault.message


@pytest.mark.parametrize("first", [b"[1]", b'{"email":"a",', b'{"email"}', b"oops"])
def test_a_bad_first_line_of_ndjson_is_refused_alone(first: bytes, reader: Reader) -> None:
    outcome = reader.read(first + b"\n" + USER + b"\n" + USER + b"\n", "users.ndjson")
    assert (outcome.seen, len(outcome.errors), outcome.errors[0].line) == (3, 1, 1)


@pytest.mark.parametrize("name", ["users.json", "users.ndjson", "users.csv", "users.parquet", "users", "users.json.gz"])
def test_an_empty_file_is_refused_as_empty(name: str, reader: Reader) -> None:
    fault = reader.fault(b"", name)
    assert (fault.code, "empty" in fault.message) == (ErrorCode.FILE_EMPTY, True)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("users.json", b" \n"),
        ("users.ndjson", b"\n \r\n\t\n"),
        ("users.ndjson", b"\xef\xbb\xbf"),
        ("users.csv", b"\n\n"),
        ("users.csv", b"\xef\xbb\xbf \t\n"),
        ("users.csv", b',,\n"", \n'),
        ("users.parquet", b"\n"),
        ("users.csv", b"\n" * 2000),
        ("users.csv", b",\n" * 2000),
        ("users", b"  \n"),
    ],
)
def test_a_file_of_white_space_is_refused_as_empty(name: str, content: bytes, reader: Reader) -> None:
    assert reader.fault(content, name, limits=SMALL).code is ErrorCode.FILE_EMPTY
    assert reader.fault(gzip.compress(content), f"{name}.gz", limits=SMALL).code is ErrorCode.FILE_EMPTY


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("users.json", b"[]"),
        ("users.json", b' {"users": []}'),
        ("users.csv", b"email,name\n"),
        ("users.csv", b"email;name"),
        ("users.csv", b'sep=,\nemail,name\r\n,\r\n"",""\r\n'),
    ],
)
def test_a_file_without_users_has_no_records(name: str, content: bytes, reader: Reader) -> None:
    assert reader.read(content, name).seen == 0
    assert reader.read(gzip.compress(content), f"{name}.gz").seen == 0


def test_a_table_without_rows_has_no_records(reader: Reader) -> None:
    assert reader.read(parquet(pa.table({"email": pa.array([], pa.string())})), "users.parquet").seen == 0


@pytest.mark.parametrize(
    ("name", "content"), [("users.json", b"[%s]"), ("users.json", b"%s"), ("users.ndjson", b"%s\n")]
)
def test_a_key_that_is_not_utf8_refuses_its_record(name: str, content: bytes, reader: Reader) -> None:
    outcome = reader.read(content % b'{"email":"a@b.c","Pr\xe9nom":"A"}', name)
    assert outcome.errors == [(1, 1, "INVALID_TEXT")]


def test_ndjson_with_a_large_first_record_is_detected(reader: Reader) -> None:
    large = b'{"email":"ann@example.com","user_metadata":{"a":"' + b"x" * 300_000 + b'"}}'
    assert reader.read(large + b"\n" + USER, "users.json").rows[1] == (2, 2, USER.decode())
    assert reader.read(large, "users.json").seen == 1


def test_the_hint_for_compressed_standard_input_names_no_file(tmp_path: Path) -> None:
    (tmp_path / "stdin").write_bytes(b"\x1f\x8b\x08\x00" + bytes(20))
    with pytest.raises(FileFault) as caught:
        detect_format(Source(STDIN_NAME, tmp_path / "stdin", 24), "auto")
    assert (caught.value.code, "name it" in caught.value.hint) == (ErrorCode.FILE_FORMAT, False)


def test_empty_pipe_is_not_asked_to_be_exported_again(tmp_path: Path) -> None:
    (tmp_path / "copy").touch()
    with pytest.raises(FileFault, match="stdin is empty: it has no bytes") as raised:
        detect_format(Source(STDIN_NAME, tmp_path / "copy", 0), "auto")
    assert raised.value.hint == "see why the command before the pipe wrote nothing"


@pytest.mark.parametrize("users", [2, 5_000])
@pytest.mark.parametrize("separator", [",", ", ", ",\n"])
def test_array_of_any_length_is_json_whatever_its_name(reader: Reader, users: int, separator: str) -> None:
    records = (json.dumps({"email": f"user{number}@example.com"}) for number in range(users))
    assert reader.read(f"[{separator.join(records)}]".encode(), "users.ndjson").seen == users

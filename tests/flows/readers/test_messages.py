"""The messages and hints of files, records and rows that are refused, as users read them."""

# ruff: noqa: E501 - a sentence is one line

import gzip
from pathlib import Path

import pyarrow as pa
import pytest
from inline_snapshot import snapshot

from flows.readers.sources import find_sources
from schemas.faults import FileFault
from tests.flows.readers.outcomes import SMALL, Reader
from tests.flows.readers.parquet.test_reader import parquet

FILES = {
    "empty.json": b"",
    "blank.json": b" \n",
    "blank.ndjson": b"\n \n",
    "open.json": b'[{"a":1}',
    "comma.json": b'[{"a":1},]',
    "lines.txt": b'{"email":"a"}\n#',
    "group.json": b'{"group":{"id":1}}',
    "twice.json": b'{"users":[{"a":1}],"users":[{"a":1}]}',
    "csv.json": b"email,name\na@b.c,A\n",
    "letter.txt": b"Dear Sir or Madam,\n",
    "utf16.csv": "email,name\n".encode("utf-16"),
    "page.json": b"<!DOCTYPE html><html>",
    "sheet.csv": b"PK\x03\x04\x14\x00",
    "plain.csv.gz": b"email\na@b.c\n",
    "cut.csv.gz": gzip.compress(b"email\n" + bytes(range(256)) * 9, mtime=0)[:-20],
    "unknown.csv": b"ann@example.com,+15550001,Ann\n",
    "twice.csv": b"email,E-Mail\na@b.c,a@b.c\n",
    "quote.csv": b'email,name\na@b.c,"A\n',
    "map.parquet": parquet(
        pa.table({"email": ["a"], "name": pa.array([[("a", 1), ("a", 2)]], pa.map_(pa.string(), pa.int64()))})
    ),
}


def test_refused_files_say_what_is_wrong_and_what_to_do(reader: Reader) -> None:
    faults = {name: reader.fault(content, name) for name, content in FILES.items()}
    assert {name: (fault.message, fault.hint) for name, fault in faults.items()} == snapshot(
        {
            "empty.json": ("empty.json is empty: it has no bytes", "export the users again"),
            "blank.json": ("blank.json is empty: it has nothing but white space", "export the users again"),
            "blank.ndjson": ("blank.ndjson is empty: it has nothing but white space", "export the users again"),
            "open.json": (
                "open.json is incomplete: the array is not closed, at byte 8 (line 1)",
                "export or copy the file again",
            ),
            "comma.json": (
                "comma.json is not JSON: expecting value, at byte 9 (line 1)",
                "correct the file at this position",
            ),
            "lines.txt": (
                "lines.txt is not JSON: there is more after the end of the document, at byte 14 (line 2)",
                "correct the file at this position",
            ),
            "group.json": (
                "group.json contains one object (keys: group), which is not a user and has no array of users",
                "export an array of users, on its own or under users; if the file is another system's, `user-import profiles suggest FILE -o FILE.toml` writes a mapping for it",
            ),
            "twice.json": (
                "twice.json contains two arrays of users, under users and users",
                "remove one of the arrays, or move it to a file of its own",
            ),
            "csv.json": (
                "csv.json looks like CSV, but its name says otherwise",
                "rename it to end in .csv, or use --format csv",
            ),
            "letter.txt": (
                "the format of letter.txt is not recognised",
                "state it with --format json, ndjson, csv, parquet, excel or ldif",
            ),
            "utf16.csv": (
                "utf16.csv looks like UTF-16, which is read only if --encoding says so",
                "save it as UTF-8, or import it with --encoding utf-16",
            ),
            "page.json": (
                "page.json looks like HTML, but its name says otherwise",
                "download the file again: this may be an error page",
            ),
            "sheet.csv": (
                "sheet.csv looks like a damaged ZIP archive or Excel workbook, but its name says otherwise",
                "save or copy the file again",
            ),
            "plain.csv.gz": (
                "plain.csv.gz is named like a gzip file but is not one",
                "rename it with the extension of its actual format",
            ),
            "cut.csv.gz": (
                "cut.csv.gz ends in the middle of its gzip compression, near byte 295",
                "compress or copy the file again",
            ),
            "unknown.csv": (
                "unknown.csv has no header: its column names look like the data of a user, so they are not shown here",
                "name the columns (of CSV, in the first row) after the fields: email, email_verified, phone_number, phone_verified, user_id, username, given_name, family_name, name, nickname, picture, blocked, password_hash, custom_password_hash, app_metadata, user_metadata, mfa_factors, middle_name, locale, zoneinfo, birthdate, registered_at, last_login_at, roles, groups, identities, source_id; if the file is another system's, `user-import profiles suggest FILE -o FILE.toml` writes a mapping for it",
            ),
            "twice.csv": (
                "twice.csv has two columns for email: email, E-Mail",
                "rename or remove one of them, or keep the first with --unknown-fields ignore",
            ),
            "quote.csv": (
                "quote.csv has a quoted cell that opens in line 2 and is not closed properly",
                "close it with a quote, double each quote inside it, and keep it below IMPORT_VALUE_BYTES",
            ),
            "map.parquet": (
                "map.parquet has a map with a duplicate key",
                "make the keys of every map unique, or write the column as JSON text",
            ),
        }
    )


def test_names_that_are_not_files_say_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("users.json").touch()
    Path("semi.csv").touch()
    Path("exports").mkdir()
    found = {}
    for name in ("user.json", "missing.csv", "none/user.json", "exports"):
        with pytest.raises(FileFault) as raised:
            find_sources([name], spool=tmp_path)
        found[name] = (raised.value.message, raised.value.hint)
    assert found == snapshot(
        {
            "user.json": ("user.json does not exist", "did you mean users.json?"),
            "missing.csv": ("missing.csv does not exist", "check the name and the folder"),
            "none/user.json": (
                "none/user.json does not exist",
                "check the path: the folder none does not exist either",
            ),
            "exports": (
                "the folder exports contains no files to import",
                "give the files one of the extensions .json .ndjson .jsonl .csv .tsv .parquet .xlsx .xlsm .ods .ldif .ldf .zip, if compressed followed by .gz or .zst or .bz2 or .xz",
            ),
        }
    )


def test_refused_records_say_what_is_wrong(reader: Reader) -> None:
    lines = [
        b'{"a":1,}',
        b'{"a":NaN}',
        b'{"a":1e999}',
        b'{"a":"\xff"}',
        b'{"a":"\\ud800"}',
        b'{"a":"x\x00"}',
        b"[1]",
        b'"x"',
        b'{"a":[[[[[]]]]]}',
        b'{"a":"' + b"x" * 201 + b'"}',
        b"{" + b",".join(b'"k%d":1' % key for key in range(21)) + b"}",
        b'{"a":[' + b"1," * 300 + b"1]}",
    ]
    assert reader.read(b"\n".join(lines), "users.ndjson", limits=SMALL).messages == snapshot(
        [
            "is not JSON: expecting property name enclosed in double quotes, at byte 7",
            "is not JSON: NaN is not a valid number, at byte 5",
            "is not JSON: 1e999 is not a valid number, at byte 5",
            "has a string that is not UTF-8, at byte 6; if the file is in Windows-1252, state --encoding cp1252",
            "has an unpaired surrogate in a string, at byte 6",
            "has a control character in a string, at byte 7",
            "is an array, not an object",
            "is a string, not an object",
            "is nested more than 5 levels deep",
            "has a string of 201 bytes, at most 200 are allowed",
            "has 21 keys, at most 20 are allowed",
            "is 609 bytes long, at most 400 are allowed",
        ]
    )


def test_refused_rows_say_what_is_wrong(reader: Reader) -> None:
    rows = [b"a", b"a,b,c", b'"a"b,c', b"a,\xfc", b"a," + b"x" * 201, b"a," + b"x" * 500]
    content = b"email,name\n" + b"\n".join(rows) + b"\n"
    assert reader.read(content, "users.csv", limits=SMALL).messages == snapshot(
        [
            "has 1 cell, but the header has 2",
            "has 3 cells, but the header has 2",
            "has a quote inside a quoted cell that is not doubled",
            "has a cell that is not UTF-8; if the file is in Windows-1252, state --encoding cp1252",
            "has a cell of more than 200 characters, which is the maximum",
            "is 502 bytes long, at most 400 are allowed",
        ]
    )

"""An LDIF source is read entry by entry; what cannot be read is refused alone, at its first line."""

import base64
from dataclasses import replace

import pytest

from flows.readers.detect import detect_format
from flows.readers.limits import ReadLimits
from flows.readers.remove_records import UserSearch
from schemas.codes import ErrorCode
from schemas.faults import FileFault
from tests.flows.readers.outcomes import SMALL, Reader, Row, RowError
from transforms.user_records import UserKeys

ENTRIES = b"""version: 1

dn: uid=ann,dc=example,dc=com
uid: ann
mail: ann@
 example.com

# a comment
uid: nobody

dn: uid=bo,dc=example,dc=com
uid: bo
"""
ROWS = [
    Row(1, 3, '{"dn":"uid=ann,dc=example,dc=com","uid":["ann"],"mail":["ann@example.com"]}'),
    Row(3, 11, '{"dn":"uid=bo,dc=example,dc=com","uid":["bo"]}'),
]


@pytest.mark.parametrize("batch_bytes", [1, 7, 64, 1 << 20])
@pytest.mark.parametrize("ends", [b"\n", b"\r\n", b"\r"])
def test_entries_are_records(reader: Reader, ends: bytes, batch_bytes: int) -> None:
    limits = replace(ReadLimits(), batch_bytes=batch_bytes, batch_rows=1)
    outcome = reader.read(ENTRIES.replace(b"\n", ends), "users.ldif", limits=limits)
    assert outcome.rows == ROWS
    assert outcome.errors == [RowError(2, 9, "MALFORMED_RECORD")]
    assert outcome.refused == ["uid: nobody"]


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (ENTRIES, "users"),
        (ENTRIES.partition(b"\n\n")[2], "users.txt"),
        (b"\xef\xbb\xbf# extended LDIF\n#\n\ndn:: dWlkPWFubg==\nuid: ann\n", "users.csv"),
    ],
)
def test_ldif_is_detected_by_its_content(reader: Reader, content: bytes, name: str) -> None:
    assert detect_format(reader.source(content, name)) == "ldif"


def test_a_table_with_a_line_of_a_version_is_not_ldif(reader: Reader) -> None:
    content = b"version:v1.0\nName [displayName] Required,User name [userPrincipalName] Required\nAnn,ann@x.example\n"
    assert detect_format(reader.source(content, "users.csv")) == "csv"


@pytest.mark.parametrize("batch_bytes", [16, 1 << 16])
def test_an_entry_that_is_too_large_is_refused_alone(reader: Reader, batch_bytes: int) -> None:
    many = b"".join(b"mail: ann%d@example.com\n" % number for number in range(40))
    content = b"dn: uid=ann\n" + many + b"\ndn: uid=bo\nuid: bo\n"
    outcome = reader.read(content, "users.ldif", limits=replace(SMALL, batch_bytes=batch_bytes))
    assert outcome.errors == [RowError(1, 1, "TOO_LARGE")]
    assert [(row.record, row.line) for row in outcome.rows] == [(2, 43)]


def test_a_line_that_is_too_long_refuses_its_entry(reader: Reader) -> None:
    content = b"dn: uid=ann\ndescription: " + b"x" * 2000 + b"\n\ndn: uid=bo\nuid: bo\n"
    outcome = reader.read(content, "users.ldif", limits=SMALL)
    assert outcome.errors == [RowError(1, 1, "MALFORMED_RECORD")]
    assert [(row.record, row.line) for row in outcome.rows] == [(2, 4)]


def test_a_source_without_entries_is_empty(reader: Reader) -> None:
    fault = reader.fault(b"version: 1\n\n# nothing\n", "users.ldif")
    assert (fault.code, fault.message) == (ErrorCode.FILE_EMPTY, "users.ldif has no entries")


def test_a_file_that_names_a_user_to_be_forgotten_is_reported(reader: Reader) -> None:
    content = b"dn: uid=ann\nmail:: " + base64.b64encode(b"ann@example.com") + b"\n"
    source = reader.source(content, "users.ldif")
    search = UserSearch(UserKeys(email=frozenset({"ann@example.com"})), ReadLimits(), reader.engine)
    with pytest.raises(FileFault, match="it is LDIF, and names the user"):
        search.find(source)
    assert UserSearch(UserKeys(email=frozenset({"bo@example.com"})), ReadLimits(), reader.engine).find(source) is None

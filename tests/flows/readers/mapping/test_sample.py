"""A sample shows the first records and the names around them, of any file, wherever its beginning ends."""

import gzip
import json

import pytest

from flows.readers.mapping.sample import HEAD_BYTES, MOST_RECORDS, read_sample
from schemas.mapping.signs import Record, Sample
from tests.flows.readers.outcomes import Reader

ANN, BO = {"mail": "a@x.example"}, {"mail": "b@x.example"}


def sample(reader: Reader, content: bytes, form: str = "json", containers: tuple[str, ...] = ("users",)) -> Sample:
    return read_sample(reader.source(content, "users"), form=form, containers=lambda: containers)


def records(found: Sample) -> list[Record]:
    return [dict(record) for record in found.records_under(("users",))]


def test_the_records_of_an_array(reader: Reader) -> None:
    assert records(sample(reader, b'\xef\xbb\xbf \n[{"mail":"a@x.example"}, 5 ,{"mail":"b@x.example"}]')) == [ANN, BO]


def test_the_records_under_keys_of_a_document(reader: Reader) -> None:
    found = sample(reader, json.dumps({"realm": "x", "roles": {"a": []}, "users": [ANN], "clients": [BO, 1]}).encode())
    assert found.arrays == {"users": [ANN], "clients": [BO]}
    assert set(found.document) == {"realm", "roles", "users", "clients"}
    assert records(found) == [ANN]


def test_a_document_without_arrays_is_the_record(reader: Reader) -> None:
    assert records(sample(reader, json.dumps(ANN).encode())) == [ANN]


def test_the_records_of_lines(reader: Reader) -> None:
    lines = b'\xef\xbb\xbf{"mail":"a@x.example"}\r\nnot JSON\n[1]\n\n{"mail":"\xe2\x80\xa8"}\n'
    assert records(sample(reader, lines, "ndjson")) == [ANN, {"mail": "\u2028"}]


@pytest.mark.parametrize("form", ["json", "ndjson", "csv"])
@pytest.mark.parametrize(
    "content", [b"", b" \n", b"[", b"{", b'{"users":[', b'{"users"', b"\xff\xfe", b'["', b"nonsense"]
)
def test_what_ends_early_has_no_records(reader: Reader, content: bytes, form: str) -> None:
    assert records(sample(reader, content, form)) == []


def test_every_beginning_of_a_document_is_a_sample(reader: Reader) -> None:
    text = json.dumps({"a": [1, {"b": 'é\\"'}], "users": [ANN, BO], "z": None}, ensure_ascii=False).encode()
    users = [sample(reader, text[:end]).arrays.get("users") for end in range(len(text))]
    assert [found for place, found in enumerate(users) if found != users[place - 1]] == [None, [], [ANN], [ANN, BO]]


def test_users_after_much_else_are_found(reader: Reader) -> None:
    much = {"roles": {"x": "y" * 5_000_000}, "groups": [{"name": "g"}], "users": [ANN] * 3}
    found = sample(reader, json.dumps(much).encode())
    assert records(found) == [ANN] * 3
    early = {"groups": [{"name": "g"}], "roles": "y" * HEAD_BYTES, "members": [BO]}
    assert sample(reader, json.dumps(early).encode(), containers=("members",)).arrays["members"] == [BO]


def test_a_compressed_source_is_opened(reader: Reader) -> None:
    source = reader.source(gzip.compress(b'[{"mail":"a@x.example"}]'), "users.json.gz")
    assert records(read_sample(source, form="json")) == [ANN]


def test_few_records_of_a_long_file_suffice(reader: Reader) -> None:
    text = json.dumps([{"n": "x" * 100}] * 10_000).encode()
    assert len(records(sample(reader, text))) == MOST_RECORDS


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_columns_and_rows_of_a_table(reader: Reader, separator: str) -> None:
    text = 'email, name \na@x.example,"Lo, Ann"\nb@x.example\n'.replace(",", separator)
    found = sample(reader, b"\xef\xbb\xbf" + text.encode(), "csv")
    assert found.columns == ("email", "name")
    assert records(found) == [{"email": "a@x.example", "name": f"Lo{separator} Ann"}, {"email": "b@x.example"}]


def test_a_table_without_a_header_has_its_first_row_among_the_rows(reader: Reader) -> None:
    found = sample(reader, b"a@x.example,Ann\nb@x.example,Bo\n", "csv")
    assert found.rows == [["a@x.example", "Ann"], ["b@x.example", "Bo"]]


def test_lines_above_a_header_are_no_columns(reader: Reader) -> None:
    assert sample(reader, b"sep=;\nemail;name\na;b\n", "csv").columns == ("email", "name")
    assert sample(reader, b"# export\nemail,name\na,b\n", "csv").columns == ("email", "name")


def test_the_row_that_the_beginning_ends_in_is_not_a_row(reader: Reader) -> None:
    row = "a@x.example," + "x" * 60_000
    found = sample(reader, "\n".join(["email,name", *[row] * 10]).encode(), "csv")
    assert {len(cells) for cells in found.rows} == {2}


def test_a_cell_may_be_large(reader: Reader) -> None:
    found = sample(reader, f"email,name\na@x.example,{'x' * 200_000}\n".encode(), "csv")
    assert [len(cell) for cell in found.rows[1]] == [11, 200_000]
    assert sample(reader, b"x" * 300_000, "csv").columns == ("x" * HEAD_BYTES,)

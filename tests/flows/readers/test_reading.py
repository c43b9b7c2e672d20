"""Reading ahead yields the same batches, and an error follows the batches before it; every batch has a record."""

import gzip
import json
import threading
from collections.abc import Generator

import pyarrow as pa
import pytest

from flows.readers.limits import ReadLimits
from flows.readers.reading import Batch, read_ahead
from schemas.codes import ErrorCode
from schemas.faults import FileFault
from tests.flows.readers.outcomes import Reader
from tests.flows.readers.parquet.test_reader import parquet


def batch(position: int) -> Batch:
    return Batch(seen=0, position=position)


def test_batches_are_in_order_and_the_next_is_read_meanwhile() -> None:
    second_is_read = threading.Event()

    def batches() -> Generator[Batch, None, None]:
        yield batch(1)
        second_is_read.set()
        yield batch(2)

    found = []
    for ahead in read_ahead(batches()):
        assert second_is_read.wait(5), "the second batch is read while the first is processed"
        found.append(ahead.position)
    assert found == [1, 2]


def test_an_error_follows_the_batches_before_it() -> None:
    def batches() -> Generator[Batch, None, None]:
        yield batch(1)
        raise FileFault(ErrorCode.FILE_FORMAT, "broken", "repair it")

    ahead = read_ahead(batches())
    assert next(ahead).position == 1
    with pytest.raises(FileFault, match="broken"):
        next(ahead)


def test_closing_early_closes_the_source_of_the_batches() -> None:
    closed = threading.Event()

    def batches() -> Generator[Batch, None, None]:
        try:
            for position in range(100):
                yield batch(position)
        finally:
            closed.set()

    ahead = read_ahead(batches())
    assert next(ahead).position == 0
    ahead.close()
    assert closed.is_set()


USERS = [{"email": f"u{number}@b.c", "name": "U" * number} for number in range(1, 6)]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("users.json", json.dumps(USERS).encode()),
        ("users.ndjson", "".join(f"{json.dumps(user)}\n" for user in USERS).encode()),
        ("users.csv", "".join(["email,name\n", *("{email},{name}\n".format(**user) for user in USERS)]).encode()),
        ("users.parquet", parquet(pa.Table.from_pylist(USERS))),
    ],
)
@pytest.mark.parametrize("limits", [ReadLimits(batch_rows=0), ReadLimits(batch_bytes=0), ReadLimits(batch_rows=2)])
def test_limits_of_batches_that_leave_no_room_change_no_result(
    name: str, content: bytes, limits: ReadLimits, reader: Reader
) -> None:
    outcome = reader.read(content, name, limits=limits)
    assert [json.loads(text) for text in outcome.texts] == USERS


@pytest.mark.parametrize("name", ["users.csv", "users.ndjson"])
def test_a_batch_says_how_much_of_the_source_there_was_up_to_it_and_not_what_was_read_ahead(
    name: str, reader: Reader
) -> None:
    content = b'"email"\n' * 5 if name == "users.csv" else b'{"email":"ada@example.com"}\n' * 4
    positions = reader.read(content, name, limits=ReadLimits(batch_rows=1)).positions
    lines = [round(position / len(content) * content.count(b"\n")) for position in positions]
    assert lines == [*range(content.count(b"\n") - 3, content.count(b"\n") + 1)]


@pytest.mark.parametrize("name", ["users.json", "users.json.gz", "users.ndjson", "users.csv"])
def test_position_of_a_batch_is_the_share_of_the_rows_that_it_has_reached(reader: Reader, name: str) -> None:
    emails = [f"user{number:04}@example.com" for number in range(600)]
    rows = [json.dumps({"email": email}) for email in emails]
    content = {"json": f"[{','.join(rows)}]", "ndjson": "\n".join(rows), "csv": "\n".join(["email", *emails])}
    data = content[name.split(".")[1]].encode()
    stored = gzip.compress(data) if name.endswith(".gz") else data
    limits = ReadLimits(batch_bytes=1 << 20, batch_rows=100)
    shares = [position / len(stored) for position in reader.read(stored, name, limits=limits).positions]
    assert shares[:5] == pytest.approx([1 / 6, 2 / 6, 3 / 6, 4 / 6, 5 / 6], abs=0.01)

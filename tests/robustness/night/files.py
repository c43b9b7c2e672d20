"""The forty files of a night: how each is written, and what must become of it.

What is done to some of them while they are imported is in `tests.flows.with_server.test_night`.
"""

import gzip
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tests.flows.readers.parquet.encrypted import encrypt

ROWS = 7
Write = Callable[[Sequence[Mapping[str, str]]], bytes]


@dataclass(frozen=True)
class NightFile:
    """A file of the night: its content, the users that must be in afterwards, and the folder that it must lie in."""

    name: str
    content: bytes
    place: str  # a folder of the inbox, "inbox" itself, or "nowhere"
    users: frozenset[str] = frozenset()  # e-mail addresses
    failed: int = 0  # rows

    def write(self, inbox: Path) -> Path:
        """Put the file into the inbox, complete at once."""
        temp = inbox.parent / "upload"
        temp.write_bytes(self.content)
        return temp.replace(inbox / self.name)


def users_of(name: str, rows: int = ROWS) -> list[dict[str, str]]:
    """Return users whose addresses nobody else has: they tell the file that they came from."""
    stem = "".join(char for char in name if char.isascii() and char.isalnum())
    return [{"email": f"{stem}-{row}@night.example", "name": f"User {row}"} for row in range(rows)]


def as_csv(users: Sequence[Mapping[str, str]], *, separator: str = ",") -> bytes:
    """Return the users as a table with a header."""
    rows = [("email", "name"), *((user["email"], user["name"]) for user in users)]
    return "".join(f"{separator.join(row)}\n" for row in rows).encode()


def as_ndjson(users: Sequence[Mapping[str, str]]) -> bytes:
    """Return the users as JSON, one on each line."""
    return "".join(f"{json.dumps(user)}\n" for user in users).encode()


def as_parquet(users: Sequence[Mapping[str, str]]) -> bytes:
    """Return the users as a Parquet file."""
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist([*users]), sink)
    return sink.getvalue().to_pybytes()


def as_zstd(content: bytes) -> bytes:
    """Return the bytes compressed."""
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    return sink.getvalue().to_pybytes()


FORMATS: Mapping[str, Write] = {
    "csv": as_csv,
    "tsv": lambda users: as_csv(users, separator="\t"),
    "json": lambda users: json.dumps(users).encode(),
    "ndjson": as_ndjson,
    "jsonl": as_ndjson,
    "parquet": as_parquet,
    "csv.gz": lambda users: gzip.compress(as_csv(users)),
    "ndjson.zst": lambda users: as_zstd(as_ndjson(users)),
    "json.gz": lambda users: gzip.compress(json.dumps(users).encode()),
}


def good(name: str, *, rows: int = ROWS, place: str = "done", write: Write | None = None) -> NightFile:
    """Return a file whose rows are all accepted; its format is that of its name."""
    users = users_of(name, rows)
    content = (write or FORMATS[name.partition(".")[2]])(users)
    return NightFile(name, content, place, frozenset(user["email"] for user in users))


def partly(name: str) -> NightFile:
    """Return a file of which two rows are refused."""
    users = users_of(name)
    bad = [{**user, "email": "no address"} for user in users[:2]]
    content = FORMATS[name.partition(".")[2]]([*bad, *users[2:]])
    return NightFile(name, content, "partly", frozenset(user["email"] for user in users[2:]), failed=2)


def wholly_bad(name: str) -> NightFile:
    """Return a file of which every row is refused."""
    users = [{**user, "email": "no address"} for user in users_of(name)]
    return NightFile(name, FORMATS[name.partition(".")[2]](users), "refused", failed=len(users))


def unreadable(name: str, content: bytes) -> NightFile:
    """Return a file of which nothing can be read."""
    return NightFile(name, content, "refused")


def make_files(*, many: int = 200_000, most: int = 600_000) -> dict[str, NightFile]:
    """Return the files by name; those that something is done to have what is done as the beginning of their name."""
    encrypted = encrypt(pa.Table.from_pylist(users_of("encrypted")), ["email"], plaintext_footer=False)
    damaged = bytearray(as_parquet(users_of("damaged", 500)))
    damaged[4:-300] = bytes(len(damaged[4:-300]))  # the footer is whole, its pages are not
    files = [
        *(good(f"format-{place}.{ending}") for place, ending in enumerate(FORMATS)),
        good("bom.csv", write=lambda users: b"\xef\xbb\xbf" + as_csv(users)),
        good("semicolons.csv", write=partial(as_csv, separator=";")),
        NightFile("header.csv", b"email,name\n", "done"),
        *(partly(f"partly.{ending}") for ending in ("csv", "json", "ndjson", "parquet")),
        *(wholly_bad(f"wholly.{ending}") for ending in ("csv", "ndjson", "json")),
        unreadable("broken.json", json.dumps(users_of("broken")).encode()[:-9]),
        unreadable("empty.csv", b""),
        unreadable("utf16.csv", as_csv(users_of("utf16")).decode().encode("utf-16")),
        unreadable("cut.csv.gz", gzip.compress(as_csv(users_of("cut", 2000)))[:-400]),
        unreadable("encrypted.parquet", encrypted),
        unreadable("damaged.parquet", bytes(damaged)),
        unreadable("decoder-killed.parquet", as_parquet(users_of("killed", most // 2))),
        good("before.csv"),
        NightFile("before-again.csv", as_csv(users_of("before.csv")), "done"),
        good("replaced-before.csv"),
        good("replaced-during.csv"),
        good("appended.csv"),
        good("withdrawn.csv", place="nowhere"),
        good("future.csv"),
        good("l\udce4tin-1.csv"),
        good("writing.csv"),
        NightFile("unfinished.csv.part", b"email,na", "inbox"),
        good("canceled.csv", place="canceled"),
        good("killed.ndjson", rows=many),
        good("terminated.csv", rows=most),
        good("restarted.json"),
    ]
    return {file.name: file for file in files}

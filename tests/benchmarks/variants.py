"""Write the users of an NDJSON file in other formats and in other ways; equal input gives equal bytes.

Some of the 14 kinds of fault do not survive, so that fewer rows are refused: in CSV an empty text is an absent one; the
columns of Parquet have no room for a text in place of metadata nor for a reserved key; a hex hash replaces a wrong
password hash, and a name with an umlaut one that is too long.
"""

import csv
import json
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from itertools import islice
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from tests.benchmarks.users import CHUNK, FIELDS

User = dict[str, object]
COMPACT = (",", ":")
METADATA = {
    "app_metadata": pl.Struct({"plan": pl.String, "seats": pl.Int64}),
    "user_metadata": pl.Struct({"language": pl.String, "logins": pl.Int64}),
}
TYPES: Mapping[str, pl.DataType] = {
    **dict.fromkeys(FIELDS, pl.String()),
    "email_verified": pl.Boolean(),
    **METADATA,
}


def _read(file: Path) -> Iterator[User]:
    with file.open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def _write_array(file: Path, path: Path) -> None:
    path.write_bytes(b"[" + b",\n".join(file.read_bytes().splitlines()) + b"]")


def _write_csv(file: Path, path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as out:
        rows = csv.DictWriter(out, FIELDS)
        rows.writeheader()
        for user in _read(file):
            texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in user.items()}
            rows.writerow(texts)


def _write_parquet(file: Path, path: Path) -> None:
    """Write typed columns, metadata as structs; a text in place of metadata has no such type and is left out."""
    users, schema = _read(file), pl.Schema(TYPES).to_frame().to_arrow().schema
    with pq.ParquetWriter(path, schema) as writer:
        while chunk := [*islice(users, CHUNK)]:
            for user in chunk:
                user.update({name: None for name in METADATA if not isinstance(user.get(name), dict)})
            rows = [{name: user.get(name) for name in FIELDS} for user in chunk]
            writer.write_table(pa.table(pl.DataFrame(rows, schema=TYPES).to_arrow()).cast(schema))


def _line_writer(change: Callable[[int, User], User], **options: object) -> Callable[[Path, Path], None]:
    """Return a function that writes each user, changed, as JSON with the options."""

    def write(file: Path, path: Path) -> None:
        with path.open("w", encoding="utf-8") as out:
            for number, user in enumerate(_read(file)):
                out.write(json.dumps(change(number, user), **{"separators": COMPACT, **options}) + "\n")  # type: ignore[arg-type]

    return write


def _with_hex_hash(number: int, user: User) -> User:
    value = {"value": sha256(str(number).encode()).hexdigest(), "encoding": "hex"}
    others = {name: value for name, value in user.items() if name != "password_hash"}
    return {**others, "custom_password_hash": {"algorithm": "sha256", "hash": value}}


def _with_umlaut(number: int, user: User) -> User:
    return {**user, "family_name": f"M\u00fcller {number}"} if number % 10 < 3 else user


def _with_null(number: int, user: User) -> User:
    return {**user, "nickname": None} if number % 5 == 0 else user


def _in_other_order(number: int, user: User) -> User:
    return dict(reversed(user.items())) if number % 4 == 0 else user


# how the users are written: the ending of the file's name, and what writes it from the NDJSON file
VARIANTS: Mapping[str, tuple[str, Callable[[Path, Path], None]]] = {
    "JSON array": ("json", _write_array),
    "CSV": ("csv", _write_csv),
    "Parquet": ("parquet", _write_parquet),
    "hex hashes": ("ndjson", _line_writer(_with_hex_hash)),
    "escapes in 30 %": ("ndjson", _line_writer(_with_umlaut)),
    "spaces after separators": ("ndjson", _line_writer(lambda _, user: user, separators=None)),
    "null in 20 %, which refuses them": ("ndjson", _line_writer(_with_null)),
    "another order of keys in 25 %": ("ndjson", _line_writer(_in_other_order)),
}
FORMATS = ("JSON array", "CSV", "Parquet")

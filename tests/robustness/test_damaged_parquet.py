"""A damaged Parquet file of any shape is refused with a code, or its rows are read: nothing crashes, hangs or grows.

`DAMAGED_FILES=1000 python -m pytest tests/robustness/test_damaged_parquet.py` tries more of them.
"""

import os
import random
import resource
import time
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flows.readers.limits import ReadLimits
from flows.readers.registry import read
from flows.readers.sources import Source
from flows.settings import Settings
from flows.store.database import scratch
from schemas.faults import FileFault
from schemas.profiles import PROFILES
from tests.flows.readers.parquet.encrypted import encrypt

FILES = int(os.environ.get("DAMAGED_FILES", "40"))
SECONDS = 30  # for one file, on a busy machine
CODECS: tuple[Literal["none", "snappy", "gzip", "brotli", "lz4", "zstd"], ...] = (
    "none",
    "snappy",
    "gzip",
    "brotli",
    "lz4",
    "zstd",
)
Damage = Callable[[bytearray, random.Random], None]


def users(rows: int = 300) -> pa.Table:
    """Return users with plain, repeated and nested values."""
    return pa.table(
        {
            "email": [f"user{number}@x.example" for number in range(rows)],
            "name": [f"Name {number % 7}" for number in range(rows)],
            "given_name": pa.array([b"Ann", b"Bo", None] * (rows // 3)),
            "email_verified": [None, True, False] * (rows // 3),
            "user_metadata": [{"tags": ["a", None], "n": number, "deep": [{"x": 1.5}]} for number in range(rows)],
            "app_metadata": pa.array([[("k", "v")]] * rows, pa.map_(pa.string(), pa.string())),
        }
    )


def whole_files() -> Iterator[bytes]:
    """Yield files with each codec and version of pages, with and without dictionaries, and encrypted ones."""
    table = users()
    for number, codec in enumerate(CODECS):
        file = BytesIO()
        pq.write_table(
            table,
            file,
            compression=codec,
            data_page_version="2.0" if number % 2 else "1.0",
            use_dictionary=number % 3 != 0,
            row_group_size=100 if number % 2 else 1000,
            write_page_checksum=number == 1,
            store_schema=number % 2 == 0,
        )
        yield file.getvalue()
    yield encrypt(users(30).select(["email", "name"]), ["name"], plaintext_footer=True)
    yield encrypt(users(30).select(["email", "name"]), ["name"], plaintext_footer=False)


def flip_bytes(content: bytearray, dice: random.Random) -> None:
    """Change some bytes anywhere."""
    for _ in range(dice.choice((1, 3, 30))):
        content[dice.randrange(4, len(content) - 4)] = dice.randrange(256)


def flip_bytes_of_footer(content: bytearray, dice: random.Random) -> None:
    """Change some bytes of the metadata."""
    size = int.from_bytes(content[-8:-4], "little")
    for _ in range(dice.choice((1, 2, 5))):
        content[dice.randrange(len(content) - 8 - size, len(content) - 8)] = dice.randrange(256)


def fill(content: bytearray, dice: random.Random) -> None:
    """Overwrite a stretch with one byte."""
    begin = dice.randrange(4, len(content) - 8)
    end = min(begin + dice.choice((8, 64, 512)), len(content) - 8)
    content[begin:end] = bytes([dice.choice((0, 0xFF, 0x80))]) * (end - begin)


def cut_out(content: bytearray, dice: random.Random) -> None:
    """Remove a stretch."""
    begin = dice.randrange(4, len(content) - 8)
    del content[begin : begin + dice.choice((1, 16, 256))]


DAMAGES: tuple[Damage, ...] = (flip_bytes, flip_bytes_of_footer, fill, cut_out)
WHOLE = [*whole_files()]


@pytest.mark.parametrize("part", range(4))
def test_a_damaged_file_is_refused_or_read(part: int, tmp_path: Path) -> None:
    path = tmp_path / "users.parquet"
    profile, limits = PROFILES["auth0"], ReadLimits()
    with scratch(Settings()) as engine:
        for seed in range(part, FILES, 4):
            dice = random.Random(seed)  # noqa: S311 - repeatable damage
            content = bytearray(WHOLE[seed % len(WHOLE)])
            dice.choice(DAMAGES)(content, dice)
            path.write_bytes(content)
            source = Source("users.parquet", path, len(content))
            began = time.monotonic()
            batches = read(source, format="parquet", profile=profile, limits=limits, first_record=1, engine=engine)
            try:
                counts = [batch.seen - batch.values.users.height - batch.refused.height for batch in batches]
                outcome = "FILE_" if not any(counts) else "rows were lost"
            except FileFault as fault:
                outcome = fault.code.value
            except BaseException as error:
                error.add_note(f"seed {seed}")
                raise
            assert outcome.startswith("FILE_"), seed
            assert time.monotonic() - began < SECONDS, seed
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < 2 << 20  # kilobytes

"""Compressed files: read by their names, and only as far as a real one grows."""

import gzip
import re

import pyarrow as pa
import pytest

from flows.readers.limits import ReadLimits
from flows.readers.stream import RATIO_FLOOR
from schemas.codes import ErrorCode
from tests.flows.readers.outcomes import Reader

LINES = b"".join(b'{"email":"u%d@example.com"}\n' % number for number in range(3000))


def compressed(content: bytes, ending: str) -> bytes:
    return gzip.compress(content, mtime=0) if ending == "gz" else pa.compress(content, codec="zstd", asbytes=True)


@pytest.mark.parametrize("ending", ["gz", "zst"])
@pytest.mark.parametrize("batch_bytes", [3000, 1_000_000])
def test_compressed_files_give_what_is_in_them(ending: str, batch_bytes: int, reader: Reader) -> None:
    limits = ReadLimits(batch_bytes=batch_bytes)
    assert reader.read(compressed(LINES, ending), f"users.ndjson.{ending}", limits=limits) == reader.read(
        LINES, "users.ndjson"
    )


def test_parts_that_were_compressed_one_by_one_are_one_file(reader: Reader) -> None:
    content = compressed(LINES, "gz") + compressed(LINES, "gz")
    assert reader.read(content, "users.ndjson.gz").seen == 6000


@pytest.mark.parametrize("ending", ["gz", "zst"])
@pytest.mark.parametrize("part", [0.3, 0.99])
def test_a_file_that_was_cut_off_is_refused(ending: str, part: float, reader: Reader) -> None:
    whole = compressed(LINES, ending)
    fault = reader.fault(whole[: int(len(whole) * part)], f"users.ndjson.{ending}")
    assert fault.code is ErrorCode.FILE_UNREADABLE
    assert re.search(r"ends in the middle of its (gzip|zstd) compression, near byte \d+", fault.message)


@pytest.mark.parametrize("ending", ["gz", "zst"])
def test_a_damaged_file_is_refused(ending: str, reader: Reader) -> None:
    whole = bytearray(compressed(LINES, ending))
    whole[12:200] = b"\xff" * 188
    assert reader.fault(bytes(whole), f"users.ndjson.{ending}").code is ErrorCode.FILE_UNREADABLE


@pytest.mark.parametrize("ending", ["gz", "zst"])
def test_a_file_that_is_not_compressed_as_its_name_says_is_refused(ending: str, reader: Reader) -> None:
    assert reader.fault(LINES, f"users.ndjson.{ending}").code is ErrorCode.FILE_FORMAT


@pytest.mark.parametrize("ending", ["gz", "zst"])
def test_a_file_that_grows_beyond_measure_is_refused_naming_the_cap(ending: str, reader: Reader) -> None:
    content = compressed(b'{"a":"' + b"0" * (RATIO_FLOOR + 1) + b'"}', ending)
    fault = reader.fault(content, f"users.ndjson.{ending}")
    assert fault.code is ErrorCode.FILE_UNREADABLE
    assert "more than 200 times its size" in fault.message
    assert "IMPORT_DECOMPRESSED_RATIO" in fault.hint
    assert reader.read(content, f"users.ndjson.{ending}", limits=ReadLimits(decompressed_ratio=10**9)).errors == [
        (1, 1, "TOO_LARGE")
    ]


def test_what_a_file_may_grow_to_can_be_set(reader: Reader) -> None:
    fault = reader.fault(compressed(LINES, "gz"), "users.ndjson.gz", limits=ReadLimits(decompressed_bytes=1000))
    assert fault.code is ErrorCode.FILE_UNREADABLE
    assert "IMPORT_DECOMPRESSED_BYTES" in fault.hint

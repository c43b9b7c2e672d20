"""Compressed files are read by their names and within the limits of decompression."""

import gzip
import re

import pyarrow as pa
import pytest

from flows.readers.limits import ReadLimits
from flows.readers.stream import RATIO_FLOOR
from schemas.codes import ErrorCode
from tests.flows.readers.outcomes import Reader

LINES = b"".join(b'{"email":"u%d@example.com"}\n' % number for number in range(3000))


def compress(content: bytes, extension: str) -> bytes:
    return gzip.compress(content, mtime=0) if extension == "gz" else pa.compress(content, codec="zstd", asbytes=True)


@pytest.mark.parametrize("extension", ["gz", "zst"])
@pytest.mark.parametrize("batch_bytes", [3000, 1_000_000])
def test_compressed_files_are_read_like_their_content(extension: str, batch_bytes: int, reader: Reader) -> None:
    limits = ReadLimits(batch_bytes=batch_bytes)
    assert reader.read(compress(LINES, extension), f"users.ndjson.{extension}", limits=limits) == reader.read(
        LINES, "users.ndjson"
    )


def test_members_that_were_compressed_separately_are_one_file(reader: Reader) -> None:
    content = compress(LINES, "gz") + compress(LINES, "gz")
    assert reader.read(content, "users.ndjson.gz").seen == 6000


@pytest.mark.parametrize("extension", ["gz", "zst"])
@pytest.mark.parametrize("part", [0.3, 0.99])
def test_a_truncated_file_is_refused(extension: str, part: float, reader: Reader) -> None:
    whole = compress(LINES, extension)
    fault = reader.fault(whole[: int(len(whole) * part)], f"users.ndjson.{extension}")
    assert fault.code is ErrorCode.FILE_UNREADABLE
    assert re.search(r"ends in the middle of its (gzip|zstd) compression, near byte \d+", fault.message)


@pytest.mark.parametrize("extension", ["gz", "zst"])
def test_a_damaged_file_is_refused(extension: str, reader: Reader) -> None:
    whole = bytearray(compress(LINES, extension))
    whole[12:200] = b"\xff" * 188
    assert reader.fault(bytes(whole), f"users.ndjson.{extension}").code is ErrorCode.FILE_UNREADABLE


@pytest.mark.parametrize("extension", ["gz", "zst"])
def test_a_file_that_is_not_compressed_like_its_name_is_refused(extension: str, reader: Reader) -> None:
    assert reader.fault(LINES, f"users.ndjson.{extension}").code is ErrorCode.FILE_FORMAT


@pytest.mark.parametrize("extension", ["gz", "zst"])
def test_a_file_that_grows_too_large_is_refused_with_the_limit(extension: str, reader: Reader) -> None:
    content = compress(b'{"a":"' + b"0" * (RATIO_FLOOR + 1) + b'"}', extension)
    fault = reader.fault(content, f"users.ndjson.{extension}")
    assert fault.code is ErrorCode.FILE_UNREADABLE
    assert "more than 200 times its size" in fault.message
    assert "IMPORT_DECOMPRESSED_RATIO" in fault.hint
    assert reader.read(content, f"users.ndjson.{extension}", limits=ReadLimits(decompressed_ratio=10**9)).errors == [
        (1, 1, "TOO_LARGE")
    ]


def test_the_decompressed_size_can_be_limited(reader: Reader) -> None:
    fault = reader.fault(compress(LINES, "gz"), "users.ndjson.gz", limits=ReadLimits(decompressed_bytes=1000))
    assert fault.code is ErrorCode.FILE_UNREADABLE
    assert "IMPORT_DECOMPRESSED_BYTES" in fault.hint

"""Compressed files are read by their names and within the limits of decompression."""

import bz2
import gzip
import lzma
import re

import pyarrow as pa
import pytest

from flows.readers.limits import ReadLimits
from flows.readers.stream import RATIO_FLOOR
from schemas.codes import ErrorCode
from tests.flows.readers.outcomes import Reader

LINES = b"".join(b'{"email":"u%d@example.com"}\n' % number for number in range(3000))


ENDINGS = ("gz", "zst", "bz2", "xz")


def compress(content: bytes, extension: str) -> bytes:
    match extension:
        case "gz":
            return gzip.compress(content, mtime=0)
        case "zst":
            return pa.compress(content, codec="zstd", asbytes=True)
        case "bz2":
            return bz2.compress(content)
        case _:
            return lzma.compress(content)


@pytest.mark.parametrize("extension", ENDINGS)
@pytest.mark.parametrize("batch_bytes", [3000, 1_000_000])
def test_compressed_files_are_read_like_their_content(extension: str, batch_bytes: int, reader: Reader) -> None:
    limits = ReadLimits(batch_bytes=batch_bytes)
    assert reader.read(compress(LINES, extension), f"users.ndjson.{extension}", limits=limits) == reader.read(
        LINES, "users.ndjson"
    )


@pytest.mark.parametrize("extension", ENDINGS)
def test_members_that_were_compressed_separately_are_one_file(extension: str, reader: Reader) -> None:
    content = compress(LINES, extension) + compress(LINES, extension)
    assert reader.read(content, f"users.ndjson.{extension}").seen == 6000


@pytest.mark.parametrize("extension", ["gz", "bz2", "xz"])
@pytest.mark.parametrize("zeros", [1, 512, 3_000_000])
def test_zero_bytes_after_a_member_are_passed_over(extension: str, zeros: int, reader: Reader) -> None:
    content = (compress(LINES, extension) + bytes(zeros)) * 2
    assert reader.read(content, f"users.ndjson.{extension}").seen == 6000


@pytest.mark.parametrize("extension", ["gz", "bz2", "xz"])
@pytest.mark.parametrize("after", [b"more than that: text", b"\0\0x" * 9])
def test_what_is_not_a_member_after_one_is_refused(extension: str, after: bytes, reader: Reader) -> None:
    fault = reader.fault(compress(LINES, extension) + after, f"users.ndjson.{extension}")
    assert fault.code is ErrorCode.FILE_UNREADABLE


@pytest.mark.parametrize("name", ["users.ndjson.gz", "users.ndjson.xz", "users.BZ2"])
@pytest.mark.parametrize("extension", ENDINGS)
def test_the_content_says_how_a_file_is_compressed(name: str, extension: str, reader: Reader) -> None:
    assert reader.read(compress(LINES, extension), name).seen == 3000


@pytest.mark.parametrize(("extension", "kind"), [("gz", "gzip"), ("bz2", "bzip2"), ("xz", "xz")])
def test_a_file_named_as_if_not_compressed_is_refused(extension: str, kind: str, reader: Reader) -> None:
    fault = reader.fault(compress(LINES, extension), "users.ndjson")
    assert (fault.code, fault.message) == (
        ErrorCode.FILE_FORMAT,
        f"users.ndjson looks like {kind}, but its name says otherwise",
    )
    assert fault.hint == f"rename it to end in .{extension}, or decompress it"


def test_a_file_that_needs_a_dictionary_says_so(reader: Reader) -> None:
    content = compress(LINES, "zst")
    with_dictionary = content[:4] + bytes([content[4] | 1]) + content[5:6] + b"\x07" + content[6:]
    single = content[4] & 0x20  # a frame of one segment has no window byte before the id of the dictionary
    if single:
        with_dictionary = content[:4] + bytes([content[4] | 1]) + b"\x07" + content[5:]
    fault = reader.fault(with_dictionary, "users.ndjson.zst")
    assert "needs the dictionary that its zstd compression was made with" in fault.message
    assert (fault.code, fault.hint) == (ErrorCode.FILE_UNREADABLE, "decompress it yourself")


@pytest.mark.parametrize("extension", ENDINGS)
@pytest.mark.parametrize("part", [0.3, 0.99])
def test_a_truncated_file_is_refused(extension: str, part: float, reader: Reader) -> None:
    whole = compress(LINES, extension)
    fault = reader.fault(whole[: int(len(whole) * part)], f"users.ndjson.{extension}")
    assert fault.code is ErrorCode.FILE_UNREADABLE
    assert re.search(r"ends in the middle of its (gzip|zstd|bzip2|xz) compression, near byte \d+", fault.message)


@pytest.mark.parametrize("extension", ENDINGS)
def test_a_damaged_file_is_refused(extension: str, reader: Reader) -> None:
    whole = bytearray(compress(LINES, extension))
    whole[32:200] = b"\xff" * 168
    assert reader.fault(bytes(whole), f"users.ndjson.{extension}").code is ErrorCode.FILE_UNREADABLE


@pytest.mark.parametrize("extension", ENDINGS)
def test_a_file_that_is_not_compressed_like_its_name_is_refused(extension: str, reader: Reader) -> None:
    assert reader.fault(LINES, f"users.ndjson.{extension}").code is ErrorCode.FILE_FORMAT


@pytest.mark.parametrize("extension", ENDINGS)
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

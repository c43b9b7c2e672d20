"""Parquet: columns of every type become JSON; malformed files and those that grow too large are refused."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypedDict, Unpack

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flows.readers.decoder import parent
from flows.readers.limits import ReadLimits
from schemas.codes import ErrorCode
from tests.flows.readers.outcomes import SMALL, Reader

Column: TypeAlias = "pa.Array[Any]"  # of any type: the stubs make arrays generic in their scalars


class Options(TypedDict, total=False):
    """Options of `pyarrow.parquet.write_table`."""

    compression: Literal["zstd", "none"]
    row_group_size: int
    store_schema: bool
    use_dictionary: bool
    write_page_checksum: bool
    write_statistics: bool


NO_STATISTICS: Options = {"write_statistics": False}
PEOPLE = pa.table(
    {
        "email": ["ann@example.com", "bob@example.com", None],
        "Given-Name": ['"A\\nn" \u00e4\n\x00', ":null", "x,"],
        "email_verified": [True, None, False],
        "app_metadata": [
            {"roles": ["a", None], "plan": None, "deep": [{"x": None, "y": 1}]},
            None,
            {"roles": None, "plan": ":null", "deep": []},
        ],
        "user_metadata": ['{"a": [1, {"b": null}]}', " [1] ", 'no "JSON"'],
        ":null": [None, 1, None],
        "*": [2**60, None, 0],
    }
)
PEOPLE_TEXTS = [
    {
        "email": "ann@example.com",
        "given_name": '"A\\nn" \u00e4\n\x00',
        "email_verified": True,
        "app_metadata": {"roles": ["a", None], "deep": [{"y": 1}]},
        "user_metadata": {"a": [1, {"b": None}]},
        "*": 2**60,
    },
    {"email": "bob@example.com", "given_name": ":null", "user_metadata": [1], ":null": 1},
    {
        "given_name": "x,",
        "email_verified": False,
        "app_metadata": {"plan": ":null", "deep": []},
        "user_metadata": 'no "JSON"',
        "*": 0,
    },
]


def parquet(table: pa.Table, **options: Unpack[Options]) -> bytes:
    file = BytesIO()
    pq.write_table(table, file, **options)
    return file.getvalue()


@pytest.mark.parametrize("batch_bytes", [1, 300, 10_000])
@pytest.mark.parametrize("row_group_size", [1, 2, 100])
def test_columns_become_json_and_nulls_are_left_out(row_group_size: int, batch_bytes: int, reader: Reader) -> None:
    content = parquet(
        PEOPLE.rename_columns(["email", " GIVEN-NAME", *PEOPLE.column_names[2:]]), row_group_size=row_group_size
    )
    outcome = reader.read(content, "users.parquet", limits=ReadLimits(batch_bytes=batch_bytes))
    assert [json.loads(text) for text in outcome.texts] == PEOPLE_TEXTS
    assert [(row.record, row.line) for row in outcome.rows] == [(1, None), (2, None), (3, None)]


@pytest.mark.parametrize(
    ("column", "texts"),
    [
        (pa.array([1, -(2**63)]), ["1", str(-(2**63))]),
        (pa.array([2**64 - 1], pa.uint64()), [str(2**64 - 1)]),
        (pa.array([0.5, 1e300]), ["0.5", "1e300"]),
        (pa.array([Decimal("1.25")]), ["1.25"]),
        (pa.array(["x", "x"]).dictionary_encode(), ['"x"', '"x"']),
        (pa.array([["a"], []]), ['["a"]', "[]"]),
        (pa.array([[("k", 1), ("n", None)]], pa.map_(pa.string(), pa.int64())), ['{"k":1}']),
        (pa.array([{"a": {"b": None}}]), ['{"a":{}}']),
        (pa.array([datetime(2024, 2, 29, 1, 2, 3, 4, tzinfo=UTC)]), ['"2024-02-29 01:02:03.000004+00"']),
        (pa.array([5], pa.time32("s")), ['"00:00:05"']),
        (pa.array([1.5]).cast(pa.float16()), ["1.5"]),
        (pa.array([bytes(range(16))], pa.uuid()), ['"00010203-0405-0607-0809-0a0b0c0d0e0f"']),
        (pa.array(['{"a":[1]}'], pa.json_()), ['{"a":[1]}']),
        (pa.array(["2024-02-29"]).cast(pa.date32()), ['"2024-02-29"']),
    ],
)
def test_values_of_every_type_become_json(column: Column, texts: list[str], reader: Reader) -> None:
    outcome = reader.read(parquet(pa.table({"name": column})), "users.parquet")
    assert outcome.texts == [f'{{"name":{text}}}' for text in texts]


TEXTS = ['O\'Brien "Bob"', "back\\slash", "J\u00fcrgen\n\x01", ""]
BYTES = [text.encode() for text in TEXTS]


@pytest.mark.parametrize(
    "column",
    [
        pa.array(BYTES),
        pa.array(BYTES, pa.large_binary()),
        pa.array(BYTES, pa.binary_view()),
        pa.array(BYTES).dictionary_encode(),
        pa.array(TEXTS, pa.string_view()),
        pa.array(TEXTS, pa.large_string()),
    ],
    ids=lambda column: str(column.type),
)
def test_bytes_that_are_utf8_are_read_as_text(column: Column, reader: Reader) -> None:
    outcome = reader.read(parquet(pa.table({"name": column})), "users.parquet")
    assert [json.loads(text) for text in outcome.texts] == [{"name": text} for text in TEXTS]


def test_texts_as_bytes_are_read_at_every_level_and_as_json_of_a_nested_field(reader: Reader) -> None:
    of_fixed_size = pa.array([b"id'1"], pa.binary(4))
    nested = pa.struct([("a", pa.list_(pa.binary())), ("m", pa.map_(pa.binary(), pa.large_list(pa.binary(2))))])
    app_metadata = pa.array([{"a": [b"'x'", None], "m": [(b"k'", [b"'v"])]}], nested)
    table = pa.table({"user_id": of_fixed_size, "user_metadata": [b'{"a":"\xc3\xbc"}'], "app_metadata": app_metadata})
    (text,) = reader.read(parquet(table), "users.parquet").texts
    assert json.loads(text) == {
        "user_id": "id'1",
        "user_metadata": {"a": "\u00fc"},
        "app_metadata": {"a": ["'x'", None], "m": {"k'": ["'v"]}},
    }


def test_bytes_that_are_not_utf8_refuse_their_row_in_a_field_only(reader: Reader) -> None:
    table = pa.table({"email": [b"a", b"\xff'", b"c", None], "photo": [b"\xff\xd8'", b"p", b"\xc3\xbc", b"\xfe"]})
    outcome = reader.read(parquet(table), "users.parquet", limits=ReadLimits(batch_rows=3))
    assert outcome.errors == [(2, None, "INVALID_TEXT")]
    assert [json.loads(text) for text in outcome.texts] == [
        {"email": "a", "photo": "\\xff\\xd8'"},
        {"email": "c", "photo": "\u00fc"},
        {"photo": "\\xfe"},
    ]
    assert [json.loads(str(text)) for text in outcome.refused] == [{"email": "\\xff'", "photo": "p"}]


def test_a_timestamp_of_hive_does_not_overflow(reader: Reader) -> None:
    file = BytesIO()
    table = pa.table({"name": pa.array([datetime(9999, 12, 31, tzinfo=UTC).replace(tzinfo=None)], pa.timestamp("us"))})
    pq.write_table(table, file, use_deprecated_int96_timestamps=True, store_schema=False)
    assert reader.read(file.getvalue(), "users.parquet").texts == ['{"name":"9999-12-31 00:00:00"}']


def test_a_column_of_json_is_json_where_it_is_valid_and_else_a_text(reader: Reader) -> None:
    texts = ['{"a":1}', '{"a":', '1},{"b":2', '"x"', "5"]
    column: Column = pa.ExtensionArray.from_storage(pa.json_(), pa.array(texts))
    outcome = reader.read(parquet(pa.table({"user_metadata": column, "name": column})), "users.parquet")
    values = [{"a": 1}, '{"a":', '1},{"b":2', "x", 5]
    assert [json.loads(text) for text in outcome.texts] == [{"user_metadata": v, "name": v} for v in values]


def test_decimals_keep_their_digits(reader: Reader) -> None:
    kind, longest = pa.decimal256(76, 2), Decimal("9" * 70 + ".50")
    columns = {
        "email": ["a@b.c", "b@b.c"],
        "user_id": pa.array([longest, Decimal(1)], kind),
        "app_metadata": pa.array([{"n": [Decimal("-0.25")]}, None], pa.struct([("n", pa.list_(kind))])),
        "pin": pa.array([Decimal(5), None], pa.decimal256(20, 0)),
    }
    outcome = reader.read(parquet(pa.table(columns)), "users.parquet")
    assert [json.loads(text, parse_float=Decimal) for text in outcome.texts] == [
        {"email": "a@b.c", "user_id": longest, "app_metadata": {"n": [Decimal("-0.25")]}, "pin": 5},
        {"email": "b@b.c", "user_id": 1},
    ]
    columns["app_metadata"] = pa.array([{"n": [longest]}, None], pa.struct([("n", pa.list_(kind))]))
    fault = reader.fault(parquet(pa.table(columns)), "users.parquet")
    assert fault.message == "users.parquet has a number of more than 38 digits inside an object or a list"


def test_a_number_that_is_not_finite_is_refused_alone(reader: Reader) -> None:
    content = parquet(pa.table({"email": ["a", "b", "c"], "n": [1.0, float("nan"), float("-inf")]}))
    assert reader.read(content, "users.parquet").errors == [
        (2, None, "MALFORMED_RECORD"),
        (3, None, "MALFORMED_RECORD"),
    ]


@pytest.mark.parametrize("nested", [False, True])
def test_a_string_that_is_not_utf8_is_refused_alone(nested: bool, reader: Reader) -> None:
    broken = pa.Array.from_buffers(pa.string(), 3, pa.array([b"ok", b"\xff\xfe", b"x"]).buffers())
    column = pa.StructArray.from_arrays([broken], ["x"]) if nested else broken
    content = parquet(pa.table({"email": ["a", "b", "c"], "app_metadata": column}))
    outcome = reader.read(content, "users.parquet")
    assert [row.record for row in outcome.rows] == [1, 3]
    assert outcome.errors == [(2, None, "INVALID_TEXT")]


@pytest.mark.parametrize("row_group_size", [1, 100])
def test_an_oversized_record_is_refused_alone(row_group_size: int, reader: Reader) -> None:
    content = parquet(
        pa.table({"email": ["a", "b" * 500, "c"], "name": ["A", "B", "C"]}), row_group_size=row_group_size
    )
    limits = ReadLimits(record_bytes=SMALL.record_bytes, value_bytes=1000)
    outcome = reader.read(content, "users.parquet", limits=limits)
    assert [row.record for row in outcome.rows] == [1, 3]
    assert outcome.errors == [(2, None, "TOO_LARGE")]


@pytest.mark.parametrize("names", [["email", "Email"], ["email", " EMAIL "], ["foo", "bar"], ["e-mail address", "x y"]])
def test_repeated_columns_or_only_unknown_ones_refuse_the_file(names: list[str], reader: Reader) -> None:
    content = parquet(pa.table([pa.array([1]), pa.array([2])], names=names))
    assert reader.fault(content, "users.parquet").code is ErrorCode.FILE_FORMAT


def test_a_map_with_a_duplicate_key_is_named(reader: Reader) -> None:
    maps = pa.array([[("a", 1), ("a", 2)]], pa.map_(pa.string(), pa.int64()))
    fault = reader.fault(parquet(pa.table({"email": ["a@x.example"], "user_metadata": maps})), "users.parquet")
    assert (fault.code, "a map with a duplicate key" in fault.message) == (ErrorCode.FILE_FORMAT, True)


WHOLE = parquet(PEOPLE)


@pytest.mark.parametrize(
    "content",
    [
        WHOLE[:-1],
        WHOLE[: len(WHOLE) // 2],
        WHOLE[:40] + bytes(byte ^ 0xFF for byte in WHOLE[40:80]) + WHOLE[80:],
        WHOLE[:-200] + b"\x00" * 192 + WHOLE[-8:],
        b"PAR1" + b"\xff" * 100 + b"PAR1",
        b"PAR1" + b"\xff\xff\xff\x7fPAR1",
        WHOLE[:4] + b"\xff" * (len(WHOLE) // 2 - 4) + WHOLE[len(WHOLE) // 2 :],
    ],
)
def test_a_malformed_file_is_refused(content: bytes, reader: Reader) -> None:
    assert reader.fault(content, "users.parquet").code is ErrorCode.FILE_SYNTAX


@pytest.mark.parametrize("nested", [False, True])
def test_a_name_that_is_not_utf8_refuses_the_file(nested: bool, reader: Reader) -> None:
    columns: dict[str, object] = {"email": ["a"], "na_me": ["b"]}
    if nested:
        columns = {"email": ["a"], "app_metadata": [{"na_me": "b"}]}
    content = parquet(pa.table(columns), store_schema=False, write_statistics=False)
    fault = reader.fault(content.replace(b"na_me", b"na\xdfme"), "users.parquet")
    assert (fault.code, "whose name is not UTF-8" in fault.message) == (ErrorCode.FILE_FORMAT, True)


def test_metadata_of_the_file_that_are_not_utf8_are_not_read(reader: Reader) -> None:
    table = pa.table({"email": ["a"]}).replace_schema_metadata({b"\xff": b"\xfe"})
    assert reader.read(parquet(table), "users.parquet").texts == ['{"email":"a"}']


def test_a_damaged_page_with_a_checksum_is_refused(reader: Reader) -> None:
    content = parquet(
        pa.table({"email": ["ann@example.com"]}), write_page_checksum=True, compression="none", use_dictionary=False
    )
    damaged = content.replace(b"ann@example.com", b"eve@example.com")
    assert reader.read(content, "users.parquet").seen == 1
    assert reader.fault(damaged, "users.parquet").code is ErrorCode.FILE_SYNTAX


@pytest.mark.parametrize(
    ("values", "options", "limits", "setting"),
    [
        (["a" * (9 << 20)], {**NO_STATISTICS, "compression": "zstd"}, ReadLimits(), "value_bytes"),
        (["a" * (9 << 20)], {**NO_STATISTICS, "compression": "none"}, ReadLimits(), "value_bytes"),
        (
            ["a" * (9 << 20), *["b"] * 1000],
            {**NO_STATISTICS, "compression": "none"},
            ReadLimits(page_bytes=8 << 20),
            "page_bytes",
        ),
        (
            ["a" * (1 << 20)] * 70,
            {**NO_STATISTICS, "compression": "zstd", "use_dictionary": False},
            ReadLimits(),
            "decompressed_ratio",
        ),
    ],
)
def test_a_file_that_grows_too_large_is_refused_with_the_limit(
    values: list[str], options: Options, limits: ReadLimits, setting: str, reader: Reader
) -> None:
    content = parquet(pa.table({"email": values}), **options)
    fault = reader.fault(content, "users.parquet", limits=limits)
    assert (fault.code, f"IMPORT_{setting.upper()}" in fault.hint) == (ErrorCode.FILE_UNREADABLE, True)


REPORT_STATUS = """
import os
def end(status, end=os._exit):
    open({path!r}, "w").write(open("/proc/self/status").read())
    end(status)
os._exit = end
"""


def repeating(value: str, rows: int, *, nested: str = "") -> pa.Table:
    """Return a table that stores the value once and refers to it in every row."""
    column: Column = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), [value])
    emails = [f"{number}@x.example" for number in range(rows)]
    if nested == "in a struct":
        column = pa.StructArray.from_arrays([column], ["a"])
    elif nested == "in one list":
        column = pa.ListArray.from_arrays([0] + [rows] * rows, column)
    return pa.table({"email": emails, "app_metadata" if nested else "name": column})


@pytest.mark.parametrize("store_schema", [False, True])
@pytest.mark.parametrize("nested", ["", "in a struct", "in one list"])
def test_a_large_value_that_every_row_repeats_refuses_the_file_in_little_memory(
    nested: str, store_schema: bool, reader: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    status = tmp_path / "status"
    monkeypatch.setattr(parent, "_PROGRAM", REPORT_STATUS.format(path=str(status)) + parent._PROGRAM)
    content = parquet(repeating("a" * (7 << 20), 2000, nested=nested), compression="zstd", store_schema=store_schema)
    assert len(content) < 100_000
    fault = reader.fault(content, "users.parquet")
    assert (fault.code, "IMPORT_DECOMPRESSED_RATIO" in fault.hint) == (ErrorCode.FILE_UNREADABLE, True)
    (peak,) = (int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    assert peak < 700 << 10  # kilobytes


def test_a_value_that_every_row_repeats_is_read_in_each_row(reader: Reader) -> None:
    content = parquet(repeating("a" * 2000, 300), compression="none")
    outcome = reader.read(content, "users.parquet", limits=ReadLimits(batch_bytes=10_000))
    assert {len(json.loads(text)["name"]) for text in outcome.texts} == {2000}
    assert outcome.seen == 300

"""Read the fields of records that are typed columns. A null at any level, except in arrays, is an absent value."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import chain

import duckdb
import polars as pl
import pyarrow as pa

from schemas.canonical import ESCAPED
from schemas.fields import FIELDS, NESTED_FIELDS, TIME_FIELDS, Field
from schemas.frames import RECORDS
from transforms.canonical_columns import absent_columns, canonical_columns, typed_columns
from transforms.engine_tables import registered
from transforms.fields.cells import open_json
from transforms.fields.values import DEPTHS, USERS, FieldValues, may_be_unclean
from transforms.json.encoding import encode_boolean, encode_member, encode_object, encode_string
from transforms.json.object_keys import find_keys_of_columns
from transforms.json.values import decode_string, find_invalid_json, query_texts
from transforms.statements import relation

NESTED = r"^[ \t\r\n]*[\[{]"  # how a text begins that may be an object or an array
OPENED = {field.name: NESTED for field in NESTED_FIELDS}  # fields whose texts are JSON where they begin so

# Members that are null: by two fast patterns, which a string that begins with `:null` misleads, and by an exact one,
# which matches other strings whole, so nothing in them.
NULL_AFTER_ANOTHER = r',"[^"\\]*":null'
NULL_AS_FIRST = r'\{"[^"\\]*":null,?'
MISLEADING = r'[{\[,:]":null'
STRING = r'"(?:[^"\\]|\\.)*"'
NULL_OR_STRING = f",{STRING}:null|{STRING}:null,?|({STRING})"


@dataclass(frozen=True)
class TypedColumns:
    """Records as columns: those of texts and booleans as they are, all others as the JSON texts of their values."""

    names: tuple[str, ...]  # of the columns, in order
    table: pl.DataFrame  # record, line and the columns, each named by its position, as a file may have any names
    json_columns: frozenset[str]
    opened: frozenset[str]  # those of them that were texts in the file, so that the JSON is as it was written there

    def as_json(self, column: str) -> pl.Expr:
        """Return the values of a column as JSON texts."""
        value = pl.col(column)
        if column in self.json_columns:
            return value
        if self.table.schema[column] == pl.Boolean:
            return encode_boolean(value).alias(column)
        return encode_string(value)

    def without(self, numbers: pl.Series) -> "TypedColumns":
        """Return the columns without the records of these numbers."""
        is_left = ~pl.col("record").is_in(numbers.implode())
        return replace(self, table=self.table.filter(is_left)) if numbers.len() else self

    def write_texts(self, numbers: pl.Series) -> pl.DataFrame:
        """Return the records of these numbers as JSON, with the columns of RECORDS."""
        rows = self.table.filter(pl.col("record").is_in(numbers.implode()))
        members = [encode_member(name, self.as_json(str(place))) for place, name in enumerate(self.names)]
        text = encode_object(members) if members else pl.lit("{}")
        return rows.select("record", "line", text.alias("text")).cast(RECORDS)


def mark_json(field: "pa.Field[pa.DataType]") -> "pa.Field[pa.DataType]":
    """Return the field of a column of texts as one whose texts may be JSON."""
    return field.with_metadata({"json": ""})


def open_columns(records: pa.RecordBatch, rows: pl.DataFrame, *, engine: duckdb.DuckDBPyConnection) -> TypedColumns:
    """Return the columns of the records, whose record and line are in `rows`.

    Raise `duckdb.Error` if a column has a type, or a map has keys, that JSON cannot express.
    """
    patterns = OPENED | {field.name: "" for field in records.schema if b"json" in (field.metadata or {})}
    columns: dict[str, pl.Series] = {}
    opened, others = set[str](), list[str]()
    for place, field in enumerate(records.schema):
        name = str(place)
        if field.name in TIME_FIELDS and pa.types.is_timestamp(field.type):
            columns[name] = _write_times(pl.Series(name, records.column(place)))
        elif pa.types.is_string(field.type) or pa.types.is_boolean(field.type):
            columns[name] = pl.Series(name, records.column(place))
            if pa.types.is_string(field.type) and field.name in patterns:
                columns[name] = open_texts(columns[name], patterns[field.name], engine=engine)
                opened.add(name)
        else:
            others.append(name)
    named = records.rename_columns([str(place) for place in range(records.num_columns)])
    columns |= _write_values(named.select(others), engine=engine)
    table, names = rows.with_columns(columns.values()), tuple(records.schema.names)
    return TypedColumns(names, table, json_columns=frozenset({*others, *opened}), opened=frozenset(opened))


def read_columns(columns: TypedColumns, *, others: Mapping[str, str], engine: duckdb.DuckDBPyConnection) -> FieldValues:
    """Return the fields of records; `others` gives the names of the columns that are not fields."""
    places = {name: str(place) for place, name in enumerate(columns.names)}
    table = columns.table
    fields = [field for field in FIELDS if field.name in places and field.name not in others.values()]
    typed = [field for field in fields if _has_own_values(field, places[field.name], columns)]
    as_json = [field for field in fields if field not in typed]
    absent = [field for field in FIELDS if field not in fields]
    texts = (may_be_unclean(pl.col(name)) for name, dtype in table.schema.items() if dtype == pl.String)
    rows = table.select(
        "record",
        "line",
        pl.any_horizontal(pl.lit(value=False), *texts).fill_null(value=False).alias(ESCAPED),
        *(pl.col(places[field.name]).alias(field.name) for field in typed),
        *(_without_null(columns.as_json(places[field.name])).alias(field.name) for field in as_json),
        *(_without_null(columns.as_json(places[name])).alias(other) for other, name in others.items()),
    )
    depths = [DEPTHS.to_frame()]
    for field in as_json:
        if field in NESTED_FIELDS:
            opened, found = _open_nested(rows, field.name, is_text=places[field.name] in columns.opened, engine=engine)
            rows, depths = rows.with_columns(opened), [*depths, found]
    values = (*chain.from_iterable(map(typed_columns, typed)), *canonical_columns(rows, as_json))
    users = rows.select("record", "line", ESCAPED, *values, *absent_columns(absent)).select(USERS.names())
    return FieldValues(users, keys=find_keys_of_columns(rows, others), depths=pl.concat(depths))


def _has_own_values(field: Field, column: str, columns: TypedColumns) -> bool:
    return column not in columns.json_columns and columns.table.schema[column] == field.dtype


def _without_null(text: pl.Expr) -> pl.Expr:
    return pl.when(text != "null").then(text)


def _write_times(times: pl.Series) -> pl.Series:
    """Return times as RFC 3339 in UTC, which those without a time zone are taken to be in."""
    is_zoned = isinstance(times.dtype, pl.Datetime) and times.dtype.time_zone is not None
    in_utc = times.dt.convert_time_zone("UTC") if is_zoned else times
    return in_utc.dt.strftime("%Y-%m-%dT%H:%M:%S%.fZ")


def open_texts(texts: pl.Series, pattern: str, *, engine: duckdb.DuckDBPyConnection) -> pl.Series:
    """Return the texts that are JSON and match the pattern as they are, all others as JSON strings."""
    numbered = pl.DataFrame({"text": texts}).with_row_index("record").cast({"record": pl.Int64})
    invalid = find_invalid_json(numbered, engine)
    is_json = pl.col("text").str.contains(pattern) & ~pl.col("record").is_in(invalid.implode())
    value = pl.when(is_json).then("text").otherwise(encode_string(pl.col("text")))
    return numbered.select(value.alias(texts.name)).to_series()


def _write_values(records: pa.RecordBatch, *, engine: duckdb.DuckDBPyConnection) -> dict[str, pl.Series]:
    """Return the JSON texts of all columns, without members that are null; nulls in arrays stay."""
    if not records.num_columns:
        return {}
    positions = pa.array(range(records.num_rows), pa.int64())
    with registered(
        engine, "typed_columns", pa.table([positions, *records.columns], ["record", *records.schema.names])
    ):
        texts = pl.DataFrame(relation(engine, "column_texts").to_arrow_table())
    named = dict(zip(records.schema.names, texts.sort(texts.columns[0]).get_columns()[1:], strict=True))
    return {name: _remove_nulls(text.alias(name)) for name, text in named.items()}


def _remove_nulls(texts: pl.Series) -> pl.Series:
    fast = texts.str.replace_all(NULL_AFTER_ANOTHER, "").str.replace_all(NULL_AS_FIRST, "{")
    is_suspect = texts.str.contains(MISLEADING) | fast.str.contains('":null', literal=True)
    suspects = pl.select(pl.when(is_suspect).then(texts).alias(texts.name)).to_series()
    exact = suspects.str.replace_all(NULL_OR_STRING, "$1")
    return pl.select(pl.coalesce(exact, fast).alias(texts.name)).to_series()


def _open_nested(
    rows: pl.DataFrame, name: str, *, is_text: bool, engine: duckdb.DuckDBPyConnection
) -> tuple[pl.Series, pl.DataFrame]:
    """Return the JSON texts of objects and arrays without null members, and how deep the texts are that may be JSON."""
    text = pl.col(name)
    if is_text:
        compact = query_texts("json_cells", rows.select("record", text=text).drop_nulls("text"), engine=engine)
        rows = _replace(rows, name, compact)
    suspect = rows.filter(text.str.contains("null", literal=True)).select("record", text=name)
    objects = suspect.filter(pl.col("text").str.starts_with("{"))
    rows = _replace(rows, name, query_texts("json_without_nulls", objects, engine=engine))
    arrays = suspect.filter(pl.col("text").str.starts_with("["))
    rows = _replace(rows, name, _remove_nulls_of_items(arrays, engine=engine))
    is_string = text.str.starts_with('"')
    strings = rows.select("record", "line", pl.when(is_string).then(decode_string(text)).alias(name))
    values, depths = open_json(strings, name, engine=engine)
    return rows.select(pl.when(is_string).then(values).otherwise(text).alias(name)).to_series(), depths


def _remove_nulls_of_items(arrays: pl.DataFrame, *, engine: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Return each array as `value`, its items that are objects without null members."""
    items = query_texts("json_items", arrays, engine=engine).explode("items").with_row_index("place")
    is_object = pl.col("items").str.starts_with("{")
    objects = items.filter(is_object).select("record", "place", text="items")
    cleaned = query_texts("json_without_nulls", objects, engine=engine).select("place", items="value")
    joined = items.join(cleaned, on="place", how="left", maintain_order="left", suffix=" cleaned")
    item = pl.coalesce("items cleaned", "items")
    return joined.group_by("record").agg(value=pl.lit("[") + item.str.join(",") + pl.lit("]"))


def _replace(rows: pl.DataFrame, name: str, values: pl.DataFrame) -> pl.DataFrame:
    """Replace the column's text by `value` in the records that `values` has."""
    if values.is_empty():
        return rows
    joined = rows.join(values, on="record", how="left", maintain_order="left")
    return joined.with_columns(pl.coalesce("value", name).alias(name)).drop("value")

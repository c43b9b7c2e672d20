"""Write columns as the JSON text of each record. A null at any level, except in arrays, is an absent value."""

import duckdb
import polars as pl
import pyarrow as pa

from flows.readers.check_records import find_invalid_json
from schemas.fields import FIELDS, JsonType
from transforms.engine_tables import registered
from transforms.json.encoding import encode_member, encode_object, encode_string
from transforms.statements import statement

_NESTED = {field.name: r"^[ \t\r\n]*[\[{]" for field in FIELDS if field.type in (JsonType.OBJECT, JsonType.ARRAY)}
# Members that are null: by two fast patterns, which a string that begins with `:null` misleads, and by an exact one,
# which matches other strings whole, so nothing in them.
_NULL_AFTER_ANOTHER = r',"[^"\\]*":null'
_NULL_AS_FIRST = r'\{"[^"\\]*":null,?'
_MISLEADING = r'[{\[,:]":null'
_STRING = r'"(?:[^"\\]|\\.)*"'
_NULL_OR_STRING = f",{_STRING}:null|{_STRING}:null,?|({_STRING})"


def mark_json(field: "pa.Field[pa.DataType]") -> "pa.Field[pa.DataType]":
    """Return the field of a column of texts as one whose texts may be JSON."""
    return field.with_metadata({"json": ""})


def write_texts(records: pa.RecordBatch, *, engine: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Return position (as `record`) and text of each row; a string of JSON becomes that JSON in nested fields and in
    columns that are marked."""
    patterns = _NESTED | {field.name: "" for field in records.schema if b"json" in (field.metadata or {})}
    as_strings = [field.name for field in records.schema if field.name in patterns and pa.types.is_string(field.type)]
    texts = _write_objects(records.drop_columns(as_strings), engine=engine)
    if not as_strings:
        return texts
    cells = pl.DataFrame({name: pl.Series(records.column(name), dtype=pl.String) for name in as_strings})
    members = [pl.col("text").str.slice(1, pl.col("text").str.len_chars() - 2).replace("", None)]
    for name in as_strings:
        is_json = _is_json(cells[name], patterns[name], engine=engine).alias(f"{name} is JSON")
        cells = cells.with_columns(is_json)
        value = pl.when(is_json.name).then(pl.col(name)).otherwise(encode_string(pl.col(name)))
        members.append(encode_member(name, value))
    return pl.concat([texts, cells], how="horizontal").select("record", encode_object(members).alias("text"))


def _write_objects(records: pa.RecordBatch, *, engine: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Write the rows as objects without nulls."""
    positions = pa.array(range(records.num_rows), pa.int64())
    if not records.num_columns:
        return pl.DataFrame({"record": positions, "text": ["{}"] * records.num_rows})
    table = pa.table({"record": positions, "cells": records.to_struct_array()})
    with registered(engine, "parquet_records", table):
        texts = pl.DataFrame(engine.sql(statement("parquet_texts")).to_arrow_table())
    return _remove_nulls(texts.sort("record"))


def _remove_nulls(texts: pl.DataFrame) -> pl.DataFrame:
    """Remove members that are null, at all levels; nulls in arrays stay."""
    text, fast = pl.col("text"), pl.col("fast")
    texts = texts.with_columns(
        text.str.replace_all(_NULL_AFTER_ANOTHER, "").str.replace_all(_NULL_AS_FIRST, "{").alias("fast")
    )
    suspects = texts.filter(text.str.contains(_MISLEADING) | fast.str.contains('":null', literal=True))
    if suspects.is_empty():
        return texts.select("record", fast.alias("text"))
    exact = suspects.select("record", text.str.replace_all(_NULL_OR_STRING, "$1").alias("exact"))
    return texts.join(exact, on="record", how="left", maintain_order="left").select(
        "record", pl.coalesce("exact", "fast").alias("text")
    )


def _is_json(cells: pl.Series, pattern: str, *, engine: duckdb.DuckDBPyConnection) -> pl.Series:
    """Return whether each text is JSON and matches the pattern."""
    numbered = pl.DataFrame({"text": cells}).with_row_index("record").cast({"record": pl.Int64})
    invalid = find_invalid_json(numbered, engine)
    return numbered.select(
        pl.col("text").str.contains(pattern) & ~pl.col("record").is_in(invalid.implode())
    ).to_series()

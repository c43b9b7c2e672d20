"""Columns to the JSON text of each record. A null, at whatever level, is a value that is not there."""

import duckdb
import polars as pl
import pyarrow as pa

from flows.readers.check_records import invalid_json
from schemas.fields import FIELDS, JsonType
from transforms.engine_tables import registered
from transforms.json.encoding import encode_member, encode_object, encode_string
from transforms.statements import statement

_NESTED_FIELDS = [field.name for field in FIELDS if field.type in (JsonType.OBJECT, JsonType.ARRAY)]
# A member that is null, by a quick look that a text beginning with `:null` could deceive, and by an exact one.
_NULL_AFTER_ANOTHER = r',"[^"\\]*":null'
_NULL_AS_FIRST = r'\{"[^"\\]*":null,?'
_DECEIVING = r'[{\[,:]":null'
_STRING = r'"(?:[^"\\]|\\.)*"'
_NULL_OR_STRING = f",{_STRING}:null|{_STRING}:null,?|({_STRING})"  # strings are taken whole, so none is looked into
_LOOKS_NESTED = r"^[ \t\r\n]*[\[{]"


def texts_of(records: pa.RecordBatch, *, engine: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Position (as `record`) and text of each row; a nested field given as text is what that says, if it is JSON."""
    given_as_text = [
        field.name
        for field in records.schema
        if field.name in _NESTED_FIELDS and (pa.types.is_string(field.type) or pa.types.is_large_string(field.type))
    ]
    texts = _objects(records.drop_columns(given_as_text), engine=engine)
    if not given_as_text:
        return texts
    cells = pl.DataFrame({name: pl.Series(records.column(name), dtype=pl.String) for name in given_as_text})
    members = [pl.col("text").str.slice(1, pl.col("text").str.len_chars() - 2).replace("", None)]
    for name in given_as_text:
        is_json = _are_json(cells[name], engine=engine).alias(f"{name} is JSON")
        cells = cells.with_columns(is_json)
        value = pl.when(is_json.name).then(pl.col(name)).otherwise(encode_string(pl.col(name)))
        members.append(encode_member(name, value))
    return pl.concat([texts, cells], how="horizontal").select("record", encode_object(members).alias("text"))


def _objects(records: pa.RecordBatch, *, engine: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """The rows as objects without their nulls."""
    positions = pa.array(range(records.num_rows), pa.int64())
    if not records.num_columns:
        return pl.DataFrame({"record": positions, "text": ["{}"] * records.num_rows})
    table = pa.table({"record": positions, "cells": records.to_struct_array()})
    with registered(engine, "parquet_records", table):
        texts = pl.DataFrame(engine.sql(statement("parquet_texts")).to_arrow_table())
    return _without_nulls(texts.sort("record"))


def _without_nulls(texts: pl.DataFrame) -> pl.DataFrame:
    """The objects without their members that are null, at all levels; nulls in arrays stay."""
    text, quick = pl.col("text"), pl.col("quick")
    texts = texts.with_columns(
        text.str.replace_all(_NULL_AFTER_ANOTHER, "").str.replace_all(_NULL_AS_FIRST, "{").alias("quick")
    )
    doubtful = texts.filter(text.str.contains(_DECEIVING) | quick.str.contains('":null', literal=True))
    if doubtful.is_empty():
        return texts.select("record", quick.alias("text"))
    exact = doubtful.select("record", text.str.replace_all(_NULL_OR_STRING, "$1").alias("exact"))
    return texts.join(exact, on="record", how="left", maintain_order="left").select(
        "record", pl.coalesce("exact", "quick").alias("text")
    )


def _are_json(cells: pl.Series, *, engine: duckdb.DuckDBPyConnection) -> pl.Series:
    """Which of the texts are JSON objects or arrays."""
    numbered = pl.DataFrame({"text": cells}).with_row_index("record").cast({"record": pl.Int64})
    broken = invalid_json(numbered, engine)
    nested = pl.col("text").str.contains(_LOOKS_NESTED) & ~pl.col("record").is_in(broken.implode())
    return numbered.select(nested).to_series()

"""Files of refused records, one writer per format; what they hold is made in `transforms.rejects`."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl
import pyarrow.parquet as pq

from transforms.rejects import RejectLayout, cells, json_objects, typed_columns


@dataclass(frozen=True)
class RejectFile:
    """A file to be written: where, the columns of a table, and an engine that is free while frames come in."""

    path: Path
    layout: RejectLayout
    engine: duckdb.DuckDBPyConnection


def write_ndjson(file: RejectFile, frames: Iterable[pl.DataFrame]) -> None:
    """One object a line."""
    with file.path.open("w", encoding="utf-8") as lines:
        for frame in frames:
            lines.writelines(f"{text}\n" for text in json_objects(frame))


def write_json(file: RejectFile, frames: Iterable[pl.DataFrame]) -> None:
    """An array of objects, one a line."""
    with file.path.open("w", encoding="utf-8") as lines:
        lines.write("[")
        for number, frame in enumerate(frames):
            lines.write(("" if number == 0 else ",") + "\n" + ",\n".join(json_objects(frame)))
        lines.write("\n]\n")


def write_csv(file: RejectFile, frames: Iterable[pl.DataFrame]) -> None:
    """A header and one row per record, made harmless for spreadsheets."""
    separator = "\t" if file.path.suffix.lower() == ".tsv" else ","
    with file.path.open("wb") as rows:
        for number, frame in enumerate(frames):
            table = cells(frame, file.layout, engine=file.engine)
            table.write_csv(rows, include_header=number == 0, separator=separator)


def write_parquet(file: RejectFile, frames: Iterable[pl.DataFrame]) -> None:
    """One row per record."""
    tables = (typed_columns(frame, file.layout, engine=file.engine).to_arrow() for frame in frames)
    first = next(tables)
    with pq.ParquetWriter(file.path, first.schema) as writer:
        writer.write_table(first)
        for table in tables:
            writer.write_table(table)


WRITERS: Mapping[str, Callable[[RejectFile, Iterable[pl.DataFrame]], None]] = {
    "ndjson": write_ndjson,
    "json": write_json,
    "csv": write_csv,
    "parquet": write_parquet,
}

"""How large the values are that a Parquet file has once and names many times, found before they are written out.

A dictionary makes a file of a few kilobytes say a value of megabytes in each of a million rows. What is done about it
is `flows.readers.parquet`'s.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from flows.readers.sources import Source


@dataclass(frozen=True)
class Growth:
    """What one row group may grow by: bytes of the largest row, and of its repeated fields as a whole."""

    row: int
    repeated: int


def growths(source: Source, metadata: pq.FileMetaData, *, harmless: int) -> Iterator[Growth]:
    """The growth of each row group that could be more than `harmless` bytes."""
    paths = [column.path for column in _texts_of(metadata)]
    if not paths:
        return
    repeated = {column.path for column in _texts_of(metadata) if column.max_repetition_level}
    with pq.ParquetFile(source.path, read_dictionary=paths, pre_buffer=False) as file:
        for number in range(metadata.num_row_groups):
            group = metadata.row_group(number)
            if group.total_byte_size * group.num_rows > harmless:
                first = next(file.iter_batches(batch_size=1, row_groups=[number], columns=paths), None)
                chunks = {chunk.path_in_schema: chunk for chunk in map(group.column, range(group.num_columns))}
                largest = dict(zip(paths, _largest(first), strict=True)) if first else {}
                yield Growth(
                    row=sum(largest.values()),
                    repeated=sum(size * chunks[path].num_values for path, size in largest.items() if path in repeated),
                )


def _texts_of(metadata: pq.FileMetaData) -> list[pq.ColumnSchema]:
    columns = (metadata.schema.column(number) for number in range(metadata.num_columns))
    return [column for column in columns if column.physical_type == "BYTE_ARRAY"]


def _largest(records: pa.RecordBatch) -> Iterator[int]:
    """The size of the largest value of each dictionary, the columns taken apart in the order of the file."""
    for column in records.columns:
        yield from _largest_in(column)


def _largest_in(column: "pa.Array[Any]") -> Iterator[int]:
    if isinstance(column, pa.DictionaryArray):
        texts = cast("pa.BinaryArray", column.dictionary)
        yield pc.max(pc.binary_length(texts)).as_py() or 0
    elif isinstance(column, pa.StructArray):
        for number in range(column.type.num_fields):
            yield from _largest_in(column.field(number))
    elif isinstance(column, pa.MapArray):
        yield from _largest_in(column.keys)
        yield from _largest_in(column.items)
    elif isinstance(column, (pa.ListArray, pa.LargeListArray)):
        yield from _largest_in(column.values)

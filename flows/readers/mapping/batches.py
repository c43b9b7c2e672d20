"""Make batches of records that are read by a mapping."""

import polars as pl

from flows.readers.reading import AS_JSON, Batch, Reading
from schemas.frames import Layout
from schemas.mapping.language import Mapping


def make_mapped_batch(
    texts: pl.DataFrame, mapping: Mapping, *, reading: Reading, seen: int, position: int, layout: Layout = AS_JSON
) -> Batch:
    """Return the batch of records whose texts, with the columns of RECORDS, are strict JSON objects."""
    from transforms.mapping.records import map_records  # noqa: PLC0415 - our own format needs none of it

    mapped = map_records(texts, mapping, engine=reading.engine, hashing=reading.hashing)
    return Batch(
        seen=seen,
        position=position,
        others=mapped.others.len(),
        values=mapped.values,
        write_texts=lambda numbers: texts.filter(pl.col("record").is_in(numbers.implode())),
        text_bytes=int(texts["text"].str.len_bytes().sum()),
        layout=layout,
    )

"""Read records that are JSON texts: by a proof that holds for most, otherwise after a check, value by value."""

from collections.abc import Callable
from dataclasses import replace

import polars as pl

from flows.readers.check_records import CheckedRecords, check_records, unsuspicious_bytes
from flows.readers.reading import Batch, Reading
from schemas.frames import RECORDS
from transforms.fields.json_records import read_json_records
from transforms.fields.proven_records import Caps, read_proven
from transforms.fields.values import sort_records
from transforms.json.values import find_invalid_json


def read_records(
    records: pl.DataFrame,
    *,
    reading: Reading,
    seen: int,
    position: int,
    invalid: pl.Series | None = None,
    on_check: Callable[[CheckedRecords], None] = lambda _: None,
) -> Batch:
    """Return the batch of the records, which have record, line and text, where that can be null also `data`.

    `invalid` are the numbers of those that DuckDB refuses, if that is known; `on_check` may raise for what was refused.
    """
    engine, profile, limits = reading.engine, reading.profile, reading.limits
    texts = records.select(RECORDS.names())
    caps = Caps(unsuspicious_bytes(limits), limits.nesting)
    proven = read_proven(texts, engine=engine, profile=profile, caps=caps)
    rest = records.join(proven.select("record"), on="record", how="anti", maintain_order="left")
    found = find_invalid_json(rest, engine) if invalid is None else invalid
    checked = check_records(rest, invalid=found, limits=limits)
    on_check(checked)
    values = read_json_records(checked.rows, engine=engine, profile=profile)
    return Batch(
        seen=seen,
        position=position,
        values=replace(values, users=sort_records(pl.concat([proven, values.users]))),
        write_texts=lambda numbers: texts.filter(pl.col("record").is_in(numbers.implode())),
        text_bytes=int(texts["text"].str.len_bytes().sum()),
        refused=checked.refused,
        errors=checked.errors,
    )

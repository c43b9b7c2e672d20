"""Read the records of a batch by a mapping."""

from typing import TYPE_CHECKING

import polars as pl

from flows.readers.reading import Reading
from transforms.fields.values import FieldValues

if TYPE_CHECKING:  # which loads Pydantic
    from schemas.mapping.language import Mapping


def read_mapped(texts: pl.DataFrame, mapping: "Mapping", *, reading: Reading) -> tuple[FieldValues, int]:
    """Return the fields of records whose texts, with the columns of RECORDS, are strict JSON objects.

    Beside them stands how many of the records are not users.
    """
    from transforms.mapping.records import map_records  # noqa: PLC0415 - our own format needs none of it

    mapped = map_records(texts, mapping, engine=reading.engine, hashing=reading.hashing)
    return mapped.values, mapped.others.len()

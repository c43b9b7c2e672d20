"""Open objects and arrays that are written as JSON in a text, as cells of tables are."""

import duckdb
import polars as pl

from schemas.fields import JsonType
from schemas.mapping.language import TYPES, Mapping
from transforms.fields.cells import open_json
from transforms.fields.values import DEPTHS
from transforms.json.values import decode_string
from transforms.mapping.values_at import column_at

NESTED = (JsonType.OBJECT, JsonType.ARRAY)


def open_json_texts(
    found: pl.DataFrame, mapping: Mapping, *, engine: duckdb.DuckDBPyConnection
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the values at paths with the JSON that is in the texts for objects and arrays, and DEPTHS of these texts.

    A text that is not JSON stays; one that is nested too deeply becomes null.
    """
    depths = [DEPTHS.to_frame()]
    for name, column in _columns(mapping):
        text = pl.col(column)
        texts = found.filter(text.str.contains(r'^"\s*[\[{]')).select("record", "line", decode_string(text).alias(name))
        if texts.is_empty():
            continue
        opened, deep = open_json(texts, name, engine=engine)
        is_opened = opened.is_null() | (opened != '""')
        rows = texts.select("record", opened=opened, is_opened=is_opened).filter("is_opened")
        joined = found.join(rows, on="record", how="left", maintain_order="left")
        found = joined.with_columns(
            pl.when(pl.col("is_opened").fill_null(value=False)).then("opened").otherwise(text).alias(column)
        ).drop("opened", "is_opened")
        depths.append(deep)
    return found, pl.concat(depths)


def _columns(mapping: Mapping) -> list[tuple[str, str]]:
    return [
        (name, column_at(path))
        for name, rules in mapping.fields.items()
        if TYPES[name] in NESTED
        for rule in rules
        if not (rule.separator or rule.factor or rule.changes_items)
        for path in rule.at
        if not path.is_many
    ]

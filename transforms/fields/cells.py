"""Read the fields of records that are cells of text: absent values, booleans from words, objects from JSON texts.

How deeply the JSON in a cell is nested is measured before it is parsed; the readers measure records.
"""

import json
import re
from collections.abc import Mapping
from itertools import chain

import duckdb
import polars as pl

from schemas.canonical import ESCAPED
from schemas.fields import BOOLEAN_FIELDS, FIELDS, LIST_FIELDS, NESTED_FIELDS, TEXT_FIELDS
from schemas.formats.text import WHITE_SPACE
from schemas.profiles import ABSENT_WORD, Profile
from schemas.rules.objects import DEEPEST
from transforms.canonical_columns import absent_columns, canonical_columns, typed_columns
from transforms.fields.values import DEPTHS, USERS, FieldValues, may_be_unclean
from transforms.json.encoding import encode_string
from transforms.json.key_shapes import PIECES
from transforms.json.object_keys import find_keys_of_columns
from transforms.json.values import query_texts

BLANK = r"^\s*(?:\\N)?\s*$"
SEPARATORS = (";", "|")  # of the items of a list that is not JSON; the first that a cell has

JSON = r"^\s*[\[{]"

# may be JSON that DuckDB accepts and the standard does not: a strict parser has to check it
LENIENT_JSON = r"(?i),\s*[}\]]|nan|inf|[0-9.]e\+?[0-9]{3}|[0-9.]{200}"


def read_cells(
    cells: pl.DataFrame, *, others: Mapping[str, str], profile: Profile, engine: duckdb.DuckDBPyConnection
) -> FieldValues:
    """Return the fields of rows.

    `cells` has record, line and columns of texts, none of them null: the fields that the table has, and all of
    `others`, which gives the names in the header of the columns that are not fields.
    """
    texts, booleans, nested = (
        [field for field in fields if field.name in cells.columns]
        for fields in (TEXT_FIELDS, BOOLEAN_FIELDS, NESTED_FIELDS)
    )
    absent = [field for field in FIELDS if field.name not in cells.columns]
    blank = (*(field.name for field in (*booleans, *nested)), *others)
    is_absent = {field.name: pl.col(field.name).is_in(["", ABSENT_WORD]) for field in texts}
    is_absent |= {name: pl.col(name).str.contains(BLANK) for name in blank}
    present = cells.select(
        "record",
        "line",
        pl.any_horizontal(may_be_unclean(pl.col(name)) for name in cells.columns[2:]).alias(ESCAPED),
        *(
            pl.when(~is_empty).then(_split_list(name) if name in LIST_FIELDS else name).alias(name)
            for name, is_empty in is_absent.items()
        ),
    )
    opened = {field.name: open_json(present, field.name, engine=engine) for field in nested}
    json_texts = present.select(
        *(_parse_boolean(field.name, profile) for field in booleans),
        *(values.alias(name) for name, (values, _) in opened.items()),
    )
    values = present.select(
        "record", "line", ESCAPED, *chain.from_iterable(map(typed_columns, texts)), *absent_columns(absent)
    )
    users = values.hstack(json_texts.select(canonical_columns(json_texts, (*booleans, *nested))))
    return FieldValues(
        users.select(USERS.names()),
        keys=find_keys_of_columns(present, others),
        depths=pl.concat([DEPTHS.to_frame(), *(depths for _, depths in opened.values())]),
    )


def _split_list(name: str) -> pl.Expr:
    """Return a list of texts with separators as JSON, without its empty items; what begins as JSON stays as it is."""
    text = pl.col(name)
    separator, other = SEPARATORS
    split = pl.when(text.str.contains(separator, literal=True)).then(text.str.split(separator))
    item = pl.element().str.strip_chars(WHITE_SPACE)
    items = split.otherwise(text.str.split(other)).list.eval(encode_string(item.filter(item != "")))
    return pl.when(text.str.contains(JSON)).then(text).otherwise(pl.format("[{}]", items.list.join(",")))


def open_json(cells: pl.DataFrame, name: str, *, engine: duckdb.DuckDBPyConnection) -> tuple[pl.Series, pl.DataFrame]:
    """Return the JSON in the texts of a column, and DEPTHS for the texts with more brackets than allowed levels.

    In place of a text that is not JSON it is `""`; of one that is nested too deeply, null.
    """
    texts = cells.select("record", "line", text=name).drop_nulls("text")
    depths = _measure_depths(texts, name)
    deep = depths.filter(pl.col("depth") > DEEPEST)["record"]
    shallow = texts.filter(~pl.col("record").is_in(deep.implode())) if deep.len() else texts
    strict = shallow.filter(~pl.col("text").is_in(_find_lenient(shallow["text"]).implode()))
    values = query_texts("json_cells", strict.select("record", "text"), engine=engine)
    found = shallow.select("record").join(values, on="record", how="left").with_columns(pl.col("value").fill_null('""'))
    return cells.select("record").join(found, on="record", how="left", maintain_order="left")["value"], depths


def _measure_depths(texts: pl.DataFrame, name: str) -> pl.DataFrame:
    suspect = texts.filter(pl.col("text").str.count_matches(r"[\[{]") > DEEPEST)
    unique = suspect.select("text").unique()
    depths = unique.with_columns(depth=pl.Series([_measure(text) for text in unique["text"]], dtype=pl.Int64))
    return suspect.with_columns(path=pl.lit(name)).join(depths, on="text").select(DEPTHS.names()).cast(DEPTHS)


def _measure(text: str) -> int:
    """Return the largest number of objects and arrays that are open at once."""
    depth = deepest = 0
    for piece in re.finditer(PIECES, text):
        depth += (piece[0] in "{[") - (piece[0] in "}]")
        deepest = max(deepest, depth)
    return deepest


def _parse_boolean(name: str, profile: Profile) -> pl.Expr:
    """Return true or false for a word that the profile knows; any other text as a JSON string."""
    word = pl.col(name).str.strip_chars().str.to_lowercase()
    known = {**dict.fromkeys(profile.true_words, "true"), **dict.fromkeys(profile.false_words, "false")}
    return pl.coalesce(word.replace_strict(known, default=None), encode_string(pl.col(name))).alias(name)


def _find_lenient(texts: pl.Series) -> pl.Series:
    """Return the suspect texts that a strict parser refuses."""
    suspect = texts.filter(texts.str.contains(LENIENT_JSON)).unique()
    return pl.Series([text for text in suspect if not _is_strict(text)], dtype=pl.String)


def _is_strict(text: str) -> bool:
    try:
        # a list keeps values of repeated keys; Python refuses to convert a whole number of more than 4,300 digits
        json.dumps(json.loads(text, object_pairs_hook=list, parse_int=len), allow_nan=False)
    except (ValueError, RecursionError):
        return False
    return True

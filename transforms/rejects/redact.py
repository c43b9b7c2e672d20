"""Show records without their secrets, for errors, logs and everything that outlives a job.

What is known to be harmless is shown; everything else is hidden: the value of a key that is not a field (it may be a
password), and a value whose shape is not that of its field. A profile's name for a field counts as its name.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache

import duckdb
import polars as pl

from schemas.fields import FIELD_NAMES, FIELDS, LIST_FIELDS, JsonType, UserField
from schemas.frames import RECORDS
from schemas.rules.hash_algorithms import PUBLIC_WORDS
from schemas.rules.hash_fields import INTEGERS, OBJECTS, PASSWORD_HASH_FIELDS, ROOT, SECRETS
from transforms.json.encoding import encode_string
from transforms.json.values import extract_values, json_pointer, query_texts, unpack_found

HIDDEN = pl.lit('"*****"')
UNREADABLE = '{"unreadable":true}'
PART_NAMES = [field.name for field in PASSWORD_HASH_FIELDS]
PUBLIC_WORD = f'^"(?:{"|".join(PUBLIC_WORDS)})"$'
NUMBER = r"^-?[0-9][0-9.]*(?:[eE][+-]?[0-9]+)?$"
SCALAR = r'^(?:["tfn]|-?[0-9])'  # as DuckDB writes a value, which may be NaN or -Infinity
OBJECT = r'^"? *\{'  # also in the text of a cell
STRING = r'"(?:[^"\\]|\\.)*"'
LIST = rf'^\[(?:{STRING},?)*\]$|^"[^{{]*"$'  # also in the text of a cell, with separators
IDENTITIES = rf'^\[(?:\{{(?:"(?:provider|user_id|email)":{STRING},?)*\}},?)*\]$'  # others may have a token
SHAPES = {**dict.fromkeys(LIST_FIELDS, LIST), "identities": IDENTITIES}
OPENING = r"^[ \t\r\n]*\{"
NOT_JSON = r"(?i)[:\[,][ \t\r\n]*-?(?:nan|inf)"  # what DuckDB takes for numbers


def redact(
    rows: pl.DataFrame, *, engine: duckdb.DuckDBPyConnection, known: Mapping[str, str] | None = None
) -> pl.DataFrame:
    """Return the records, columns of RECORDS, without secrets; a text that is not a JSON object is hidden entirely.
    `known` has the field that each of the file's own names leads to, as far as it may be shown."""
    names = tuple((known or {}).items())
    fields = _add_hash_parts(_read_fields(rows, [name for name, _ in names], engine=engine), engine=engine)
    members = fields.join(_hide_unknown_keys(fields), on="record", how="left")
    shown = members.select("record", text=_show_record(names))
    joined = rows.drop("text").join(shown, on="record", how="left", maintain_order="left")
    return joined.with_columns(pl.col("text").fill_null(UNREADABLE)).select(RECORDS.names()).cast(RECORDS)


def _read_fields(rows: pl.DataFrame, names: Sequence[str], *, engine: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Return the records that are JSON objects: the texts of their fields and of members with known names, and the keys
    of all others."""
    objects = rows.lazy().filter(pl.col("text").str.contains(OPENING))
    suspects = objects.select("record", "text", lenient=pl.col("text").str.contains(NOT_JSON)).collect()
    paths = [*(f"$.{name}" for name in FIELD_NAMES), *map(json_pointer, names)]
    values = {"paths": paths, "known": [*FIELD_NAMES, *names]}
    read = query_texts("json_object_values", suspects, engine=engine, values=values)
    return read.select("record", "lenient", "unknown_keys", *unpack_found([*FIELD_NAMES, *map(_column, names)]))


def _add_hash_parts(fields: pl.DataFrame, *, engine: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Return the records with the JSON texts of the parts of `custom_password_hash` too."""
    hashes = fields.filter(pl.col(ROOT).str.starts_with("{")).select("record", text=ROOT)
    paths = [f"${name.removeprefix(ROOT)}" for name in PART_NAMES]
    parts = extract_values(hashes, paths, engine=engine).select("record", *unpack_found(PART_NAMES))
    return fields.join(parts, on="record", how="left")


def _hide_unknown_keys(fields: pl.DataFrame) -> pl.DataFrame:
    """Return each record's keys that are not fields as `hidden`: members with hidden values."""
    keys = fields.select("record", key="unknown_keys").explode("key").drop_nulls()
    member = pl.concat_str(pl.lit(","), encode_string(pl.col("key")), pl.lit(":"), HIDDEN)
    members = keys.select("record", hidden=member)
    return members.group_by("record", maintain_order=True).agg(pl.col("hidden").str.join(""))


@cache  # building the expression takes longer than redacting a few records
def _show_record(known: Iterable[tuple[str, str]]) -> pl.Expr:
    """Return the JSON of a record: its fields, the members with known names, then `hidden`."""
    fields = [piece for field in FIELDS for piece in _member(field.name, _show(field, pl.col(field.name)))]
    for name, field_name in known:
        field = FIELDS[FIELD_NAMES.index(field_name)]
        key, text = pl.lit(f",{json.dumps(name)}:"), pl.col(_column(name))
        fields += [pl.when(text.is_not_null()).then(key), _show(field, text)]
    return _object([*fields, pl.col("hidden")])


def _column(known_name: str) -> str:
    return f"known {known_name}"  # which no field is called


def _show(field: UserField, text: pl.Expr) -> pl.Expr:
    if field.name == ROOT:
        return pl.when(text.str.starts_with("{")).then(_show_parts()).otherwise(_hide(text))
    if field.secret:
        return _hide(text)
    shape = SHAPES.get(field.name, OBJECT if field.type is JsonType.OBJECT else SCALAR)
    not_json = pl.when("lenient").then(text).str.contains(NOT_JSON).fill_null(value=False)
    return pl.when(text.str.contains(shape) & ~not_json).then(text).otherwise(_hide(text))


def _show_parts(parent: str = ROOT) -> pl.Expr:
    """Return the JSON of an object in `custom_password_hash`."""
    names = (name for name in PART_NAMES if name.rpartition(".")[0] == parent)
    return _object(piece for name in names for piece in _member(name, _show_part(name)))


def _show_part(name: str) -> pl.Expr:
    text = pl.col(name)
    if name in OBJECTS:
        return pl.when(text.str.starts_with("{")).then(_show_parts(name)).otherwise(_hide(text))
    if name in SECRETS:
        return _hide(text)
    is_public = text.str.contains(NUMBER if name in INTEGERS else PUBLIC_WORD)
    return pl.when(is_public).then(text).otherwise(_hide(text))


def _hide(text: pl.Expr) -> pl.Expr:
    return pl.when(text.is_not_null()).then(HIDDEN)


def _member(name: str, shown: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """Return a member in two pieces, both null where it is absent: joining all pieces at once takes less time."""
    key = pl.lit(f',"{name.rpartition(".")[2]}":')
    return pl.when(pl.col(name).is_not_null()).then(key), shown


def _object(pieces: Iterable[pl.Expr]) -> pl.Expr:
    members = pl.concat_str(list(pieces), ignore_nulls=True).str.strip_prefix(",")
    return pl.concat_str(pl.lit("{"), members, pl.lit("}"))

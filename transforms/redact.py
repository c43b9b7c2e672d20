"""Shows records and addresses without what is secret in them, for errors, logs and everything that outlives a job.

Shown is what is known to be harmless, never what is left after hiding: the value of a key that is no field is hidden
(it may be a password), and so is a value of a shape that its field does not have.
"""

from collections.abc import Sequence

import duckdb
import polars as pl

from schemas.fields import FIELDS, JsonType, UserField
from schemas.frames import RECORDS
from schemas.hash_algorithms import PUBLIC_WORDS
from schemas.password_hash import INTEGERS, OBJECTS, PASSWORD_HASH_FIELDS, ROOT, SECRETS
from transforms.json_values import engine_pass, json_string, values_at

HIDDEN = pl.lit('"*****"')
UNREADABLE = '{"unreadable":true}'
FIELD_NAMES = [field.name for field in FIELDS]
PART_NAMES = [field.name for field in PASSWORD_HASH_FIELDS]
PUBLIC_WORD = f'^"(?:{"|".join(PUBLIC_WORDS)})"$'
NUMBER = r"^-?[0-9][0-9.]*(?:[eE][+-]?[0-9]+)?$"
SCALAR = f'^"|^(?:true|false|null)$|{NUMBER}'
OBJECT = r'^"? *\{'  # also in the text of a cell
NOT_JSON = r"(?i)[:\[,]-?(?:nan|inf)"  # what the engine takes for numbers


def redacted(rows: pl.DataFrame, *, engine: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """The records, columns of RECORDS, as JSON without secrets; what is no JSON object is not shown at all."""
    names = [*FIELD_NAMES, *PART_NAMES]
    read = _read(rows, [f"$.{name}" for name in names], engine=engine)
    found = read.select("record", "keys", *(pl.col("found").list.get(i).alias(name) for i, name in enumerate(names)))
    members = [*(_member(field.name, _shown(field)) for field in FIELDS), pl.col("hidden")]
    shown = found.join(_hidden_members(found), on="record", how="left").select("record", text=_object(members))
    joined = rows.drop("text").join(shown, on="record", how="left", maintain_order="left")
    return joined.with_columns(pl.col("text").fill_null(UNREADABLE)).select(RECORDS.names()).cast(RECORDS)


def masked_email(email: pl.Expr) -> pl.Expr:
    """The address as a person may see it in a log: its first character, `***` and the domain."""
    return email.str.replace(r"(?s)^(.?).*?(@[^@]*)?$", "${1}***${2}")


def _read(rows: pl.DataFrame, paths: Sequence[str], *, engine: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """The JSON texts at the paths of the records that are JSON objects, and their keys."""
    readable = engine_pass("json_objects", rows.select("record", "text"), engine=engine)
    read = values_at(readable.rename({"object": "text"}), paths, engine=engine, every=True)
    return read.with_columns(keys=pl.col("odd_keys").list.first())


def _hidden_members(found: pl.DataFrame) -> pl.DataFrame:
    """The keys of each record that are no fields, as members with hidden values."""
    keys = found.select("record", key="keys").explode("key").drop_nulls("key")
    others = keys.filter(~pl.col("key").is_in(FIELD_NAMES))
    members = pl.concat_str(json_string(pl.col("key")), pl.lit(":"), HIDDEN)
    return others.group_by("record", maintain_order=True).agg(hidden=members.str.join(","))


def _shown(field: UserField) -> pl.Expr:
    """What is shown of a field."""
    found = pl.col(field.name)
    if field.name == ROOT:
        return pl.when(found.str.starts_with("{")).then(_shown_parts()).otherwise(_hidden(found))
    if field.secret:
        return _hidden(found)
    shape = OBJECT if field.type is JsonType.OBJECT else SCALAR
    harmless = found.str.contains(shape) & ~found.str.contains(NOT_JSON)
    return pl.when(harmless).then(found).otherwise(_hidden(found))


def _shown_parts(parent: str = ROOT) -> pl.Expr:
    """What is shown of an object in `custom_password_hash`."""
    return _object([_member(name, _shown_part(name)) for name in PART_NAMES if name.rpartition(".")[0] == parent])


def _shown_part(name: str) -> pl.Expr:
    found = pl.col(name)
    if name in OBJECTS:
        return pl.when(found.str.starts_with("{")).then(_shown_parts(name)).otherwise(_hidden(found))
    if name in SECRETS:
        return _hidden(found)
    public = found.str.contains(NUMBER if name in INTEGERS else PUBLIC_WORD)
    return pl.when(public).then(found).otherwise(_hidden(found))


def _hidden(found: pl.Expr) -> pl.Expr:
    return pl.when(found.is_not_null()).then(HIDDEN)


def _member(name: str, shown: pl.Expr) -> pl.Expr:
    """The member of an object, null where it has none."""
    return pl.concat_str(pl.lit(f'"{name.rpartition(".")[2]}":'), shown)


def _object(members: Sequence[pl.Expr]) -> pl.Expr:
    return pl.concat_str(pl.lit("{"), pl.concat_str(members, separator=",", ignore_nulls=True), pl.lit("}"))

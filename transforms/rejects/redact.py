"""Shows records and addresses without what is secret in them, for errors, logs and everything that outlives a job.

Shown is what is known to be harmless, never what is left after hiding: the value of a key that is no field is hidden
(it may be a password), and so is a value of a shape that its field does not have.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache

import duckdb
import polars as pl

from schemas.fields import FIELDS, JsonType, UserField
from schemas.frames import RECORDS
from schemas.rules.hash_algorithms import PUBLIC_WORDS
from schemas.rules.password_hash import INTEGERS, OBJECTS, PASSWORD_HASH_FIELDS, ROOT, SECRETS
from transforms.json.encoding import encode_string
from transforms.json.values import engine_pass, values_at

HIDDEN = pl.lit('"*****"')
UNREADABLE = '{"unreadable":true}'
FIELD_NAMES = [field.name for field in FIELDS]
PART_NAMES = [field.name for field in PASSWORD_HASH_FIELDS]
PUBLIC_WORD = f'^"(?:{"|".join(PUBLIC_WORDS)})"$'
NUMBER = r"^-?[0-9][0-9.]*(?:[eE][+-]?[0-9]+)?$"
SCALAR = r'^(?:["tfn]|-?[0-9])'  # by how the engine writes a value, which may be NaN or -Infinity
OBJECT = r'^"? *\{'  # also in the text of a cell
OPENING = r"^[ \t\r\n]*\{"
NOT_JSON = r"(?i)[:\[,][ \t\r\n]*-?(?:nan|inf)"  # what the engine takes for numbers


def redact(rows: pl.DataFrame, *, engine: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """The records, columns of RECORDS, as JSON without secrets; what is no JSON object is not shown at all."""
    found = _with_parts(_read(rows, engine=engine), engine=engine)
    shown = found.join(_hidden_members(found), on="record", how="left").select("record", text=_shown_record())
    joined = rows.drop("text").join(shown, on="record", how="left", maintain_order="left")
    return joined.with_columns(pl.col("text").fill_null(UNREADABLE)).select(RECORDS.names()).cast(RECORDS)


def masked_email(email: pl.Expr) -> pl.Expr:
    """The address as a person may see it in a log: its first character, `***` and the domain."""
    return email.str.replace(r"(?s)^(.?).*?(@[^@]*)?$", "${1}***${2}")


def _read(rows: pl.DataFrame, *, engine: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Return the records that are JSON objects: the texts of their fields, and the keys that are not fields."""
    objects = rows.lazy().filter(pl.col("text").str.contains(OPENING))
    doubted = objects.select("record", "text", lenient=pl.col("text").str.contains(NOT_JSON)).collect()
    values = {"paths": [f"$.{name}" for name in FIELD_NAMES], "known": FIELD_NAMES}
    read = engine_pass("json_object_values", doubted, engine=engine, values=values)
    return read.select("record", "lenient", "unknown_keys", *_columns("found", FIELD_NAMES))


def _with_parts(found: pl.DataFrame, *, engine: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """The records, also with the JSON texts of the parts of `custom_password_hash`."""
    hashes = found.filter(pl.col(ROOT).str.starts_with("{")).select("record", text=ROOT)
    paths = [f"${name.removeprefix(ROOT)}" for name in PART_NAMES]
    parts = values_at(hashes, paths, engine=engine).select("record", *_columns("found", PART_NAMES))
    return found.join(parts, on="record", how="left")


def _columns(values: str, names: Sequence[str]) -> Iterator[pl.Expr]:
    return (pl.col(values).list.get(i).alias(name) for i, name in enumerate(names))


def _hidden_members(found: pl.DataFrame) -> pl.DataFrame:
    """The keys of each record that are no fields, as members with hidden values."""
    keys = found.select("record", key="unknown_keys").explode("key").drop_nulls()
    members = keys.select(
        "record", hidden=pl.concat_str(pl.lit(","), encode_string(pl.col("key")), pl.lit(":"), HIDDEN)
    )
    return members.group_by("record", maintain_order=True).agg("hidden").with_columns(pl.col("hidden").list.join(""))


@cache  # to build it takes longer than to show a few records
def _shown_record() -> pl.Expr:
    """What is shown of a record, `hidden` after its fields."""
    fields = (piece for field in FIELDS for piece in _member(field.name, _shown(field)))
    return _object([*fields, pl.col("hidden")])


def _shown(field: UserField) -> pl.Expr:
    """What is shown of a field."""
    found = pl.col(field.name)
    if field.name == ROOT:
        return pl.when(found.str.starts_with("{")).then(_shown_parts()).otherwise(_hidden(found))
    if field.secret:
        return _hidden(found)
    shape = OBJECT if field.type is JsonType.OBJECT else SCALAR
    not_json = pl.when("lenient").then(found).str.contains(NOT_JSON).fill_null(value=False)
    return pl.when(found.str.contains(shape) & ~not_json).then(found).otherwise(_hidden(found))


def _shown_parts(parent: str = ROOT) -> pl.Expr:
    """What is shown of an object in `custom_password_hash`."""
    names = (name for name in PART_NAMES if name.rpartition(".")[0] == parent)
    return _object(piece for name in names for piece in _member(name, _shown_part(name)))


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


def _member(name: str, shown: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """The member of an object in two pieces, which are null where it has none."""
    key = pl.lit(f',"{name.rpartition(".")[2]}":')
    return pl.when(pl.col(name).is_not_null()).then(key), shown


def _object(pieces: Iterable[pl.Expr]) -> pl.Expr:
    members = pl.concat_str(list(pieces), ignore_nulls=True).str.strip_prefix(",")
    return pl.concat_str(pl.lit("{"), members, pl.lit("}"))

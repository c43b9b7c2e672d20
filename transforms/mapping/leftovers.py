"""Put what has no field into the metadata, and say what is left out: secrets, and what a mapping leaves out."""

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import polars as pl

from schemas.codes import ErrorCode, Severity
from schemas.fields import Field, JsonType
from schemas.frames import ROW_CODE, SEVERITY
from schemas.job import METADATA
from schemas.mapping.language import Mapping
from schemas.mapping.paths import Path
from schemas.mapping.secrets import HARMLESS, HAS_SECRET, NAMES_SECRET
from transforms.fields.values import WARNINGS
from transforms.json.encoding import encode_member
from transforms.json.object_keys import KEYS
from transforms.json.values import extract_values, make_printable, query_texts
from transforms.mapping.rules import NULL, Words, json_at, read_field
from transforms.mapping.values_at import REST, column_at

LEFT_OUT = "has no place in a user and is left out"
UNREAD = "has more than the mapping reads of it, which is left out"
KEPT_BACK = "looks like a secret, which metadata must not have, and is left out"


@dataclass(frozen=True)
class Leftovers:
    """The metadata of records as columns of JSON texts, the keys that are refused, and what was left out."""

    columns: Sequence[pl.Series]
    keys: pl.DataFrame
    warnings: pl.DataFrame


def take_rest(
    found: pl.DataFrame,
    mapping: Mapping,
    words: Words,
    *,
    unread: dict[str, pl.Series],
    engine: duckdb.DuckDBPyConnection,
) -> Leftovers:
    """Return the metadata of records whose values at paths, and whose rest, are columns of `found`."""
    rest = _join_members(
        [_open_object(pl.col(REST)), *(encode_member(name, pl.lit(value)) for name, value in unread.items())]
    )
    given = [rest if mapping.rest == "metadata" else pl.lit(None, pl.String)]
    given += [_given(table, mapping, words) for table in METADATA]
    texts = found.select(
        "record", "line", *(text.alias(name) for text, name in zip(given, (REST, *METADATA), strict=True))
    )
    warnings = [WARNINGS.to_frame()]
    for name in (REST, *METADATA):
        texts, removed = _remove_secrets(texts, name, engine=engine)
        warnings.append(removed)
    columns = texts.select(
        pl.col("app_metadata"),
        _add_members(pl.col("user_metadata"), encode_member(mapping.system, pl.col(REST)), words=words).alias(
            "user_metadata"
        ),
    )
    keys = (
        KEYS.to_frame()
        if mapping.rest == "metadata"
        else _keys_of(found.select("record", "line", text=rest), engine=engine)
    )
    return Leftovers(columns.get_columns(), keys, pl.concat(warnings))


def find_left_out(
    found: pl.DataFrame, mapping: Mapping, words: Words, *, secrets: dict[str, pl.Series]
) -> pl.DataFrame:
    """Return a warning for each value that the mapping leaves out, and of parts of secrets that it does not read."""
    frames = [
        warn(found.filter(_has_value(path, words)), path=pl.lit(path.text), message=LEFT_OUT)
        for path in mapping.leave_out
    ]
    parts = (
        warn(found.filter(left.is_not_null()), path=pl.lit(name), message=UNREAD) for name, left in secrets.items()
    )
    return pl.concat([WARNINGS.to_frame(), *frames, *parts])


def warn(rows: pl.DataFrame, *, path: pl.Expr, message: str, code: ErrorCode = ErrorCode.LEFT_OUT) -> pl.DataFrame:
    """Return a warning for each of the rows."""
    return rows.select(
        "record",
        "line",
        pl.lit(code.value, ROW_CODE).alias("code"),
        path.alias("path"),
        pl.lit(message).alias("message"),
        pl.lit(Severity.WARNING.value, SEVERITY).alias("severity"),
    )


def _has_value(path: Path, words: Words) -> pl.Expr:
    if path.is_many:
        return pl.col(column_at(path)).list.len() > 0
    return ~json_at(path, words).is_in(["false", "[]", "{}", "0"])


def _given(table: str, mapping: Mapping, words: Words) -> pl.Expr:
    """Return the JSON of one kind of metadata: what a rule gives whole, with members of their own."""
    own = [encode_member(key, read_field(rule, None, words)) for key, rule in getattr(mapping, table).items()]
    base = (
        read_field(mapping.fields[table], Field(table, JsonType.OBJECT), words)
        if table in mapping.fields
        else pl.lit(None, pl.String)
    )
    return _add_members(base, *own, words=words)


def _add_members(base: pl.Expr, *members: pl.Expr, words: Words) -> pl.Expr:
    """Return the object with more members; what is not an object as it is, but members instead of a null to clear."""
    if words.null == "clear" and members:
        base = pl.when((base != NULL) | _join_members(members).is_null()).then(base)
    is_open = base.is_null() | base.str.starts_with("{")
    return pl.when(is_open).then(_join_members([_open_object(base), *members])).otherwise(base)


def _open_object(text: pl.Expr) -> pl.Expr:
    """Return the members of an object; null where it has none."""
    return pl.when(text != "{}").then(text.str.slice(1, text.str.len_chars() - 2))


def _join_members(members: Sequence[pl.Expr]) -> pl.Expr:
    """Return the object of members that are not null; null where all are."""
    inner = pl.concat_str(list(members), separator=",", ignore_nulls=True)
    return pl.when(inner != "").then(pl.concat_str(pl.lit("{"), inner, pl.lit("}")))


def _remove_secrets(
    texts: pl.DataFrame, name: str, *, engine: duckdb.DuckDBPyConnection
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the rows with the objects of a column without secrets, and a warning for each that was removed."""
    suspect = texts.filter(pl.col(name).str.starts_with("{") & pl.col(name).str.contains(HAS_SECRET))
    if suspect.is_empty():
        return texts, WARNINGS.to_frame()
    patterns = {"secret": NAMES_SECRET, "harmless": HARMLESS}
    read = query_texts("secret_members", suspect.select("record", "line", text=name), engine=engine, values=patterns)
    removed = read.explode("removed", empty_as_null=True).drop_nulls("removed")
    kept = texts.join(read.select("record", "kept"), on="record", how="left", maintain_order="left")
    prefix = "" if name == REST else f"{name}."
    warnings = warn(removed.sort("record"), path=make_printable(pl.lit(prefix) + pl.col("removed")), message=KEPT_BACK)
    return kept.with_columns(pl.coalesce("kept", name).replace("{}", None).alias(name)).drop("kept"), warnings


def _keys_of(texts: pl.DataFrame, *, engine: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Return the members of the rest as unknown keys of their records."""
    read = extract_values(texts.drop_nulls("text"), (), engine=engine, every=True)
    keys = read.select("record", "line", key=pl.col("unknown_keys").list.first()).explode("key", empty_as_null=True)
    named = {"parent": pl.lit(""), "path": make_printable(pl.col("key")), "copies": 1, "field": pl.lit(None, pl.String)}
    return keys.drop_nulls("key").with_columns(**named).select(KEYS.names()).cast(KEYS)

"""Put what has no field into the metadata, and say what is left out: secrets, and what a mapping leaves out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import duckdb
import polars as pl

from schemas.codes import ErrorCode, Severity
from schemas.fields import FIELDS, Field, JsonType
from schemas.frames import ROW_CODE, SEVERITY
from schemas.mapping.language import METADATA, Mapping
from schemas.mapping.paths import Path
from transforms.fields.values import WARNINGS
from transforms.json.encoding import encode_member
from transforms.json.object_keys import KEYS
from transforms.json.values import extract_values, query_texts
from transforms.mapping.rules import TRUE, Words, json_at, read_field, read_rule
from transforms.mapping.values_at import REST, column_at

SECRETS = (
    *("password", "passwd", "passphrase", "secret", "token", "salt", "hash", "totp"),
    *("otp_?key", "private_?key", "api_?key", "recovery_?codes"),
)
ABOUT_SECRETS = (  # endings of names whose values are not the secret itself
    *("at", "on", "date", "time", "changed", "updated", "expire[sd]?", "expiry", "required", "enabled", "status"),
    *(
        "strength",
        "policy",
        "policies",
        "hint",
        "reset",
        "attempts",
        "count",
        "algorithm",
        "type",
        "version",
        "lastset",
    ),
)
NAMES_SECRET = rf"(?i){'|'.join(SECRETS)}"
HARMLESS = rf"(?i)(?:{'|'.join(ABOUT_SECRETS)})$"
MAY_BE_SECRET = '(?i)"[^"]*(?:' + "|".join(SECRETS) + ')[^"]*":'
LEFT_OUT = "has no place in a user and is left out"
BLOCKED = Field("blocked", JsonType.BOOLEAN)
KEPT_BACK = "looks like a secret, which metadata must not have, and is left out"


@dataclass(frozen=True)
class Leftovers:
    """The metadata of records as columns of JSON texts, the keys that are refused, and what was left out."""

    columns: Sequence[pl.Series]
    keys: pl.DataFrame
    warnings: pl.DataFrame


def take_rest(found: pl.DataFrame, mapping: Mapping, words: Words, *, engine: duckdb.DuckDBPyConnection) -> Leftovers:
    """Return the metadata of records whose values at paths, and whose rest, are columns of `found`."""
    if mapping.rest == "refuse":
        columns = found.select(_metadata(table, mapping, words, pl.lit(None, pl.String)) for table in METADATA)
        return Leftovers(columns.get_columns(), _keys_of(found, engine=engine), WARNINGS.to_frame())
    kept, warnings = _remove_secrets(found, engine=engine)
    members = [pl.col(REST).str.slice(1, pl.col(REST).str.len_chars() - 2), *_unused(mapping, words)]
    filled = (pl.when(member != "").then(member) for member in members)
    inner = pl.concat_str(list(filled), separator=",", ignore_nulls=True)
    system = pl.when(inner != "").then(pl.concat_str(pl.lit("{"), inner, pl.lit("}")))
    rest = {"user_metadata": encode_member(mapping.system, system), "app_metadata": pl.lit(None, pl.String)}
    columns = kept.select(_metadata(table, mapping, words, rest[table]) for table in METADATA)
    return Leftovers(columns.get_columns(), KEYS.to_frame(), warnings)


def find_left_out(found: pl.DataFrame, mapping: Mapping, words: Words) -> pl.DataFrame:
    """Return a warning for each value that the mapping leaves out."""
    frames = [
        warn(found.filter(_has_value(path, words)), path=pl.lit(path.text), message=LEFT_OUT)
        for path in mapping.leave_out
    ]
    return pl.concat([WARNINGS.to_frame(), *frames])


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


def _metadata(table: str, mapping: Mapping, words: Words, rest: pl.Expr) -> pl.Expr:
    """Return the JSON object of one kind of metadata: what a rule gives whole, members of their own, and the rest."""
    rules = getattr(mapping, table)
    own = [encode_member(key, read_field(rule, None, words)) for key, rule in rules.items()]
    joined = pl.concat_str([*own, rest], separator=",", ignore_nulls=True)
    members = pl.when(joined != "").then(joined)
    added = pl.concat_str(pl.lit("{"), members, pl.lit("}"))
    if table not in mapping.fields:
        return added.alias(table)
    base = read_field(mapping.fields[table], Field(table, JsonType.OBJECT), words)
    is_open = base.str.starts_with("{") & members.is_not_null()
    inside = base.str.strip_suffix("}")
    both = pl.concat_str(inside, pl.when(inside != "{").then(pl.lit(",")).otherwise(pl.lit("")), members, pl.lit("}"))
    return pl.when(is_open).then(both).otherwise(pl.coalesce(base, added)).alias(table)


def _unused(mapping: Mapping, words: Words) -> Iterator[pl.Expr]:
    """Yield a member for each value that is not the one of its field: it does not fit, or another comes first."""
    seen = set[str]()
    for field in (field for field in FIELDS if field.type is JsonType.STRING and field.name in mapping.fields):
        rules = [rule for rule in mapping.fields[field.name] if len(rule.at) == 1]
        chosen = read_field(mapping.fields[field.name], field, words)
        for rule in rules:
            path = rule.at[0]
            if path.text not in seen and path.takes_all:
                seen.add(path.text)
                value = json_at(path, words)
                is_unused = value.is_not_null() & read_rule(rule, field, words).ne_missing(chosen)
                member = pl.when(is_unused | read_rule(rule, field, words).is_null()).then(value)
                yield encode_member(path.text, _all_items(path, member))
    for rule in (rule for rule in mapping.fields.get("blocked", ()) if rule.words and rule.at[0].text not in seen):
        value = json_at(rule.at[0], words)
        yield encode_member(rule.at[0].text, pl.when(read_rule(rule, BLOCKED, words) == TRUE).then(value))


def _all_items(path: Path, value: pl.Expr) -> pl.Expr:
    """Return the value; of a path to several, all of them where there is more than one."""
    if not path.is_many:
        return value
    items = pl.col(column_at(path))
    joined = pl.concat_str(pl.lit("["), items.list.join(","), pl.lit("]"))
    return pl.when(items.list.len() > 1).then(joined).otherwise(value)


def _remove_secrets(found: pl.DataFrame, *, engine: duckdb.DuckDBPyConnection) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the rows with a rest without secrets, and a warning for each that was removed."""
    suspect = found.filter(pl.col(REST).str.contains(MAY_BE_SECRET))
    if suspect.is_empty():
        return found, WARNINGS.to_frame()
    patterns = {"secret": NAMES_SECRET, "harmless": HARMLESS}
    texts = suspect.select("record", "line", text=REST)
    read = query_texts("secret_members", texts, engine=engine, values=patterns)
    removed = read.explode("removed", empty_as_null=True).drop_nulls("removed")
    kept = found.join(read.select("record", "kept"), on="record", how="left", maintain_order="left")
    warnings = warn(removed.sort("record"), path=pl.col("removed"), message=KEPT_BACK)
    return kept.with_columns(pl.coalesce("kept", REST).alias(REST)), warnings


def _keys_of(found: pl.DataFrame, *, engine: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Return the members of the rest as unknown keys of their records."""
    texts = found.select("record", "line", text=REST).filter(pl.col("text") != "{}")
    read = extract_values(texts, (), engine=engine, every=True)
    keys = read.select("record", "line", key=pl.col("unknown_keys").list.first()).explode("key")
    nothing = pl.lit(None, pl.String)
    return keys.select("record", "line", parent=pl.lit(""), path="key", key="key", copies=1, field=nothing).cast(KEYS)

"""Validates canonical rows: which are accepted, and every error and warning with its code, path and sentence.

The rules are the Pandera models of `schemas.rules`; `transforms.rules.rule_book` reads and runs them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import pandera.polars as pa
import polars as pl

from schemas.canonical import type_column
from schemas.codes import ErrorCode, Severity
from schemas.connection import ConnectionSettings
from schemas.fields import STAGED
from schemas.frames import ERRORS, ROW_CODE, SEVERITY
from schemas.job import KEYS
from schemas.profiles import AUTH0_IMPORT
from schemas.rules.connection_user import user_model
from schemas.rules.given_texts import AbsentWord, OuterWhiteSpace
from schemas.rules.hash_value import HashValue
from schemas.rules.identities import Identity
from schemas.rules.list_items import ListItem
from schemas.rules.mfa_factors import MfaFactor
from schemas.rules.objects import ObjectDepth, ObjectKey, ObjectText
from schemas.rules.password_hash import Auth0PasswordHash, PasswordHash
from transforms.normalise import Canonical
from transforms.rules.rule_book import Rule, broken_rows, read_rules

PATHS: Mapping[str, Callable[[str], pl.Expr]] = {
    "users": pl.lit,
    "outer_white_space": pl.lit,
    "absent_words": pl.lit,
    "password_hashes": pl.lit,
    "hash_values": pl.lit,
    "mfa_factors": lambda column: pl.format(column.replace("[]", "[{}]"), "place"),
    "list_items": lambda column: pl.format(column.replace("[]", "[{}]"), "place"),
    "identities": lambda column: pl.format(column.replace("[]", "[{}]"), "place"),
    "object_keys": pl.col,
    "object_texts": pl.col,
    "object_depths": pl.col,
}  # per frame: the path of the value that a rule is about, from the rule's column

LONGEST_KEY = 255  # characters
HASH_LEFT_OUT = "the hash is left out"  # what becomes of the user is known once the job is planned
HASHES = ("password_hash", "custom_password_hash")
ABOUT_A_HASH = pl.col("path").str.contains(rf"^(?:{'|'.join(HASHES)})(?:\.|$)")
IS_ERROR = pl.col("severity") == Severity.ERROR.value


@dataclass(frozen=True)
class RuleSet:
    """The rules of one job, by the frame of `Canonical` that they are about."""

    rules: Mapping[str, Sequence[Rule]]
    reset_unsupported_hashes: bool


@dataclass(frozen=True)
class Validated:
    """The rows of a batch that are valid, and all errors: frames with the columns of STAGED and ERRORS, by record."""

    accepted: pl.DataFrame
    errors: pl.DataFrame


@lru_cache(maxsize=16)  # reading the rules takes as long as validating a small file
def rule_set(
    connection: ConnectionSettings,
    *,
    unknown_fields: Literal["refuse", "ignore"],
    reset_unsupported_hashes: bool,
    profile: str = "auto",
) -> RuleSet:
    """Return the rules of a job into the connection; raise `TypeError` if a check cannot be run as a rule."""
    rules = {frame: read_rules(model) for frame, model in get_models(connection, profile=profile).items()}
    if unknown_fields == "ignore":
        lenient = "key_of_the_record_is_a_field"
        rules["object_keys"] = tuple(
            replace(rule, severity=Severity.WARNING) if rule.name == lenient else rule for rule in rules["object_keys"]
        )
    return RuleSet(rules, reset_unsupported_hashes)


def get_models(connection: ConnectionSettings, *, profile: str = "auto") -> Mapping[str, type[pa.DataFrameModel]]:
    """Return the model with the rules of each frame of `Canonical`."""
    return {
        "users": user_model(connection),
        "outer_white_space": OuterWhiteSpace,
        "absent_words": AbsentWord,
        "password_hashes": Auth0PasswordHash if profile == AUTH0_IMPORT else PasswordHash,
        "hash_values": HashValue,
        "mfa_factors": MfaFactor,
        "list_items": ListItem,
        "identities": Identity,
        "object_keys": ObjectKey,
        "object_texts": ObjectText,
        "object_depths": ObjectDepth,
    }


def validate(canonical: Canonical, *, rules: RuleSet) -> Validated:
    """Return the accepted rows and all errors: a row is accepted or has at least one error; both can have warnings."""
    failures = pl.concat([ERRORS.to_frame().drop("key"), *_all_failures(canonical, rules)])
    errors = _add_keys(failures.sort("record", maintain_order=True), canonical.users)
    users = canonical.users.with_columns(password_reset_required=pl.lit(None, dtype=pl.Boolean))
    if rules.reset_unsupported_hashes:
        errors = _with_hash_errors_as_warnings(errors)
        users = _without_warned_hashes(users, errors)
    refused = errors.filter(IS_ERROR)["record"].unique()
    accepted = users.filter(~pl.col("record").is_in(refused.implode())) if refused.len() else users
    return Validated(accepted.select(STAGED.names()), errors)


def _all_failures(canonical: Canonical, rules: RuleSet) -> Iterator[pl.DataFrame]:
    for name, rules_of_frame in rules.rules.items():
        frame: pl.DataFrame = getattr(canonical, name)
        if not frame.is_empty():
            yield from _failures(frame, rules_of_frame, name)


def _failures(frame: pl.DataFrame, rules: Sequence[Rule], name: str) -> list[pl.DataFrame]:
    """Return one frame of errors per rule that some row breaks.

    A field that no row has breaks no rule but one that requires it.
    """
    rules = [rule for rule in rules if rule.code is ErrorCode.OBJECT_REQUIRED or _is_given(frame, rule.column)]
    return pl.collect_all(
        [
            frame.lazy()
            .filter(broken)
            .select(
                "record",
                "line",
                code=pl.lit(rule.code.value, dtype=ROW_CODE),
                path=PATHS[name](rule.column),
                message=rule.message,
                severity=pl.lit(rule.severity.value, dtype=SEVERITY),
            )
            for rule, broken in zip(rules, broken_rows(frame, rules), strict=True)
            if broken.any()
        ],
        engine="in-memory",
    )


def _is_given(frame: pl.DataFrame, column: str) -> bool:
    types = type_column(column)
    return types not in frame.columns or frame[types].count() > 0


def _add_keys(errors: pl.DataFrame, users: pl.DataFrame) -> pl.DataFrame:
    """Return the errors with the key of their row: the first that is a text, cut where it is longer than any may be."""
    found = users if errors.height else users.clear()
    texts = (pl.when(pl.col(name) != "").then(pl.col(name).str.head(LONGEST_KEY)) for name in KEYS)
    rows = found.join(errors, on="record", how="semi").select("record", key=pl.coalesce(*texts))
    return errors.join(rows, on="record", how="left", maintain_order="left").select(ERRORS.names())


def _with_hash_errors_as_warnings(errors: pl.DataFrame) -> pl.DataFrame:
    """Return the errors, those of rows that have only errors about hashes as warnings."""
    only_about_hashes = (ABOUT_A_HASH | ~IS_ERROR).all().over("record")
    warned = only_about_hashes & ABOUT_A_HASH
    message = pl.concat_str("message", pl.lit(f"; {HASH_LEFT_OUT}"))
    return errors.with_columns(
        message=pl.when(warned).then(message).otherwise("message"),
        severity=pl.when(warned).then(pl.lit(Severity.WARNING.value, dtype=SEVERITY)).otherwise("severity"),
    )


def _without_warned_hashes(users: pl.DataFrame, errors: pl.DataFrame) -> pl.DataFrame:
    """Return the users; those with a warning about a hash lose their hashes and must choose a new password."""
    warned = errors.filter(ABOUT_A_HASH & ~IS_ERROR)["record"].unique()
    reset = pl.col("record").is_in(warned.implode())
    return users.with_columns(
        *(pl.when(~reset).then(pl.col(name)).alias(name) for name in HASHES),
        password_reset_required=pl.when(reset).then(pl.lit(value=True)).otherwise("password_reset_required"),
    )

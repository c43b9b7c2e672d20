"""Judges canonical rows by the rule book: which are accepted, and every error and warning with code, path and sentence.

The rules are the Pandera models of `schemas`; here they are only run, all of a model's in one pass.
"""

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import pandera.polars as pa
import polars as pl

from schemas.codes import Severity
from schemas.connection import ConnectionSettings
from schemas.fields import STAGED
from schemas.frames import ERRORS, ROW_CODE, SEVERITY
from schemas.rules.mfa_factors import MfaFactor
from schemas.rules.object_depths import ObjectDepth
from schemas.rules.object_keys import ObjectKey
from schemas.rules.object_texts import ObjectText
from schemas.rules.password_hash import PasswordHash
from schemas.rules.username import user_model
from transforms.normalise import Canonical
from transforms.rules.hash_resets import with_hash_errors_as_warnings, without_warned_hashes
from transforms.rules.rule_book import Rule, rules_of

PATHS: Mapping[str, Callable[[str], pl.Expr]] = {
    "users": pl.lit,
    "password_hashes": pl.lit,
    "mfa_factors": lambda column: pl.format(column.replace("[]", "[{}]"), "place"),
    "object_keys": pl.col,
    "object_texts": pl.col,
    "object_depths": pl.col,
}  # frame → path of the value that a rule of a column is about


@dataclass(frozen=True)
class RuleSet:
    """The rules of one job, ready to run: by the frame of `Canonical` that they are about."""

    rules: Mapping[str, Sequence[Rule]]
    reset_unsupported_hashes: bool


@dataclass(frozen=True)
class Verdicts:
    """What became of a batch's rows: `accepted` has the columns of STAGED, `errors` those of ERRORS, by record."""

    accepted: pl.DataFrame
    errors: pl.DataFrame


@lru_cache(maxsize=16)  # building the expressions costs as much as judging a small file
def rule_set(
    connection: ConnectionSettings, *, unknown_fields: Literal["refuse", "ignore"], reset_unsupported_hashes: bool
) -> RuleSet:
    """The rules of a job into the connection.

    Raises:
        TypeError: a rule of the models is not written so that it can be run with the others.

    """
    lenient = {"key_of_the_record_is_a_field"} if unknown_fields == "ignore" else set()
    rules = {
        frame: [_with_severity(rule, lenient) for rule in rules_of(model)]
        for frame, model in models_of(connection).items()
    }
    return RuleSet(rules, reset_unsupported_hashes)


def models_of(connection: ConnectionSettings) -> Mapping[str, type[pa.DataFrameModel]]:
    """The rules of each frame of `Canonical`."""
    return {
        "users": user_model(connection),
        "password_hashes": PasswordHash,
        "mfa_factors": MfaFactor,
        "object_keys": ObjectKey,
        "object_texts": ObjectText,
        "object_depths": ObjectDepth,
    }


def _with_severity(rule: Rule, lenient: Container[str]) -> Rule:
    return replace(rule, severity=Severity.WARNING) if rule.name in lenient else rule


def validate(canonical: Canonical, *, rules: RuleSet) -> Verdicts:
    """The verdict on every row: it is accepted, or has at least one error; either may have warnings."""
    errors = pl.concat([ERRORS.to_frame(), *_all_failures(canonical, rules)]).sort("record", maintain_order=True)
    users = canonical.users.with_columns(password_reset_required=pl.lit(None, dtype=pl.Boolean))
    if rules.reset_unsupported_hashes:
        errors = with_hash_errors_as_warnings(errors)
        users = without_warned_hashes(users, errors)
    refused = errors.filter(pl.col("severity") == Severity.ERROR.value)["record"].unique()
    accepted = users.filter(~pl.col("record").is_in(refused.implode())) if refused.len() else users
    return Verdicts(accepted.select(STAGED.names()), errors)


def _all_failures(canonical: Canonical, rules: RuleSet) -> Iterator[pl.DataFrame]:
    for name, book in rules.rules.items():
        frame: pl.DataFrame = getattr(canonical, name)
        if not frame.is_empty():
            yield from _failures(frame, book, name)


def _failures(frame: pl.DataFrame, rules: Sequence[Rule], name: str) -> Iterator[pl.DataFrame]:
    """One frame of errors per rule that some row breaks."""
    for rule, broken in zip(rules, broken_rows(frame, rules), strict=True):
        if broken.any():
            yield frame.filter(broken).select(
                "record",
                "line",
                code=pl.lit(rule.code.value, dtype=ROW_CODE),
                path=PATHS[name](rule.column),
                message=rule.message,
                severity=pl.lit(rule.severity.value, dtype=SEVERITY),
            )


def broken_rows(frame: pl.DataFrame, rules: Sequence[Rule]) -> list[pl.Series]:
    """Per rule, in order, whether each row of the frame breaks it."""
    broken = [(~rule.holds).alias(str(number)) for number, rule in enumerate(rules)]
    return frame.lazy().select(broken).collect(engine="in-memory").get_columns()  # lazy: common parts are shared

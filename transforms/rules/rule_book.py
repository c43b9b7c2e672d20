"""Reads the rules out of Pandera models: each check as the expression it selects, its code and its sentence.

The models stay the only place where rules are written. Here they are made ready to run all at once over a frame, which
gives the verdicts of `Model.validate(frame, lazy=True)`. What to do with a verdict is in `transforms.rules.validate`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from string import Formatter
from typing import NoReturn, cast

import pandera.polars as pa
import polars as pl
from pandera.api.checks import Check
from pandera.api.polars.types import PolarsData

from schemas.canonical import items_column, json_type
from schemas.codes import ErrorCode, Severity
from schemas.fields import JsonType
from schemas.rules.password_hash import ALGORITHM

TYPE_WORDS: Mapping[str, str] = {
    JsonType.STRING: "a string",
    JsonType.BOOLEAN: "true or false",
    JsonType.NUMBER: "a number",
    JsonType.OBJECT: "an object",
    JsonType.ARRAY: "an array",
    JsonType.NULL: "null",
}

# what a rule's sentence may say was found, by the name in its braces
FOUND: Mapping[str, Callable[[str], pl.Expr]] = {
    "type": lambda key: json_type(key).cast(pl.String).replace(TYPE_WORDS),
    "length": lambda key: pl.col(key).str.len_chars(),
    "local_length": lambda key: pl.col(key).str.extract(r"(?s)^(.*)@").str.len_chars(),
    "items": lambda key: pl.col(items_column(key)),
    "number": lambda key: pl.col(key).cast(pl.Int64, strict=False).cast(pl.String).fill_null("very large"),
    "algorithm": lambda _: pl.col(ALGORITHM),
    "depth": lambda _: pl.col("depth"),
    "copies": lambda _: pl.col("copies"),
    "suggestion": lambda _: pl.format("; did you mean {}?", "suggestion"),
}


@dataclass(frozen=True)
class Rule:
    """One check of one column: what must hold, and the code and sentence of a row for which it does not."""

    name: str
    column: str
    holds: pl.Expr
    code: ErrorCode
    message: pl.Expr
    severity: Severity = Severity.ERROR


class _Recorder:
    """Stands where a check expects a frame, and answers `select` with the expression it was given."""

    def select(self, *holds: pl.Expr, **named: pl.Expr) -> pl.Expr:
        if len(holds) != 1 or named:
            raise TypeError("a rule must select one expression without another name")
        return holds[0]

    def __getattr__(self, name: str) -> NoReturn:
        msg = f"a rule must be data.lazyframe.select(<one expression>), it uses .{name}"
        raise TypeError(msg)


def rules_of(model: type[pa.DataFrameModel]) -> tuple[Rule, ...]:
    """The rules of a model, in the order of its columns.

    Raises:
        TypeError: a check is not one selected expression, or has no code or sentence.

    """
    return tuple(_rules(model))


def _rules(model: type[pa.DataFrameModel]) -> Iterator[Rule]:
    schema = model.to_schema()
    if schema.checks:
        raise TypeError(f"{model.__name__}: a rule must name the column it is about")
    for column, declared in schema.columns.items():
        for check in declared.checks:
            yield _rule(check, column=column)


def _rule(check: Check, *, column: str) -> Rule:
    if not (check.name and check.error and check.description):
        raise TypeError(f"{check.name}: a rule must have a code and a sentence")
    return Rule(
        name=check.name,
        column=column,
        holds=_recorded(check, column=column).fill_null(value=check.ignore_na),
        code=ErrorCode[check.error],
        message=_sentence(check.description, column=column),
    )


def _recorded(check: Check, *, column: str) -> pl.Expr:
    """The expression that the check selects."""
    frame = cast("pl.LazyFrame", _Recorder())
    selected: object = check._check_fn(PolarsData(frame, column), **check._check_kwargs)  # noqa: SLF001 (no public way)
    if not isinstance(selected, pl.Expr):
        raise TypeError(f"{check.name}: a rule must select one expression")
    return selected


def _sentence(description: str, *, column: str) -> pl.Expr:
    """The sentence with what was found in its place."""
    parts: list[pl.Expr] = []
    for text, found, _, _ in Formatter().parse(description):
        parts.append(pl.lit(text))
        if found is not None:
            parts.append(FOUND[found](column).cast(pl.String))
    return pl.concat_str(parts, ignore_nulls=True)

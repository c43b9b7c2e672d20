"""A form of hashes: how it is recognised and taken apart, and what becomes of it. The modules beside have the forms."""

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from schemas.hashing import HashParameters, HashProblem
from transforms.hashes.objects import FIREBASE_COLUMNS, malformed_hash, text_hash

PASSWORD_HASH = "password_hash"  # noqa: S105 - the name of a column
RESULT = pl.Schema({PASSWORD_HASH: pl.String(), "custom_password_hash": pl.String(), "problem": pl.String()})


@dataclass(frozen=True)
class Form:
    """One form of hashes.

    `parts` is a pattern whose named groups become columns beside `value`; `write` makes the JSON of a hash of them, by
    default one with the text as it is. Where it makes nothing, the text is malformed, and the rules refuse it.
    """

    title: str
    algorithm: str = ""  # of the `custom_password_hash`, or `PASSWORD_HASH`
    begins: str = ""  # pattern of the texts that have the form, where nothing else says it
    example: str = ""
    parts: str = ""
    write: Callable[[], pl.Expr] | None = None
    problem: HashProblem | None = None
    needs_parameters: bool = False

    @property
    def is_absent(self) -> bool:
        """Whether such a text is not a hash at all, but says that the user has no password."""
        return not self.algorithm and self.problem is None


def unsupported(title: str, begins: str = "", example: str = "") -> Form:
    """Return a form that is known, and that nothing here can verify."""
    return Form(title, begins=begins, example=example, problem=HashProblem.UNSUPPORTED)


UNKNOWN = Form("unknown", problem=HashProblem.UNKNOWN)
ABSENT = Form("no password", begins=r"^(?:[!*].*)?$", example="!, *")


def rewrite_form(rows: pl.DataFrame, form: Form, *, parameters: HashParameters) -> pl.DataFrame:
    """Return the columns of RESULT for rows that have the form, in their order."""
    problem = HashProblem.PARAMETERS if form.needs_parameters and parameters.firebase is None else form.problem
    if problem or form.is_absent:
        return rows.select(_result(problem=pl.lit(problem and problem.value, dtype=pl.String)))
    value = pl.col("value")
    if form.algorithm == PASSWORD_HASH:
        return rows.select(_result(password_hash=value if form.write is None else pl.coalesce(form.write(), value)))
    written = text_hash(form.algorithm, value) if form.write is None else form.write()
    custom = pl.coalesce(written, malformed_hash(form.algorithm, value))
    return _take_apart(rows, form, parameters).select(_result(custom_password_hash=custom))


def _result(**columns: pl.Expr) -> list[pl.Expr]:
    absent = {name: pl.lit(None, dtype=dtype) for name, dtype in RESULT.items()}
    row = pl.col("value").is_not_null()
    return [pl.when(row).then(expression).alias(name) for name, expression in {**absent, **columns}.items()]


def _take_apart(rows: pl.DataFrame, form: Form, parameters: HashParameters) -> pl.DataFrame:
    """Return the rows with the columns of the pattern's groups and, where the form needs them, of the parameters."""
    found = parameters.firebase
    if form.needs_parameters and found:
        values = (found.signer_key, found.salt_separator, str(found.rounds), str(found.mem_cost))
        rows = rows.with_columns(pl.lit(text).alias(name) for name, text in zip(FIREBASE_COLUMNS, values, strict=True))
    if not form.parts:
        return rows
    return rows.with_columns(pl.col("value").str.extract_groups(form.parts).struct.unnest())

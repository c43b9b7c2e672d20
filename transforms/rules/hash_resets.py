"""The option `reset_unsupported_hashes`: a row with no other errors than those of its hash is imported without it."""

import polars as pl

from schemas.codes import Severity
from schemas.frames import SEVERITY

HASHES = ("password_hash", "custom_password_hash")
ABOUT_A_HASH = pl.col("path").str.contains(rf"^(?:{'|'.join(HASHES)})(?:\.|$)")
IS_ERROR = pl.col("severity") == Severity.ERROR.value


def with_hash_errors_as_warnings(errors: pl.DataFrame) -> pl.DataFrame:
    """Return the errors, those of rows that have only errors about hashes as warnings."""
    only_about_hashes = (ABOUT_A_HASH | ~IS_ERROR).all().over("record")
    warned = only_about_hashes & ABOUT_A_HASH
    message = pl.concat_str("message", pl.lit("; the user is imported without a password"))
    return errors.with_columns(
        message=pl.when(warned).then(message).otherwise("message"),
        severity=pl.when(warned).then(pl.lit(Severity.WARNING.value, dtype=SEVERITY)).otherwise("severity"),
    )


def without_warned_hashes(users: pl.DataFrame, errors: pl.DataFrame) -> pl.DataFrame:
    """Return the users; those with a warning about a hash lose their hashes and must choose a new password."""
    warned = errors.filter(ABOUT_A_HASH & ~IS_ERROR)["record"].unique()
    reset = pl.col("record").is_in(warned.implode())
    return users.with_columns(
        *(pl.when(~reset).then(pl.col(name)).alias(name) for name in HASHES),
        password_reset_required=pl.when(reset).then(pl.lit(value=True)).otherwise("password_reset_required"),
    )

"""Read the file and remove users with a repeated key, for the two Polars scripts."""

from pathlib import Path

import polars as pl

FLAGS = ("email_verified", "phone_verified", "blocked")
TEXTS = (
    *("email", "phone_number", "user_id", "username", "given_name", "family_name", "name", "nickname", "picture"),
    *("password_hash", "app_metadata", "user_metadata"),
)
KEYS = {"email": "email_key", "username": "username_key", "user_id": "user_id"}


def read(path: Path) -> pl.DataFrame:
    """Return every record with its number; all values are text, because one wrong type would fail the file."""
    columns = dict.fromkeys((*TEXTS, *FLAGS), pl.String)
    return pl.read_ndjson(path, schema=columns).with_row_index("record", offset=1)


def convert_types(valid: pl.DataFrame) -> pl.DataFrame:
    """Return the valid users with their flags as booleans and their keys."""
    return valid.with_columns(
        *(pl.col(flag) == "true" for flag in FLAGS),
        email_key=pl.col("email").str.to_lowercase(),
        username_key=pl.col("username").str.to_lowercase(),
    )


def split_repeated(users: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the first user of each key, and the rejects: record, column and reason of every later user."""
    again = {key: pl.col(column).is_not_null() & ~pl.col(column).is_first_distinct() for key, column in KEYS.items()}
    marked = users.with_columns(**{f"{key} again": repeated for key, repeated in again.items()})
    rejects = [
        marked.filter(f"{key} again").select("record", column=pl.lit(key), reason=pl.lit("repeated")) for key in KEYS
    ]
    first = marked.filter(~pl.any_horizontal(f"{key} again" for key in KEYS))
    return first.select(users.columns), pl.concat(rejects)

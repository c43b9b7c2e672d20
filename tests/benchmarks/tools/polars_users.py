"""What the two Polars scripts share: reading the file, and leaving out who repeats a key."""

from pathlib import Path

import polars as pl

FLAGS = ("email_verified", "phone_verified", "blocked")
TEXTS = (
    *("email", "phone_number", "user_id", "username", "given_name", "family_name", "name", "nickname", "picture"),
    *("password_hash", "app_metadata", "user_metadata"),
)
KEYS = {"email": "email_key", "username": "username_key", "user_id": "user_id"}


def read(path: Path) -> pl.DataFrame:
    """Every record with its number; all values as text, as one wrong type would fail the file."""
    columns = dict.fromkeys((*TEXTS, *FLAGS), pl.String)
    return pl.read_ndjson(path, schema=columns).with_row_index("record", offset=1)


def typed(valid: pl.DataFrame) -> pl.DataFrame:
    """The valid users with their flags as such and their keys."""
    return valid.with_columns(
        *(pl.col(flag) == "true" for flag in FLAGS),
        email_key=pl.col("email").str.to_lowercase(),
        username_key=pl.col("username").str.to_lowercase(),
    )


def split_repeated(users: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The first user of each key, and the rejects: the record, column and reason of every later one."""
    again = {key: pl.col(column).is_not_null() & ~pl.col(column).is_first_distinct() for key, column in KEYS.items()}
    marked = users.with_columns(**{f"{key} again": repeated for key, repeated in again.items()})
    rejects = [
        marked.filter(f"{key} again").select("record", column=pl.lit(key), reason=pl.lit("repeated")) for key in KEYS
    ]
    first = marked.filter(~pl.any_horizontal(f"{key} again" for key in KEYS))
    return first.select(users.columns), pl.concat(rejects)

"""Write any number of invented users as NDJSON, some of them faulty; equal arguments give equal bytes."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import polars as pl

CHUNK = 100_000
MATCHING = 0.3  # the share of a file's users that exist already, if any do
GIVEN = ("Ada", "Bruno", "Chidi", "Dana", "Elodie", "Farid", "Grace", "Hana", "Ivana", "Jun", "Kim")
FAMILY = (
    "Lund",
    "Keller",
    "Okafor",
    "Reyes",
    "Marchand",
    "Amiri",
    "Hall",
    "Sato",
    "Novak",
    "Yamada",
    "Berg",
    "Costa",
    "Weiss",
)
FIELDS = (
    "user_id",
    "email",
    "email_verified",
    "username",
    "phone_number",
    "given_name",
    "family_name",
    "name",
    "nickname",
    "picture",
    "password_hash",
    "app_metadata",
    "user_metadata",
)


@dataclass(frozen=True)
class Faulty:
    """A faulty record: the fields that replace its own (None: a missing field), and the resulting error code."""

    code: str
    fields: Mapping[str, str | None]


@dataclass(frozen=True)
class Repeated:
    """A repeated record: it has a key of the last valid record before it, unchanged or in capitals."""

    key: str
    in_capitals: bool = False
    code: str = "DUPLICATED_USER"


FAULTS: tuple[Faulty | Repeated, ...] = (
    Faulty("OBJECT_REQUIRED", {"email": None}),
    Faulty("FORMAT", {"email": '"no address"'}),
    Faulty("MAX_LENGTH", {"email": f'"{"x" * 65}@example.com"'}),
    Faulty("MIN_LENGTH", {"given_name": '""'}),
    Faulty("MAX_LENGTH", {"family_name": f'"{"y" * 151}"'}),
    Faulty("PATTERN", {"phone_number": '"030 123"'}),
    Faulty("PATTERN", {"username": '"with space"'}),
    Faulty("PATTERN", {"password_hash": '"plain text"'}),
    Faulty("FORMAT", {"picture": '"img/no-host.png"'}),
    Faulty("INVALID_TYPE", {"user_metadata": '"none"'}),
    Faulty("NOT_PASSED", {"app_metadata": '{"identities":[]}'}),
    Repeated("email", in_capitals=True),
    Repeated("username"),
    Repeated("user_id"),
)


def write_users(path: Path, count: int, *, faulty: float = 0.0, existing: int = 0, edition: int = 0) -> Path:
    """Write `count` users to the file.

    With `existing` users in the table (at least as many), `MATCHING` of them are among those; another `edition` of the
    same user has other metadata.
    """
    with path.open("wb") as file:
        for first in range(0, count, CHUNK):
            positions = pl.int_range(first, min(first + CHUNK, count), dtype=pl.Int64, eager=True)
            drawn = draw(positions, count, faulty=faulty, existing=existing)
            _write_lines(file, drawn, edition=edition)
    return path


def draw(positions: pl.Series, count: int, *, faulty: float = 0.0, existing: int = 0) -> pl.DataFrame:
    """Return each position's `user`, its `fault` (a number or null), and `before`: the last valid user up to there."""
    position = pl.col("position")
    spread = position * 2_654_435_761 % 2**32
    is_faulty = (spread < faulty * 2**32) & (position % CHUNK != 0)
    user = pl.when(position % 10 < MATCHING * 10).then(position * (existing // count)).otherwise(existing + position)
    return (
        positions.to_frame("position")
        .with_columns(
            user=user if existing else position,
            fault=pl.when(is_faulty).then(is_faulty.cum_sum() % len(FAULTS)),
        )
        .with_columns(before=pl.when(pl.col("fault").is_null()).then("user").forward_fill())
    )


def _write_lines(file: IO[bytes], drawn: pl.DataFrame, *, edition: int) -> None:
    own, before = _format_values("user", edition=edition), _format_values("before", edition=edition)
    fields = [_add_faults(name, own[name], before[name]) for name in FIELDS]
    members = [pl.format(f'"{name}":{{}}', value) for name, value in zip(FIELDS, fields, strict=True)]
    record = pl.format("{{{}}}", pl.concat_str(members, separator=",", ignore_nulls=True))
    drawn.select(record).write_csv(file, include_header=False, quote_style="never")


def _add_faults(name: str, own: pl.Expr, before: pl.Expr) -> pl.Expr:
    """Return the field, with the value of the fault in faulty records."""
    value = own
    for number, fault in enumerate(FAULTS):
        is_faulty = pl.col("fault").eq_missing(number)
        if isinstance(fault, Repeated) and fault.key == name:
            value = pl.when(is_faulty).then(before.str.to_uppercase() if fault.in_capitals else before).otherwise(value)
        elif isinstance(fault, Faulty) and name in fault.fields:
            value = pl.when(is_faulty).then(pl.lit(fault.fields[name], dtype=pl.String)).otherwise(value)
    return value


def _format_values(column: str, *, edition: int) -> Mapping[str, pl.Expr]:
    """Return the values of each user as JSON, by the number of the user in the column."""
    number = pl.col(column)
    given = pl.lit(pl.Series(GIVEN)).gather(number % len(GIVEN))
    family = pl.lit(pl.Series(FAMILY)).gather(number % len(FAMILY))
    digits = number.cast(pl.String).str.zfill(16)
    hashed = pl.concat_str(
        (number * factor % 10**17).cast(pl.String).str.zfill(17) for factor in (7919, 104729, 1299709)
    )
    return {
        "user_id": pl.format('"auth0|{}"', digits),
        "email": pl.format('"{}.{}.{}@example.com"', given.str.to_lowercase(), family.str.to_lowercase(), number),
        "email_verified": pl.when(number % 3 > 0).then(pl.lit("true")).otherwise(pl.lit("false")),
        "username": pl.format('"{}_{}"', given.str.to_lowercase(), number),
        "phone_number": pl.format('"+49{}"', (number % 10**9 + 10**9).cast(pl.String)),
        "given_name": pl.format('"{}"', given),
        "family_name": pl.format('"{}"', family),
        "name": pl.format('"{} {}"', given, family),
        "nickname": pl.format('"{}{}"', given, number % 100),
        "picture": pl.format('"https://img.example.com/{}.png"', number),
        "password_hash": pl.format('"$2b$10$ab{}"', hashed),
        "app_metadata": pl.format('{{"plan":"team","seats":{}}}', number % 50),
        "user_metadata": pl.format('{{"language":"sv","logins":{}}}', number % 1000 + edition),
    }

"""Dates (ISO 8601, `YYYY-MM-DD`) and times (RFC 3339): real ones of the years 0001 to 9999.

A leap second is a time where it can occur: as the last second of a day in UTC.
"""

import polars as pl

from schemas.formats.text import check_where

_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_HOURS = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]"
DATE = rf"^{_DATE}$"
TIME = rf"^{_DATE}[Tt]{_HOURS}:(?:[0-5][0-9]|60)(?:\.[0-9]+)?(?:[Zz]|[+-]{_HOURS})$"
LEAP_SECOND = r"^.{16}:60"
MINUTES_OF_DAY = 24 * 60


def is_date(text: pl.Expr) -> pl.Expr:
    """Return whether the text is a date."""
    return text.str.contains(DATE) & _has_real_date(text)


def is_time(text: pl.Expr) -> pl.Expr:
    """Return whether the text is a time with an offset or `Z`."""
    has_leap_second = text.str.contains(LEAP_SECOND)
    is_possible = check_where(has_leap_second, text, _ends_a_day).fill_null(value=True)
    return text.str.contains(TIME) & _has_real_date(text) & is_possible


def _has_real_date(text: pl.Expr) -> pl.Expr:
    date = text.str.head(10)
    is_real = date.str.to_date("%Y-%m-%d", strict=False).is_not_null() | text.is_null()
    return is_real & ~date.str.starts_with("0000")


def _ends_a_day(text: pl.Expr) -> pl.Expr:
    """Return whether the minute of a time is the last of a day in UTC."""
    offset = text.str.extract(r"([+-][0-9]{2}:[0-9]{2})$")
    minutes_east = pl.when(offset.str.starts_with("-")).then(-_minutes(offset, 1)).otherwise(_minutes(offset, 1))
    in_utc = _minutes(text, 11) - minutes_east.fill_null(0)
    return in_utc % MINUTES_OF_DAY == MINUTES_OF_DAY - 1


def _minutes(text: pl.Expr, start: int) -> pl.Expr:
    """Return the minutes that `hh:mm`, at that place in the text, stands for."""
    hours, minutes = (text.str.slice(place, 2).cast(pl.Int64, strict=False) for place in (start, start + 3))
    return 60 * hours + minutes

"""Write times and dates of other systems as RFC 3339 and ISO 8601; a text that is not such a time is left as it is."""

from collections.abc import Sequence

import polars as pl

from schemas.mapping.language import has_time

DATE, CLOCK = "[0-9]{4}-[0-9]{2}-[0-9]{2}", r"([0-9]{2}:[0-9]{2})(?::([0-9]{2})(\.[0-9]+)?)?"
ISO = rf"^\s*({DATE})(?:[Tt ]\s*{CLOCK})?\s*(Z|z|UTC|GMT|[+-][0-9]{{2}}(?::?[0-9]{{2}})?)?\s*$"
UNITS = {"epoch": 1, "epoch_ms": 1_000}
FILETIME, NEVER = "filetime", ["0", "9223372036854775807"]  # 100 ns since 1601; what Windows writes for no time
BEFORE_1970 = 11_644_473_600_000_000  # microseconds since 1601


def write_time(text: pl.Expr, forms: Sequence[str], zone: str) -> pl.Expr:
    """Return times in one of the forms as RFC 3339, those without a zone of their own from `zone`.

    As a number, 0 means that there is none.
    """
    given = _without_zero(text, forms)
    return pl.coalesce(*(_write(given, form.replace(".%f", "%.f"), zone) for form in forms), given)


def write_date(text: pl.Expr, forms: Sequence[str], zone: str) -> pl.Expr:
    """Return dates in one of the forms as ISO 8601."""
    del zone  # a date has none
    text, forms = _without_zero(text, forms), [form.replace(".%f", "%.f") for form in forms]
    dates = (
        text.str.extract(ISO, 1) if form == "iso" else text.str.to_date(form, strict=False).dt.to_string("%Y-%m-%d")
        for form in forms
        if form not in (*UNITS, FILETIME)
    )
    of_numbers = (_from_epoch(text, UNITS[form]).dt.to_string("%Y-%m-%d") for form in forms if form in UNITS)
    return pl.coalesce(*dates, *of_numbers, text)


def _without_zero(text: pl.Expr, forms: Sequence[str]) -> pl.Expr:
    none = NEVER if FILETIME in forms else ["0"] if not UNITS.keys().isdisjoint(forms) else []
    return pl.when(~text.str.strip_chars().is_in(none)).then(text) if none else text


def _write(text: pl.Expr, form: str, zone: str) -> pl.Expr:
    if form in UNITS:
        return _print(_from_epoch(text, UNITS[form]))
    if form == FILETIME:
        return _print(_from_filetime(text))
    if form == "iso":
        return _write_iso(text, zone)
    if "%z" in form or "%#z" in form:
        return _print(text.str.to_datetime(form, strict=False, time_unit="us", time_zone="UTC"))
    parsed = (
        text.str.to_datetime(form, strict=False, time_unit="us")
        if has_time(form)
        else text.str.to_date(form, strict=False).cast(pl.Datetime("us"))
    )
    return _print(_in_utc(parsed, zone))


def _from_epoch(text: pl.Expr, unit: int) -> pl.Expr:
    """Return the time of a number of seconds or milliseconds since 1970."""
    number = text.str.strip_chars().cast(pl.Float64, strict=False)
    microseconds = (number * (1_000_000 // unit)).round().cast(pl.Int64, strict=False)
    is_time = number.is_between(1, 253_402_300_799 * unit)
    return pl.when(is_time).then(microseconds).cast(pl.Datetime("us"))


def _from_filetime(text: pl.Expr) -> pl.Expr:
    """Return the time of a number of 100 ns since 1601, as Windows has it."""
    number = text.str.strip_chars().cast(pl.Int64, strict=False)
    is_time = number.is_between(BEFORE_1970 * 10, (BEFORE_1970 + 253_402_300_799_000_000) * 10)
    return pl.when(is_time).then(number // 10 - BEFORE_1970).cast(pl.Datetime("us"))


def _write_iso(text: pl.Expr, zone: str) -> pl.Expr:
    """Return ISO 8601 as RFC 3339: with T, seconds and a zone; as it is where its own zone is the only thing to say."""
    date, minutes, seconds, fraction, offset = (text.str.extract(ISO, group) for group in range(1, 6))
    clock = pl.concat_str(minutes.fill_null("00:00"), pl.lit(":"), seconds.fill_null("00"), fraction.fill_null(""))
    has_offset = offset.is_not_null()
    written = (
        offset.str.to_uppercase()
        .str.replace("^(?:UTC|GMT)$", "Z")
        .str.replace("^([+-][0-9]{2}):?([0-9]{2})$", "$1:$2")
        .str.replace("^([+-][0-9]{2})$", "$1:00")
    )
    with_offset = pl.concat_str(date, pl.lit("T"), clock, written)
    if zone == "UTC":
        return pl.when(has_offset).then(with_offset).otherwise(pl.concat_str(date, pl.lit("T"), clock, pl.lit("Z")))
    naive = pl.concat_str(date, pl.lit("T"), clock).str.to_datetime(
        "%Y-%m-%dT%H:%M:%S%.f", strict=False, time_unit="us"
    )
    return pl.when(has_offset).then(with_offset).otherwise(_print(_in_utc(naive, zone)))


def _in_utc(time: pl.Expr, zone: str) -> pl.Expr:
    if zone == "UTC":
        return time
    local = time.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    return local.dt.convert_time_zone("UTC").dt.replace_time_zone(None)


def _print(time: pl.Expr) -> pl.Expr:
    return time.dt.to_string("%Y-%m-%dT%H:%M:%S%.f").str.replace(r"(\.[0-9]*?)0+$", "$1").str.strip_chars_end(".") + "Z"

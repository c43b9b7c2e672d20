"""The wider record as plain Python: language tags, time zones, dates, times, lists of texts and identities."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import available_timezones

from tests.oracle.grammars import is_clean_text, is_email_address

Fault = tuple[str, str]
Json = object

IRREGULAR = {
    *("en-gb-oed", "i-ami", "i-bnn", "i-default", "i-enochian", "i-hak", "i-klingon", "i-lux", "i-mingo", "i-navajo"),
    *("i-pwn", "i-tao", "i-tay", "i-tsu", "sgn-be-fr", "sgn-be-nl", "sgn-ch-de"),
}
ZONES = available_timezones()


def is_language_tag(text: str) -> bool:
    """Return whether the subtags follow one another as RFC 5646 says."""
    subtags = text.lower().split("-")
    if not text.isascii() or not all(subtag.isalnum() and len(subtag) <= 8 for subtag in subtags):
        return False
    is_private = subtags[0] == "x" and len(subtags) > 1
    return text.lower() in IRREGULAR or is_private or _is_langtag(subtags)


def _is_langtag(subtags: list[str]) -> bool:
    language, *rest = subtags
    if not language.isalpha() or len(language) < 2:
        return False
    for _ in range(3 if len(language) < 4 else 0):
        rest = _drop(rest, lambda subtag: len(subtag) == 3 and subtag.isalpha())
    rest = _drop(rest, lambda subtag: len(subtag) == 4 and subtag.isalpha())
    rest = _drop(rest, lambda subtag: re.fullmatch("[a-z]{2}|[0-9]{3}", subtag) is not None)
    while rest and (len(rest[0]) > 4 or (len(rest[0]) == 4 and rest[0][0].isdigit())):
        rest = rest[1:]
    while rest and len(rest[0]) == 1 and rest[0] != "x":
        inner = next((n for n, subtag in enumerate(rest[1:]) if len(subtag) == 1), len(rest) - 1)
        if inner == 0:
            return False
        rest = rest[inner + 1 :]
    return not rest or (rest[0] == "x" and len(rest) > 1)


def _drop(rest: list[str], fits: Callable[[str], bool]) -> list[str]:
    return rest[1:] if rest and fits(rest[0]) else rest


def is_time_zone(text: str) -> bool:
    """Return whether the machine knows the zone."""
    return text in ZONES - {"Factory", "localtime"}


def is_date(text: str) -> bool:
    try:
        return re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text) is not None and bool(date.fromisoformat(text))
    except ValueError:
        return False


def is_time(text: str) -> bool:
    parts = re.fullmatch(
        r"([0-9-]{10})[tT]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.[0-9]+)?(?:[zZ]|([+-])([0-9]{2}):([0-9]{2}))", text
    )
    if parts is None or not is_date(parts[1]):
        return False
    hour, minute, second, east, west = (int(part or 0) for part in (*parts.group(2, 3, 4), *parts.group(6, 7)))
    if hour > 23 or minute > 59 or second > 60 or east > 23 or west > 59:
        return False
    offset = timedelta(hours=east, minutes=west) * (-1 if parts[5] == "-" else 1)
    in_utc = datetime(2000, 6, 15, hour, minute, tzinfo=UTC) - offset
    return second < 60 or (in_utc.hour, in_utc.minute) == (23, 59)


def form_faults(value: str, name: str) -> Iterator[Fault]:
    """Yield the fault of a clean text that is not what its field holds."""
    checks = {
        "locale": is_language_tag,
        "zoneinfo": is_time_zone,
        "birthdate": is_date,
        "registered_at": is_time,
        "last_login_at": is_time,
    }
    if name in checks and not checks[name](value):
        yield "FORMAT", name


def list_faults(value: Json, name: str) -> Iterator[Fault]:
    """Yield the faults of `roles` or `groups`, but unclean texts."""
    if not isinstance(value, list):
        yield "INVALID_TYPE", name
        return
    if len(value) > 1000:
        yield "ARRAY_LENGTH_LONG", name
    for place, item in enumerate(value[:1000]):
        if not isinstance(item, str):
            yield "INVALID_TYPE", f"{name}[{place}]"
        elif not item or len(item) > 255:
            yield ("MAX_LENGTH" if item else "MIN_LENGTH"), f"{name}[{place}]"
        elif item in value[:place] and is_clean_text(item):
            yield "NOT_PASSED", f"{name}[{place}]"


def identity_faults(value: Json) -> Iterator[Fault]:
    """Yield the faults of `identities`, but unclean texts."""
    if not isinstance(value, list):
        yield "INVALID_TYPE", "identities"
        return
    for place, item in enumerate(value):
        path = f"identities[{place}]"
        if isinstance(item, dict):
            yield from _identity(item, path)
        else:
            yield "INVALID_TYPE", path


def _identity(item: dict[str, Json], path: str) -> Iterator[Fault]:
    yield from (("UNKNOWN_FIELD", f"{path}.{key}") for key in item if key not in {"provider", "user_id", "email"})
    for key in ("provider", "user_id"):
        text = item.get(key)
        if key not in item:
            yield "OBJECT_REQUIRED", f"{path}.{key}"
        elif not isinstance(text, str):
            yield "INVALID_TYPE", f"{path}.{key}"
        elif not text or len(text) > 255:
            yield ("MAX_LENGTH" if text else "MIN_LENGTH"), f"{path}.{key}"
    if "email" in item:
        yield from _email(item["email"], f"{path}.email")


def _email(text: Json, path: str) -> Iterator[Fault]:
    if not isinstance(text, str):
        yield "INVALID_TYPE", path
    elif len(text) > 254 or len(text.rpartition("@")[0]) > 64:
        yield "MAX_LENGTH", path
    elif is_clean_text(text) and not is_email_address(text):
        yield "FORMAT", path

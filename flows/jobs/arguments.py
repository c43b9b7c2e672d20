"""The arguments that commands about jobs share, and the filters of the list; no engine is imported here."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from cyclopts import Parameter, Token

from flows.import_users.arguments import count_in, parse_text
from flows.readers.limits import Range
from schemas.job import JobStatus

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
AGE = re.compile(r"(\d{1,6})([smhdw])")
MOST_LISTED = Range(0, 1_000_000)
WAIT_SECONDS = Range(0, 2_592_000)
SINCE_HELP = "Only jobs since a date or time in UTC, such as 2026-11-27 or 2026-11-27T04:30, or of the last 24h or 7d."
FILE_HELP = "Only jobs of this file: its name, its path or a pattern such as '*.csv'."


def parse_since(_type: object, tokens: Sequence[Token]) -> str:
    """Return what an argument says as a time in ISO 8601."""
    return parse_moment(tokens[-1].value)


def parse_moment(text: str) -> str:
    """Return a date, a time or an age as a time in ISO 8601; raise `ValueError` if it is none."""
    try:
        if age := AGE.fullmatch(text):
            return (datetime.now(UTC) - timedelta(**{UNITS[age[2]]: int(age[1])})).isoformat()
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise ValueError(f"{text[:40]!a} is not a date, a time or an age, such as 2026-11-27 or 24h") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat()


def parse_statuses(_type: object, tokens: Sequence[Token]) -> tuple[str, ...]:
    """Return the states that all arguments name, with commas or one by one."""
    words = tuple(word.strip().lower() for token in tokens for word in token.value.split(","))
    if unknown := [word for word in words if word not in {*JobStatus}]:
        raise ValueError(f"{unknown[0][:40]!a} is not a state of a job; there are {', '.join(JobStatus)}")
    return words


def _filter(metavar: str, text: str) -> Parameter:
    return Parameter(metavar=metavar, help=text, converter=parse_text)


Job = Annotated[
    str,
    Parameter(
        metavar="JOB",
        help="The job's id, an external id, last, or the beginning of an id (6 characters or more).",
        converter=parse_text,
    ),
]
Yes = Annotated[bool, Parameter(help="Do not ask.")]
Follow = Annotated[bool, Parameter(help="Print how far the job is to stderr until it has ended.")]
Vendor = Literal["auth0", "fullstory", "rocketchat", "liferay"]
As = Annotated[Vendor | None, Parameter("--as", help="In the words and the shape of this system.")]
Timeout = Annotated[
    int | None,
    count_in(WAIT_SECONDS),
    Parameter(metavar="SECONDS", help="For how long to wait.", show_default="no limit"),
]
Statuses = Annotated[
    tuple[str, ...],
    Parameter(
        metavar="STATUS,…",
        help="Only jobs in one of these states.",
        converter=parse_statuses,
        n_tokens=1,
        negative_iterable=(),
    ),
]
Connection = Annotated[str | None, _filter("ID", "Only jobs of this connection.")]
Since = Annotated[str | None, Parameter(metavar="TIME", help=SINCE_HELP, converter=parse_since)]
ExternalId = Annotated[str | None, _filter("TEXT", "Only jobs with this external id.")]
File = Annotated[str | None, _filter("NAME", FILE_HELP)]
Limit = Annotated[int, count_in(MOST_LISTED), Parameter(help="How many jobs to list.")]

"""Check exactly whether a text is a JSON object by RFC 8259 and within the limits, and say why if not.

Slow, so only for suspects: the fast check that finds the suspects of a batch is in `flows.readers.check_records`.
"""

import math
import re
from dataclasses import dataclass
from itertools import accumulate
from json import JSONDecodeError, JSONDecoder

from flows.readers.encodings import NOT_UTF8_HINT
from flows.readers.limits import ReadLimits
from schemas.codes import ErrorCode

SPACE = b" \t\r\n"
STRING = rb'"(?:[^"\\]++|\\.)*+"'
TOO_MANY_LEVELS = "too many levels"  # of nesting for the parser, which does not say where
_STRUCTURE = re.compile(STRING + rb"|([\[{])|([\]}])", re.DOTALL)
_STRINGS = re.compile(rb"(" + STRING + rb")(?:[ \t\r\n]*(:))?", re.DOTALL)
_PAIR = rb"u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_ESCAPES = re.compile(rb"\\(?:" + _PAIR + rb"|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL)
_TYPES = {b"[": "an array", b'"': "a string", b"t": "true", b"f": "false", b"n": "null"}


@dataclass(eq=False)
class NotJsonError(Exception):
    """The text breaks the grammar of JSON at a byte offset."""

    reason: str
    offset: int


class NumberTooLargeError(NotJsonError):
    """The text follows the grammar but has a number outside the range of a double."""


class _NumberError(Exception):
    """A literal that is not a finite number."""


@dataclass(frozen=True)
class Refusal:
    """Why a record cannot be read; the message has the record as its subject and never quotes it."""

    code: ErrorCode
    message: str
    syntax_error: NotJsonError | None = None  # if that is the reason


def find_refusal(data: bytes, *, limits: ReadLimits) -> Refusal | None:
    """Return why the record cannot be read, or nothing if it can."""
    if len(data) > limits.record_bytes:
        return refuse_oversized(len(data), limits)
    if _measure_depth(data) > limits.nesting:
        return Refusal(ErrorCode.TOO_DEEP, f"is nested more than {limits.nesting:,} levels deep")
    try:
        check_json(data)
    except NotJsonError as error:
        return _refuse_syntax(data, error)
    first = data.lstrip(SPACE)[:1]
    if first != b"{":
        found = _TYPES.get(first, "a number")
        return Refusal(ErrorCode.NOT_AN_OBJECT, f"is {found}, not an object")
    return _refuse_unclean_text(data) or _refuse_oversized_parts(data, limits)


def refuse_oversized(size: int, limits: ReadLimits) -> Refusal:
    """Return the refusal of a record of so many bytes."""
    return Refusal(ErrorCode.TOO_LARGE, f"is {size:,} bytes long, at most {limits.record_bytes:,} are allowed")


def check_json(data: bytes, *, lenient_text: bool = False) -> None:
    """Raise `NotJsonError` if the text is not JSON.

    In strings, bytes that are not UTF-8 pass; `lenient_text` passes control characters.
    """
    text = data.decode("utf-8", "surrogateescape")
    decoder = JSONDecoder(
        strict=not lenient_text,
        object_hook=len,  # lengths in place of values: nothing large is kept
        parse_int=len,
        parse_float=_refuse_not_finite,
        parse_constant=_refuse_not_finite,
    )
    try:
        decoder.decode(text)
    except JSONDecodeError as error:
        offset = len(text[: error.pos].encode("utf-8", "surrogateescape"))
        raise NotJsonError(error.msg.lower(), offset) from None
    except _NumberError as error:
        literal = str(error)
        kind = NumberTooLargeError if literal[-1].isdigit() else NotJsonError
        raise kind(f"{literal[:20]} is not a valid number", _find_outside_strings(data, literal.encode())) from None
    except RecursionError:
        raise NotJsonError(TOO_MANY_LEVELS, 0) from None


def is_json(data: bytes, *, lenient_text: bool = False) -> bool:
    """Return whether `check_json` accepts the text."""
    try:
        check_json(data, lenient_text=lenient_text)
    except NotJsonError:
        return False
    return True


def find_invalid_utf8(data: bytes) -> int | None:
    """Return the offset of the first byte that is not UTF-8, if any."""
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return error.start
    return None


def _measure_depth(data: bytes) -> int:
    """Return how many levels of objects and arrays the text opens, whether or not it is JSON."""
    steps = (bool(token[1]) - bool(token[2]) for token in _STRUCTURE.finditer(data))
    return max(accumulate(steps, initial=0))


def _refuse_syntax(data: bytes, error: NotJsonError) -> Refusal:
    if data.lstrip(SPACE).startswith(b"{") and is_json(data, lenient_text=True):
        return Refusal(ErrorCode.INVALID_TEXT, f"has a control character in a string, at byte {error.offset}")
    message = f"is not JSON: {error.reason}, at byte {error.offset}"
    syntax_error = None if isinstance(error, NumberTooLargeError) else error
    return Refusal(ErrorCode.MALFORMED_RECORD, message, syntax_error)


def _refuse_unclean_text(data: bytes) -> Refusal | None:
    """Return the refusal of strings that cannot be decoded."""
    offset = find_invalid_utf8(data)
    if offset is not None:
        return Refusal(ErrorCode.INVALID_TEXT, f"has a string that is not UTF-8, at byte {offset}{NOT_UTF8_HINT}")
    lone = next((escape.start() for escape in _ESCAPES.finditer(data) if escape[1]), None)
    if lone is not None:
        return Refusal(ErrorCode.INVALID_TEXT, f"has an unpaired surrogate in a string, at byte {lone}")
    return None


def _refuse_oversized_parts(data: bytes, limits: ReadLimits) -> Refusal | None:
    """Return the refusal of a record that has too many keys or too long a string."""
    keys = longest = 0
    for string in _STRINGS.finditer(data):
        keys += string[2] is not None
        longest = max(longest, string.end(1) - string.start() - 2)
    if keys > limits.keys:
        return Refusal(ErrorCode.TOO_LARGE, f"has {keys:,} keys, at most {limits.keys:,} are allowed")
    if longest > limits.value_bytes:
        return Refusal(
            ErrorCode.TOO_LARGE, f"has a string of {longest:,} bytes, at most {limits.value_bytes:,} are allowed"
        )
    return None


def _refuse_not_finite(literal: str) -> None:
    if not math.isfinite(float(literal)):
        raise _NumberError(literal)


def _find_outside_strings(data: bytes, literal: bytes) -> int:
    pattern = re.compile(STRING + b"|(" + re.escape(literal) + b")", re.DOTALL)
    return next((match.start() for match in pattern.finditer(data) if match[1]), 0)

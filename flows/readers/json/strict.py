"""Whether a text is a JSON object by RFC 8259 and within the limits, and if not, why: exact and slow, for suspects.

The quick look that finds the suspects of a batch is in `flows.readers.check_records`.
"""

import math
import re
from dataclasses import dataclass
from json import JSONDecodeError, JSONDecoder
from typing import NoReturn

from flows.readers.limits import ReadLimits
from schemas.codes import ErrorCode

SPACE = b" \t\r\n"
STRING = rb'"(?:[^"\\]++|\\.)*+"'
TOO_MANY_LEVELS = "too many levels"  # to be judged; where the text ends is not known then
_STRUCTURE = re.compile(STRING + rb"|([\[{])|([\]}])", re.DOTALL)
_TEXTS = re.compile(rb"(" + STRING + rb")(?:[ \t\r\n]*(:))?", re.DOTALL)
_PAIR = rb"u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_ESCAPES = re.compile(rb"\\(?:" + _PAIR + rb"|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL)
_KINDS = {b"{": "an object", b"[": "an array", b'"': "a text", b"t": "true", b"f": "false", b"n": "null"}


class NotJsonError(Exception):
    """The text breaks the grammar of JSON at a byte of it."""

    def __init__(self, reason: str, offset: int) -> None:
        super().__init__(reason, offset)
        self.reason = reason
        self.offset = offset


class NumberTooLargeError(NotJsonError):
    """The text keeps the grammar, but has a number that no computer reads as one."""


class _NumberError(Exception):
    """A literal that is no usable number."""


@dataclass(frozen=True)
class Refusal:
    """Why a record cannot be read; the message has the record as its subject and never quotes it."""

    code: ErrorCode
    message: str
    broken: NotJsonError | None = None  # where and how it breaks the grammar, if that is why


def refusal(data: bytes, *, limits: ReadLimits) -> Refusal | None:
    """Why the record cannot be read, if it cannot."""
    if len(data) > limits.record_bytes:
        return too_large(len(data), limits)
    if depth(data) > limits.nesting:
        return Refusal(ErrorCode.TOO_DEEP, f"is nested more than {limits.nesting} levels deep")
    try:
        check_json(data)
    except NotJsonError as error:
        return _broken(data, error)
    if not is_object(data):
        return Refusal(ErrorCode.NOT_AN_OBJECT, f"is {kind(data)}, not an object")
    return _unclean(data) or _oversized(data, limits)


def too_large(size: int, limits: ReadLimits) -> Refusal:
    """The refusal of a record of so many bytes."""
    return Refusal(ErrorCode.TOO_LARGE, f"is {size} bytes long, at most {limits.record_bytes} are allowed")


def is_object(data: bytes) -> bool:
    """Whether the text begins as an object does."""
    return data.lstrip(SPACE).startswith(b"{")


def kind(data: bytes) -> str:
    """What the text begins as, in words."""
    return _KINDS.get(data.lstrip(SPACE)[:1], "a number")


def depth(data: bytes) -> int:
    """How many levels of objects and arrays the text opens, whether or not it is JSON."""
    level = deepest = 0
    for token in _STRUCTURE.finditer(data):
        if token[1]:
            level += 1
            deepest = max(deepest, level)
        elif token[2]:
            level -= 1
    return deepest


def check_json(data: bytes, *, lenient_text: bool = False) -> None:
    """Pass if the text is JSON; bytes that are not UTF-8 pass in strings, with `lenient_text` control characters too.

    Raises:
        NotJsonError: it is not.

    """
    text = data.decode("utf-8", "surrogateescape")
    decoder = JSONDecoder(
        strict=not lenient_text,
        object_hook=_nothing,
        parse_constant=_refuse,
        parse_int=_nothing,
        parse_float=_finite,
    )
    try:
        decoder.decode(text)
    except JSONDecodeError as error:
        raise NotJsonError(error.msg.lower(), _bytes_before(text, error.pos)) from None
    except _NumberError as error:
        literal = str(error)
        found = NumberTooLargeError if literal[-1].isdigit() else NotJsonError
        raise found(f"{literal[:20]} is no number", _offset_outside_strings(data, literal.encode())) from None
    except RecursionError:
        raise NotJsonError(TOO_MANY_LEVELS, 0) from None


def is_json(data: bytes) -> bool:
    """Whether the text is JSON."""
    try:
        check_json(data)
    except NotJsonError:
        return False
    return True


def invalid_utf8(data: bytes) -> int | None:
    """The offset of the first byte that is not UTF-8, if any is."""
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return error.start
    return None


def _broken(data: bytes, error: NotJsonError) -> Refusal:
    if is_object(data) and _is_json_but_for_controls(data):
        return Refusal(ErrorCode.INVALID_TEXT, f"has a control character in a text, at byte {error.offset}")
    grammatical = isinstance(error, NumberTooLargeError)
    message = f"is not JSON: {error.reason}, at byte {error.offset}"
    return Refusal(ErrorCode.MALFORMED_RECORD, message, None if grammatical else error)


def _is_json_but_for_controls(data: bytes) -> bool:
    try:
        check_json(data, lenient_text=True)
    except NotJsonError:
        return False
    return True


def _unclean(data: bytes) -> Refusal | None:
    """The refusal of text that stands for no characters."""
    offset = invalid_utf8(data)
    if offset is not None:
        return Refusal(ErrorCode.INVALID_TEXT, f"has a text that is not UTF-8, at byte {offset}")
    lone = next((escape.start() for escape in _ESCAPES.finditer(data) if escape[1]), None)
    if lone is not None:
        return Refusal(ErrorCode.INVALID_TEXT, f"has half of a surrogate pair in a text, at byte {lone}")
    return None


def _oversized(data: bytes, limits: ReadLimits) -> Refusal | None:
    """The refusal of a record that is small enough as a whole but not in its parts."""
    keys = longest = 0
    for text in _TEXTS.finditer(data):
        keys += text[2] is not None
        longest = max(longest, text.end(1) - text.start() - 2)
    if keys > limits.keys:
        return Refusal(ErrorCode.TOO_LARGE, f"has {keys} keys, at most {limits.keys} are allowed")
    if longest > limits.value_bytes:
        return Refusal(ErrorCode.TOO_LARGE, f"has a text of {longest} bytes, at most {limits.value_bytes} are allowed")
    return None


def _nothing(_: object) -> None:
    return None


def _refuse(literal: str) -> NoReturn:
    raise _NumberError(literal)


def _finite(literal: str) -> None:
    if math.isinf(float(literal)):
        raise _NumberError(literal)


def _bytes_before(text: str, position: int) -> int:
    return len(text[:position].encode("utf-8", "surrogateescape"))


def _offset_outside_strings(data: bytes, literal: bytes) -> int:
    pattern = re.compile(STRING + b"|(" + re.escape(literal) + b")", re.DOTALL)
    return next((match.start() for match in pattern.finditer(data) if match[1]), 0)

"""Find where the elements of a JSON array begin and end: exactly for every text, at about 7 MB/s.

Only the structure is read: strings and brackets. `flows.readers.json.strict` checks whether an element is JSON, and
`flows.readers.json.splitter` is the fast way for arrays of objects.
"""

import re
from dataclasses import dataclass

from flows.readers.json.strict import SPACE, STRING

_TOKENS = re.compile(STRING + rb'|([\[{])|([\]}])|(,)|(")', re.DOTALL)
_ESCAPED = re.compile(rb"\\.", re.DOTALL)
_STRIDE = 1 << 16
_MAX_PASSES = 30
_TO_SQUARE = bytes.maketrans(b"{}", b"[]")
_ALL_BUT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_BRACKETS = re.compile(rb'["\[\]{}]')
_BRACKETS_AND_COMMAS = re.compile(rb'["\[\]{},]')


@dataclass(frozen=True)
class Scan:
    """The complete elements of a text that begins with an element."""

    spans: list[tuple[int, int]]  # without surrounding white space; an empty span where an element is missing
    used: int  # where scanning ended: after the last comma, or at the bracket that closes the array
    closed: bool


def scan(data: bytes, *, most: int) -> Scan:
    """Find the complete elements of an array, from the first byte of an element on; at most so many."""
    spans: list[tuple[int, int]] = []
    start = level = 0
    for token in _TOKENS.finditer(data):
        if token[1]:
            level += 1
        elif token[2]:
            level -= 1
            if level < 0:
                spans.append(_trim(data, start, token.start()))
                return Scan(spans, token.start(), closed=True)
        elif token[3] and not level:
            spans.append(_trim(data, start, token.start()))
            start = token.end()
            if len(spans) == most:
                break
        elif token[4]:
            break
    return Scan(spans, start, closed=False)


def scan_one(data: bytes) -> Scan:
    """Find the first element, if it is complete; faster than `scan` for a large one."""
    end = Skipper().feed(data)
    if end is None:
        return Scan([], 0, closed=False)
    closed = not data.startswith(b",", end)
    return Scan([_trim(data, 0, end)], end if closed else end + 1, closed=closed)


def _trim(data: bytes, start: int, end: int) -> tuple[int, int]:
    end = start + len(data[start:end].rstrip(SPACE))
    return end - len(data[start:end].lstrip(SPACE)), end


@dataclass
class Skipper:
    """Find the end of a value that may be too large to be kept, chunk by chunk."""

    level: int = 0
    in_string: bool = False
    escaped: bool = False  # the last chunk ended with a backslash that escapes the next byte

    def feed(self, data: bytes) -> int | None:
        """Return where in the chunk the value ends, at the comma or bracket after it; nothing if it continues."""
        for start in range(0, len(data), _STRIDE):
            stride = data[start : start + _STRIDE]
            if not self._skip(stride) and (end := self._find_end(stride)) is not None:
                return start + end
        return None

    def _skip(self, data: bytes) -> bool:
        """Skip a stride without looking at each bracket; return false if the value may end in it."""
        text = data[self.escaped :]
        bare = _ESCAPED.sub(b"", text) if b"\\" in text else text
        pieces = bare.removesuffix(b"\\").split(b'"')
        brackets = _remove_pairs(b"".join(pieces[self.in_string :: 2]).translate(_TO_SQUARE, _ALL_BUT_BRACKETS))
        closed = brackets.count(b"]")
        if closed >= self.level:
            return False
        self.level += brackets.count(b"[") - closed
        self.in_string ^= len(pieces) % 2 == 0
        self.escaped = bare.endswith(b"\\")
        return True

    def _find_end(self, data: bytes) -> int | None:
        position = 0
        while position < len(data):
            if self.in_string:
                position = self._leave_string(data, position)
                continue
            found = (_BRACKETS if self.level else _BRACKETS_AND_COMMAS).search(data, position)
            if found is None:
                return None
            byte = found[0]
            position = found.end()
            if byte == b'"':
                self.in_string = True
            elif byte in (b"[", b"{"):
                self.level += 1
            elif byte == b"," or not self.level:
                return found.start()
            else:
                self.level -= 1
        return None

    def _leave_string(self, data: bytes, position: int) -> int:
        """Return the position after the string's closing quote, or the end of the chunk."""
        position += self.escaped
        self.escaped = False
        quote = data.find(b'"', position)
        inside = data[position : quote if quote >= 0 else len(data)]
        escaped = (len(inside) - len(inside.rstrip(b"\\"))) % 2 == 1
        if quote < 0:
            self.escaped = escaped
            return len(data)
        self.in_string = escaped
        return quote + 1


def _remove_pairs(brackets: bytes) -> bytes:
    """Remove pairs of brackets from the inside out; pairs nested deeper than the passes reach stay."""
    for _ in range(_MAX_PASSES):
        if b"[]" not in brackets:
            break
        brackets = brackets.replace(b"[]", b"")
    return brackets

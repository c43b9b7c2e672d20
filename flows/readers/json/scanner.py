"""Where the elements of a JSON array begin and end: exact for every text, and slow; `json_splitter` is the fast way.

Only the structure is read: strings and brackets. Whether an element is JSON is judged in `strict_json`.
"""

import re
from dataclasses import dataclass

from flows.readers.json.strict import SPACE, STRING

_TOKENS = re.compile(STRING + rb'|([\[{])|([\]}])|(,)|(")', re.DOTALL)
_ESCAPED = re.compile(rb"\\.", re.DOTALL)
_STRIDE = 1 << 16
_PASSES = 30
_SQUARE = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_BRACKETS = re.compile(rb'["\[\]{}]')
_BRACKETS_AND_COMMAS = re.compile(rb'["\[\]{},]')


@dataclass(frozen=True)
class Scan:
    """The elements that are whole in a text which begins with one."""

    spans: list[tuple[int, int]]  # without white space around them; empty where there is no element between two commas
    used: int  # up to where the text is understood: past the last comma, or at the bracket that closes the array
    closed: bool


def scan(data: bytes, *, most: int) -> Scan:
    """The elements of an array from the first one's first byte on, as far as they are whole, at most so many."""
    spans: list[tuple[int, int]] = []
    start = level = 0
    for token in _TOKENS.finditer(data):
        if token[1]:
            level += 1
        elif token[2]:
            level -= 1
            if level < 0:
                spans.append(_trimmed(data, start, token.start()))
                return Scan(spans, token.start(), closed=True)
        elif token[3] and not level:
            spans.append(_trimmed(data, start, token.start()))
            start = token.end()
            if len(spans) == most:
                break
        elif token[4]:
            break
    return Scan(spans, start, closed=False)


def scan_one(data: bytes) -> Scan:
    """The first element, if it is whole: the way for large ones."""
    end = Skipper().feed(data)
    if end is None:
        return Scan([], 0, closed=False)
    closed = not data.startswith(b",", end)
    return Scan([_trimmed(data, 0, end)], end if closed else end + 1, closed=closed)


def _trimmed(data: bytes, start: int, end: int) -> tuple[int, int]:
    element = data[start:end]
    text = element.strip(SPACE)
    lead = len(element) - len(element.lstrip(SPACE)) if text else 0
    return start + lead, start + lead + len(text)


@dataclass
class Skipper:
    """Finds the end of one value that is too large to be kept, a chunk at a time."""

    level: int = 0
    in_string: bool = False
    escaped: bool = False  # what came before ended with a backslash that escapes the next byte

    def feed(self, data: bytes) -> int | None:
        """Where in the chunk the value is over, at the comma or bracket that follows it; nothing when it goes on."""
        for start in range(0, len(data), _STRIDE):
            stride = data[start : start + _STRIDE]
            if self._pass_over(stride):
                continue
            end = self._step_through(stride)
            if end is not None:
                return start + end
        return None

    def _pass_over(self, data: bytes) -> bool:
        """Take in a stride without looking at each bracket, if the value is not over in it."""
        text = data[self.escaped :]
        bare = _ESCAPED.sub(b"", text) if b"\\" in text else text
        pieces = bare.removesuffix(b"\\").split(b'"')
        brackets = _without_pairs(b"".join(pieces[self.in_string :: 2]).translate(_SQUARE, _NO_BRACKETS))
        closed = brackets.count(b"]")
        if closed >= self.level:
            return False
        self.level += brackets.count(b"[") - closed
        self.in_string ^= len(pieces) % 2 == 0
        self.escaped = bare.endswith(b"\\")
        return True

    def _step_through(self, data: bytes) -> int | None:
        position = 0
        while position < len(data):
            if self.in_string:
                position = self._leave_string(data, position)
                continue
            found = (_BRACKETS if self.level else _BRACKETS_AND_COMMAS).search(data, position)
            if found is None:
                return None
            sign = found[0]
            position = found.end()
            if sign == b'"':
                self.in_string = True
            elif sign in (b"[", b"{"):
                self.level += 1
            elif sign == b"," or not self.level:
                return found.start()
            else:
                self.level -= 1
        return None

    def _leave_string(self, data: bytes, position: int) -> int:
        """The position after the string's closing quote, or the end of the chunk."""
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


def _without_pairs(brackets: bytes) -> bytes:
    """What is left when brackets that close each other are taken out, from the inside; rest of deep ones stays."""
    for _ in range(_PASSES):
        shorter = brackets.replace(b"[]", b"")
        if len(shorter) == len(brackets):
            break
        brackets = shorter
    return brackets

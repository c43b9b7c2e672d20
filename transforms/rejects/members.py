"""Read the members of a JSON object as they are written: DuckDB writes every number anew, `1.50` as `1.5`."""

import json
import re

REWRITTEN = r"[:\[,][ \t\r\n]*-?(?:[0-9]+[.eE]|0)"  # a number that DuckDB may write in another way
_DECODER = json.JSONDecoder()
_SPACE = re.compile(r"[ \t\r\n]*")
_SEPARATOR = re.compile(r"[ \t\r\n]*,?[ \t\r\n]*")


def read_members(text: str) -> dict[str, str]:
    """Return the JSON text of each member of an object, on one line; of equal keys the first counts."""
    members: dict[str, str] = {}
    at = _after(_SPACE, text, text.index("{") + 1)
    while text[at] == '"':
        key, at = _DECODER.raw_decode(text, at)
        begin = _after(_SPACE, text, text.index(":", at) + 1)
        _, end = _DECODER.raw_decode(text, begin)
        members.setdefault(key, re.sub(r"[\r\n]+", " ", text[begin:end]))
        at = _after(_SEPARATOR, text, end)
    return members


def _after(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return at if found is None else found.end()

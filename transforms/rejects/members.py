"""Read the members of a JSON object as they are written: DuckDB writes every number anew, `1.50` as `1.5`."""

import json
import re

REWRITTEN = r"[:\[,][ \t\r\n]*-?(?:[0-9]+[.eE]|0)"  # a number that DuckDB may write in another way
_DECODER = json.JSONDecoder(parse_int=len)  # the length will do: Python refuses to convert more than 4,300 digits
_SPACE = re.compile(r"[ \t\r\n]*")
_SEPARATOR = re.compile(r"[ \t\r\n]*,?[ \t\r\n]*")


def read_members(text: str) -> dict[str, str]:
    """Return the JSON text of each member of an object, on one line; of equal keys the first counts."""
    members: dict[str, str] = {}
    at = _after(_SPACE, text, text.index("{") + 1)
    while text[at] == '"':
        key, at = _DECODER.raw_decode(text, at)
        begin = _after(_SPACE, text, text.index(":", at) + 1)
        value, end = _DECODER.raw_decode(text, begin)
        is_string = isinstance(value, str)  # its characters can be written as escapes
        written = json.dumps(value, ensure_ascii=False) if is_string else re.sub(r"[\r\n]+", " ", text[begin:end])
        members.setdefault(key, written)
        at = _after(_SEPARATOR, text, end)
    return members


def _after(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return at if found is None else found.end()

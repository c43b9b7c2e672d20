"""Find the lines of a TOML text on which its tables and keys stand."""

import re
from collections import Counter

Place = tuple[str | int, ...]
_TABLE = re.compile(r"\s*(\[\[?)\s*([^\]]+?)\s*\]")
_KEY = re.compile(r"""\s*((?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+)(?:\s*\.\s*(?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+))*)\s*=""")
_NAME = re.compile(r""""([^"]*)"|'([^']*)'|([A-Za-z0-9_-]+)""")
_INLINE = re.compile(r"""[{,]\s*("[^"]*"|[A-Za-z0-9_-]+)\s*=""")


def find_lines(text: str) -> dict[Place, int]:
    """Return the line of each table and key, the first of several; a table of an array has its number in the place."""
    lines: dict[Place, int] = {}
    table: Place = ()
    counts = Counter[Place]()
    for number, line in enumerate(text.splitlines(), start=1):
        if found := _TABLE.match(line):
            table = _names(found[2])
            if found[1] == "[[":
                counts[table] += 1
                lines.setdefault(table, number)
                table = (*table, counts[table] - 1)
            lines.setdefault(table, number)
        elif found := _KEY.match(line):
            place = (*table, *_names(found[1]))
            lines.setdefault(place, number)
            for inner in _INLINE.findall(line, found.end()):
                lines.setdefault((*place, *_names(inner)), number)
    return lines


def _names(text: str) -> Place:
    return tuple(double or single or bare for double, single, bare in _NAME.findall(text))

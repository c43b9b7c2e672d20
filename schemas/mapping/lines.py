"""Find the lines of a TOML text on which its tables and keys stand."""

import re
from collections import Counter

Place = tuple[str | int, ...]
_TABLE = re.compile(r"\s*(\[\[?)\s*([^\]]+?)\s*\]")
_KEY = re.compile(r"""\s*((?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+)(?:\s*\.\s*(?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+))*)\s*=""")
_MANY_LINES = re.compile(r"""(?s)\"{3}.*?\"{3}|'{3}.*?'{3}""")
_NAME = re.compile(r""""([^"]*)"|'([^']*)'|([A-Za-z0-9_-]+)""")
_ITEM = re.compile(r"""\s*[{"']""")
_INLINE = re.compile(r"""[{,]\s*("[^"]*"|[A-Za-z0-9_-]+)\s*=""")


def find_lines(text: str) -> dict[Place, int]:
    """Return the line of each table and key, the first of several; a table of an array has its number in the place."""
    lines: dict[Place, int] = {}
    table: Place = ()
    counts = Counter[Place]()
    place: Place = ()
    for number, line in enumerate(_MANY_LINES.sub(_keep_lines, text).splitlines(), start=1):
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
            _add_inner(lines, place, line[found.end() :], number)
        elif _ITEM.match(line):  # of an array that has several lines
            item = (*place, counts[place])
            counts[place] += 1
            lines[item] = number
            _add_inner(lines, item, f",{line}", number)
    return lines


def _keep_lines(found: re.Match[str]) -> str:
    return '""' + "\n" * found[0].count("\n")


def _add_inner(lines: dict[Place, int], place: Place, text: str, number: int) -> None:
    for inner in _INLINE.findall(text):
        lines.setdefault((*place, *_names(inner)), number)


def _names(text: str) -> Place:
    return tuple(double or single or bare for double, single, bare in _NAME.findall(text))

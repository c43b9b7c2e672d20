"""Read the beginning of a source as a sample: some records and the names around them. The readers read all of it."""

import csv
import json
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from typing import Any

import polars as pl

from flows.readers.encodings import BOM
from flows.readers.header import DIRECTIVE, find_header, find_separator
from flows.readers.limits import ReadLimits
from flows.readers.sources import Source
from flows.readers.stream import open_stream
from schemas.mapping.signs import Record, Sample
from schemas.profiles import PROFILES

HEAD_BYTES = 1 << 18
MOST_BYTES = 1 << 25  # of a document whose users come after everything else
MOST_RECORDS = 50
_SPACE = " \t\r\n"


def read_sample(
    source: Source,
    *,
    form: str,
    containers: Callable[[], Collection[str]] = lambda: PROFILES["auth0"].containers,
    around: Callable[[], Collection[str]] = tuple,
) -> Sample:
    """Return a sample of the source; an empty one where nothing can be read, which its reader then says.

    `containers` says under which keys a document may have its users; it is read on until there is one. `around`
    says in which other members these keys may be.
    """
    if form in ("json", "ndjson"):
        return _sample_json(source, form, containers, around)
    if form == "csv":
        return _sample_table(source)
    if form == "ldif":
        return _sample_entries(source)
    return Sample(form, {})


def _sample_json(
    source: Source, form: str, containers: Callable[[], Collection[str]], around: Callable[[], Collection[str]]
) -> Sample:
    size = HEAD_BYTES
    while True:
        head, is_whole = _read_head(source, size)
        text = head.decode(errors="replace")
        sample = Sample("json", {"": [*_records_of_lines(text)]}) if form == "ndjson" else _read_document(text, around)
        if is_whole or sample.arrays.get("") or size >= MOST_BYTES or any(map(sample.arrays.get, containers())):
            return sample
        size *= 8


def _read_head(source: Source, size: int) -> tuple[bytes, bool]:
    with open_stream(source, limits=ReadLimits()) as stream:
        parts = []
        while size > 0 and (part := stream.read(size)):
            parts.append(part)
            size -= len(part)
    return b"".join(parts).removeprefix(BOM), size > 0


def _records_of_lines(text: str) -> Iterator[Record]:
    for line in text.split("\n", MOST_RECORDS)[:MOST_RECORDS]:  # a text in JSON may have other line breaks
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            yield value


def _read_document(text: str, around: Callable[[], Collection[str]]) -> Sample:
    """Return the sample of JSON text that may end anywhere."""
    cursor = _Cursor(text)
    if cursor.peek() == "[":
        return Sample("json", {"": [*_dicts(cursor)]})
    members: dict[str, Any] = {}
    arrays: dict[str, list[Record]] = {}
    with suppress(ValueError, RecursionError, IndexError):
        _read_members(cursor, members, arrays, around())
    return Sample("json", arrays, {**members, **arrays})


def _read_members(
    cursor: "_Cursor", members: dict[str, Any], arrays: dict[str, list[Record]], around: Collection[str]
) -> None:
    """Read an object, and those in its members that are around others, into members and arrays."""
    for key in cursor.members():
        if key in around and cursor.peek() in ("{", "["):
            members[key] = None
            for _ in cursor.objects():
                _read_members(cursor, members, arrays, around)
        elif cursor.peek() == "[":
            arrays.setdefault(key, []).extend(_dicts(cursor))
        else:
            members[key] = cursor.value()


def _dicts(cursor: "_Cursor") -> Iterator[Record]:
    try:
        for place, value in enumerate(cursor.items()):
            if place < MOST_RECORDS and isinstance(value, dict):
                yield value
    except (ValueError, RecursionError, IndexError):
        return


class _Cursor:
    """A place in JSON text, moved by reading; raises `ValueError` or `IndexError` where the text ends too early."""

    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0
        self._decoder = json.JSONDecoder(strict=False)

    def peek(self) -> str:
        """Return the next character that is not white space."""
        while self._text[self._at : self._at + 1] in tuple(_SPACE):
            self._at += 1
        return self._text[self._at : self._at + 1]

    def value(self) -> Any:  # noqa: ANN401 - any JSON value
        """Read one value."""
        self.peek()
        value, self._at = self._decoder.raw_decode(self._text, self._at)
        return value

    def items(self) -> Iterator[Any]:
        """Read the items of an array."""
        self._at += 1
        while self.peek() not in ("]", ""):
            yield self.value()
            if self.peek() == ",":
                self._at += 1
        self._close()

    def objects(self) -> Iterator[None]:
        """Stop at an object, or at every one of an array; the caller reads each before the next."""
        if self.peek() == "{":
            yield
            return
        self._at += 1
        while self.peek() not in ("]", ""):
            if self.peek() == "{":
                yield
            else:
                self.value()
            if self.peek() == ",":
                self._at += 1
        self._close()

    def members(self) -> Iterator[str]:
        """Read an object, key by key; the caller reads each value before the next key."""
        self._at += 1
        while self.peek() == '"':
            key = self.value()
            if self.peek() != ":":
                raise ValueError("expecting :")
            self._at += 1
            yield key
            if self.peek() == ",":
                self._at += 1
        self._close()

    def _close(self) -> None:
        if self.peek() == "":
            raise IndexError
        self._at += 1


def _sample_entries(source: Source) -> Sample:
    from transforms.ldif import read_entries  # noqa: PLC0415 - few files are entries of a directory

    head, is_whole = _read_head(source, HEAD_BYTES)
    text = head.decode(errors="replace").replace("\r\n", "\n").replace("\r", "\n")
    lines = (text if is_whole else text[: text.rfind("\n\n") + 1]).split("\n")
    entries = read_entries(pl.DataFrame({"line": range(len(lines)), "text": lines})).entries
    texts = entries.filter("is_readable").head(MOST_RECORDS)["text"]
    return Sample("ldif", {"": [json.loads(entry) for entry in texts]})


def _sample_table(source: Source) -> Sample:
    csv.field_size_limit(max(csv.field_size_limit(), HEAD_BYTES))
    head, is_whole = _read_head(source, HEAD_BYTES)
    whole = head if is_whole else head[: head.rfind(b"\n") + 1] or head
    lines = [line for line in whole.decode(errors="replace").splitlines() if line.strip()][: 2 * MOST_RECORDS]
    separator = None
    if lines and (directive := DIRECTIVE.fullmatch(lines[0])):
        separator, lines = directive[1], lines[1:]
    lines = lines[find_header(lines, has_any_names=True) :] if lines else lines
    if not lines:
        return Sample("csv", {})
    separator = separator or find_separator(lines[0], PROFILES["csv"])
    rows = [*csv.reader(lines[:MOST_RECORDS], delimiter=separator, skipinitialspace=True)]
    columns = tuple(cell.strip() for cell in rows[0])
    records = [dict(zip(columns, row, strict=False)) for row in rows[1:]]
    return Sample("csv", {"": records}, columns=columns, rows=rows)

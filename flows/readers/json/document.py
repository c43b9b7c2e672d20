"""Read JSON: an array of records, an object around one, or one record. A syntax error refuses the source."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace

import polars as pl

from flows.readers.check_records import add_record_numbers, add_texts, refuse_record
from flows.readers.header import SUGGEST
from flows.readers.json.array import ELEMENTS, JsonArray, incomplete_value, make_batch, skip_value
from flows.readers.json.scanner import Skipper
from flows.readers.json.strict import SPACE, STRING, NotJsonError, NumberTooLargeError, check_json
from flows.readers.json.window import Window
from flows.readers.limits import ReadLimits
from flows.readers.reading import Batch, Reading
from flows.readers.stream import open_stream
from schemas.codes import ErrorCode
from schemas.faults import FileFault
from schemas.profiles import Profile
from transforms.json.object_keys import known_keys

_KEY = re.compile(STRING, re.DOTALL)


def read_json(reading: Reading) -> Iterator[Batch]:
    """Yield the batches of a JSON source; raise `FileFault` if it is not JSON, or is an object without users."""
    with open_stream(reading.source, limits=reading.limits) as stream:
        window = Window(stream, limits=reading.limits)
        match window.next_byte():
            case b"":
                message = f"{window.name} is empty: it ends at byte {window.offset} without a value"
                raise FileFault(ErrorCode.FILE_EMPTY, message, "export the users again")
            case b"[":
                window.advance(1)
                yield from JsonArray(window, reading).read_batches()
            case b"{":
                yield from _JsonObject(window, reading).read_batches()
            case _:
                yield _read_scalar(window, reading)
        _expect_end(window)


class _JsonObject:
    """The object at the top of a source, which contains an array of users or is a user."""

    def __init__(self, window: Window, reading: Reading) -> None:
        self._window = window
        self._reading = reading
        self._line = window.line
        self._members: list[bytes] = []
        self._keys: list[str] = []
        self._size = len(b"{}")
        self._container: str | None = None
        self._is_inside = False  # a member that is around containers
        self._seen = 0

    def read_batches(self) -> Iterator[Batch]:
        """Yield the users; in the end the window is after the object."""
        yield from self._read_members()
        _expect_end(self._window)
        if self._container is None:
            yield self._make_record()

    def _read_members(self) -> Iterator[Batch]:
        window = self._window
        window.advance(1)
        closed = window.next_byte() == b"}"
        while not closed:
            yield from self._read_member()
            closed = window.next_byte() != b","
            if not closed:
                window.advance(1)
        window.expect(b"}", reason="expecting , or } in the object")

    def _read_member(self) -> Iterator[Batch]:
        """Read one key and its value: users, or a value to keep in case the object is a user."""
        window = self._window
        key = self._read_key()
        self._keys.append(json.loads(key.decode("utf-8", "replace")))
        window.expect(b":", reason="expecting : after the key")
        if window.next_byte() == b"[" and self._keys[-1] in self._reading.profile.containers:
            yield from self._read_users()
            return
        if self._keys[-1] in self._reading.profile.around and window.next_byte() in (b"{", b"["):
            yield from self._read_around()
            return
        value = _read_value(window, limits=self._reading.limits)
        self._size += len(key) + len(b":,") + (len(value) if isinstance(value, bytes) else value)
        self._members = [*self._members, key + b":" + value] if self._is_kept and isinstance(value, bytes) else []

    @property
    def _is_kept(self) -> bool:
        return self._container is None and self._size <= self._reading.limits.record_bytes

    def _read_users(self) -> Iterator[Batch]:
        if self._container is not None and not self._is_inside:
            where = f"under {self._container} and {self._keys[-1]}"
            hint = "remove one of the arrays, or move it to a file of its own"
            raise FileFault(ErrorCode.FILE_FORMAT, f"{self._window.name} contains two arrays of users, {where}", hint)
        self._container = self._keys[-1]
        self._window.advance(1)
        reading = replace(self._reading, first_record=self._reading.first_record + self._seen)
        for batch in JsonArray(self._window, reading).read_batches():
            self._seen += batch.seen
            yield batch

    def _read_around(self) -> Iterator[Batch]:
        """Read an object, or every object of an array, in which there are users."""
        window, was_inside = self._window, self._is_inside
        self._is_inside = True
        if window.next_byte() == b"{":
            yield from self._read_members()
        else:
            yield from self._read_objects()
        self._is_inside = was_inside

    def _read_objects(self) -> Iterator[Batch]:
        window = self._window
        window.advance(1)
        closed = window.next_byte() == b"]"
        while not closed:
            if window.next_byte() == b"{":
                yield from self._read_members()
            else:
                _read_value(window, limits=self._reading.limits)
            closed = window.next_byte() != b","
            if not closed:
                window.advance(1)
        window.expect(b"]", reason="expecting , or ] in the array")

    def _read_key(self) -> bytes:
        window = self._window
        if window.next_byte() != b'"':
            raise window.syntax_fault("expecting a key in double quotes", at=0)
        while (found := _KEY.match(window.data)) is None:
            if len(window.data) > self._reading.limits.record_bytes or not window.grow():
                raise window.syntax_fault("the key is not closed", at=len(window.data))
        _check_value(found[0], window)
        window.advance(found.end())
        return found[0]

    def _make_record(self) -> Batch:
        """Return the object as the only user of the source."""
        name, profile = self._window.name, self._reading.profile
        if not set(self._keys) & _known_keys(profile):
            found = f"keys: {', '.join(key[:40] for key in self._keys[:8])}" if self._keys else "no keys"
            message = f"{name} contains one object ({found}), which is not a user and has no array of users"
            hint = f"export an array of users, on its own or under {' or '.join(profile.containers)}"
            hint += f"; if the file is another system's, {SUGGEST} writes a mapping for it"
            raise FileFault(ErrorCode.FILE_FORMAT, message, hint)
        record, limits = self._reading.first_record, self._reading.limits
        if not self._is_kept:
            position = self._window.position
            return refuse_record(record, self._line, size=self._size, position=position, limits=limits)
        return _batch_of_one(b"{" + b",".join(self._members) + b"}", self._line, self._window, self._reading)


def _known_keys(profile: Profile) -> set[str]:
    """Return the keys of a record that a field, or a part of one, is found under."""
    if profile.mapping is None:
        return {*known_keys(profile)}
    rules = (rule for rules in profile.mapping.fields.values() for rule in rules)
    paths = [path for rule in rules for path in rule.at]
    return {name for path in (profile.mapping.record, *paths) if path for name in path.members[:1]}


def _read_scalar(window: Window, reading: Reading) -> Batch:
    """Return the refused record of a source that is a string, a number, true, false or null.

    Raise `FileFault` if it is none of these, or is larger than a record may be.
    """
    while window.grow():
        if len(window.data) > reading.limits.record_bytes:
            value = f"one value of more than {reading.limits.record_bytes:,} bytes"
            message = f"{window.name} contains {value} instead of users"
            raise FileFault(ErrorCode.FILE_FORMAT, message, "export the users as an array")
    batch = _batch_of_one(window.data.rstrip(SPACE), window.line, window, reading)
    window.advance(len(window.data))
    return batch


def _batch_of_one(data: bytes, line: int, window: Window, reading: Reading) -> Batch:
    record = pl.DataFrame({"start": [0], "line": [line], "data": [data]}, schema=ELEMENTS)
    records = add_texts(add_record_numbers(record, first=reading.first_record))
    return make_batch(records, window=window, reading=reading)


def _read_value(window: Window, *, limits: ReadLimits) -> bytes | int:
    """Move past the value at the front of the window and return it; only its size if it is too large to be kept."""
    while (end := Skipper().feed(window.data)) is None:
        if len(window.data) > limits.record_bytes:
            return skip_value(window)
        if not window.grow():
            raise incomplete_value(window, "the object is not closed")
    value = window.data[:end].rstrip(SPACE)
    _check_value(value, window)
    window.advance(end)
    return value


def _check_value(data: bytes, window: Window) -> None:
    try:
        check_json(data)
    except NumberTooLargeError:
        return
    except NotJsonError as error:
        raise window.syntax_fault(error.reason, at=error.offset) from None


def _expect_end(window: Window) -> None:
    if after := window.next_byte():
        hint = "if it has one record per line, use --format ndjson"
        reason = "there is more after the end of the document"
        raise window.syntax_fault(reason, at=0, hint=hint if after == b"{" else "")

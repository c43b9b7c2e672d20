"""JSON: an array of records, an object that holds one, or one record. A break of the grammar refuses the source."""

import json
import re
from collections.abc import Iterator

import polars as pl

from flows.readers.check_records import invalid_json, number, oversized_record, with_texts
from flows.readers.json.array import ELEMENTS, LAYOUT, JsonArray, cut_off, judged_batch, skip_value
from flows.readers.json.scanner import Skipper
from flows.readers.json.strict import SPACE, STRING, NotJsonError, NumberTooLargeError, check_json
from flows.readers.json.window import Window
from flows.readers.limits import ReadLimits
from flows.readers.reading import Batch, Reading
from flows.readers.stream import open_stream
from schemas.codes import ErrorCode
from schemas.faults import FileFault
from schemas.profiles import Profile

_KEY = re.compile(STRING, re.DOTALL)
_FIRST_STEP = re.compile(r'\$\.(?:"([^"]*)"|([^.\[]*))')


def read_json_document(reading: Reading) -> Iterator[Batch]:
    """The batches of a JSON source.

    Raises:
        FileFault: it is not JSON, or an object without users in it.

    """
    with open_stream(reading.source, limits=reading.limits) as stream:
        window = Window(stream, limits=reading.limits)
        match window.next_byte():
            case b"":
                raise FileFault(
                    ErrorCode.FILE_EMPTY,
                    f"{window.name} is empty: it ends at byte {window.offset} without a value",
                    "export the users again",
                )
            case b"[":
                window.advance(1)
                yield from JsonArray(window, first_record=reading.first_record, reading=reading).batches()
            case b"{":
                yield from _JsonObject(window, reading).batches()
            case _:
                yield _scalar(window, reading)
        _expect_end(window)


class _JsonObject:
    """An object at the top of a source: around an array of users, or a user itself."""

    def __init__(self, window: Window, reading: Reading) -> None:
        self._window = window
        self._reading = reading
        self._line = window.line
        self._members: list[bytes] = []
        self._keys: list[str] = []
        self._size = len(b"{}")
        self._container: str | None = None

    def batches(self) -> Iterator[Batch]:
        """The users in it; afterwards the window stands behind the object."""
        window = self._window
        window.advance(1)
        closed = window.next_byte() == b"}"
        while not closed:
            yield from self._member()
            closed = window.next_byte() != b","
            if not closed:
                window.advance(1)
        window.expect(b"}", reason="expecting , or } in the object")
        _expect_end(window)
        if self._container is None:
            yield self._record()

    def _member(self) -> Iterator[Batch]:
        """One key and its value: users, or something to keep in case the object is a user."""
        window = self._window
        key = self._key()
        self._keys.append(json.loads(key.decode("utf-8", "replace")))
        window.expect(b":", reason="expecting : after the key")
        if window.next_byte() == b"[" and self._keys[-1] in self._reading.profile.containers:
            yield from self._users()
            return
        value = _value(window, limits=self._reading.limits)
        self._size += len(key) + len(b":,") + (len(value) if isinstance(value, bytes) else value)
        self._members = [*self._members, key + b":" + value] if self._is_kept and isinstance(value, bytes) else []

    @property
    def _is_kept(self) -> bool:
        return self._container is None and self._size <= self._reading.limits.record_bytes

    def _users(self) -> Iterator[Batch]:
        if self._container is not None:
            raise FileFault(
                ErrorCode.FILE_FORMAT,
                f"{self._window.name} holds users twice, under {self._container} and {self._keys[-1]}",
                "leave one of the arrays, or make two files of them",
            )
        self._container = self._keys[-1]
        self._window.advance(1)
        first = self._reading.first_record
        yield from JsonArray(self._window, first_record=first, reading=self._reading).batches()

    def _key(self) -> bytes:
        window = self._window
        if window.next_byte() != b'"':
            raise window.syntax_fault("expecting a key in double quotes", at=0)
        while (found := _KEY.match(window.data)) is None:
            if len(window.data) > self._reading.limits.record_bytes or not window.grow():
                raise window.syntax_fault("the key is not over", at=len(window.data))
        _check(found[0], window)
        window.advance(found.end())
        return found[0]

    def _record(self) -> Batch:
        """The object as the one user of the source."""
        if not set(self._keys) & _known_keys(self._reading.profile):
            raise _without_users(self._window.name, self._keys, self._reading.profile)
        record, limits = self._reading.first_record, self._reading.limits
        if not self._is_kept:
            judged = oversized_record(record=record, line=self._line, size=self._size, limits=limits)
            return judged.batch(seen=1, position=self._window.position, layout=LAYOUT)
        return _one_batch(b"{" + b",".join(self._members) + b"}", self._line, self._window, self._reading)


def _scalar(window: Window, reading: Reading) -> Batch:
    """The refused record of a source that holds a text, a number, true, false or null.

    Raises:
        FileFault: it is none of these, or too large to be looked at.

    """
    while window.grow():
        if len(window.data) > reading.limits.record_bytes:
            raise FileFault(
                ErrorCode.FILE_FORMAT,
                f"{window.name} holds one value of more than {reading.limits.record_bytes} bytes, not users",
                "give an array of users",
            )
    batch = _one_batch(window.data.rstrip(SPACE), window.line, window, reading)
    window.advance(len(window.data))
    return batch


def _one_batch(data: bytes, line: int, window: Window, reading: Reading) -> Batch:
    record = pl.DataFrame({"start": [0], "line": [line], "data": [data]}, schema=ELEMENTS)
    records = with_texts(number(record, first=reading.first_record))
    return judged_batch(records, broken=invalid_json(records, reading.engine), window=window, reading=reading)


def _value(window: Window, *, limits: ReadLimits) -> bytes | int:
    """The value that the window stands at, after moving behind it; only its size when it is too large to be kept."""
    while (end := Skipper().feed(window.data)) is None:
        if len(window.data) > limits.record_bytes:
            return skip_value(window)
        if not window.grow():
            raise cut_off(window, "the object is not closed")
    value = window.data[:end].rstrip(SPACE)
    _check(value, window)
    window.advance(end)
    return value


def _check(data: bytes, window: Window) -> None:
    try:
        check_json(data)
    except NumberTooLargeError:
        return
    except NotJsonError as error:
        raise window.syntax_fault(error.reason, at=error.offset) from None


def _expect_end(window: Window) -> None:
    if after := window.next_byte():
        raise window.syntax_fault(
            "there is more after the end",
            at=0,
            hint="if it has one record a line, name it .ndjson or give --format ndjson" if after == b"{" else "",
        )


def _known_keys(profile: Profile) -> set[str]:
    """The keys of a record that some field of the profile is under."""
    steps = (_FIRST_STEP.match(path) for path in profile.paths.values())
    return {step[1] or step[2] for step in steps if step is not None}


def _without_users(name: str, keys: list[str], profile: Profile) -> FileFault:
    found = f"the keys {', '.join(key[:40] for key in keys[:8])}" if keys else "no keys"
    return FileFault(
        ErrorCode.FILE_FORMAT,
        f"{name} holds one object with {found}, which is neither a user nor has users under a known key",
        f"give an array of users, alone or under {' or '.join(profile.containers)}",
    )

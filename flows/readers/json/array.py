"""The elements of a JSON array, wherever in a source it stands. What is around it: `flows.readers.json.document`."""

from collections.abc import Iterator

import polars as pl

from flows.readers.check_records import check_records, invalid_json, number, oversized_record, with_texts
from flows.readers.json.scanner import Scan, Skipper, scan, scan_one
from flows.readers.json.splitter import Split, split
from flows.readers.json.strict import SPACE, TOO_MANY_LEVELS, NotJsonError, check_json
from flows.readers.json.window import Window
from flows.readers.lines import line_ends
from flows.readers.reading import Batch, Reading
from schemas.faults import FileFault
from schemas.frames import Layout

LAYOUT = Layout()
SCANNED_AT_ONCE = 1 << 20
NONE_BROKEN = pl.Series("record", [], dtype=pl.Int64)
ELEMENTS = pl.Schema({"start": pl.Int64, "line": pl.Int64, "data": pl.Binary})


class JsonArray:
    """One array of records; `window` stands behind its opening bracket, and afterwards behind the closing one."""

    def __init__(self, window: Window, *, first_record: int, reading: Reading) -> None:
        self._window = window
        self._record = first_record
        self._reading = reading
        self._closed = False
        self._left_to_scan = 0  # bytes of the window in which the fast way has failed

    def batches(self) -> Iterator[Batch]:
        """The elements in order.

        Raises:
            FileFault: the array breaks the grammar of JSON or is not closed.

        """
        self._closed = self._window.next_byte() == b"]"
        while not self._closed:
            for batch in self._front():
                yield batch
                self._record += batch.seen
        self._window.expect(b"]", reason="expecting ] at the end of the array")

    def _front(self) -> Iterator[Batch]:
        """The elements at the front of the window, as many as are found at once; none when it had to grow."""
        window = self._window
        window.next_byte()
        window.fill()
        if self._left_to_scan <= 0:
            quick = split(window.data, engine=self._reading.engine)
            if quick.used:
                yield from self._quick_batches(quick)
                return
            self._left_to_scan = len(window.data)  # what cannot be split quickly at its start is not tried again soon
        exact = scan(window.data[:SCANNED_AT_ONCE], most=self._reading.limits.batch_rows)
        if not exact.spans:
            exact = scan_one(window.data)
        if exact.spans:
            yield from self._exact_batches(exact)
        elif len(window.data) > self._reading.limits.record_bytes:
            yield self._skipped()
        elif not window.grow():
            raise cut_off(window, "the array is not closed")

    def _quick_batches(self, found: Split) -> Iterator[Batch]:
        line = (self._window.line + pl.col("lines_before")).alias("line")
        records = number(found.records.select("start", line, "text"), first=self._record)
        for part in records.iter_slices(self._reading.limits.batch_rows):
            yield judged_batch(part, broken=NONE_BROKEN, window=self._window, reading=self._reading)
        self._window.advance(found.used, lines=found.lines)

    def _exact_batches(self, found: Scan) -> Iterator[Batch]:
        records = with_texts(number(_elements(found, self._window), first=self._record))
        for part in records.iter_slices(self._reading.limits.batch_rows):
            broken = invalid_json(part, self._reading.engine)
            yield judged_batch(part, broken=broken, window=self._window, reading=self._reading)
        self._window.advance(found.used)
        self._left_to_scan -= found.used
        self._closed = found.closed

    def _skipped(self) -> Batch:
        """The one refused record of an element that is too large to be kept."""
        line = self._window.line
        size = skip_value(self._window)
        self._closed = self._window.next_byte() != b","
        if not self._closed:
            self._window.advance(1)
        judged = oversized_record(record=self._record, line=line, size=size, limits=self._reading.limits)
        return judged.batch(seen=1, position=self._window.position, layout=LAYOUT)


def judged_batch(records: pl.DataFrame, *, broken: pl.Series, window: Window, reading: Reading) -> Batch:
    """A batch of records at the front of the window.

    Raises:
        FileFault: one of them breaks the grammar of JSON: what is around it cannot be relied upon either.

    """
    judged = check_records(records, broken=broken, limits=reading.limits)
    for record, refusal in judged.refusals:
        if refusal.broken is not None:
            start: int = records["start"][record - records["record"][0]]
            raise window.syntax_fault(refusal.broken.reason, at=start + refusal.broken.offset)
    return judged.batch(seen=records.height, position=window.position, layout=LAYOUT)


def skip_value(window: Window) -> int:
    """The size of the value that the window stands at, after moving behind it.

    Raises:
        FileFault: the source ends inside it.

    """
    skipper = Skipper()
    passed = size = 0
    while (end := skipper.feed(window.data)) is None:
        size = passed + len(window.data.rstrip(SPACE)) or size
        passed += len(window.data)
        window.advance(len(window.data))
        if not window.grow():
            raise window.syntax_fault("inside a value that is not over", at=0)
    size = passed + len(window.data[:end].rstrip(SPACE)) or size
    window.advance(end)
    return size


def _elements(found: Scan, window: Window) -> pl.DataFrame:
    rows = []
    line, seen = window.line, 0
    for start, end in found.spans:
        line += line_ends(window.data[seen:start])
        seen = start
        rows.append((start, line, window.data[start:end]))
    return pl.DataFrame(rows, schema=ELEMENTS, orient="row")


def cut_off(window: Window, reason: str) -> FileFault:
    """The fault of a source that ends inside the value at the window's front: where it is wrong, else the end."""
    try:
        check_json(window.data)
    except NotJsonError as error:
        inside = "unterminated" in error.reason or error.reason == TOO_MANY_LEVELS
        if error.offset < len(window.data.rstrip(SPACE)) and not inside:
            return window.syntax_fault(error.reason, at=error.offset)
    return window.syntax_fault(reason, at=len(window.data))

"""Read the elements of a JSON array anywhere in a source. `flows.readers.json.document` reads what surrounds it."""

from collections.abc import Iterator

import polars as pl

from flows.readers.check_records import CheckedRecords, add_record_numbers, add_texts, refuse_record
from flows.readers.json.records import read_records
from flows.readers.json.scanner import Scan, Skipper, scan, scan_one
from flows.readers.json.splitter import Split, split
from flows.readers.json.strict import SPACE, TOO_MANY_LEVELS, NotJsonError, check_json
from flows.readers.json.window import Window
from flows.readers.lines import count_line_ends
from flows.readers.reading import Batch, Reading
from schemas.faults import FileFault

SCAN_BYTES = 1 << 20
NONE_INVALID = pl.Series("record", [], dtype=pl.Int64)
ELEMENTS = pl.Schema({"start": pl.Int64, "line": pl.Int64, "data": pl.Binary})


class JsonArray:
    """An array of records; `window` is after its opening bracket, and in the end after the closing one."""

    def __init__(self, window: Window, reading: Reading) -> None:
        self._window = window
        self._record = reading.first_record
        self._reading = reading
        self._closed = False
        self._left_to_scan = 0  # bytes of the window that could not be split

    def read_batches(self) -> Iterator[Batch]:
        """Yield the elements in order; raise `FileFault` if the array breaks the grammar of JSON or is not closed."""
        self._closed = self._window.next_byte() == b"]"
        while not self._closed:
            for batch in self._read_window():
                yield batch
                self._record += batch.seen
        self._window.expect(b"]", reason="expecting ] at the end of the array")

    def _read_window(self) -> Iterator[Batch]:
        """Yield the elements found at the front of the window; none if it had to grow."""
        window = self._window
        window.next_byte()
        window.fill()
        if self._left_to_scan <= 0:
            found = split(window.data, engine=self._reading.engine)
            if found.used:
                yield from self._read_split(found)
                return
            self._left_to_scan = len(window.data)  # a split at each element would be slow
        scanned = scan(window.data[:SCAN_BYTES], most=self._reading.limits.batch_rows)
        if not scanned.spans:
            scanned = scan_one(window.data)
        if scanned.spans:
            yield from self._read_scanned(scanned)
        elif len(window.data) > self._reading.limits.record_bytes:
            yield self._skip_element()
        elif not window.grow():
            raise incomplete_value(window, "the array is not closed")

    def _read_split(self, found: Split) -> Iterator[Batch]:
        line = (self._window.line + pl.col("lines_before")).alias("line")
        records = add_record_numbers(found.records.select("start", line, "text"), first=self._record)
        for part in records.iter_slices(self._reading.limits.batch_rows):
            yield make_batch(part, invalid=NONE_INVALID, window=self._window, reading=self._reading)
        self._window.advance(found.used, lines=found.lines)

    def _read_scanned(self, found: Scan) -> Iterator[Batch]:
        records = add_texts(add_record_numbers(_extract_elements(found, self._window), first=self._record))
        for part in records.iter_slices(self._reading.limits.batch_rows):
            yield make_batch(part, window=self._window, reading=self._reading)
        self._window.advance(found.used)
        self._left_to_scan -= found.used
        self._closed = found.closed

    def _skip_element(self) -> Batch:
        """Skip an element that is too large to be kept, and return its refused record."""
        line = self._window.line
        size = skip_value(self._window)
        self._closed = self._window.next_byte() != b","
        if not self._closed:
            self._window.advance(1)
        position = self._window.position
        return refuse_record(self._record, line, size=size, position=position, limits=self._reading.limits)


def make_batch(records: pl.DataFrame, *, window: Window, reading: Reading, invalid: pl.Series | None = None) -> Batch:
    """Return the records at the front of the window as a batch.

    Raise `FileFault` if one breaks the grammar of JSON, so that what surrounds it cannot be trusted either.
    """

    def raise_fault(checked: CheckedRecords) -> None:
        for record, refusal in checked.refusals:
            if refusal.syntax_error is not None:
                start: int = records["start"][record - records["record"][0]]
                raise window.syntax_fault(refusal.syntax_error.reason, at=start + refusal.syntax_error.offset)

    end = int(records["start"][-1]) + len(records["text"][-1] or "") if records.height else 0
    place = {"seen": records.height, "position": window.position_at(end)}
    return read_records(records, reading=reading, **place, invalid=invalid, on_check=raise_fault)


def skip_value(window: Window) -> int:
    """Move past the first value of the window and return its size; raise `FileFault` if the source ends in it."""
    skipper, skipped = Skipper(), 0
    while (end := skipper.feed(window.data)) is None:
        skipped += len(window.data)
        window.advance(len(window.data))
        if not window.grow():
            raise window.syntax_fault("a value is not complete", at=0)
    size = skipped + len(window.data[:end].rstrip(SPACE))
    window.advance(end)
    return size


def _extract_elements(found: Scan, window: Window) -> pl.DataFrame:
    rows = []
    line, counted = window.line, 0
    for start, end in found.spans:
        line += count_line_ends(window.data[counted:start])
        counted = start
        rows.append((start, line, window.data[start:end]))
    return pl.DataFrame(rows, schema=ELEMENTS, orient="row")


def incomplete_value(window: Window, reason: str) -> FileFault:
    """Return the fault of a source that ends inside a value: at the first error in it, else at the end."""
    try:
        check_json(window.data)
    except NotJsonError as error:
        is_at_end = "unterminated" in error.reason or error.reason == TOO_MANY_LEVELS
        if error.offset < len(window.data.rstrip(SPACE)) and not is_at_end:
            return window.syntax_fault(error.reason, at=error.offset)
    return window.syntax_fault(reason, at=len(window.data))

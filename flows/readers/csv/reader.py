"""CSV: cells under a header, to batches. Rows are taken in `csv_runs`, the header is understood in `columns`."""

import csv
import re
from collections.abc import Iterator
from itertools import chain

import polars as pl

from flows.readers.check_records import error_rows, number
from flows.readers.csv.lines import CsvLines
from flows.readers.csv.rows import Run, RunTaker, Table, open_quote
from flows.readers.header import GUARD, Header, resolve_columns, separator_of
from flows.readers.reading import Batch, Reading
from flows.readers.stream import open_stream
from schemas.codes import ErrorCode
from schemas.faults import FileFault
from schemas.frames import RECORDS, Layout
from transforms.json.encoding import MUST_ESCAPE, encode_member, encode_object, encode_string

_DIRECTIVE = re.compile(r'"?sep=(.)"?[\r\n]*', re.IGNORECASE)  # what some spreadsheets write above the header


def read_csv_rows(reading: Reading) -> Iterator[Batch]:
    """The batches of a CSV source.

    Raises:
        FileFault: it has no header with a known column, or a quote that is not closed.

    """
    csv.field_size_limit(reading.limits.value_bytes)
    with open_stream(reading.source, limits=reading.limits) as stream:
        lines = CsvLines(stream, limits=reading.limits)
        table = _open_table(lines, reading)
        header = _read_header(table, lines, reading)
        layout = Layout(textual=True, columns=header.columns)
        record = reading.first_record
        for run in RunTaker(table, width=len(header.columns), lines=lines, limits=reading.limits).runs():
            yield _batch(run, header, lines=lines, record=record, layout=layout)
            record += len(run.lines)


def _open_table(lines: CsvLines, reading: Reading) -> Table:
    """The rows, once the first line with something in it has shown what separates the cells."""
    feed = iter(lines)
    skipped = 0
    first = next(feed, "")
    while first and not first.strip():
        first, skipped = next(feed, ""), skipped + 1
    directive = _DIRECTIVE.fullmatch(first)
    if directive is None:
        separator = separator_of(first, reading.profile)
        feed = chain([first], feed)
    else:
        separator = directive[1]
        skipped += 1
    rows = csv.reader(feed, delimiter=separator, strict=True)
    return Table(name=reading.source.name, rows=rows, separator=separator, lines_before=skipped)


def _read_header(table: Table, lines: CsvLines, reading: Reading) -> Header:
    try:
        cells = next((row for row in table.rows if any(cell.strip() for cell in row)), [])
    except csv.Error:
        raise open_quote(table.name, table.lines_before + 1) from None
    if lines.dropped or len(cells) > reading.limits.keys:
        raise FileFault(
            ErrorCode.FILE_FORMAT,
            f"{table.name} has a first row that is too large for a header",
            "check that it is a table of users with a header",
        )
    if not cells:
        raise FileFault(ErrorCode.FILE_EMPTY, f"{table.name} has no row", "export the users again")
    return resolve_columns(cells, profile=reading.profile, name=table.name)


def _batch(run: Run, header: Header, *, lines: CsvLines, record: int, layout: Layout) -> Batch:
    numbered = number(pl.DataFrame({"line": run.lines}, schema={"line": pl.Int64}), first=record)
    is_refused = (pl.col("record") - record).is_in(list(run.refused))
    refused = numbered.filter(is_refused)
    return Batch(
        rows=numbered.filter(~is_refused).with_columns(texts_of(run.cells, header)),
        refused=refused.with_columns(_raw_texts(run, lines)),
        errors=error_rows(refused, [row.why for row in run.refused.values()]),
        seen=len(run.lines),
        position=lines.position,
        layout=layout,
    )


def _raw_texts(run: Run, lines: CsvLines) -> pl.Series:
    """The refused rows as the source has them; bytes that are not UTF-8 become escapes, too large a row is lost."""
    spans = [(run.lines[at], row.last_line) for at, row in run.refused.items()]
    texts = [None if first in lines.dropped else lines.raw(first, last) for first, last in spans]
    return pl.Series("text", texts, dtype=RECORDS["text"])


def texts_of(cells: list[str], header: Header) -> pl.Series:
    """The JSON text of each row; `cells` has the rows one after the other, each as long as the header."""
    table = _table(pl.Series("cells", cells, dtype=pl.String), header)
    if header.resubmitted:
        table = table.with_columns(pl.all().str.replace(GUARD, "$1"))
    must_escape = table.select(pl.all().str.contains(MUST_ESCAPE).any()).row(0)
    members = (
        pl.when(pl.col(str(position)) != "").then(
            encode_member(name, encode_string(pl.col(str(position)), escape=escape))
        )
        for (position, name), escape in zip(header.used, must_escape, strict=True)
    )
    return table.select(encode_object(members).alias("text")).to_series()


def _table(cells: pl.Series, header: Header) -> pl.DataFrame:
    """The used columns, by their positions: their names are the file's and could be taken for patterns."""
    width = len(header.columns)
    return pl.DataFrame({str(position): cells.gather_every(width, offset=position) for position, _ in header.used})

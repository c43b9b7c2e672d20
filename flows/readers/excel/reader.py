"""Read a sheet of a workbook into batches of records: texts of cells that another process has decoded."""

import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import cast

import polars as pl
import pyarrow as pa

from flows.readers.check_records import add_record_numbers, make_errors
from flows.readers.csv.reader import open_cells, read_table, write_texts
from flows.readers.decoder.parent import Decoder, Kind, decoding
from flows.readers.header import Header, find_header, resolve_columns
from flows.readers.json.strict import Refusal
from flows.readers.limits import ReadLimits
from flows.readers.reading import Batch, Reading, with_profile
from flows.readers.sources import Source
from schemas.codes import ErrorCode, Severity
from schemas.faults import FileFault
from schemas.fields import FIELD_NAMES
from schemas.frames import ERRORS, RECORDS, Layout
from schemas.mapping.signs import Sample

_MOST_ABOVE = 100  # rows in which the header is looked for
_PROBLEM_CODE = ErrorCode.INVALID_TYPE


def _needs_memory(source: Source, limits: ReadLimits) -> FileFault:
    message = f"{source.name} needs more than {limits.workbook_bytes:,} bytes of memory to be read"
    hint = "save the sheet as CSV in UTF-8, split it, or, if you trust the file, raise IMPORT_WORKBOOK_BYTES"
    return FileFault(ErrorCode.FILE_UNREADABLE, message, hint)


WORKBOOK = Kind("a workbook", "flows.readers.excel.decoder_process", _needs_memory)


@dataclass(frozen=True)
class _Rows:
    """Rows of a sheet that are not blank: `line`, the number in the sheet, `problems`, and cells named by position."""

    frame: pl.DataFrame
    positions: dict[int, int]  # by number of the column in the sheet

    @property
    def cells(self) -> list[str]:
        return [str(position) for position in range(len(self.positions))]


def read_workbook(reading: Reading) -> Iterator[Batch]:
    """Yield the batches of a sheet; the line of a record is the number of its row.

    Raise `FileFault` if the workbook is malformed or exceeds a limit, or its sheet is missing or has no known column.
    """
    if importlib.util.find_spec("fastexcel") is None:
        message = f"{reading.source.name} is a workbook, and what reads workbooks is not installed"
        raise FileFault(ErrorCode.FILE_FORMAT, message, "install it: `pip install 'user-import[excel]'`")
    source, record = reading.source, reading.first_record
    with decoding(source, WORKBOOK, reading.sheet, limits=reading.limits, waiting=reading.waiting) as decoder:
        batches = _read_rows(decoder, reading)
        done, first = next(((done, rows) for done, rows in batches if rows.frame.height), (0, None))
        if first is None:
            raise FileFault(ErrorCode.FILE_EMPTY, f"{source.name} has no rows in its sheet", "export the users again")
        reading = with_profile(reading, partial(_sample, first))
        header, width, rest = _read_header(first, reading)
        for row, rows in chain([(done, rest)], batches):
            if rows.frame.height:
                position = source.size * row // max(decoder.rows, 1)
                yield _make_batch(rows, header, width=width, record=record, position=position, reading=reading)
                record += rows.frame.height


def _read_rows(decoder: Decoder, reading: Reading) -> Iterator[tuple[int, _Rows]]:
    """Yield the number of rows read so far and those of the last that are not blank; count the others."""
    numbers = [int(name) for name in decoder.columns if name != "problems"]
    if len(numbers) > reading.limits.keys:
        message = f"{reading.source.name} has more than {reading.limits.keys:,} columns"
        raise FileFault(ErrorCode.FILE_FORMAT, message, "check that it is a table of users with a header")
    positions = {number: position for position, number in enumerate(numbers)}
    done = 0
    for batch in decoder.batches():
        frame = cast("pl.DataFrame", pl.from_arrow(pa.Table.from_batches([batch])))
        frame.columns = [*map(str, positions.values()), "problems"]
        rows = frame.with_row_index("line", offset=done + 1).with_columns(pl.col("line").cast(pl.Int64))
        cells = pl.col(*(str(position) for position in positions.values())) if positions else pl.lit("")
        filled = rows.filter(pl.any_horizontal(cells.str.strip_chars() != "", pl.col("problems").is_not_null()))
        done += frame.height
        reading.skipped.blank_lines += frame.height - filled.height
        yield done, _Rows(filled.with_columns(cells.fill_null("")) if positions else filled, positions)


def _sample(rows: _Rows) -> Sample:
    """Return the first rows of the sheet as a sample, from the first that may be a header on."""
    cells = rows.frame.head(_MOST_ABOVE).select(rows.cells).rows()
    place = find_header([",".join(row) for row in cells], has_any_names=True)
    names = tuple(name.strip() for name in cells[place])
    records = [dict(zip(names, row, strict=True)) for row in cells[place + 1 :]]
    return Sample("excel", {"": records}, columns=tuple(filter(None, names)), rows=cells[place:])


def _read_header(rows: _Rows, reading: Reading) -> tuple[Header, int, _Rows]:
    """Return the columns, their number, and the rows below the header."""
    above = rows.frame.head(_MOST_ABOVE)
    quoted = (_quote(name) for name in rows.cells)
    lines = above.select(pl.concat_str(*quoted, separator=",")).to_series().to_list()
    place = find_header(lines, has_any_names=reading.profile.mapping is not None)
    names = list(above.select(rows.cells).row(place))
    width = max((position + 1 for position, name in enumerate(names) if name.strip()), default=0)
    header = resolve_columns(
        names[:width],
        profile=reading.profile,
        name=reading.source.name,
        ignores_unknown=reading.ignores_unknown,
    )
    if place:
        reading.skipped.above_header = range(above["line"][0], above["line"][place])
    return header, width, _Rows(rows.frame.slice(place + 1), rows.positions)


def _make_batch(rows: _Rows, header: Header, *, width: int, record: int, position: int, reading: Reading) -> Batch:
    """Return the rows as records; one that does not fit the header, or has a cell that cannot be read, is refused."""
    limits, layout = reading.limits, Layout(textual=True, columns=header.columns)
    numbered = add_record_numbers(rows.frame, first=record)
    misfits = _find_misfits(numbered, rows.cells, width=width, limits=limits)
    others = header.others
    names = {str(place): f"other {place}" if name in others.values() else name for place, name in header.used}
    fitting = numbered.join(misfits, on="record", how="anti", maintain_order="left")
    opened = open_cells(fitting.select(map(str, range(width))), header).rename(names)
    all_cells = fitting.select("record", "line").hstack(opened)
    problems = _find_problems(fitting, header, rows.positions, reading)
    cells = all_cells.join(problems, on="record", how="anti", maintain_order="left")
    unreadable = write_texts(all_cells, header, names, problems["record"].unique())
    misfit_errors = make_errors(
        misfits, [Refusal(ErrorCode[code], message) for code, message in misfits.select("code", "message").rows()]
    )
    values, not_users = read_table(cells, header, names, reading=reading)
    return Batch(
        seen=numbered.height,
        position=position,
        others=not_users,
        values=values,
        write_texts=partial(write_texts, cells, header, names),
        text_bytes=int(cells.select(pl.sum_horizontal(pl.col(*names.values()).str.len_bytes().sum())).item()),
        refused=pl.concat([misfits.select(RECORDS.names()), unreadable]).sort("record"),
        errors=pl.concat([misfit_errors, problems]).sort("record"),
        layout=layout,
        profile=reading.profile,
    )


def _find_misfits(rows: pl.DataFrame, cells: list[str], *, width: int, limits: ReadLimits) -> pl.DataFrame:
    """Return the records with cells beyond the header or over the limit: RECORDS, with the text as CSV, and reasons."""
    beyond = [pl.when(pl.col(name).str.strip_chars() != "").then(int(name) + 1) for name in cells[width:]]
    found = pl.max_horizontal(*beyond) if beyond else pl.lit(None, pl.Int32)
    is_large = pl.any_horizontal(pl.col(*cells).str.len_chars() > limits.value_bytes)
    too_long = pl.format(f"has {{}} cells, but the header has {width:,}", found)
    too_large = f"has a cell of more than {limits.value_bytes:,} characters, which is the maximum"
    text = pl.concat_str(*(_quote(name) for name in cells), separator=",")
    return rows.filter(is_large | found.is_not_null()).select(
        "record",
        "line",
        text=pl.when(~is_large).then(text),
        code=pl.when(is_large).then(pl.lit(ErrorCode.TOO_LARGE.value)).otherwise(pl.lit(ErrorCode.ROW_TOO_LONG.value)),
        message=pl.when(is_large).then(pl.lit(too_large)).otherwise(too_long),
    )


def _find_problems(rows: pl.DataFrame, header: Header, positions: dict[int, int], reading: Reading) -> pl.DataFrame:
    """Return ERRORS for cells that cannot be read, unless they are in a column that is ignored or no text."""
    named = {number: name for number, place in positions.items() for at, name in header.used if at == place}
    known = {number: name for number, name in named.items() if name in FIELD_NAMES or not reading.ignores_unknown}
    problems = rows.select("record", "line", "problems").drop_nulls("problems").explode("problems").unnest("problems")
    path = pl.col("column").replace_strict(known, default=None, return_dtype=pl.String)
    return (
        problems.with_columns(path=path)
        .drop_nulls("path")
        .select(
            "record",
            "line",
            pl.lit(None, ERRORS["key"]).alias("key"),
            pl.lit(_PROBLEM_CODE.value, ERRORS["code"]).alias("code"),
            "path",
            "message",
            pl.lit(Severity.ERROR.value, ERRORS["severity"]).alias("severity"),
        )
    )


def _quote(name: str) -> pl.Expr:
    return pl.format('"{}"', pl.col(name).str.replace_all('"', '""', literal=True))

"""Decode one sheet of a workbook into columns of texts, in a process of `flows.readers.decoder`.

Each batch has a column for each column of the sheet that is not empty, named by its number, and `problems`: what is
wrong with single cells. The whole sheet is in the memory of this process, which `IMPORT_WORKBOOK_BYTES` limits.
"""

from functools import partial
from io import BufferedWriter, FileIO
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError
from xml.parsers.expat import ExpatError

import fastexcel
import pyarrow as pa

from flows.readers.decoder.child import run_decoder, split_batch
from flows.readers.excel import ods_cells, xlsx_cells
from flows.readers.excel.container import FAULTS, check_growth, open_zip
from flows.readers.excel.suspects import Suspects
from flows.readers.limits import ReadLimits
from flows.readers.sources import Source, open_source, printable
from schemas.codes import ErrorCode
from schemas.faults import FileFault

PROBLEMS = pa.list_(pa.struct([("column", pa.int32()), ("message", pa.string())]))
_TIME_OF_DAY = r"^(?:1899-12-3[01]|1904-01-01) (\d\d:\d\d:\d\d(?:\.\d+)?)$"  # a date that stands for none
_MIDNIGHT, _DATE_AND_TIME = r"^(\d{4}-\d\d-\d\d) 00:00:00$", r"^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?)$"


def main(name: str, path: str, size: int, limits: dict[str, int], sheet: str) -> None:
    """Write the batches of the sheet to standard output, or what refuses it to standard error."""
    write = partial(_write_sheet, Source(name, Path(path), size), ReadLimits(**limits), sheet)
    run_decoder(write, most_memory=limits["workbook_bytes"])


def _write_sheet(source: Source, limits: ReadLimits, sheet: str, output: "BufferedWriter[FileIO]") -> None:
    columns, records, suspects = _read(source, limits, sheet)
    names = [*map(str, columns), "problems"]
    schema = pa.schema([*((name, pa.string()) for name in names[:-1]), ("problems", PROBLEMS)])
    cells = [_correct(array, column, suspects) for array, column in zip(records.columns, columns, strict=True)]
    rows = records.num_rows
    with pa.ipc.new_stream(output, schema.with_metadata({"rows": str(rows)})) as stream:
        for start in range(0, rows, limits.batch_rows):
            parts = [array.slice(start, limits.batch_rows) for array in cells]
            count = min(limits.batch_rows, rows - start)
            problems = _list_problems(suspects, range(start, start + count))
            for part in split_batch(pa.record_batch([*parts, problems], schema=schema), limits=limits):
                stream.write_batch(part)


def _read(source: Source, limits: ReadLimits, sheet: str) -> tuple[list[int], pa.RecordBatch, Suspects]:
    """Return the numbers of the columns, the cells from the first row on, and the suspects among them."""
    try:
        with open_source(source) as file, open_zip(file) as archive:
            check_growth(source, archive, limits=limits)
            is_xlsx = "xl/workbook.xml" in archive.namelist()
            sheets = xlsx_cells.list_sheets(archive) if is_xlsx else []
            file.seek(0)
            workbook = fastexcel.read_excel(file.read())
            names = [found.name for found in sheets] or workbook.sheet_names
            shown = [found.name for found in sheets if found.is_visible] or names
            chosen = _choose(source, sheet, names=names, first=shown[0] if shown else "")
            loaded = workbook.load_sheet(chosen, header_row=None, skip_rows=0, dtypes="string")
            columns = [column.absolute_index for column in loaded.available_columns()]
            if is_xlsx:
                part = next(found.part for found in sheets if found.name == chosen)
                suspects = xlsx_cells.find_suspects(archive, part, name=source.name)
            else:
                suspects = ods_cells.find_suspects(archive, names.index(chosen))
            return columns, loaded.to_arrow(), suspects
    except MemoryError:
        raise
    except (fastexcel.FastExcelError, ParseError, ExpatError, KeyError, *FAULTS) as error:
        reason = printable(str(error).split("\n")[0][:200])
        message = f"{source.name} cannot be read as a workbook: {reason}"
        raise FileFault(ErrorCode.FILE_SYNTAX, message, "save or copy the file again") from error


def _choose(source: Source, sheet: str, *, names: list[str], first: str) -> str:
    """Return the name of the sheet to read."""
    if not sheet and first:
        return first
    if sheet in names:
        return sheet
    shown = ", ".join(map(printable, names)) or "none"
    what = f"has no sheet {printable(sheet)!r}" if sheet else "has no sheets"
    raise FileFault(ErrorCode.FILE_FORMAT, f"{source.name} {what}; its sheets are: {shown}", "name one with --sheet")


def _correct(array: "pa.Array[Any]", column: int, suspects: Suspects) -> "pa.Array[Any]":
    """Return the texts of a column with dates and times in ISO 8601, and numbers as they are shown."""
    rows, texts = suspects.dates.get(column), suspects.texts.get(column)
    if not rows and not texts:
        return array
    import pyarrow.compute as pc  # noqa: PLC0415 - takes time, and few sheets need it

    if rows:
        dated: Any = array
        for pattern, replacement in ((_TIME_OF_DAY, r"\1"), (_MIDNIGHT, r"\1"), (_DATE_AND_TIME, r"\1T\2")):
            dated = pc.replace_substring_regex(dated, pattern, replacement)
        array = pc.if_else(_mask(rows, len(array)), dated, array)
    if texts:
        known = sorted(row for row in texts if row < len(array))
        replacements = pa.array([texts[row] for row in known], pa.string())
        array = pc.replace_with_mask(array, _mask(known, len(array)), replacements)
    return array


def _mask(rows: list[int], length: int) -> "pa.BooleanArray":
    """Return which of so many values are in these rows."""
    import pyarrow.compute as pc  # noqa: PLC0415

    marks = bytearray(length)
    for row in rows:
        if row < length:
            marks[row] = 1
    numbers = pa.Array.from_buffers(pa.uint8(), length, [None, pa.py_buffer(bytes(marks))])
    return pc.equal(numbers, pa.scalar(1, pa.uint8()))


def _list_problems(suspects: Suspects, rows: range) -> "pa.Array[Any]":
    """Return what is wrong with the cells of each row."""
    if not suspects.problems:
        return pa.nulls(len(rows), PROBLEMS)
    found = (suspects.problems.get(row) for row in rows)
    return pa.array([*found], PROBLEMS)  # a pair is a value of two fields

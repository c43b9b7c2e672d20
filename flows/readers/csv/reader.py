"""Read CSV into batches: open the table, read its header, and write the cells of each row as JSON."""

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, dropwhile
from typing import TYPE_CHECKING

import polars as pl

from flows.readers.check_records import add_record_numbers, make_errors
from flows.readers.csv.line_buffer import LineBuffer, RowTooLongError
from flows.readers.csv.quotes import QuoteReader
from flows.readers.csv.rows_with_lines import (
    NO_SEPARATOR,
    NOT_DECODED,
    ChunkReader,
    RowChunk,
    Table,
    is_blank,
    open_quote,
)
from flows.readers.encodings import UTF8, EncodingFault, guess_encoding
from flows.readers.header import (
    DIRECTIVE,
    GUARD,
    Header,
    find_header,
    find_separator,
    is_above_header,
    resolve_columns,
)
from flows.readers.mapping.batches import read_mapped
from flows.readers.reading import Batch, Reading
from flows.readers.sources import Source
from flows.readers.stream import open_stream
from schemas.codes import ErrorCode
from schemas.faults import FileFault
from schemas.frames import RECORDS, Layout
from transforms.fields.cells import read_cells
from transforms.fields.columns import NESTED, open_texts
from transforms.fields.values import FieldValues
from transforms.json.encoding import encode_member, encode_object, encode_string

if TYPE_CHECKING:  # which loads Pydantic
    from schemas.mapping.language import Mapping as MappingFile


def read_csv(reading: Reading) -> Iterator[Batch]:
    """Yield the batches of a CSV source; raise `FileFault` if no header has a known column or a quote is not closed."""
    csv.field_size_limit(reading.limits.value_bytes)
    with open_stream(reading.source, limits=reading.limits) as stream:
        lines = LineBuffer(stream, limits=reading.limits)
        table = _open_table(lines, reading)
        header = _read_header(table, lines, reading)
        layout = Layout(textual=True, columns=header.columns)
        record = reading.first_record
        chunks = ChunkReader(table, header, lines=lines, reading=reading)
        for chunk in chunks.read_chunks():
            yield _make_batch(chunk, header, lines=lines, record=record, layout=layout, reading=reading)
            record += len(chunk.lines)


def _open_table(lines: LineBuffer, reading: Reading) -> Table:
    """Return the rows from the header on, in which the separator is found unless a directive above it says it."""
    blocks = iter(lines)
    block, blank, before, separator = list[str](), 0, 0, None
    for found in blocks:
        content = [*dropwhile(str.isspace, chain(block, found))]
        blank, block = blank + len(block) + len(found) - len(content), content
        if not all(map(is_above_header, block)) or sum(map(len, block)) > reading.limits.record_bytes // 4:
            break
        lines.forget(blank + 1)
    if block and (directive := DIRECTIVE.fullmatch(block[0])):
        separator, block, before = directive[1], block[1:], 1
    above = find_header(block, has_any_names=reading.profile.mapping is not None)
    block, skipped = block[above:], blank + before + above
    reading.skipped.blank_lines += blank
    reading.skipped.above_header = range(skipped - above + 1, skipped + 1)
    separator = separator or find_separator(block[0] if block else "", reading.profile)
    if (mapping := reading.profile.mapping) is not None and mapping.header:
        names = _name_columns(mapping, block[0] if block else "", separator)
        block, skipped = [f"{separator.join(names)}\n", *block], skipped - 1  # in place of the header it lacks
    quotes = QuoteReader(separator, first_line=skipped + 1)
    feed = chain.from_iterable(map(quotes.read, chain([block], blocks)))
    return Table(
        name=reading.source.name,
        rows=csv.reader(feed, delimiter=separator, strict=True),
        separator=separator,
        quotes=quotes,
        lines_before=skipped,
    )


def _name_columns(mapping: "MappingFile", first: str, separator: str) -> Sequence[str]:
    """Return the columns of a table without a header, only the first ones where its system writes fewer as well."""
    width = len(next(csv.reader([first], delimiter=separator), []))
    return mapping.header[:width] if width in {signs.columns for signs in mapping.recognise} else mapping.header


def _read_header(table: Table, lines: LineBuffer, reading: Reading) -> Header:
    line = table.lines_before + 1
    cells: list[str] = []
    try:
        for cells in table.rows:
            if not is_blank(cells) or table.last_line in table.quotes.malformed:
                break
            line = table.last_line + 1
            lines.forget(line)
            reading.skipped.blank_lines += 1
    except (csv.Error, RowTooLongError):
        raise open_quote(table.name, line) from None
    if lines.dropped or len(cells) > reading.limits.keys:
        message = f"{table.name} has a first row that is too large to be a header"
        raise FileFault(ErrorCode.FILE_FORMAT, message, "check that it is a table of users with a header")
    if table.last_line in table.quotes.malformed:
        message = f"{table.name} has a header that cannot be read: line {table.last_line} {NO_SEPARATOR.message}"
        raise FileFault(ErrorCode.FILE_SYNTAX, message, "correct this line")
    if is_blank(cells):
        raise FileFault(ErrorCode.FILE_EMPTY, f"{table.name} has no rows", "export the users again")
    if NOT_DECODED.search("".join(cells)):
        raise _not_decoded(reading.source, "".join(cells))
    return resolve_columns(cells, profile=reading.profile, name=table.name, ignores_unknown=reading.ignores_unknown)


def _not_decoded(source: Source, header: str) -> FileFault:
    """Return the fault of a header in another encoding than the source's."""
    guess = guess_encoding(header.encode("utf-8", "surrogateescape"))
    what = f"has a header that is not {source.encoding.upper()}"
    if guess and source.encoding == UTF8:
        return EncodingFault(source.name, f"{what}; it looks like Windows-1252", guess)
    hint = "save it as UTF-8, which spreadsheets call CSV UTF-8, or state its encoding with --encoding"
    return FileFault(ErrorCode.FILE_FORMAT, f"{source.name} {what}; it is in another encoding", hint)


def _make_batch(
    chunk: RowChunk, header: Header, *, lines: LineBuffer, record: int, layout: Layout, reading: Reading
) -> Batch:
    numbered = add_record_numbers(pl.DataFrame({"line": chunk.lines}, schema={"line": pl.Int64}), first=record)
    is_refused = (pl.col("record") - record).is_in(list(chunk.refused))
    refused = numbered.filter(is_refused)
    others = header.others
    names = {str(position): f"other {position}" if name in others.values() else name for position, name in header.used}
    cells = numbered.filter(~is_refused).hstack(open_cells(chunk.cells, header).rename(names))
    values, not_users = read_table(cells, header, names, reading=reading)
    return Batch(
        seen=len(chunk.lines),
        position=lines.position_after(chunk.lines[-1]),
        others=not_users,
        values=values,
        write_texts=partial(write_texts, cells, header, names),
        text_bytes=int(cells.select(pl.sum_horizontal(pl.col(*names.values()).str.len_bytes().sum())).item()),
        refused=refused.with_columns(_raw_texts(chunk, lines)),
        errors=make_errors(refused, [refusal for refusal, _ in chunk.refused.values()]),
        layout=layout,
    )


def _raw_texts(chunk: RowChunk, lines: LineBuffer) -> pl.Series:
    """Return the refused rows as written; bytes that are not UTF-8 become escapes, an oversized row becomes null."""
    spans = [(chunk.lines[position], last_line) for position, (_, last_line) in chunk.refused.items()]
    texts = [None if first in lines.dropped else lines.raw_text(first, last) for first, last in spans]
    return pl.Series("text", texts, dtype=RECORDS["text"])


def read_table(
    cells: pl.DataFrame, header: Header, names: Mapping[str, str], *, reading: Reading
) -> tuple[FieldValues, int]:
    """Return the fields of rows, and how many of the rows are not users."""
    if header.mapping is None:
        return read_cells(cells, others=header.others, profile=reading.profile, engine=reading.engine), 0
    texts = write_texts(cells, header, names, cells["record"])
    if header.resubmitted:  # of a file that is not a table: what was inside another value is JSON in a cell
        opened = (open_texts(cells[name], NESTED, engine=reading.engine) for name in names.values())
        texts = write_texts(cells.with_columns(opened), header, names, cells["record"], as_json=lambda cell: cell)
    return read_mapped(texts, header.mapping, reading=reading)


def open_cells(cells: pl.DataFrame, header: Header) -> pl.DataFrame:
    """Return the columns that are part of the records, named by position, as they were before they were written."""
    table = cells.select(str(position) for position, _ in header.used)
    if header.resubmitted:
        table = table.with_columns(pl.all().str.replace(GUARD, "$1"))
    return table


def write_texts(
    cells: pl.DataFrame,
    header: Header,
    names: Mapping[str, str],
    numbers: pl.Series,
    *,
    as_json: Callable[[pl.Expr], pl.Expr] = encode_string,
) -> pl.DataFrame:
    """Return the records of these numbers as JSON."""
    rows = cells.filter(pl.col("record").is_in(numbers.implode()))
    members = (
        pl.when(_is_filled(pl.col(names[str(position)]), is_nameless=position in header.nameless)).then(
            encode_member(name, as_json(pl.col(names[str(position)])))
        )
        for position, name in header.used
    )
    return rows.select("record", "line", encode_object(members).alias("text"))


def _is_filled(cell: pl.Expr, *, is_nameless: bool) -> pl.Expr:
    """Return whether a cell has text, which in a column without a name is more than white space."""
    return (cell.str.strip_chars() if is_nameless else cell) != ""

"""Print the result of a command: as one JSON document, a table on a terminal, or tab-separated lines in a pipe.

`rich` is imported only when a table is printed: most commands never need it.
"""

import codecs
import io
import json
import os
import shutil
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer

ESCAPES = "json-escapes"
TABLE_CHARACTERS = 80  # of a terminal, at least: tables are unreadable in fewer


def escape_bytes(text: str) -> str:
    """Return the text with what is no Unicode as escapes: the bytes of an argument that are not UTF-8."""
    return text.encode("utf-8", ESCAPES).decode()


def _escape(error: UnicodeError) -> tuple[str, int]:
    """Return what cannot be encoded as JSON writes it, which cannot read the `\\xe9` of `backslashreplace`."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    units = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2)), error.end


codecs.register_error(ESCAPES, _escape)


class Output(io.FileIO):
    """A stream that remembers why it could not be written and goes on: a full disk does not end a job."""

    error: OSError | None = None

    def write(self, data: "Buffer", /) -> int:
        """Write the bytes, or remember why not; a pipe that its reader closed still raises `BrokenPipeError`."""
        try:
            return super().write(data)
        except BrokenPipeError:
            raise
        except OSError as error:
            self.error = error
            return memoryview(data).nbytes


def prepare_streams() -> None:
    """Make every text printable whatever the locale, and open what the caller closed: no file may take its place."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        stream = getattr(sys, name)
        if stream is None:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
        if number:
            encoding = "utf-8" if stream is None else stream.encoding
            raw = Output(os.devnull if stream is None else number, "w", closefd=stream is None)
            lines = number == 2 or raw.isatty()
            opened = io.TextIOWrapper(io.BufferedWriter(raw), encoding, ESCAPES, line_buffering=lines)
            setattr(sys, name, opened)


def warn_of_lost_output() -> bool:
    """Return whether stdout could not be written, such as on a full disk, and say so on stderr."""
    sys.stdout.flush()
    output = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    if not isinstance(output, Output) or output.error is None:
        return False
    reason = (output.error.strerror or type(output.error).__name__).lower()
    sys.stderr.write(f"the output cannot be written: {reason}\n")
    output.error = None
    return True


@contextmanager
def ignore_closed_pipe() -> Iterator[None]:
    """Discard further output in the block when the reader closes the pipe, as `head` does."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def print_json(document: object) -> None:
    """Print one JSON document on a line of its own."""
    sys.stdout.write(escape_bytes(json.dumps(document, ensure_ascii=False)) + "\n")


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table on a wide terminal, else tab-separated lines."""
    if not sys.stdout.isatty() or shutil.get_terminal_size().columns < TABLE_CHARACTERS:
        sys.stdout.writelines("\t".join(row) + "\n" for row in (columns, *rows))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table()
    for number, column in enumerate(columns):
        table.add_column(column, overflow="fold", no_wrap=number == 0)  # the first is an id to copy
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console().print(table)


def format_cell(value: object) -> str:
    """Return a value as the text of one cell, without tabs and line breaks."""
    return "" if value is None else str(value).replace("\t", " ").replace("\n", " ")


def confirm(question: str) -> bool:
    """Ask a question on the terminal and return whether the answer is yes."""
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    signal.siginterrupt(signal.SIGINT, True)  # Polars has Ctrl-C restart the call that waits
    return sys.stdin.readline().strip().lower() in ("y", "yes")

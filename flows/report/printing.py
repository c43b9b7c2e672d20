"""Print the result of a command: as one JSON document, a table on a terminal, or tab-separated lines in a pipe.

`rich` is imported only when a table is printed: most commands never need it.
"""

import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager


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
    sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table on a terminal, tab-separated lines in a pipe."""
    if not sys.stdout.isatty():
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

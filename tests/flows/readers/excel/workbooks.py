"""Write workbooks as spreadsheet programs do, for the tests of their reader."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from html import escape

import xlsxwriter

Cell = object


def write_xlsx(
    *rows: Sequence[Cell],
    formats: Mapping[int, str] = {},
    sheets: Mapping[str, Sequence[Sequence[Cell]]] = {},
    hidden: Sequence[str] = (),
    first: str = "Users",
) -> bytes:
    """Return a workbook with the rows in its first sheet; `formats` are number formats by column."""
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True, "default_date_format": "yyyy-mm-dd hh:mm:ss"}) as book:
        styles = {column: book.add_format({"num_format": code}) for column, code in formats.items()}
        for name, content in {first: rows, **sheets}.items():
            sheet = book.add_worksheet(name)
            if name in hidden:
                sheet.hide()
            else:
                sheet.activate()  # the active sheet cannot be hidden
            for number, row in enumerate(content):
                for column, cell in enumerate(row):
                    if cell is not None:
                        style = styles.get(column) if number else None
                        sheet.write(number, column, cell, *([style] if style else []))
    return file.getvalue()


def write_ods(*rows: str, manifest: str = "<manifest/>") -> bytes:
    """Return an OpenDocument spreadsheet; a row is the XML of its cells."""
    urn = "urn:oasis:names:tc:opendocument:xmlns"
    names = " ".join(f'xmlns:{name}="{urn}:{name}:1.0"' for name in ("office", "table", "text"))
    body = "".join(
        row if row.startswith("<table:table-row") else f"<table:table-row>{row}</table:table-row>" for row in rows
    )
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {names} office:version="1.2"><office:body>'
        f'<office:spreadsheet><table:table table:name="Users">{body}</table:table></office:spreadsheet></office:body>'
        "</office:document-content>"
    )
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", content)
        archive.writestr("META-INF/manifest.xml", manifest)
    return file.getvalue()


def ods_text(text: str) -> str:
    """Return a cell of text."""
    return f'<table:table-cell office:value-type="string"><text:p>{escape(text)}</text:p></table:table-cell>'


def ods_number(value: str, shown: str) -> str:
    """Return a cell of a number that is shown in some form."""
    kind = f'office:value-type="float" office:value="{value}"'
    return f"<table:table-cell {kind}><text:p>{shown}</text:p></table:table-cell>"

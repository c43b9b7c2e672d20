"""Find the suspect cells of a sheet of an .xlsx file: a regular expression passes over all others."""

import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from flows.readers.excel.container import read_member
from flows.readers.excel.suspects import (
    BUILT_IN_DATES,
    BUILT_IN_DURATIONS,
    BUILT_IN_TIMES,
    NumberFormat,
    Suspects,
    column_of,
    parse_format,
)
from flows.readers.limits import MIB
from schemas.codes import ErrorCode
from schemas.faults import FileFault

_MOST_XML = 64 * MIB  # of a part other than a sheet
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_PLACE = re.compile(rb'\br="([A-Z]{1,3})([0-9]{1,7})"')
_ATTRIBUTE = rb'\b%s="([^"]*)"'
_TYPE, _STYLE = re.compile(_ATTRIBUTE % b"t"), re.compile(_ATTRIBUTE % b"s")


@dataclass(frozen=True)
class Sheet:
    """A sheet of a workbook: its name, the file that it is in, and whether it is shown."""

    name: str
    part: str
    is_visible: bool


def list_sheets(archive: zipfile.ZipFile) -> list[Sheet]:
    """Return the sheets that have cells, in their order."""
    parts = {relation.get("Id"): relation for relation in _parse(archive, "xl/_rels/workbook.xml.rels")}
    sheets = []
    for element in _parse(archive, "xl/workbook.xml").iter():
        relation = parts.get(element.get(_RELATION)) if _local(element) == "sheet" else None
        if relation is not None and str(relation.get("Type")).endswith("/worksheet"):
            target = str(relation.get("Target"))
            part = target[1:] if target.startswith("/") else f"xl/{target}"
            sheets.append(Sheet(str(element.get("name")), part, element.get("state", "visible") == "visible"))
    return sheets


def find_suspects(archive: zipfile.ZipFile, part: str, *, name: str) -> Suspects:
    """Return the suspect cells of a sheet."""
    formats = {number: kind for number, kind in enumerate(_read_formats(archive)) if kind.is_suspect}
    suspects = Suspects()
    for attributes, has_formula, value in _find_cells(archive, part, formats):
        place = _PLACE.search(attributes)
        if place is None:
            message = f"{name} has cells that do not say where they are"
            raise FileFault(ErrorCode.FILE_FORMAT, message, "save it again with a spreadsheet program")
        column, row = column_of(place[1].decode()), int(place[2]) - 1
        style, kind = _STYLE.search(attributes), _TYPE.search(attributes)
        _add(
            suspects,
            (row, column),
            kind=kind[1].decode() if kind else "n",
            format=formats.get(int(style[1]) if style else -1, NumberFormat()),
            value=value,
            has_formula=has_formula,
        )
    return suspects


def _add(
    suspects: Suspects,
    place: tuple[int, int],
    *,
    kind: str,
    format: NumberFormat,  # noqa: A002 - its name in workbooks
    value: str | None,
    has_formula: bool,
) -> None:
    if kind == "e":
        suspects.add_problem(*place, f"is the error {value} of a formula; correct it in the workbook")
    elif not value:
        if has_formula and kind not in ("str", "inlineStr"):
            message = "is a formula without a saved value; open the workbook in a spreadsheet program and save it"
            suspects.add_problem(*place, message)
    elif kind == "n" and format.is_duration:
        suspects.add_problem(*place, "is a duration, which is not a text; format the column as text")
    elif kind == "n" and format.is_date:
        suspects.add_date(*place)
    elif kind == "n":
        width = format.zeros if format.zeros > 1 else None
        suspects.add_number(*place, value=value, width=width, is_reshaped=format.is_reshaped)


def _find_cells(
    archive: zipfile.ZipFile, part: str, formats: Mapping[int, NumberFormat]
) -> Iterator[tuple[bytes, bool, str | None]]:
    """Yield, for each cell that may be suspect, its attributes, whether it has a formula, and its value."""
    with archive.open(part) as file:
        text = file.read(MIB)
        prefix = re.search(rb"<(\w+:)?worksheet\b", text)
        mark = b"<" + ((prefix and prefix[1]) or b"")
        pattern, start = _compile(mark, formats), mark + b"c "
        while text:
            chunk = file.read(MIB)
            end = text.rfind(start) if chunk else len(text)
            for cell in pattern.finditer(text, 0, max(end, 0)):
                yield cell[1], cell[2] is not None, None if cell[3] is None else cell[3].decode()
            text = text[max(end, 0) :] + chunk if chunk else b""


def _compile(mark: bytes, formats: Mapping[int, NumberFormat]) -> re.Pattern[bytes]:
    """Return the pattern of a suspect cell; no part of it goes beyond the next tag, so that it takes linear time."""
    styles = b"|".join(b"%d" % number for number in formats) or b"none"
    close = mark.replace(b"<", b"</")
    formula = b"(?:%sf\\b[^<>]*/>|%sf\\b[^<>]*>[^<]*%sf>)" % (mark, mark, close)
    value = mark + rb"v\b[^<>]*>"
    suspect = b"|".join(
        (
            rb'[^<>]*\bs="(?:%s)"' % styles,
            rb'[^<>]*\bt="e"',
            rb"[^<>]*>%s?%s[-+.0-9]+(?:(?<=[-+.0-9]{16})|[eE])" % (formula, value),
            rb"[^<>]*>%s(?:%sv\s*/>|%sv>%sv>|%sc>)" % (formula, mark, mark, close, close),
        )
    )
    return re.compile(rb"%sc\s(?=%s)([^<>]*)>(%s)?(?:%s([^<]*)%sv>)?" % (mark, suspect, formula, value, close))


def _read_formats(archive: zipfile.ZipFile) -> Iterator[NumberFormat]:
    """Yield the number format of each style of cells."""
    if "xl/styles.xml" not in archive.namelist():
        return
    root = _parse(archive, "xl/styles.xml")
    custom = {int(f.get("numFmtId", -1)): f.get("formatCode", "") for f in root.iter() if _local(f) == "numFmt"}
    for styles in (element for element in root if _local(element) == "cellXfs"):
        for style in styles:
            number = int(style.get("numFmtId", 0))
            if number in custom:
                yield parse_format(custom[number])
            else:
                yield NumberFormat(
                    is_date=number in (*BUILT_IN_DATES, *BUILT_IN_TIMES), is_duration=number in BUILT_IN_DURATIONS
                )


def _parse(archive: zipfile.ZipFile, name: str) -> ET.Element:
    """Return the root of a part; raise `ValueError` if it declares entities, which no workbook does."""
    text = read_member(archive, name, most=_MOST_XML)
    if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
        raise ValueError(f"{name} has a document type declaration")
    return ET.fromstring(text)  # noqa: S314 - without declarations there are no entities to expand


def _local(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]

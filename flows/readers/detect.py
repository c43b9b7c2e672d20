"""Detect the format of a source by its content, or by its name where the content allows several.

A contradiction of what was asked for, or of a name that JSON and CSV do not share, refuses the source.
"""

import re
from collections.abc import Mapping
from dataclasses import replace

from flows.readers.compression import COMPRESSIONS, SIGNATURES, compression_from_name, compression_of
from flows.readers.encodings import BOM, UTF8, EncodingFault, recognise_encoding
from flows.readers.excel.container import (
    OLE_SIGNATURE,
    TOO_MANY_FILES,
    WORKBOOK,
    ZIP_SIGNATURE,
    describe_ole,
    describe_zip,
)
from flows.readers.header import find_header, has_known_column
from flows.readers.json.strict import SPACE, is_json
from flows.readers.limits import ReadLimits
from flows.readers.sources import STDIN_NAME, Source, format_from_name, open_source
from flows.readers.stream import open_stream
from schemas.codes import ErrorCode
from schemas.faults import FileFault
from schemas.profiles import PROFILES

FORMATS = ("json", "ndjson", "csv", "parquet", "excel", "ldif")
_HEAD_BYTES = 1 << 16
_SIGNATURES = {signature: kind for kind, signature in SIGNATURES.items()} | {
    b"PAR1": "Parquet",
    b"PARE": "Parquet",  # with an encrypted footer
    b"SQLite format 3\x00": "an SQLite database",
    b"%PDF-": "PDF",
}
_MARKUP = re.compile(rb"\s*<(?:(!doctype\s+html|html|head|body|table|!--)|\?xml)\b", re.IGNORECASE)
_BINARY = {"Parquet": "parquet", WORKBOOK: "excel"}  # formats that are told by their first bytes
_FORMAT_TITLES = {"json": "JSON", "ndjson": "NDJSON, one record per line", "csv": "CSV", "ldif": "LDIF"}
_COMPRESSED_TWICE = "a ZIP archive or a workbook, compressed once more"
_SAVE_AS = "save it as .xlsx, or the sheet as CSV in UTF-8"
_HINTS: Mapping[str, str] = {
    "JSON": "rename it to end in .json, or use --format json",
    "NDJSON, one record per line": "rename it to end in .ndjson, or use --format ndjson",
    "CSV": "rename it to end in .csv, or use --format csv",
    "LDIF": "rename it to end in .ldif, or use --format ldif",
    "Parquet": "decompress it if it is compressed, and rename it to end in .parquet",
    "HTML": "download the file again: this may be an error page",
    WORKBOOK: "decompress it if it is compressed, and rename it to end in .xlsx or .ods",
    "an old Excel workbook": _SAVE_AS,
    "a binary Excel workbook (.xlsb)": _SAVE_AS,
    "an encrypted workbook": "remove its password in the spreadsheet program, and save it again",
    _COMPRESSED_TWICE: "decompress it",
    "a damaged ZIP archive or Excel workbook": "save or copy the file again",
    TOO_MANY_FILES: "unpack it, and import the file of users",
    "a ZIP archive": "unpack it, or give it a name that ends in .zip",
    **{kind: f"rename it to end in {ending}, or decompress it" for ending, kind in COMPRESSIONS.items()},
}
_CONTAINERS = "|".join({key for profile in PROFILES.values() for key in profile.containers})
_CONTAINER = re.compile(rf'"(?:{_CONTAINERS})"\s*:\s*\['.encode())
_ARRAY = re.compile(rb"\[[ \t]*[{\]]")  # that can be users
_LDIF = re.compile(rb"(?i)dn::? *\S|version: *[0-9]+$")
_JSON = re.compile(rb"\[[ \t\r\n]*[\[\]{\"]|\{[ \t\r\n]*[}\"]")


def detect_format(source: Source, requested: str = "auto") -> str:
    """Return the format of the source.

    Raise `FileFault` if the source is empty, is in another encoding, or contradicts the request or its name.
    """
    _check_compression(source)
    head = _read_head(replace(source, encoding=UTF8))
    expected = format_from_name(source.file_name) if requested == "auto" else requested
    found = _find_other_type(source, head)
    binary = _BINARY.get(found or "")
    if binary and expected in (None, binary) and compression_from_name(source.file_name) is None:
        if source.encoding != UTF8:
            message = f"{source.name} is {found}, which has no encoding, but --encoding is {source.encoding}"
            raise FileFault(ErrorCode.FILE_FORMAT, message, "import it without --encoding")
        return binary
    if found is None:
        _check_encoding(source, head)
        if source.encoding != UTF8:
            head = _read_head(source)
            found = _find_markup(head)
    if found is None and expected in _BINARY.values():
        titles = {form: title for title, form in _BINARY.items()}
        found = _FORMAT_TITLES.get(_find_text_format(head) or "", f"something else than {titles[str(expected)]}")
    if found is not None:
        raise _contradiction(source, found, requested)
    form = _choose_format(source, head, expected=expected)
    if (requested, form) == ("json", "ndjson"):
        return "json"  # whose reader says where the first record ends
    if requested not in ("auto", form) or (form == "csv" and expected in ("json", "ndjson")):
        raise _contradiction(source, _FORMAT_TITLES[form], requested)
    return form


def _choose_format(source: Source, head: bytes, *, expected: str | None) -> str:
    """Return the format that the content is in, which for what several formats allow is the expected one."""
    found = _find_text_format(head)
    if expected is None and found is None:
        hint = f"state it with --format {', '.join(FORMATS[:-1])} or {FORMATS[-1]}"
        raise FileFault(ErrorCode.FILE_FORMAT, f"the format of {source.name} is not recognised", hint)
    if found is None or (expected == "ndjson" and found == "json" and not _is_spread_over_lines(head)):
        return str(expected)  # where the first line of NDJSON is a bad record
    if found == "json or ndjson":
        return "ndjson" if expected == "ndjson" else "json"
    return found


def _find_text_format(head: bytes) -> str | None:
    """Return the format that the text looks like, if any; a single line of JSON may be either of two."""
    lines = [line.strip(SPACE) for line in head.removeprefix(BOM).splitlines() if line.strip(SPACE)]
    if not lines:
        return None
    if _JSON.match(b"\n".join(lines[:2])):
        if len(lines) == 1:
            return "json" if _ARRAY.match(lines[0]) or _CONTAINER.search(lines[0]) else "json or ndjson"
        is_line = is_json(lines[0]) or (lines[0][:1] + lines[0][-1:] == b"{}" and is_json(lines[1]))
        return "ndjson" if lines[1].startswith(b"{") and is_line else "json"
    first = next((line for line in lines if not line.startswith(b"#")), b"")
    if _LDIF.match(first):
        return "ldif"
    texts = [line.decode(errors="replace") for line in lines]
    return "csv" if has_known_column(texts[find_header(texts)]) else None


def _is_spread_over_lines(head: bytes) -> bool:
    """Return whether JSON text is one line, or continues after its first line, which a record of NDJSON cannot."""
    first, *more = [line.strip(SPACE) for line in head.removeprefix(BOM).splitlines() if line.strip(SPACE)]
    if len(head) < _HEAD_BYTES and not first.endswith((b"[", b"{")):
        return is_json(head.removeprefix(BOM).strip())
    if not more or first.endswith((b"[", b"{")):
        return True
    if first.startswith(b"["):
        return first[-1:] != b"]"
    is_closed = first.endswith(b"}") and first.count(b"{") == first.count(b"}")  # if not well
    return not (is_closed or more[0].startswith(b"{") or is_json(first))


def _read_head(source: Source) -> bytes:
    """Return the first bytes of the decompressed content; raise `FileFault` if there is nothing but white space."""
    with open_stream(source, limits=ReadLimits()) as stream:
        head = stream.read(_HEAD_BYTES)
        more = head
        while more and head.startswith(b"{") and b"\n" not in head[:-1] and len(head) <= ReadLimits().record_bytes:
            more = stream.read(len(head))  # what follows the first object tells JSON from NDJSON
            head += more
    if len(head) < _HEAD_BYTES and not head.removeprefix(BOM).strip():
        content = "nothing but white space" if head else "no bytes"
        is_pipe = source.name == STDIN_NAME
        hint = "see why the command before the pipe wrote nothing" if is_pipe else "export the users again"
        raise FileFault(ErrorCode.FILE_EMPTY, f"{source.name} is empty: it has {content}", hint)
    return head


def _check_compression(source: Source) -> None:
    kind = compression_from_name(source.file_name)
    if kind is None or not source.size:
        return
    with open_source(source) as file:
        is_compressed = compression_of(file.peek()) is not None
    if not is_compressed:
        message = f"{source.name} is named like a {kind} file but is not one"
        raise FileFault(ErrorCode.FILE_FORMAT, message, "rename it with the extension of its actual format")


def _check_encoding(source: Source, head: bytes) -> None:
    """Raise `FileFault` if the content is proof of another encoding than the source's."""
    found, stated = recognise_encoding(head), source.encoding
    if found is None and stated.startswith(("utf-16", "utf-32")) and b"\0" not in head:
        raise EncodingFault(source.name, f"is not {stated.upper()}, as --encoding says", UTF8)
    if found is not None and not stated.startswith(found):
        contrast = "which is read only if --encoding says so" if stated == UTF8 else f"but --encoding is {stated}"
        raise EncodingFault(source.name, f"looks like {found.upper()}, {contrast}", found)


def _find_signature(head: bytes) -> str | None:
    return next((kind for signature, kind in _SIGNATURES.items() if head.startswith(signature)), None)


def _find_other_type(source: Source, head: bytes) -> str | None:
    """Return what the content is if it is not a text in one of the formats."""
    for signature, describe in ((ZIP_SIGNATURE, describe_zip), (OLE_SIGNATURE, describe_ole)):
        if head.startswith(signature):
            is_compressed = compression_from_name(source.file_name) is not None
            return _COMPRESSED_TWICE if is_compressed else describe(source)
    return _find_signature(head) or _find_markup(head)


def _find_markup(head: bytes) -> str | None:
    markup = _MARKUP.match(head.removeprefix(BOM))
    return None if markup is None else "HTML" if markup[1] else "XML"


def _contradiction(source: Source, what: str, requested: str) -> FileFault:
    supported = what in (*_FORMAT_TITLES.values(), *_BINARY)
    hint = _HINTS.get(what, "save it as CSV, JSON, NDJSON, Parquet or .xlsx")
    contrast = "which is not supported"
    if supported and requested != "auto":
        contrast, hint = f"but --format is {requested}", "import it without --format"
    elif format_from_name(source.file_name):
        contrast = "but its name says otherwise"
    if source.name == STDIN_NAME and what in COMPRESSIONS.values():
        hint = "decompress it before piping it in, or name the file itself"
    return FileFault(ErrorCode.FILE_FORMAT, f"{source.name} looks like {what}, {contrast}", hint)

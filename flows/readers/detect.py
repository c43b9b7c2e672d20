"""Detect the format of a source: by its name first, by its content second. A contradiction refuses the source."""

import re
from collections.abc import Mapping

from flows.readers.header import has_known_column
from flows.readers.json.strict import SPACE, is_json
from flows.readers.limits import ReadLimits
from flows.readers.lines import BOM
from flows.readers.sources import COMPRESSIONS, STDIN_NAME, Source, compression_from_name, format_from_name, open_source
from flows.readers.stream import open_stream
from schemas.codes import ErrorCode
from schemas.faults import FileFault

FORMATS = ("json", "ndjson", "csv", "parquet")
_HEAD_BYTES = 1 << 16
_SIGNATURES = {
    b"PAR1": "Parquet",
    b"PARE": "Parquet",  # with an encrypted footer
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"PK\x03\x04": "a ZIP archive or an Excel workbook",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"SQLite format 3\x00": "an SQLite database",
    b"%PDF-": "PDF",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
}
_MARKUP = re.compile(rb"\s*<(?:(!doctype\s+html|html|head|body|table|!--)|\?xml)\b", re.IGNORECASE)
_FORMAT_TITLES = {"json": "JSON", "json or ndjson": "JSON", "ndjson": "NDJSON, one record per line", "csv": "CSV"}
_HINTS: Mapping[str, str] = {
    "JSON": "rename it to end in .json, or use --format json",
    "NDJSON, one record per line": "rename it to end in .ndjson, or use --format ndjson",
    "CSV": "rename it to end in .csv, or use --format csv",
    "Parquet": "decompress it if it is compressed, and rename it to end in .parquet",
    "gzip": "rename it to end in .gz, or decompress it",
    "zstd": "rename it to end in .zst, or decompress it",
    "UTF-16": "save it as UTF-8",
    "UTF-32": "save it as UTF-8",
    "HTML": "download the file again: this may be an error page",
    "a ZIP archive or an Excel workbook": "save the sheet as CSV in UTF-8, or unpack the archive",
    "an old Excel workbook": "save the sheet as CSV in UTF-8",
}
_CONTRADICTIONS: Mapping[str, tuple[str, ...]] = {  # of each format by name, the formats by content
    "json": ("csv",),  # but not NDJSON in a file named .json, which many systems write
    "ndjson": ("csv", "json"),
    "csv": ("json", "ndjson", "json or ndjson"),
}
_JSON = re.compile(rb"\[[ \t\r\n]*[\[\]{\"]|\{[ \t\r\n]*[}\"]")


def detect_format(source: Source, requested: str = "auto") -> str:
    """Return the format to read the source as: the requested one, else that of its name, else that of its content.

    Raise `FileFault` if the source is empty, or its content contradicts the request or its name.
    """
    head = _read_head(source)
    expected = format_from_name(source.name) if requested == "auto" else requested
    found = _find_other_type(head)
    if found == "Parquet" and expected in (None, "parquet") and compression_from_name(source.name) is None:
        return "parquet"
    if found is None and expected == "parquet":
        found = _FORMAT_TITLES.get(_find_text_format(head) or "", "something else than Parquet")
    if found is not None:
        raise _contradiction(source, found)
    return requested if requested != "auto" else _choose_format(source, head, expected=expected)


def _choose_format(source: Source, head: bytes, *, expected: str | None) -> str:
    """Return the format that fits both the name and the content."""
    found = _find_text_format(head)
    if expected is None and found is None:
        hint = f"state it with --format {', '.join(FORMATS[:-1])} or {FORMATS[-1]}"
        raise FileFault(ErrorCode.FILE_FORMAT, f"the format of {source.name} is not recognised", hint)
    if expected == "ndjson" and found == "json" and not _is_spread_over_lines(head):
        return "ndjson"  # its first line is a bad record
    if found in _CONTRADICTIONS.get(expected or "", ()):
        raise _contradiction(source, _FORMAT_TITLES[str(found)])
    if found in ("json or ndjson", None):
        return expected or "json"
    return str(found)


def _find_text_format(head: bytes) -> str | None:
    """Return the format that the text looks like, if any; a single line of JSON may be either of two."""
    lines = [line.strip(SPACE) for line in head.removeprefix(BOM).splitlines() if line.strip(SPACE)]
    if not lines:
        return None
    if _JSON.match(b"\n".join(lines[:2])):
        if len(lines) == 1:
            return "json or ndjson"
        return "ndjson" if lines[1].startswith(b"{") and is_json(lines[0]) else "json"
    return "csv" if has_known_column(lines[0].decode(errors="replace")) else None


def _is_spread_over_lines(head: bytes) -> bool:
    """Return whether JSON text continues after its first line, which a record of NDJSON cannot."""
    first = head.removeprefix(BOM).lstrip(SPACE).splitlines()[0].rstrip(SPACE)
    return first in (b"{", b"[{") or (first.startswith(b"[") and not first.endswith(b"]"))


def _read_head(source: Source) -> bytes:
    """Return the first bytes of the decompressed content; raise `FileFault` if there is nothing but white space."""
    _check_compression(source)
    with open_stream(source, limits=ReadLimits()) as stream:
        head = stream.read(_HEAD_BYTES)
        more = head
        while more and head.startswith(b"{") and b"\n" not in head[:-1] and len(head) <= ReadLimits().record_bytes:
            more = stream.read(len(head))  # what follows the first object tells JSON from NDJSON
            head += more
    if len(head) < _HEAD_BYTES and not head.removeprefix(BOM).strip():
        content = "nothing but white space" if head else "no bytes"
        raise FileFault(ErrorCode.FILE_EMPTY, f"{source.name} is empty: it has {content}", "export the users again")
    return head


def _check_compression(source: Source) -> None:
    kind = compression_from_name(source.name)
    if kind is None or not source.size:
        return
    with open_source(source) as file:
        head = file.read(4)
    if _find_signature(head) != kind:
        message = f"{source.name} is named like a {kind} file but is not one"
        raise FileFault(ErrorCode.FILE_FORMAT, message, "rename it with the extension of its actual format")


def _find_signature(head: bytes) -> str | None:
    return next((name for signature, name in _SIGNATURES.items() if head.startswith(signature)), None)


def _find_other_type(head: bytes) -> str | None:
    """Return what the content is if it is not a text in one of the formats."""
    if name := _find_signature(head):
        return name
    if head.startswith((b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")):
        return "UTF-32"
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or _is_every_other_byte_nul(head):
        return "UTF-16"
    markup = _MARKUP.match(head.removeprefix(BOM))
    return None if markup is None else "HTML" if markup[1] else "XML"


def _is_every_other_byte_nul(head: bytes) -> bool:
    half = len(head) // 2
    nuls = sorted((head[0::2].count(0), head[1::2].count(0)))
    return half >= 2 and nuls[0] <= 0.05 * half and nuls[1] >= 0.7 * half


def _contradiction(source: Source, what: str) -> FileFault:
    supported = what in (*_FORMAT_TITLES.values(), "Parquet")
    contrast = "but --format says otherwise" if supported else "which is not supported"
    if format_from_name(source.name) and not what.startswith("UTF"):
        contrast = "but its name says otherwise"
    hint = _HINTS.get(what, "save it as CSV, JSON, NDJSON or Parquet")
    if source.name == STDIN_NAME and what in COMPRESSIONS.values():
        hint = "decompress it before piping it in, or name the file itself"
    return FileFault(ErrorCode.FILE_FORMAT, f"{source.name} looks like {what}, {contrast}", hint)

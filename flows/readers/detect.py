"""What a source is: by its name first, its content second. One that is not what its name promises is refused."""

import re
from collections.abc import Mapping

from flows.readers.header import knows_a_column
from flows.readers.json.strict import SPACE, is_json
from flows.readers.limits import ReadLimits
from flows.readers.lines import BOM
from flows.readers.sources import COMPRESSIONS, STDIN_NAME, Source, compression, open_source, promised_format
from flows.readers.stream import open_stream
from schemas.codes import ErrorCode
from schemas.faults import FileFault

FORMATS = ("json", "ndjson", "csv", "parquet")
_HEAD = 1 << 16
_MAGIC = {
    b"PAR1": "Parquet",
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
_HINTS: Mapping[str, str] = {
    "Parquet": "name it .parquet",
    "gzip": "name it .gz, or decompress it",
    "zstd": "name it .zst, or decompress it",
    "UTF-16": "save it as UTF-8",
    "UTF-32": "save it as UTF-8",
    "HTML": "it may be the page of a failed download; fetch the file again",
    "a ZIP archive or an Excel workbook": "save the sheet as CSV in UTF-8, or unpack the archive",
    "an old Excel workbook": "save the sheet as CSV in UTF-8",
}
_SHOWN = {"json": "JSON", "json or ndjson": "JSON", "ndjson": "NDJSON, one record a line", "csv": "CSV"}
_CONTRADICTIONS = {
    ("json", "csv"),
    ("ndjson", "csv"),
    ("ndjson", "json"),
    ("csv", "json"),
    ("csv", "ndjson"),
    ("csv", "json or ndjson"),
}  # NDJSON under the name .json is none: many systems name it so
_JSON = re.compile(rb"\[[ \t\r\n]*[\[\]{\"]|\{[ \t\r\n]*[}\"]")


def detect_format(source: Source, requested: str = "auto") -> str:
    """The format to read the source as: the one asked for, else by its name, else by its content.

    Raises:
        FileFault: it holds nothing, or something else than its name or the request says.

    """
    head = _head(source)
    promised = promised_format(source.name) if requested == "auto" else requested
    found = _foreign(head)
    if found == "Parquet" and promised in (None, "parquet") and compression(source.name) is None:
        return "parquet"
    if found is None and promised == "parquet":
        found = _SHOWN.get(_text_format(head) or "", "something else than Parquet")
    if found is not None:
        raise _looks_like(source, found)
    return requested if requested != "auto" else _agreed(source, head, promised=promised)


def _agreed(source: Source, head: bytes, *, promised: str | None) -> str:
    """One format of what the name says and what the content looks like."""
    found = _text_format(head)
    if promised is None and found is None:
        raise FileFault(
            ErrorCode.FILE_FORMAT,
            f"{source.name} is in no format that is recognised",
            f"say which it is with --format {' | '.join(FORMATS)}",
        )
    if promised == "ndjson" and found == "json" and not _is_spread_over_lines(head):
        return "ndjson"  # its first line is a bad record
    if (promised, found) in _CONTRADICTIONS:
        raise _looks_like(source, _SHOWN[str(found)])
    if found in ("json or ndjson", None):
        return promised or "json"
    return str(found)


def _text_format(head: bytes) -> str | None:
    """Which format the text looks like, if any; a single line of JSON is both of its formats."""
    lines = [line.strip(SPACE) for line in head.removeprefix(BOM).splitlines() if line.strip(SPACE)]
    if not lines:
        return None
    if _JSON.match(b"\n".join(lines[:2])):
        if len(lines) == 1:
            return "json or ndjson"
        return "ndjson" if lines[1].startswith(b"{") and is_json(lines[0]) else "json"
    return "csv" if knows_a_column(lines[0].decode(errors="replace")) else None


def _is_spread_over_lines(head: bytes) -> bool:
    """Whether JSON text goes on over its first line, as no record of NDJSON does."""
    first = head.removeprefix(BOM).lstrip(SPACE).splitlines()[0].rstrip(SPACE)
    return first in (b"{", b"[{") or (first.startswith(b"[") and not first.endswith(b"]"))


def _head(source: Source) -> bytes:
    """The first bytes of the content, decompressed.

    Raises:
        FileFault: there are none.

    """
    _check_compression(source)
    with open_stream(source, limits=ReadLimits()) as stream:
        head = stream.read(_HEAD)
        while head.startswith(b"{") and b"\n" not in head[:-1] and len(head) <= ReadLimits().record_bytes:
            chunk = stream.read(len(head))  # what follows the first record tells one object from one a line
            head += chunk
            if not chunk:
                break
    if not head:
        raise FileFault(ErrorCode.FILE_EMPTY, f"{source.name} is empty: it ends at byte 0", "export the users again")
    return head


def _check_compression(source: Source) -> None:
    kind = compression(source.name)
    if kind is None or not source.size:
        return
    with open_source(source) as file:
        magic = file.read(4)
    if not any(magic.startswith(known) and _MAGIC[known] == kind for known in _MAGIC):
        raise FileFault(
            ErrorCode.FILE_FORMAT,
            f"{source.name} is named like a {kind} file, but its content is none",
            "give it the ending of its real format",
        )


def _foreign(head: bytes) -> str | None:
    """What the content is when it is no text that could hold users."""
    for magic, name in _MAGIC.items():
        if head.startswith(magic):
            return name
    if head.startswith((b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")):
        return "UTF-32"
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or _every_other_byte_is_nul(head):
        return "UTF-16"
    markup = _MARKUP.match(head.removeprefix(BOM))
    return None if markup is None else "HTML" if markup[1] else "XML"


def _every_other_byte_is_nul(head: bytes) -> bool:
    half = len(head) // 2
    nuls = sorted((head[0::2].count(0), head[1::2].count(0)))
    return half >= 2 and nuls[0] <= 0.05 * half and nuls[1] >= 0.7 * half


def _looks_like(source: Source, what: str, *, hint: str = "") -> FileFault:
    contrast = "which is not what its name says" if promised_format(source.name) else "which is not read"
    if source.name == STDIN_NAME and what in COMPRESSIONS.values():
        hint = "decompress it on its way, or give the file itself"
    return FileFault(
        ErrorCode.FILE_FORMAT,
        f"{source.name} looks like {what}, {contrast}",
        hint or _HINTS.get(what, "save it as CSV, JSON, NDJSON or Parquet"),
    )

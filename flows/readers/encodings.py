"""Decode texts that are not UTF-8, as `--encoding` says, and guess encodings for hints. None is used by a guess."""

import codecs
import re

from schemas.codes import ErrorCode
from schemas.faults import FileFault

UTF8 = "utf-8"
BOM = codecs.BOM_UTF8
NOT_UTF8_HINT = "; if the file is in Windows-1252, state --encoding cp1252"
_MARKS = {BOM: UTF8, codecs.BOM_UTF32_LE: "utf-32", codecs.BOM_UTF32_BE: "utf-32"} | {
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}  # in an order in which none begins with an earlier one
_WESTERN = re.compile(r"(?:[\x00-\x7f]|[^\W\x00-\x7f]{1,2}(?![^\x00-\x7f])|[–—‘’“”…€™®©°§])*+")
_ERRORS = "marked-invalid"


class EncodingFault(FileFault):
    """A source is not in the encoding that the options say, but probably in another one."""

    def __init__(self, source: str, what: str, encoding: str) -> None:
        hint = "import it without --encoding" if encoding == UTF8 else f"import it with --encoding {encoding}"
        super().__init__(ErrorCode.FILE_FORMAT, f"{source} {what}", f"save it as UTF-8, or {hint}")
        self.source = source
        self.what = what
        self.encoding = encoding

    def __reduce__(self) -> tuple[type["EncodingFault"], tuple[str, ...]]:
        return type(self), (self.source, self.what, self.encoding)


class Decoder:
    """Turn chunks of a text into UTF-8; what its encoding does not define becomes bytes that are not UTF-8."""

    def __init__(self, encoding: str) -> None:
        self._encoding = encoding
        self._decoder: codecs.IncrementalDecoder | None = None

    def decode(self, chunk: bytes) -> bytes:
        """Return the text up to the last whole character of the chunk, or to its end where the chunk is empty."""
        if self._decoder is None:
            self._decoder = codecs.getincrementaldecoder(find_byte_order(chunk, self._encoding))(_ERRORS)
        return self._decoder.decode(chunk, not chunk).encode(errors="surrogateescape")


def find_byte_order(head: bytes, encoding: str) -> str:
    """Return the encoding with the byte order of a text without a BOM, which Python takes for little-endian."""
    unmarked = encoding in ("utf-16", "utf-32") and not any(map(head.startswith, _MARKS))
    return encoding + ("-be" if head.startswith(b"\0") else "-le") if unmarked else encoding


def recognise_encoding(head: bytes) -> str | None:
    """Return the encoding that a BOM or the zero bytes of a text are proof of."""
    marked = next((encoding for mark, encoding in _MARKS.items() if head.startswith(mark)), None)
    if marked or len(head) < 4:
        return marked
    zeros = [head[place::4].count(0) / len(head[place::4]) for place in range(4)]
    if min(zeros[0], zeros[3]) <= 0.05 and min(zeros[1:3]) >= 0.95:
        return "utf-32"
    even, odd = sorted(((zeros[0] + zeros[2]) / 2, (zeros[1] + zeros[3]) / 2))
    return "utf-16" if even <= 0.05 and odd >= 0.7 else None


def guess_encoding(text: bytes) -> str | None:
    """Return an encoding that a text which is not UTF-8 may be in: few and single letters beyond ASCII are Western."""
    return "cp1252" if _WESTERN.fullmatch(text.decode("cp1252", "replace")) else None


def _mark_invalid(error: UnicodeError) -> tuple[str, int]:
    """Return, for bytes that cannot be decoded, lone surrogates that stand for bytes which are never UTF-8."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    invalid = error.object[error.start : error.end]
    return "".join(chr(0xDC00 + byte) if 0x80 <= byte < 0xC0 else "\udcff" for byte in invalid), error.end


codecs.register_error(_ERRORS, _mark_invalid)

"""A window that moves forward over a JSON source and counts its bytes and lines."""

from flows.readers.encodings import BOM
from flows.readers.json.strict import SPACE
from flows.readers.limits import ReadLimits
from flows.readers.lines import count_line_ends
from flows.readers.stream import ByteStream
from schemas.codes import ErrorCode
from schemas.faults import FileFault


class Window:
    """The next bytes of the content; `offset` and `line` are the position of the first one."""

    def __init__(self, stream: ByteStream, *, limits: ReadLimits) -> None:
        self.name = stream.name
        self._stream = stream
        self._limits = limits
        self.data = stream.read(max(limits.batch_bytes, len(BOM)))
        self.offset = len(BOM) if self.data.startswith(BOM) else 0
        self.data = self.data.removeprefix(BOM)
        self.line = 1
        self._after_cr = False

    @property
    def position(self) -> int:
        """Return how many stored bytes of the source have been read."""
        return self._stream.position

    def position_at(self, end: int) -> int:
        """Return how many stored bytes of the source lead to a position of the window, in proportion to what was read:
        of a compressed source it is not known exactly."""
        known = self.offset + len(self.data)
        return self._stream.position * min(self.offset + end, known) // max(1, known)

    def grow(self) -> bool:
        """Read at least as many bytes again; return false at the end of the source."""
        chunk = self._stream.read(max(self._limits.batch_bytes, len(self.data)))
        self.data += chunk
        return bool(chunk)

    def fill(self) -> None:
        """Read until the window holds the bytes of a batch, or the source ends."""
        while len(self.data) < self._limits.batch_bytes and self.grow():
            pass

    def advance(self, size: int, *, lines: int | None = None) -> None:
        """Drop the first bytes; `lines` is the number of line ends in them, if it is known."""
        if not size:
            return
        self.line = self.line_at(size) if lines is None else self.line + lines
        self._after_cr = self.data.startswith(b"\r", size - 1)
        self.offset += size
        self.data = self.data[size:]

    def line_at(self, position: int) -> int:
        """Return the line of a position in the window."""
        already_counted = self._after_cr and position > 0 and self.data.startswith(b"\n")
        return self.line + count_line_ends(self.data[:position]) - already_counted

    def next_byte(self) -> bytes:
        """Move to the first byte that is not white space and return it; empty at the end of the source."""
        while not (rest := self.data.lstrip(SPACE)):
            self.advance(len(self.data))
            if not self.grow():
                return b""
        self.advance(len(self.data) - len(rest))
        return rest[:1]

    def expect(self, wanted: bytes, *, reason: str) -> None:
        """Move past the next byte that is not white space; raise `FileFault` if it is not the wanted one."""
        if self.next_byte() != wanted:
            raise self.syntax_fault(reason, at=0)
        self.advance(1)

    def syntax_fault(self, reason: str, *, at: int, hint: str = "") -> FileFault:
        """Return the fault of a source that breaks the grammar at a position of the window."""
        incomplete = at >= len(self.data) and not self.grow()
        line = self.line_at(at)
        place = f"at byte {self.offset + at} (line {line})" if self._stream.is_utf8 else f"in line {line}"
        return FileFault(
            ErrorCode.FILE_SYNTAX,
            f"{self.name} {'is incomplete' if incomplete else 'is not JSON'}: {reason}, {place}",
            hint or ("export or copy the file again" if incomplete else "correct the file at this position"),
        )

"""A JSON source seen through a window that moves forward; it knows the byte and the line it stands at."""

from flows.readers.json.strict import SPACE
from flows.readers.limits import ReadLimits
from flows.readers.lines import BOM, line_ends
from flows.readers.stream import ByteStream
from schemas.codes import ErrorCode
from schemas.faults import FileFault


class Window:
    """The bytes from where reading stands; `offset` and `line` are those of its first byte in the content."""

    def __init__(self, stream: ByteStream, *, limits: ReadLimits) -> None:
        self._stream = stream
        self._caps = limits
        self.data = stream.read(max(limits.batch_bytes, len(BOM)))
        self.offset = 0
        self.line = 1
        self._after_return = False
        if self.data.startswith(BOM):
            self.data = self.data[len(BOM) :]
            self.offset = len(BOM)

    @property
    def position(self) -> int:
        """Stored bytes of the source used so far."""
        return self._stream.position

    @property
    def name(self) -> str:
        """The source's name."""
        return self._stream.name

    def grow(self) -> bool:
        """Take in at least as much again; false at the end of the source."""
        chunk = self._stream.read(max(self._caps.batch_bytes, len(self.data)))
        self.data += chunk
        return bool(chunk)

    def fill(self) -> None:
        """Take in a batch's bytes, if the source has them."""
        while len(self.data) < self._caps.batch_bytes and self.grow():
            pass

    def advance(self, size: int, *, lines: int | None = None) -> None:
        """Let go of the first bytes, in which so many lines end."""
        if not size:
            return
        self.line = self.line_at(size) if lines is None else self.line + lines
        self._after_return = self.data.startswith(b"\r", size - 1)
        self.offset += size
        self.data = self.data[size:]

    def line_at(self, position: int) -> int:
        """The line of a position in the window."""
        counted = self._after_return and position > 0 and self.data.startswith(b"\n")
        return self.line + line_ends(self.data[:position]) - counted

    def next_byte(self) -> bytes:
        """The first byte that is no white space, after moving to it; empty at the end of the source."""
        while not (rest := self.data.lstrip(SPACE)):
            self.advance(len(self.data))
            if not self.grow():
                return b""
        self.advance(len(self.data) - len(rest))
        return rest[:1]

    def expect(self, wanted: bytes, *, reason: str) -> None:
        """Move past the next byte that is no white space.

        Raises:
            FileFault: it is not the wanted one.

        """
        if self.next_byte() != wanted:
            raise self.syntax_fault(reason, at=0)
        self.advance(1)

    def syntax_fault(self, reason: str, *, at: int, hint: str = "") -> FileFault:
        """The fault of a source that breaks the grammar at a position of the window."""
        cut = at >= len(self.data) and not self.grow()
        return FileFault(
            ErrorCode.FILE_SYNTAX,
            f"{self.name} {'ends too early' if cut else 'is not JSON'}: {reason}, "
            f"at byte {self.offset + at} (line {self.line_at(at)})",
            hint or ("the file may have been cut off; export or copy it again" if cut else "correct the file there"),
        )

"""Tell workbooks from other ZIP and OLE files, and guard against those that grow when they are decompressed."""

import os
import zipfile
import zlib
from io import BufferedReader

from flows.readers.limits import MIB, ReadLimits
from flows.readers.sources import Source, open_source
from flows.readers.stream import RATIO_FLOOR
from schemas.codes import ErrorCode
from schemas.faults import FileFault

WORKBOOK = "a workbook"
TOO_MANY_FILES = "a ZIP archive of too many files"
ZIP_SIGNATURE, OLE_SIGNATURE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
OPEN_DOCUMENT = "application/vnd.oasis.opendocument.spreadsheet"
FAULTS = (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, OSError, EOFError, NotImplementedError, ValueError)
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")  # a stream of the OLE file that an encrypted workbook is
_MOST_DIRECTORY = 16 * MIB  # some 200,000 files
_END_BYTES = 22 + (1 << 16) + 20  # of the last record of an archive with its comment, and the one before
_MOST_METADATA = 4 * MIB


def describe_zip(source: Source) -> str:
    """Return what a file with the signature of ZIP is: a workbook that can be read, one that cannot, or an archive."""
    try:
        with open_source(source) as file, open_zip(file) as archive:
            names = set(archive.namelist())
            if "xl/workbook.xml" in names:
                return WORKBOOK
            if "xl/workbook.bin" in names:
                return "a binary Excel workbook (.xlsb)"
            if "mimetype" in names and read_member(archive, "mimetype", most=200).startswith(OPEN_DOCUMENT.encode()):
                manifest = read_member(archive, "META-INF/manifest.xml") if "META-INF/manifest.xml" in names else b""
                return "an encrypted workbook" if b"encryption-data" in manifest else WORKBOOK
    except zipfile.LargeZipFile:
        return TOO_MANY_FILES
    except FAULTS:
        return "a damaged ZIP archive or Excel workbook"
    return "a ZIP archive"


def open_zip(file: BufferedReader) -> zipfile.ZipFile:
    """Open an archive or a workbook; raise `zipfile.LargeZipFile` if the list of its files would fill the memory."""
    file.seek(0, os.SEEK_END)
    file.seek(max(file.tell() - _END_BYTES, 0))
    end = file.read()
    at = max(end.rfind(b"PK\x05\x06"), 0)
    directory = int.from_bytes(end[at + 12 : at + 16], "little")
    if end[max(at - 20, 0) : at].startswith(b"PK\x06\x07"):  # ZIP64 says it elsewhere
        file.seek(min(int.from_bytes(end[at - 12 : at - 4], "little"), 1 << 62))
        directory = int.from_bytes(file.read(56)[40:48], "little")
    if directory > _MOST_DIRECTORY:
        raise zipfile.LargeZipFile
    file.seek(0)
    return zipfile.ZipFile(file)


def describe_ole(source: Source) -> str:
    """Return what an OLE file is: workbooks of today are one only if they are encrypted."""
    with open_source(source) as file:
        return "an encrypted workbook" if _ENCRYPTED in _read_directory(file) else "an old Excel workbook"


def read_members(source: Source, *, limits: ReadLimits) -> bytes | None:
    """Return the content of all files of a ZIP archive or a workbook, one after the other; None for other files.
    Raise `FileFault` if it is damaged, encrypted or too large."""
    with open_source(source) as file:
        if not file.peek(len(ZIP_SIGNATURE)).startswith(ZIP_SIGNATURE):
            return None
        try:
            with open_zip(file) as archive:
                check_growth(source, archive, limits=limits)
                return b"\n".join(archive.read(member) for member in archive.infolist())
        except (*FAULTS, RuntimeError) as error:
            message = f"{source.name} cannot be unpacked"
            raise FileFault(ErrorCode.FILE_UNREADABLE, message, "save or copy the file again") from error


def read_member(archive: zipfile.ZipFile, name: str, *, most: int = _MOST_METADATA) -> bytes:
    """Return the first bytes of a file in the archive."""
    with archive.open(name) as member:
        return member.read(most)


def check_growth(source: Source, archive: zipfile.ZipFile, *, limits: ReadLimits) -> None:
    """Raise `FileFault` if the files of a workbook decompress to more than real ones do."""
    most = min(max(RATIO_FLOOR, limits.decompressed_ratio * source.size), limits.decompressed_bytes)
    if sum(member.file_size for member in archive.infolist()) > most:
        setting = "decompressed_bytes" if most == limits.decompressed_bytes else "decompressed_ratio"
        message = f"{source.name} decompresses to more than {most:,} bytes"
        hint = f"if you trust the file, raise IMPORT_{setting.upper()}"
        raise FileFault(ErrorCode.FILE_UNREADABLE, message, hint)


def _read_directory(file: BufferedReader) -> bytes:
    """Return the first sector of the directory of an OLE file, which has the names of its streams."""
    header = file.read(512)
    sector_bytes = 1 << min(int.from_bytes(header[30:32], "little"), 12)
    file.seek((int.from_bytes(header[48:52], "little") + 1) * sector_bytes)
    return file.read(4 * sector_bytes)  # a directory of so few streams is mostly in one piece

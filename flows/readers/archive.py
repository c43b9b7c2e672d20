"""Unpack the one file of users in a ZIP archive into the job's folder, within the limits of decompression."""

import os
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePath

from flows.readers.excel.container import FAULTS, ZIP_SIGNATURE, describe_zip, open_zip
from flows.readers.limits import MIB, ReadLimits
from flows.readers.sources import (
    Identity,
    Source,
    format_from_name,
    open_source,
    printable,
    require_unchanged,
    spooled_path,
)
from flows.readers.stream import RATIO_FLOOR
from schemas.codes import ErrorCode
from schemas.faults import FileFault

_IGNORED = ("__macosx", "thumbs.db", "desktop.ini")
_USERS = "users"  # the name of the file among others, as in Rocket.Chat's archive
_MOST_SHOWN = 10
_IS_ENCRYPTED = 1  # of the flags of a member


def unpack_archives(
    sources: Sequence[Source], *, spool: Path, limits: ReadLimits, waiting: Callable[[], None] = lambda: None
) -> tuple[Source, ...]:
    """Return the sources with the file of users in place of each archive.

    Raise `FileFault` if an archive has no file of users, or several, or cannot be unpacked.
    """
    return tuple(
        _unpack(source, spooled_path(spool), limits=limits, waiting=waiting) if _is_archive(source) else source
        for source in sources
    )


def _is_archive(source: Source) -> bool:
    """Return whether the source is an archive; one that is named like a file of users is left to its reader."""
    if format_from_name(source.file_name) is not None:
        return False
    with open_source(source) as file:
        is_zip = file.peek(len(ZIP_SIGNATURE)).startswith(ZIP_SIGNATURE)
    return is_zip and describe_zip(source) == "a ZIP archive"


def _unpack(source: Source, path: Path, *, limits: ReadLimits, waiting: Callable[[], None]) -> Source:
    most = min(max(RATIO_FLOOR, limits.decompressed_ratio * source.size), limits.decompressed_bytes)
    with open_source(source) as stored, path.open("wb") as file:
        try:
            archive = open_zip(stored)
        except FAULTS as error:
            raise _damaged(source) from error
        member = _choose(archive.infolist(), source)
        for chunk in _read(archive, member, source):
            waiting()
            file.write(chunk)
            if file.tell() > most:
                setting = "DECOMPRESSED_BYTES" if most == limits.decompressed_bytes else "DECOMPRESSED_RATIO"
                message = f"{source.name} decompresses to more than {most:,} bytes"
                hint = f"if you trust the file, unpack it yourself or raise IMPORT_{setting}"
                raise FileFault(ErrorCode.FILE_UNREADABLE, message, hint)
        file.flush()
        identity = Identity.of(os.fstat(file.fileno()))
    require_unchanged([source])
    return replace(source, path=path, size=identity.size, identity=identity, content_name=member.filename)


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo, source: Source) -> Iterator[bytes]:
    """Yield the content of a file in the archive."""
    if member.flag_bits & _IS_ENCRYPTED:
        message = f"{source.name} is encrypted"
        raise FileFault(ErrorCode.FILE_FORMAT, message, "unpack it, and import the file of users")
    try:
        with archive.open(member) as content:
            while chunk := content.read(MIB):
                yield chunk
    except NotImplementedError as error:
        message = f"{source.name} is compressed in a way that is not supported"
        raise FileFault(ErrorCode.FILE_FORMAT, message, "unpack it, and import the file of users") from error
    except FAULTS as error:
        raise _damaged(source) from error


def _choose(members: Sequence[zipfile.ZipInfo], source: Source) -> zipfile.ZipInfo:
    """Return the only file of the archive, the only one that is named like a file of users, or that named users."""
    files = [member for member in members if not member.is_dir() and not _is_ignored(member.filename)]
    named = [member for member in files if format_from_name(member.filename)] or files
    of_users = [member for member in named if PurePath(member.filename.lower()).name.partition(".")[0] == _USERS]
    for candidates in (named, of_users):
        if len(candidates) == 1:
            return candidates[0]
    if not named:
        raise FileFault(ErrorCode.FILE_EMPTY, f"{source.name} is an archive without files", "export the users again")
    shown = ", ".join(printable(member.filename) for member in named[:_MOST_SHOWN])
    more = f" and {len(named) - _MOST_SHOWN:,} more" if len(named) > _MOST_SHOWN else ""
    message = f"{source.name} is an archive with several files: {shown}{more}"
    raise FileFault(ErrorCode.FILE_FORMAT, message, "unpack it, and import the files of users")


def _is_ignored(name: str) -> bool:
    return any(part.startswith(".") or part.lower() in _IGNORED for part in PurePath(name).parts)


def _damaged(source: Source) -> FileFault:
    message = f"{source.name} is a damaged ZIP archive"
    return FileFault(ErrorCode.FILE_UNREADABLE, message, "compress or copy the file again")

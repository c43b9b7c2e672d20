"""Suggest a mapping for a source from its beginning."""

from pathlib import Path

from flows.readers.detect import detect_format
from flows.readers.mapping.sample import read_sample
from flows.readers.sources import find_sources, held_open
from flows.settings import Settings
from schemas.codes import ErrorCode
from schemas.faults import FileFault
from transforms.mapping.suggest import suggest_mapping


def suggest_for(path: Path, *, settings: Settings) -> str:
    """Return a mapping file for the source at the path; raise `FileFault` if no record can be read from it."""
    sources = find_sources([str(path)], spool=settings.database.parent)
    with held_open(sources[:1]) as held:
        form = detect_format(held[0])
        try:
            return suggest_mapping(read_sample(held[0], form=form), name=path.name)
        except LookupError:
            message = f"{path.name} has no record from which a mapping can be suggested"
            raise FileFault(ErrorCode.FILE_FORMAT, message, "check that it is a file of users") from None

"""What a job is told about its files in further files: the mapping of records and the parameters of hashes.

Both are read before any source, so that all of their faults are named first.
"""

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flows.pipeline.instructions.hash_parameters import read_hashing
from flows.pipeline.instructions.mapping_file import parse_mapping_text, read_mapping_text
from flows.settings import Settings
from schemas.connection import ConnectionSettings
from schemas.hashing import NO_HASHING, Hashing
from schemas.options import FileOptions

if TYPE_CHECKING:  # which loads Pydantic
    from schemas.mapping.language import Mapping


@dataclass(frozen=True)
class Instructions:
    """The mapping of a job, if it has one, and what it makes of hashes; jobs are told apart by the fingerprint."""

    mapping: "Mapping | None" = None
    hashing: Hashing = NO_HASHING
    fingerprint: str = ""


NO_INSTRUCTIONS = Instructions()


def read_instructions(options: FileOptions, *, connection: ConnectionSettings, settings: Settings) -> Instructions:
    """Return the instructions of a job; raise `Fault` with all that is wrong with one of them.

    The connection's mapping counts where the job names neither a mapping nor a profile.
    """
    hashing = read_hashing(options, settings=settings)
    text, name = connection.mapping, f"the mapping of the connection {connection.connection}"
    if options.mapping is not None:
        text, name = read_mapping_text(options.mapping, settings=settings)
    elif options.profile != "auto":
        text = ""
    digest = hashlib.sha256(text.encode()).hexdigest() if text else ""
    mapping = parse_mapping_text(text, name=name) if text else None
    return Instructions(mapping, hashing, f"{hashing.parameters.fingerprint or ''}{digest}")

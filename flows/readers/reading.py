"""What every reader is given."""

from dataclasses import dataclass

import duckdb

from flows.caps import Caps
from flows.readers.sources import Source
from schemas.profiles import Profile


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One reading of one source."""

    source: Source
    profile: Profile
    caps: Caps
    first_record: int  # the number of the source's first record in the job
    engine: duckdb.DuckDBPyConnection  # in memory; a connection of the reading's own

"""Files to batches of records, each record as the text of one JSON object. A new format: one reader, one line here.

Reading says what is there, where it stands, and what cannot be read; it never judges a user.
"""

from collections.abc import Callable, Generator, Iterator, Mapping

import duckdb

from flows.readers.csv.reader import read_csv_rows
from flows.readers.json.document import read_json_document
from flows.readers.limits import ReadLimits
from flows.readers.ndjson import read_json_lines
from flows.readers.parquet.reader import read_parquet
from flows.readers.reading import Batch, Reading
from flows.readers.sources import Source
from schemas.codes import ErrorCode
from schemas.faults import FileFault
from schemas.profiles import Profile

READERS: Mapping[str, Callable[[Reading], Iterator[Batch]]] = {
    "json": read_json_document,
    "ndjson": read_json_lines,
    "csv": read_csv_rows,
    "parquet": read_parquet,
}


def read(
    source: Source,
    *,
    format: str,  # noqa: A002 - the word of the command line
    profile: Profile,
    limits: ReadLimits,
    first_record: int,
    engine: duckdb.DuckDBPyConnection,
) -> Generator[Batch, None, None]:
    """The source's records in order, in batches that no result depends on; the first is numbered `first_record`.

    `engine` is a DuckDB in memory; it is free for other use meanwhile, also while another thread waits for a batch.

    Raises:
        FileFault: the source cannot be read as its format; what was yielded before must not be imported.

    """
    records = 0
    with engine.cursor() as cursor:
        reading = Reading(source=source, profile=profile, limits=limits, first_record=first_record, engine=cursor)
        for batch in READERS[format](reading):
            records += batch.seen
            yield batch
    if not records:
        raise FileFault(ErrorCode.FILE_EMPTY, f"{source.name} holds no users", "check that the right file was exported")

"""The reader of each format. A new format is one reader and one line here."""

from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import replace

import duckdb
import polars as pl

from flows.readers.csv.reader import read_csv
from flows.readers.encodings import UTF8
from flows.readers.excel.reader import read_workbook
from flows.readers.json.document import read_json
from flows.readers.ldif.reader import read_ldif
from flows.readers.limits import ReadLimits
from flows.readers.ndjson import read_ndjson
from flows.readers.parquet.reader import read_parquet
from flows.readers.reading import Batch, Reading, Skipped
from flows.readers.sources import Source
from schemas.codes import ErrorCode
from schemas.hashing import NO_HASHING, Hashing
from schemas.mapping.signs import Sample
from schemas.profiles import Profile

READERS: Mapping[str, Callable[[Reading], Iterator[Batch]]] = {
    "json": read_json,
    "ndjson": read_ndjson,
    "csv": read_csv,
    "parquet": read_parquet,
    "excel": read_workbook,
    "ldif": read_ldif,
}


def read(
    source: Source,
    *,
    format: str,  # noqa: A002 - the name of the option
    profile: Profile,
    sheet: str = "",
    ignores_unknown: bool = False,
    limits: ReadLimits,
    first_record: int,
    engine: duckdb.DuckDBPyConnection,
    skipped: Skipped | None = None,
    hashing: Hashing = NO_HASHING,
    recognise: Callable[[Sample], Profile] | None = None,
    waiting: Callable[[], None] = lambda: None,
) -> Generator[Batch, None, None]:
    """Yield the source's records in order; the first has the number `first_record`. No result depends on the batches.

    `engine` is an in-memory DuckDB; it stays free for other use, also while another thread waits for a batch. `skipped`
    counts what is not a record. `waiting` is called repeatedly while another process decodes, and may raise to stop.
    Raise `FileFault` if the source cannot be read as its format; batches that it yielded before must not be imported.
    """
    limits = replace(limits, batch_rows=max(limits.batch_rows, 1), batch_bytes=max(limits.batch_bytes, 1))
    with engine.cursor() as cursor:
        reading = Reading(
            source=source,
            profile=profile,
            sheet=sheet,
            ignores_unknown=ignores_unknown,
            limits=limits,
            first_record=first_record,
            engine=cursor,
            skipped=skipped or Skipped(),
            hashing=hashing,
            recognise=recognise,
            waiting=waiting,
        )
        for batch in READERS[format](reading):
            yield batch if source.encoding == UTF8 else replace(batch, errors=_name_encoding(batch.errors, source))


def _name_encoding(errors: pl.DataFrame, source: Source) -> pl.DataFrame:
    """Return the errors; those of bytes that cannot be decoded name the encoding that the source was decoded from."""
    decoded = pl.col("message").str.replace("not UTF-8.*", f"not {source.encoding.upper()}")
    is_text = pl.col("code") == ErrorCode.INVALID_TEXT.value
    return errors.with_columns(message=pl.when(is_text).then(decoded).otherwise("message"))

"""The limits of reading one source: above what real exports need, each set by the variable `IMPORT_<NAME>`."""

from dataclasses import dataclass

MIB = 1 << 20


@dataclass(frozen=True, kw_only=True)
class ReadLimits:
    """What a source may contain; a record over a limit is refused alone, a source over one is refused whole."""

    record_bytes: int = 16 * MIB  # the text of one record
    value_bytes: int = 8 * MIB  # one string in a record, or one cell
    nesting: int = 100  # levels of objects and arrays in a record
    keys: int = 10_000  # keys in a record, over all levels; columns of a table
    decompressed_bytes: int = 1 << 40  # the decompressed size of a source
    decompressed_ratio: int = 200  # the same as a multiple of its stored size
    page_bytes: int = 128 * MIB  # one page of a Parquet file, the smallest unit that can be decoded
    batch_bytes: int = 16 * MIB  # the approximate text of a batch
    batch_rows: int = 65_536  # the rows of a batch; neither of the two changes a result

"""How much one source may ask for: sized so that no real export trips them, and each of them settable."""

from dataclasses import dataclass

MIB = 1 << 20


@dataclass(frozen=True, kw_only=True)
class ReadLimits:
    """The limits of reading; a record over one is refused alone, a source over one is refused whole."""

    record_bytes: int = 16 * MIB  # the text of one record
    value_bytes: int = 8 * MIB  # one text inside a record, or one cell
    nesting: int = 100  # levels of objects and arrays in a record
    keys: int = 10_000  # keys in a record, at all levels together; columns of a table
    decompressed_bytes: int = 1 << 40  # what a compressed source may grow to
    decompressed_ratio: int = 200  # and how many times its own size
    page_bytes: int = 128 * MIB  # one page of a Parquet file: the least that can be decoded
    batch_bytes: int = 16 * MIB  # a batch holds about as much text,
    batch_rows: int = 65_536  # and not more rows; neither ever changes a result

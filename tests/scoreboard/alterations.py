"""Compare records with their file by other means than the readers."""

import json
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


def count_altered(texts: list[str], path: Path, *, form: str, seen: int) -> int:
    """Count the texts that are not in the file; compressed files are not compared."""
    if path.suffix in (".gz", ".zst"):
        return 0
    if form == "parquet":
        return abs(pq.read_metadata(path).num_rows - seen) + (
            _count_differing(texts, path) if len(texts) == seen else 0
        )
    raw = path.read_bytes().decode("utf-8", "surrogateescape")
    if form == "csv":
        return sum(not all(_is_cell(value, raw) for value in json.loads(text).values()) for text in texts)
    return sum(text not in raw and not _is_rebuilt(text, raw) for text in texts)


def _count_differing(texts: list[str], path: Path) -> int:
    """Count the records with another string, integer or boolean than PyArrow reads."""
    table = pq.read_table(path)
    names = [name.strip() for name in table.column_names]
    columns = [column.to_pylist() for column in table.columns if _is_plain(column.type)]
    plain = [name for name, column in zip(names, table.columns, strict=True) if _is_plain(column.type)]
    found = [json.loads(text) for text in texts]
    differing = {
        row
        for name, values in zip(plain, columns, strict=True)
        for row, (record, value) in enumerate(zip(found, values, strict=True))
        if record.get(name) != value
    }
    return len(differing)


def _is_plain(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind)


def _is_cell(value: str, raw: str) -> bool:
    return value in raw or value.replace('"', '""') in raw


def _is_rebuilt(text: str, raw: str) -> bool:
    """Return whether the text has the members of the whole file."""
    return _pairs(text) == _pairs(raw.removeprefix("\ufeff"))


def _pairs(text: str) -> object:
    return json.loads(text, object_pairs_hook=_as_tuple)


def _as_tuple(pairs: Iterable[tuple[str, object]]) -> object:
    return tuple(pairs)

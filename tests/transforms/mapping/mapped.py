"""Map a few records that are given as values or as JSON texts, and return what became of them in plain values."""

import json
from dataclasses import dataclass

import duckdb
import polars as pl

from schemas.fields import FIELD_NAMES
from schemas.frames import RECORDS
from schemas.hashing import NO_HASHING, Hashing
from schemas.mapping.parse import parse_mapping
from transforms.mapping.profiles import hash_schemes
from transforms.mapping.records import map_records

SYSTEM = "source"


@dataclass(frozen=True)
class Mapped:
    """Users as the fields that they have; a value of a wrong type is named by that type."""

    users: list[dict[str, object]]
    others: list[int]
    keys: list[tuple[int, str, int]]  # record, path, copies
    warnings: list[tuple[int, str, str]]  # record, code, path
    depths: list[int]

    @property
    def rest(self) -> list[object]:
        """Return what each user has in the metadata under the system's name, as JSON values."""
        return [json.loads(str(user.get("user_metadata", "{}"))).get(SYSTEM, {}) for user in self.users]

    def field(self, name: str) -> list[object]:
        """Return the values of one field."""
        return [user.get(name) for user in self.users]


def map_values(
    engine: duckdb.DuckDBPyConnection, mapping: str, *records: object, hashing: Hashing = NO_HASHING
) -> Mapped:
    """Map records; a text is JSON as it stands."""
    texts = [record if isinstance(record, str) else json.dumps(record, ensure_ascii=False) for record in records]
    numbers = range(1, len(texts) + 1)
    frame = pl.DataFrame({"record": numbers, "line": numbers, "text": texts}, schema=RECORDS)
    mapped = map_records(frame, parse_mapping(mapping, schemes=hash_schemes()), engine=engine, hashing=hashing)
    values = mapped.values
    return Mapped(
        users=[_fields(row) for row in values.users.rows(named=True)],
        others=mapped.others.to_list(),
        keys=sorted(values.keys.select("record", "path", "copies").rows()),
        warnings=sorted(values.warnings.select("record", "code", "path").rows()),
        depths=values.depths["depth"].to_list(),
    )


def _fields(row: dict[str, object]) -> dict[str, object]:
    types = {name: row[f"{name}:type"] for name in FIELD_NAMES if row[f"{name}:type"] is not None}
    return {name: f"({kind})" if row[name] is None else row[name] for name, kind in types.items()}

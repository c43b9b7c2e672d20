"""Normalises and validates records as a job does, with an engine in memory."""

import atexit
import json
from collections.abc import Iterable, Sequence
from typing import Literal

import duckdb
import polars as pl
import pyarrow as pa

from schemas.connection import ConnectionSettings
from schemas.frames import RECORDS, Layout
from schemas.profiles import PROFILES, Profile
from transforms.fields.cells import read_cells
from transforms.fields.columns import open_columns, read_columns
from transforms.fields.json_records import read_json_records
from transforms.fields.values import FieldValues
from transforms.normalise import Canonical, normalise
from transforms.rules.validate import RuleSet, Validated, rule_set, validate

ENGINE = duckdb.connect()
atexit.register(ENGINE.close)
JSON = Layout()
Fault = tuple[str, str]  # code, path


def rows(texts: Iterable[object]) -> pl.DataFrame:
    """Return a frame of records as readers return it, from texts or from values to be written as JSON."""
    written = [text if isinstance(text, str) else json.dumps(text) for text in texts]
    numbers = range(1, len(written) + 1)
    return pl.DataFrame({"record": numbers, "line": numbers, "text": written}, schema=RECORDS)


def rules(
    *,
    unknown_fields: Literal["refuse", "ignore"] = "refuse",
    reset_unsupported_hashes: bool = False,
    connection: ConnectionSettings | None = None,
    profile: str = "auto",
) -> RuleSet:
    """Return the rules of a job, by default of one without options."""
    return rule_set(
        connection or ConnectionSettings(),
        unknown_fields=unknown_fields,
        reset_unsupported_hashes=reset_unsupported_hashes,
        profile=profile,
    )


RULES = rules()


def normalise_texts(texts: Iterable[object], *, layout: Layout = JSON, profile: str = "auth0") -> Canonical:
    values = _read(rows(texts), layout, PROFILES[profile])
    return normalise(values, engine=ENGINE, profile=PROFILES[profile], layout=layout)


def _read(records: pl.DataFrame, layout: Layout, profile: Profile) -> FieldValues:
    """Read the fields as the reader of the layout's format does."""
    if layout.columns is None:
        return read_json_records(records, engine=ENGINE, profile=profile)
    found = [json.loads(text) for text in records["text"]]
    others = {f"other {place}": name for place, name in enumerate(layout.columns) if name not in profile.paths}
    if layout.textual:
        names = {name: name for name in layout.columns if name in profile.paths} | others
        cells = {column: [str(row.get(name, "")) for row in found] for column, name in names.items()}
        table = records.select("record", "line").hstack(pl.DataFrame(cells, schema=dict.fromkeys(cells, pl.String)))
        return read_cells(table, others=others, profile=profile, engine=ENGINE)
    columns = pa.RecordBatch.from_pylist([{name: row.get(name) for name in layout.columns} for row in found])
    return read_columns(
        open_columns(columns, records.select("record", "line"), engine=ENGINE), others=others, engine=ENGINE
    )


def validate_texts(
    texts: Iterable[object], *, layout: Layout = JSON, profile: str = "auth0", rule_set: RuleSet = RULES
) -> Validated:
    return validate(normalise_texts(texts, layout=layout, profile=profile), rules=rule_set)


def faults_by_record(validated: Validated, count: int) -> list[set[Fault]]:
    """Return per record its errors and warnings as code and path."""
    found: list[set[Fault]] = [set() for _ in range(count)]
    for record, code, path in validated.errors.select("record", "code", "path").rows():
        assert (code, path) not in found[record - 1], f"{code} at {path} twice"
        found[record - 1].add((code, path))
    return found


def find_faults(texts: Sequence[object], *, layout: Layout = JSON) -> list[set[Fault]]:
    return faults_by_record(validate_texts(texts, layout=layout), len(texts))

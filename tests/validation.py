"""Normalises and validates records as a job does, with an engine in memory."""

import atexit
import json
from collections.abc import Iterable, Sequence
from typing import Literal

import duckdb
import polars as pl

from schemas.connection import ConnectionSettings
from schemas.frames import RECORDS, Layout
from schemas.profiles import PROFILES
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
) -> RuleSet:
    """Return the rules of a job, by default of one without options."""
    return rule_set(
        connection or ConnectionSettings(),
        unknown_fields=unknown_fields,
        reset_unsupported_hashes=reset_unsupported_hashes,
    )


RULES = rules()


def normalise_texts(texts: Iterable[object], *, layout: Layout = JSON, profile: str = "auth0") -> Canonical:
    return normalise(rows(texts), engine=ENGINE, profile=PROFILES[profile], layout=layout)


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

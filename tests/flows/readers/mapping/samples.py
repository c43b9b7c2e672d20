"""Read the samples of profiles as a job does up to its plan, and give what came of them in plain values."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from flows.readers.detect import detect_format
from flows.readers.limits import ReadLimits
from flows.readers.mapping.choose import choose_profile
from flows.readers.registry import read
from flows.readers.sources import Source
from schemas.connection import ConnectionSettings
from schemas.fields import FIELDS, JsonType
from schemas.hashing import Hashing
from tests.transforms.hashes.vectors import PARAMETERS
from transforms.mapping.messages import name_origins
from transforms.normalise import normalise
from transforms.rules.validate import rule_set, validate

SAMPLES = Path(__file__).resolve().parents[4] / "data" / "samples" / "profiles"
NESTED = tuple(field.name for field in FIELDS if field.type in (JsonType.OBJECT, JsonType.ARRAY))
RULES = rule_set(ConnectionSettings(), unknown_fields="refuse", reset_unsupported_hashes=False)


@dataclass(frozen=True)
class Outcome:
    """The users of a file with the fields that they have, and what is said of them."""

    profile: str
    users: list[dict[str, Any]]
    not_users: int
    warnings: list[str]
    errors: list[str]


def list_samples() -> list[Path]:
    """Return the samples, each named after its profile."""
    return sorted(path for path in SAMPLES.iterdir() if path.name != "README.md")


def open_sample(path: Path) -> Source:
    """Return the sample as a source."""
    return Source(path.name, path, path.stat().st_size)


def choose_of(source: Source) -> str:
    """Return the name of the profile that is recognised."""
    return choose_profile(source, form=detect_format(source, "auto")).name


def read_users(source: Source, *, engine: duckdb.DuckDBPyConnection, requested: str = "auto") -> Outcome:
    """Return what comes of a source without an option but the profile."""
    form = detect_format(source, "auto")
    profile = choose_profile(source, form=form, requested=requested)
    users, warnings, errors, others = list[dict[str, Any]](), list[str](), list[str](), 0
    for batch in read(
        source,
        format=form,
        profile=profile,
        limits=ReadLimits(),
        first_record=1,
        engine=engine,
        hashing=Hashing(PARAMETERS),
    ):
        verdicts = validate(normalise(batch.values, engine=engine, profile=profile, layout=batch.layout), rules=RULES)
        users += [_plain(row) for row in verdicts.accepted.sort("record").rows(named=True)]
        found = name_origins(verdicts.errors, profile.mapping) if profile.mapping else verdicts.errors
        for row in found.rows(named=True):
            is_error = row["severity"] == "error"
            (errors if is_error else warnings).append(f"{row['record']} {row['code']} {row['path']}")
        errors += [f"{row['record']} {row['code']} {row['path']}" for row in batch.errors.rows(named=True)]
        others += batch.others
        assert batch.seen == verdicts.accepted.height + len({*found.filter(severity="error")["record"]}) + (
            batch.others + batch.refused.height
        )
    return Outcome(profile.name, users, others, sorted(warnings), sorted(errors))


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that a user has, objects and arrays as values."""
    given = {field.name: row[field.name] for field in FIELDS if row[field.name] is not None}
    return {name: json.loads(value) if name in NESTED else value for name, value in given.items()}

"""The profiles that come with the program: which there are, and which of them a sample of a file has the signs of."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from schemas.hashing import SCHEMES
from schemas.mapping.language import Mapping as Language
from schemas.mapping.language import Signs
from schemas.mapping.names import FOLDER, vendor_profiles
from schemas.mapping.parse import parse_mapping
from schemas.mapping.signs import TABLES, Sample, list_keys, matches_values
from transforms.field_names import fold_name


@dataclass(frozen=True)
class Fit:
    """A profile that a sample has the signs of, and these signs."""

    name: str
    signs: frozenset[str]


@cache
def get_profile(name: str) -> Language:
    """Return a profile by its name."""
    return parse_mapping(read_profile(name), schemes=hash_schemes())


def hash_schemes() -> dict[str, tuple[str, ...]]:
    """Return the parts of each way to write a hash, by name."""
    return {name: scheme.parts for name, scheme in SCHEMES.items()}


def find_fits(sample: Sample) -> list[Fit]:
    """Return the profiles that the sample has the signs of, without those that ask for less than another of them."""
    fits = [fit for name in vendor_profiles() if (fit := _fit(name, sample)) is not None]
    return [fit for fit in fits if not any(fit.signs < other.signs for other in fits)]


def list_containers() -> frozenset[str]:
    """Return the keys under which documents of some profile have their users."""
    return frozenset(key for name in vendor_profiles() for key in _containers(_document(name)))


def list_around_containers() -> frozenset[str]:
    """Return the keys under which documents of some profile have their containers."""
    return frozenset(key for name in vendor_profiles() for key in _document(name).get("around", ()))


def _containers(document: Mapping[str, Any]) -> Sequence[str]:
    keys = document.get("containers", ["users"])
    return [keys] if isinstance(keys, str) else keys


def read_profile(name: str) -> str:
    """Return the TOML text of a profile."""
    return files("schemas").joinpath(FOLDER, f"{name}.toml").read_text(encoding="utf-8")


@cache
def _document(name: str) -> Mapping[str, Any]:
    return tomllib.loads(read_profile(name))


def _fit(name: str, sample: Sample) -> Fit | None:
    """Return how the sample fits a profile, if it does; the profile is not parsed for that."""
    document = _document(name)
    forms = {*TABLES} if sample.is_table else {sample.form}
    if forms.isdisjoint(document.get("formats", ())):
        return None
    records, pattern = sample.records_under(_containers(document)), document.get("column_name")
    found = [_find_signs(signs, sample, records, pattern) for signs in _signs(name)]
    fitting = [signs for signs in found if signs is not None]
    return Fit(name, frozenset().union(*fitting)) if fitting else None


@cache
def _signs(name: str) -> list[Signs]:
    given = _document(name).get("recognise", [])
    return [Signs.model_validate(signs) for signs in (given if isinstance(given, list) else [given])]


def _find_signs(
    signs: Signs, sample: Sample, records: Sequence[Mapping[str, Any]], pattern: str | None
) -> frozenset[str] | None:
    """Return the signs if all of them hold of the sample."""
    if not {*signs.document} <= {*sample.document}:
        return None
    if signs.columns is not None:
        return _find_cells(signs, sample)
    if not records and signs.document:
        return frozenset(f"document {key}" for key in signs.document)  # without users
    keys = frozenset(name_column(column, pattern) for column in sample.columns) or list_keys(records)
    fold = fold_name if sample.columns else str
    wanted, any_found = {*map(fold, signs.all)}, {*map(fold, signs.any)} & keys
    if not wanted <= keys or (signs.any and not any_found) or not keys.isdisjoint(map(fold, signs.none)):
        return None
    if not matches_values(records, signs.values):
        return None
    return frozenset(
        {
            *(f"document {key}" for key in signs.document),
            *wanted,
            *any_found,
            *(f"value {path}" for path in signs.values),
        }
    )


def _find_cells(signs: Signs, sample: Sample) -> frozenset[str] | None:
    """Return the signs if they hold of the rows of a table that has no header."""
    rows = [row for row in sample.rows if any(row)]
    records = [{str(place): cell.strip() for place, cell in enumerate(row, start=1)} for row in rows]
    if not rows or any(len(row) != signs.columns for row in rows) or not matches_values(records, signs.values):
        return None
    return frozenset({f"{signs.columns} columns", *(f"value {path}" for path in signs.values)})


def name_column(column: str, pattern: str | None) -> str:
    """Return the folded name of a column, the first group of the profile's pattern where that matches."""
    found = re.search(pattern, column) if pattern else None
    return fold_name(found[1] if found and found[1] else column)

"""Users of the wider record come back equal from the shape of every profile, but for what it cannot say."""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from flows.settings import Settings
from flows.store.database import scratch
from schemas.fields import TIME_FIELDS
from schemas.mapping.language import Mapping as Language
from schemas.mapping.names import vendor_profiles
from tests.flows.readers.mapping.samples import open_sample, read_users
from tests.marks import mostly_slow
from tests.properties.profile_shapes import User, shape_users
from tests.properties.test_round_trip import generate_users
from transforms.field_names import fold_name
from transforms.mapping.profiles import get_profile
from transforms.mapping.records import list_paths
from transforms.mapping.tables import for_table

HEADINGS = {"entra-csv": "Title {} Required", "google-workspace": "{} [Required]"}  # around the name of a column
TOTP, PHONE, EMAIL = {"secret": "JBSWY3DPEHPK3PXP"}, {"value": "+491"}, {"value": "a@example.net"}
FACTORS = ({"totp": TOTP}, {"phone": PHONE}, {"email": EMAIL})
FORMS = ("json", "csv")  # in which all profiles can be written, those of LDIF too
QUICK = (("cognito-api", "json"), ("drupal-api", "json"), ("google-workspace", "csv"), ("rocketchat-csv", "csv"))

# how many fields come back, and those with a rule that are not written: see `tests.properties.profile_shapes`
SAID: Mapping[tuple[str, str], tuple[int, set[str]]] = {
    ("active-directory", "json"): (12, set()),
    ("active-directory-csv", "csv"): (10, {"user_id"}),
    ("auth0-export", "json"): (18, set()),
    ("auth0-export", "csv"): (17, {"identities"}),
    ("auth0-hashes", "json"): (7, set()),
    ("authentik", "json"): (12, set()),
    ("canvas", "csv"): (10, set()),
    ("clerk-api", "json"): (18, set()),
    ("clerk-csv", "csv"): (15, set()),
    ("cognito-api", "json"): (17, {"identities"}),
    ("cognito-csv", "csv"): (15, set()),
    ("discourse", "json"): (12, {"password_hash"}),
    ("discourse", "csv"): (12, {"password_hash"}),
    ("drupal", "json"): (10, {"name"}),
    ("drupal", "csv"): (10, {"name"}),
    ("drupal-api", "json"): (10, set()),
    ("drupal-rest", "json"): (10, {"name"}),
    ("entra-csv", "csv"): (6, set()),
    ("entra-export", "csv"): (9, set()),
    ("entra-graph", "json"): (12, {"identities"}),
    ("firebase", "json"): (12, {"password_hash"}),
    ("firebase-csv", "csv"): (11, {"password_hash"}),
    ("fullstory", "json"): (5, set()),
    ("fusionauth", "json"): (21, {"password_hash"}),
    ("gitea", "json"): (10, set()),
    ("gitlab", "json"): (13, set()),
    ("google-directory", "json"): (12, set()),
    ("google-directory", "csv"): (12, set()),
    ("google-workspace", "csv"): (7, set()),
    ("keycloak", "json"): (19, {"password_hash"}),
    ("kratos", "json"): (18, {"mfa_factors"}),
    ("ldif", "json"): (13, set()),
    ("liferay", "json"): (19, set()),
    ("liferay", "csv"): (19, set()),
    ("mattermost", "json"): (12, set()),
    ("mattermost-api", "json"): (16, set()),
    ("moodle", "csv"): (16, set()),
    ("okta-api", "json"): (16, {"password_hash"}),
    ("okta-csv", "csv"): (15, set()),
    ("redmine", "json"): (11, {"password_hash"}),
    ("redmine", "csv"): (11, {"password_hash"}),
    ("rocketchat", "json"): (7, {"password_hash"}),
    ("rocketchat-api", "json"): (15, {"password_hash"}),
    ("rocketchat-csv", "csv"): (3, set()),
    ("salesforce", "json"): (16, set()),
    ("salesforce", "csv"): (16, set()),
    ("salesforce-report", "csv"): (14, set()),
    ("scim", "json"): (17, set()),
    ("scim-bulk", "json"): (17, set()),
    ("slack", "json"): (14, set()),
    ("slack-csv", "csv"): (6, {"roles"}),
    ("supabase", "json"): (14, {"user_metadata"}),
    ("supabase", "csv"): (14, {"identities"}),
    ("supertokens", "json"): (10, set()),
    ("wordpress", "json"): (13, set()),
    ("wordpress", "csv"): (13, set()),
    ("wordpress-api", "json"): (12, set()),
    ("workos", "json"): (13, set()),
    ("zammad", "json"): (13, {"password_hash"}),
    ("zammad", "csv"): (13, {"password_hash"}),
    ("zitadel", "json"): (17, set()),
    ("zoom", "json"): (15, set()),
    ("zoom-csv", "csv"): (12, set()),
}


@pytest.fixture(scope="module")
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with scratch(Settings()) as connection:
        yield connection


def list_users(mapping: Language) -> list[User]:
    """Return users with all kinds of second factors, and accounts at the providers that the profile knows."""
    rules = mapping.fields.get("identities", ())
    providers = [rule.each["provider"].value for rule in rules if rule.each and not rule.at]
    return [
        _vary(user, number, [name for name in providers if name]) for number, user in enumerate(generate_users(100))
    ]


def _vary(user: User, number: int, providers: Sequence[object]) -> User:
    factors = {"mfa_factors": [FACTORS[number % len(FACTORS)]]}
    accounts = [
        {**account, "provider": name} for account, name in zip(user.get("identities", ()), providers, strict=False)
    ]
    changed = {**factors, **({"identities": accounts} if providers else {})}
    return {**user, **{name: value for name, value in changed.items() if name in user}}


def list_columns(name: str, mapping: Language) -> list[str]:
    """Return the columns of the profile's tables."""
    columns = {fold_name(path.column): path.column for path in reversed(list_paths(mapping))}
    return [*mapping.header] or [HEADINGS.get(name, "{}").format(column) for column in columns.values()]


def write_table(path: Path, records: Sequence[Mapping[str, Any]], mapping: Language) -> None:
    columns = mapping.header or {column: None for record in records for column in record}
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.DictWriter(file, [*columns])
        if not mapping.header:
            rows.writeheader()
        rows.writerows({name: _cell(value, mapping) for name, value in record.items()} for record in records)


def _cell(value: Any, mapping: Language) -> str:
    if value is None:
        return ""
    return f"{mapping.text_prefix}{value}" if isinstance(value, str) else json.dumps(value)


def comparable(user: User, names: frozenset[str], mapping: Language) -> User:
    """Return the fields of these names, times as times, metadata without what has no field of its own."""
    found = {name: value for name, value in user.items() if name in names}
    times = {name: datetime.fromisoformat(found[name]) for name in TIME_FIELDS if found.get(name)}
    inner = {key: value for key, value in (found.get("user_metadata") or {}).items() if key != mapping.system}
    metadata = {"user_metadata": inner} if "user_metadata" in found else {}
    return {name: value for name, value in {**found, **times, **metadata}.items() if value not in (None, {}, [])}


def list_ruled(mapping: Language) -> set[str]:
    """Return the fields that the profile has a rule for."""
    return {*mapping.fields, *(["password_hash"] if any(password.scheme for password in mapping.password) else [])}


@pytest.mark.parametrize(("name", "form"), mostly_slow(SAID, quick=QUICK))
def test_users_come_back_equal_but_for_what_a_profile_cannot_say(
    name: str, form: str, tmp_path: Path, engine: duckdb.DuckDBPyConnection
) -> None:
    mapping, path = get_profile(name), tmp_path / f"users.{form}"
    resolved = for_table(mapping, list_columns(name, mapping)) if form == "csv" else mapping
    shaped = shape_users(resolved, list_users(mapping), are_rows=form == "csv")
    if form == "csv":
        write_table(path, shaped.records, mapping)
    else:
        path.write_text(json.dumps({mapping.containers[0]: shaped.records}), encoding="utf-8")
    outcome = read_users(open_sample(path), engine=engine, requested=name)
    names = [shaped.said & user.keys() for user in shaped.users]
    assert (outcome.errors, outcome.not_users) == ([], 0)
    assert [comparable(*pair, mapping) for pair in zip(outcome.users, names, strict=True)] == [
        comparable(*pair, mapping) for pair in zip(shaped.users, names, strict=True)
    ]
    assert (len(shaped.said), list_ruled(mapping) - shaped.said) == SAID[name, form]


def test_every_profile_is_written_in_each_of_its_formats() -> None:
    formats = {name: get_profile(name).formats for name in vendor_profiles()}
    assert [*SAID] == [(name, form) for name in formats for form in FORMS if form in formats[name]]

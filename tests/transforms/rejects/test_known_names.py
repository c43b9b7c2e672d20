"""A profile's names for fields that we show are known; a secret of no profile is ever shown."""

import json
from collections.abc import Iterator

import pytest

from schemas.fields import FIELDS
from schemas.mapping.language import Mapping, Rule
from schemas.mapping.names import vendor_profiles
from schemas.mapping.parse import parse_mapping
from schemas.mapping.paths import Every, Path, Step, Where
from tests.validation import ENGINE, rows
from transforms.mapping.profiles import get_profile, hash_schemes
from transforms.rejects.known_names import known_names
from transforms.rejects.redact import redact

SECRET = "S3CR3T"
SECRET_FIELDS = [field.name for field in FIELDS if field.secret]


def secret_paths(mapping: Mapping) -> Iterator[Path]:
    """Yield the paths of everything that a profile knows to be secret."""
    passwords = [rule for one in mapping.password for rule in (one.plain, *one.parts.values()) if rule]
    for rule in (*passwords, *(rule for name in SECRET_FIELDS for rule in mapping.fields.get(name, ()))):
        yield from rule.at
        yield from (path for part in rule.each.values() for path in part.at)
    yield from mapping.leave_out


def at_path(steps: tuple[Step, ...], value: object) -> object:
    """Return the smallest value that has this one at the path."""
    if not steps:
        return value
    inner = at_path(steps[1:], value)
    match steps[0]:
        case str(key):
            return {key: inner}
        case int(place):
            return [*[None] * place, inner]
        case Every.ITEM:
            return [inner]
        case Where(key, wanted):
            return [{key: wanted, **inner} if isinstance(inner, dict) else inner]
    return {"any": inner}


def shown(records: list[object], *mappings: Mapping) -> list[object]:
    frame = redact(rows(json.dumps(record) for record in records), engine=ENGINE, known=known_names(mappings))
    return [json.loads(text) for text in frame["text"]]


@pytest.mark.parametrize("name", vendor_profiles())
def test_no_secret_of_a_profile_is_shown(name: str) -> None:
    mapping = get_profile(name)
    records: list[object] = [{field: SECRET} for field in (*SECRET_FIELDS, "password", "pin")]
    for path in secret_paths(mapping):
        values = (SECRET, [SECRET], {"value": SECRET})
        records += [{path.text: SECRET}, {path.column: SECRET}, *(at_path(path.steps, value) for value in values)]
        if mapping.record:
            records.append(at_path((*mapping.record.steps, *path.steps), SECRET))
    assert SECRET not in json.dumps(shown(records, mapping))


@pytest.mark.parametrize("name", vendor_profiles())
def test_a_known_name_leads_to_a_field_that_is_shown_under_our_name(name: str) -> None:
    for known, field in known_names([get_profile(name)]).items():
        assert shown([{known: "v"}], get_profile(name)) == [{known: "v"}]
        assert shown([{known: {"a": SECRET}}], get_profile(name)) == [{known: "*****"}]
        assert shown([{field: "v"}], get_profile(name)) == [{field: "v"}]


def test_names_of_users_are_known_and_others_are_not() -> None:
    record = {"emailAddress": "ada@", "alternateName": "ada", "status": 7, "roleBriefs": [{"name": "x"}], "pin": "1"}
    hidden = {"roleBriefs": "*****", "pin": "*****"}
    assert shown([record], get_profile("liferay")) == [record | hidden]
    assert shown([{"uid": 17, "display_name": "Ada"}], get_profile("fullstory")) == [{"uid": 17, "display_name": "Ada"}]


@pytest.mark.parametrize(
    "rules",
    [
        'fields = { email = "e", name = "code" }\npassword = { scheme = "django", parts = { value = "code" } }',
        'fields = { email = "e", name = "code", password_hash = "code" }',
        'fields = { email = "e", name = "code", mfa_factors = { from = "code", factor = "totp" } }',
        'fields = { email = "e", name = "code" }\nleave_out = "code"',
        'fields = { email = "e", name = { from = "code", pattern = "^([^:]*):.*" } }',
        'fields = { email = "e", blocked = { from = "code", present = true } }',
        'fields = { email = "e", name = "inner.code" }',
        'fields = { email = "e", user_metadata = "code" }',
        'record = "code"\nfields = { email = "e", name = "code" }',
    ],
)
def test_a_name_that_may_lead_to_a_secret_is_not_known(rules: str) -> None:
    assert "code" not in known_names([parse_mapping(rules, schemes=hash_schemes())])


@pytest.mark.parametrize("name", ["password", "api_token", "Passwort-Hash", "saltValue"])
def test_a_name_of_a_secret_is_not_known_whatever_a_mapping_says(name: str) -> None:
    mapping = Mapping(fields={"email": (Rule(at=(Path("e", ("e",)),)),), "name": (Rule(at=(Path(name, (name,)),)),)})
    assert known_names([mapping]) == {"e": "email"}


def test_of_several_profiles_only_what_all_of_them_know_is_known() -> None:
    one, other = (
        parse_mapping(f"fields = {{ {text} }}", schemes=hash_schemes())
        for text in ('email = "e", name = "n"', 'email = "e", username = "n"')
    )
    assert known_names([one, other]) == {"e": "email"}
    assert known_names([one, None]) == {}
    assert known_names([None]) == {}

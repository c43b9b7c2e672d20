"""The profile of a source is the one that is asked for, or the one that it shows signs of; ours is never another's."""

import json
from collections.abc import Iterator

import pytest

from flows.readers.mapping.choose import choose_profile
from schemas.codes import ErrorCode
from schemas.faults import FileFault
from schemas.fields import FIELDS
from schemas.mapping.language import Mapping
from tests.flows.readers.outcomes import Reader
from transforms.mapping import profiles

KEYCLOAK = {"username": "ann", "enabled": True, "credentials": [], "attributes": {"a": ["b"]}}
GOOGLE = (
    "First Name [Required],Last Name [Required],Email Address [Required],Password [Required],Org Unit Path [Required]"
)


def choose(reader: Reader, content: bytes | object, form: str = "json", requested: str = "auto") -> str:
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    return choose_profile(reader.source(data, "users"), form=form, requested=requested).name


@pytest.mark.parametrize(
    ("content", "form", "name"),
    [
        ({"realm": "x", "users": [KEYCLOAK]}, "json", "keycloak"),
        ({"roles": "y" * 5_000_000, "groups": [{"name": "g"}], "users": [KEYCLOAK]}, "json", "keycloak"),
        ([KEYCLOAK], "json", "keycloak"),
        (json.dumps(KEYCLOAK).encode() + b"\n", "ndjson", "keycloak"),
        (f"{GOOGLE}\nAnn,Lo,a@x.example,s3,/\n".encode(), "csv", "google-workspace"),
        (f"\ufeff{GOOGLE}\nAnn,Lo,a@x.example,s3,/\n".replace(",", ";").encode(), "csv", "google-workspace"),
        (f"{GOOGLE}\n".encode(), "csv", "google-workspace"),
    ],
)
def test_an_export_is_recognised(reader: Reader, content: object, form: str, name: str) -> None:
    assert choose(reader, content, form) == name


OWN = {field.name: None for field in FIELDS}


@pytest.mark.parametrize(
    ("content", "form", "name"),
    [
        ([OWN], "json", "auth0"),
        ({"users": [OWN]}, "json", "auth0"),
        ([{"email": "a@x.example", "username": "ann", "credentials_": 1}], "json", "auth0"),
        ([{"email": "a@x.example", "import_line": 1}], "json", "auth0"),
        ([], "json", "auth0"),
        ({}, "json", "auth0"),
        (b"", "json", "auth0"),
        (b"{broken", "json", "auth0"),
        (json.dumps(OWN).encode(), "ndjson", "auth0"),
        (",".join(OWN).encode(), "csv", "csv"),
        (b"First Name,Last Name,Email Address\nAnn,Lo,a@x.example\n", "csv", "csv"),
        (b"First Name,Last Name,Email Address,Shoe size\nAnn,Lo,a@x.example,40\n", "csv", "csv"),
        (b"a@x.example,Ann\n", "csv", "csv"),
        (b"", "csv", "csv"),
        (b"PAR1", "parquet", "csv"),
    ],
)
def test_what_is_nobodys_is_our_own_format(reader: Reader, content: object, form: str, name: str) -> None:
    assert choose(reader, content, form) == name


def test_a_profile_can_be_asked_for(reader: Reader) -> None:
    assert choose(reader, [OWN], requested="keycloak") == "keycloak"
    assert choose(reader, [KEYCLOAK], requested="auth0") == "auth0"
    assert choose(reader, [KEYCLOAK], requested="auth0-import") == "auth0-import"


def test_a_mapping_comes_before_every_profile(reader: Reader) -> None:
    mapping = Mapping.model_validate({"fields": {"email": "m"}, "containers": "rows", "title": "a list"})
    source = reader.source(json.dumps([KEYCLOAK]).encode(), "users")
    profile = choose_profile(source, form="json", requested="keycloak", mapping=mapping)
    assert (profile.name, profile.title, profile.containers) == ("mapping", "a list", ("rows",))
    assert profile.mapping is mapping


@pytest.mark.parametrize(
    ("requested", "null"),
    [("auto", "refuse"), ("auth0", "refuse"), ("auth0-import", "refuse"), ("csv", "refuse"), ("keycloak", "absent")],
)
def test_what_null_means_is_said_by_the_profile_unless_the_job_says_it(
    reader: Reader, requested: str, null: str
) -> None:
    source = reader.source(json.dumps([OWN]).encode(), "users")
    profile = choose_profile(source, form="json", requested=requested)
    assert (profile.null, profile.mapping and profile.mapping.null) == (null, profile.mapping and null)
    profile = choose_profile(source, form="json", requested=requested, null="clear")
    assert (profile.null, profile.mapping and profile.mapping.null) == ("clear", profile.mapping and "clear")


def test_what_null_means_is_said_by_a_mapping_file(reader: Reader) -> None:
    mapping = Mapping.model_validate({"fields": {"email": "m"}, "null": "clear"})
    source = reader.source(b"[]", "users")
    assert choose_profile(source, form="json", mapping=mapping).null == "clear"
    assert choose_profile(source, form="json", mapping=mapping, null="absent").null == "absent"


def test_null_under_another_spelling_of_a_field_means_what_it_means_under_its_name(reader: Reader) -> None:
    source = reader.source(b'[{"E-Mail": "a@x.example", "name": null}]', "users")
    assert choose_profile(source, form="json").null == "refuse"
    assert choose_profile(source, form="json", null="absent").null == "absent"


@pytest.fixture
def two_profiles(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Two invented profiles: one with a sign less than the other, or with signs of its own."""
    start = 'formats = ["json"]\nfields = { email = "e" }\n'
    texts = {
        "club": f'title = "a club list"\n{start}[recognise]\nall = ["e"]\nany = ["club", "both"]\n',
        "guild": f'title = "a guild list"\n{start}[[recognise]]\nall = ["e"]\nany = ["guild", "both"]\n',
    }
    monkeypatch.setattr(profiles, "vendor_profiles", lambda: tuple(texts))
    monkeypatch.setattr(profiles, "read_profile", texts.__getitem__)
    yield
    for cached in (profiles.get_profile, profiles._document, profiles._signs):
        cached.cache_clear()


@pytest.mark.usefixtures("two_profiles")
def test_where_two_profiles_fit_both_are_named(reader: Reader) -> None:
    with pytest.raises(FileFault) as raised:
        choose(reader, [{"e": "a@x.example", "both": 1}])
    fault = raised.value
    assert (fault.code, fault.message, fault.hint) == (
        ErrorCode.PROFILE_AMBIGUOUS,
        "users may be a club list (club) and a guild list (guild)",
        "say which, such as --profile club",
    )


@pytest.mark.usefixtures("two_profiles")
def test_the_profile_with_more_signs_is_chosen(reader: Reader) -> None:
    assert choose(reader, [{"e": "a@x.example", "both": 1, "guild": 2}]) == "guild"
    assert choose(reader, [{"e": "a@x.example", "club": 2}]) == "club"
    assert choose(reader, [{"e": "a@x.example"}]) == "auth0"

"""A mapping is read whole, or refused with everything that is wrong with it, by line."""

from pathlib import Path

import pytest
from pydantic import BaseModel

import schemas
from schemas.mapping.language import Mapping, Password, Rule, Signs, Skip, describe
from schemas.mapping.parse import MappingError, parse_mapping
from schemas.mapping.paths import parse_path
from tests.schemas.mapping.broken import BROKEN
from transforms.mapping.profiles import get_profile

SCHEMES: dict[str, tuple[str, ...]] = {"spelled": ("value", "salt"), "named": ("value", "algorithm")}
PROFILES = sorted((Path(schemas.__file__).parent / "profiles").glob("*.toml"))
WHOLE = """
title = "a list of members"
system = "club"
documentation = "https://example.com/docs"
formats = ["csv", "json"]
containers = ["members"]
around = ["clubs"]
record = "user"
strict = true
text_prefix = "'"
pairs = { at = "attributes", name = "k", value = "v" }
header = ["mail", "first"]
column_name = '^(.*) \\*$'
null = "clear"
null_words = ["n/a"]
true_words = "ja"
false_words = ["nein"]
ignore = "etag"
leave_out = ["tokens[]"]
rest = "refuse"

[[recognise]]
document = ["members"]
all = ["mail"]
any = ["first", "last"]
none = ["login"]
values = { mail = "@" }
columns = 2

[fields]
email = "mail"
name = { from = ["first", "last"], join = " ", pattern = "^x", replace = "", default = "?" }
blocked = [{ from = "status", map = { gone = true } }, { from = "left", present = true, not = true }]
phone_number = { from = "phone", fits = "^\\\\+" }
nickname = { from = "since", time = ["iso", "%d/%m/%Y"], zone = "Europe/Berlin" }
username = { value = "x" }
mfa_factors = { from = "codes[]", factor = "totp" }

[user_metadata]
city = "address.city"

[app_metadata]
plan = { from = "plan", default = "free" }

[[password]]
scheme = "spelled"
parts = { value = "hash", salt = { from = "s" } }
when = "hash"

[[password]]
plain = "pw"
unless = "hash"

[[skip]]
where = "kind"
is = ["bot"]
why = "bots"

[[skip]]
where = "state"
is_not = "member"
"""


@pytest.mark.parametrize("name", BROKEN)
def test_every_fault_has_its_line_and_a_sentence(name: str) -> None:
    text, problems = BROKEN[name]
    with pytest.raises(MappingError) as raised:
        parse_mapping(text, schemes=SCHEMES)
    assert [(problem.line, problem.sentence) for problem in raised.value.problems] == problems


def test_a_mapping_can_say_everything() -> None:
    mapping = parse_mapping(WHOLE, schemes=SCHEMES)
    unset = {*Mapping.model_fields} - mapping.model_fields_set
    assert unset == set()
    assert mapping.fields["email"] == (Rule.model_validate("mail"),)
    assert mapping.fields["name"][0].at == (parse_path("first"), parse_path("last"))
    assert mapping.fields["blocked"][0].words == {"gone": True}
    assert mapping.fields["blocked"][1].negate
    assert mapping.true_words == ("ja",)
    assert mapping.ignore == (parse_path("etag"),)
    assert mapping.password[0].parts["salt"].at == (parse_path("s"),)
    assert mapping.skip[1].only == ("member",)
    assert mapping.recognise[0].columns == 2


def test_identities_have_parts_of_each_item() -> None:
    rule = Rule.model_validate({"from": "accounts", "each": {"provider": "p", "user_id": "id"}})
    assert {name: part.at for name, part in rule.each.items()} == {
        "provider": (parse_path("p"),),
        "user_id": (parse_path("id"),),
    }


@pytest.mark.parametrize("part", [Mapping, Rule, Password, Skip, Signs])
def test_every_key_is_described(part: type[BaseModel]) -> None:
    assert [name for name, description in describe(part) if not description] == []


def test_flags_have_no_texts_and_texts_no_flags_as_constants() -> None:
    text = '[fields]\nblocked = { from = "x", default = "no" }\nname = { from = "x", default = false }\n'
    with pytest.raises(MappingError) as raised:
        parse_mapping(text, schemes=SCHEMES)
    assert [problem.sentence for problem in raised.value.problems] == [
        "fields.blocked has the value 'no', but blocked is true or false",
        "fields.name has the value False, but name is a text",
    ]


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.stem)
def test_profiles_are_mappings_and_say_where_their_format_is_described(path: Path) -> None:
    profile = get_profile(path.stem)
    assert profile.title.startswith(("a ", "an "))
    assert profile.documentation.startswith("https://")
    assert profile.formats
    assert profile.recognise

"""A proof holds only for strict records, and gives what reading them value by value gives."""

from random import Random

import polars as pl
import pytest

from flows.readers.json.strict import find_refusal
from flows.readers.limits import ReadLimits
from schemas.fields import FIELDS, JsonType
from schemas.profiles import PROFILES, Profile
from tests.validation import ENGINE, rows
from transforms.fields.json_records import read_json_records
from transforms.fields.proven_records import Caps, read_proven

LIMITS = ReadLimits(record_bytes=1500, value_bytes=1500, keys=375, nesting=4)
CAPS = Caps(text_bytes=1500, nesting=4)
WORDS = (
    "",
    "a@b.c",
    "é",
    r"\u00e9",
    r"\n",
    r"\\",
    r"\"",
    r"\ud83d\ude00",
    r"\ud800",
    "\x7f",
    "\x85",
    "\ufffd",
    ":NaN",
    "[",
)
NUMBERS = ("0", "-0", "1.50", "2.0", "1e2", "1E400", "-1e+999", "12345678901234567890123", "9" * 250, f"{'9' * 250}e99")
LENIENT = ("NaN", "-Infinity", "01", "2.", "nan", "1e", "{,}", "[1,]", '{"a":1,}', "'a'")
OTHERS = ("true", "false", "null", "{}", "[]", '{"a":{"a":{"a":{"a":1}}}}', "[[[[[]]]]]", '{"a":1,"a":2}', "{", "")
CLEAN = {"string": '"x"', "boolean": "true", "object": '{"a":"b","n":1}', "array": '[{"a":1}]'}


def nested(dice: Random, depth: int = 0) -> str:
    """Return an object, mostly of what may be in one."""
    values = [dice.choice((*NUMBERS[:4], *(f'"{word}"' for word in WORDS[:6]))) for _ in range(dice.randrange(3))]
    if depth < 2 and dice.random() < 0.4:
        values.append(nested(dice, depth + 1))
    return "{" + ",".join(f'"{dice.choice("abc")}{place}":{value}' for place, value in enumerate(values)) + "}"


def value_of(dice: Random, kind: JsonType) -> str:
    """Return a value, in most records of the field's own type."""
    chance = dice.random()
    if chance < 0.02:
        return dice.choice((*NUMBERS, *LENIENT, *OTHERS, *(f'"{word}"' for word in WORDS)))
    if chance < 0.85:
        return CLEAN[kind]
    if kind is JsonType.STRING:
        return f'"{dice.choice(WORDS[:3])}"'
    if kind is JsonType.BOOLEAN:
        return dice.choice(("true", "false"))
    return nested(dice) if kind is JsonType.OBJECT else f"[{','.join(nested(dice) for _ in range(dice.randrange(3)))}]"


def near_valid(dice: Random) -> str:
    """Return the text of a record that is one, or nearly."""
    fields = [field for field in FIELDS if dice.random() < 0.4]
    if dice.random() < 0.1:
        dice.shuffle(fields)
    if dice.random() < 0.05:
        fields += dice.choices(FIELDS)
    members = [f'"{field.name}":{value_of(dice, field.type)}' for field in fields]
    if dice.random() < 0.05:
        members.append(dice.choice(('"team":1', '"Email":"a"', r'"emai\u006c":"a"', "", '"a"', '"":1')))
    text = "{" + dice.choice((*[","] * 20, ", ", ",,")).join(members) + "}"
    if dice.random() < 0.1:
        place = dice.randrange(len(text))
        end = place + dice.randrange(2)
        text = text[:place] + dice.choice((" ", "\t", ",", '"', "\\", "}", "]", "0", "\x01", "é", "")) + text[end:]
    return text


@pytest.mark.parametrize("batches", [3, pytest.param(200, marks=pytest.mark.slow)])
def test_a_proof_never_disagrees_with_reading_value_by_value(batches: int) -> None:
    dice, proven_records = Random(batches), 0  # noqa: S311 - repeatable
    for _ in range(batches):
        frame = rows(near_valid(dice) for _ in range(1_500))
        proven = read_proven(frame, engine=ENGINE, profile=PROFILES["auth0"], caps=CAPS)
        records = frame.join(proven.select("record"), on="record", how="semi", maintain_order="left")
        assert [text for text in records["text"] if find_refusal(text.encode(), limits=LIMITS)] == []
        read = read_json_records(records, engine=ENGINE, profile=PROFILES["auth0"])
        assert read.keys.is_empty()
        without_found = pl.exclude("^.*:found$")
        assert proven.select(without_found).equals(read.users.select(without_found))
        proven_records += proven.height
    assert proven_records > batches * 100


def proven_of(texts: list[str], profile: Profile = PROFILES["auth0"]) -> list[int]:
    return read_proven(rows(texts), engine=ENGINE, profile=profile, caps=CAPS)["record"].to_list()


ORDINARY = '{"email":"a@b.c","blocked":false,"user_metadata":{"a":[1,"x"]},"name":"Jane"}'


@pytest.mark.parametrize(
    "texts",
    [
        ORDINARY.replace("Jane", "Jané"),
        '{"name":"x","email":"a@b.c"}',
        ORDINARY.replace('"Jane"', "null"),
        '{"email":"a@b.c","mfa_factors":[{"a":1}]}',
    ],
)
def test_ordinary_records_are_proven(texts: str) -> None:
    assert proven_of([texts, "{", texts]) == [1, 3]


@pytest.mark.parametrize(
    "text",
    [
        ORDINARY.replace("1", "1.50"),
        ORDINARY.replace("1", "NaN"),
        ORDINARY.replace("1", "1e400"),
        ORDINARY.replace("1", "9" * 250 + "e99"),
        ORDINARY.replace("Jane", r"\u00e9"),
        ORDINARY.replace("false", '"false"'),
        ORDINARY.replace('"Jane"', "5"),
        ORDINARY.replace('{"a":[1,"x"]}', '"x"'),
        ORDINARY.replace('{"a":[1,"x"]}', "[[[[[]]]]]"),
        ORDINARY.replace('"name"', '"team"'),
        ORDINARY.replace("}", ',"name":"Jane"}'),
        ORDINARY.replace(":", ": "),
        ORDINARY.replace("Jane", "x" * 2_000),
    ],
)
def test_anything_else_is_read_value_by_value(text: str) -> None:
    assert proven_of([ORDINARY, text]) == [1]


def test_a_proof_that_would_hold_for_few_is_not_tried() -> None:
    assert proven_of([ORDINARY.replace(":", ": ") for _ in range(2_000)] + [ORDINARY]) == []


def test_a_profile_with_other_paths_has_no_proof() -> None:
    paths = {**PROFILES["auth0"].paths, "email": "$.emails[0].value"}
    assert proven_of([ORDINARY], Profile("other", paths)) == []
    assert proven_of([ORDINARY], Profile("other", {**paths, "email": "$.Name"})) == []
    assert proven_of(['{"mail":"a@b.c"}'], Profile("other", {**paths, "email": "$.mail"})) == [1]

"""Test the canonical shape: values and types kept apart, stable match keys, cells and columns read like JSON."""

import json

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.fields import FIELD_NAMES, FIELDS
from schemas.frames import Layout
from schemas.profiles import PROFILES, Profile
from tests.examples import BCRYPT, user
from tests.oracle import grammars
from tests.oracle.addresses import emails
from tests.validation import ENGINE, find_faults, normalise_texts, rows, validate_texts
from transforms.canonical_columns import fold_match_key
from transforms.fields.json_records import read_json_records
from transforms.normalise import normalise

CHARACTERS = [chr(code) for code in range(0x110000) if not 0xD800 <= code <= 0xDFFF]
MARKS = ("\u0301", "\u0345", "\u0327\u0301", "S\u0307", "\u1e9e", "\u03a3")


def column_of(texts: list[object], name: str, *, layout: Layout | None = None) -> list[tuple[object, str | None]]:
    users = normalise_texts(texts, layout=layout or Layout()).users
    return users.select(name, f"{name}:type").rows()


def keys_of(texts: list[str]) -> list[str]:
    return pl.DataFrame({"text": texts}).select(fold_match_key(pl.col("text")))["text"].to_list()


def test_absent_null_and_wrong_type_stay_apart() -> None:
    found = column_of(
        ["{}", {"name": None}, {"name": 1}, {"name": True}, {"name": []}, {"name": {}}, {"name": ""}], "name"
    )
    assert found == [
        (None, None),
        (None, "null"),
        (None, "number"),
        (None, "boolean"),
        (None, "array"),
        (None, "object"),
        ("", "string"),
    ]


def test_boolean_fields_have_boolean_values() -> None:
    assert column_of([{"blocked": True}, {"blocked": False}, {"blocked": "true"}], "blocked") == [
        (True, "boolean"),
        (False, "boolean"),
        (None, "string"),
    ]


def test_text_stays_as_the_file_has_it() -> None:
    every = "".join(CHARACTERS)
    names = ["00123", " a ", '"', "\\", "\\n", '\\"', "é\u0301", "\x00\n\t\x1f\x7f\u2028", "😀", every]
    for ascii_only in (True, False):
        texts = [json.dumps({"name": name}, ensure_ascii=ascii_only) for name in names]
        users = normalise_texts(list(texts), profile="auth0-import").users
        assert users["name"].to_list() == names


def test_objects_and_arrays_become_compact_json() -> None:
    text = '{"user_metadata" : {"a" : [1, 2.50, 12345678901234567890123, "é\\u00e9\\/"] , "b":null}}'
    assert column_of([text], "user_metadata") == [('{"a":[1,2.50,12345678901234567890123,"éé/"],"b":null}', "object")]


NUMBERS = (
    "-0 0 -0.0 0.0 1.50 -1.50 1e2 1E+2 1e-400 1.0 100 12345678901234567890123 "
    "0.1000000000000000055511151231257827 "
    f"{'9' * 24} {'9' * 24}0102 1e23 -9223372036854775809 9007199254740993 "
    "123456789.123456789123456789 1234567890123.500"
).split()


@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_in_metadata_stays_as_it_is_written(number: str) -> None:
    inner = f'{{"{number}":{number},"a":[{number}, "x, {number}, y"]}}'
    compact = inner.replace('", "', '","').replace(f'[{number}, "', f'[{number},"')
    assert column_of([f'{{"user_metadata":{inner}}}'], "user_metadata") == [(compact, "object")]
    assert column_of([{"user_metadata": inner}], "user_metadata", layout=CELLS) == [(compact, "object")]


def test_a_number_of_a_hash_is_read_however_it_is_written() -> None:
    parts = '{"algorithm":"scrypt","hash":{"value":"00"},"keylen":1e0,"cost":1.6e1}'
    text = f'{{"email":"a@b.c","custom_password_hash":{parts}}}'
    assert find_faults([text, text.replace("1e0", "1.50")]) == [
        set(),
        {("INVALID_TYPE", "custom_password_hash.keylen")},
    ]


def test_a_batch_without_rows_has_the_same_columns() -> None:
    empty, full = normalise_texts([]), normalise_texts([{"email": "a@b.c"}])
    for frame in empty.__dataclass_fields__:
        assert getattr(empty, frame).schema == getattr(full, frame).schema
        assert getattr(empty, frame).is_empty()


def test_records_keep_their_order_in_a_batch_of_many_chunks() -> None:
    users = normalise_texts([{"name": str(number)} for number in range(40_000)]).users
    assert users["record"].to_list() == list(range(1, 40_001))
    assert users["name"].to_list() == [str(number) for number in range(40_000)]


def test_folding_a_key_twice_is_folding_it_once_for_every_character_alone_and_with_marks() -> None:
    once = keys_of(CHARACTERS)
    changed = [character for character, key in zip(CHARACTERS, once, strict=True) if character != key]
    marked = keys_of([character + mark for character in changed for mark in MARKS])
    assert keys_of(once) == once
    assert keys_of(marked) == marked


def test_ascii_keys_are_only_lower_cased() -> None:
    texts = [chr(code) for code in range(0x80)]
    assert keys_of(texts) == [text.lower() for text in texts]


@pytest.mark.parametrize(
    "texts",
    [
        ("Jane@Example.COM", "jane@example.com"),
        ("a@MÜNCHEN.de", "a@mu\u0308nchen.de"),
        ("\u0130", "i\u0307"),
        ("K", "k"),
        ("Ann@münchen.example", "ann@xn--mnchen-3ya.example"),
        ("ann@mu\u0308nchen.example", "ann@XN--MNCHEN-3YA.Example"),
        ("a@straße.de", "a@xn--strae-oqa.de"),
        ("a@\u0130stanbul.example", "a@xn--istanbul-o0e.example"),
        ("a@ΟΔΟΣ.gr", "a@οδοσ.gr"),
        ("a@xn--r8jz45g.example", "A@例え.EXAMPLE"),
    ],
)
def test_texts_that_differ_in_spelling_have_one_key(texts: tuple[str, str]) -> None:
    assert len(set(keys_of(list(texts)))) == 1


@pytest.mark.parametrize(
    "texts", [("a@straße.de", "a@strasse.de"), ("a@οδος.gr", "a@οδοσ.gr"), ("ann@b.c", "annxn--@b.c")]
)
def test_different_mailboxes_have_different_keys(texts: tuple[str, str]) -> None:
    assert len(set(keys_of(list(texts)))) == 2


def test_every_address_has_a_key_and_folding_that_of_a_valid_one_does_not_change_it() -> None:
    addresses = [f"A@{start}{character}.example" for character in CHARACTERS[::101] for start in ("", "xn--", "b")]
    keys = keys_of(addresses)
    assert None not in keys
    valid = [key for address, key in zip(addresses, keys, strict=True) if grammars.is_email_address(address)]
    assert keys_of(valid) == valid


@settings(max_examples=20, derandomize=True, deadline=None, database=None)
@given(st.lists(emails.map(str), min_size=50, max_size=50))
def test_keys_of_addresses_are_those_of_the_oracle(addresses: list[str]) -> None:
    valid = [address for address in addresses if grammars.is_email_address(address)]
    assert keys_of(valid) == [grammars.email_key(address) for address in valid]


def test_a_username_is_never_taken_for_an_address() -> None:
    names = ["@münchen", "a@münchen@b", "münchen", "xn--mnchen-3ya", "@xn--mnchen-3ya"]
    assert keys_of(names) == names


def test_keys_come_from_email_and_username() -> None:
    users = normalise_texts([{"email": "A@Ü.de", "username": "Jane"}, {"email": 5}]).users
    assert users.select("email_key", "username_key").rows() == [("a@xn--tda.de", "jane"), (None, None)]


CELLS = Layout(textual=True, columns=(*FIELD_NAMES, "team", "record", "found", "^.*$"))


def test_an_empty_cell_is_an_absent_value() -> None:
    assert find_faults([{"email": "", "name": "", "blocked": "", "app_metadata": "", "team": ""}], layout=CELLS) == [
        {("OBJECT_REQUIRED", "email")}
    ]


@pytest.mark.parametrize(
    ("word", "value"),
    [
        *((word, True) for word in ("true", "T", " YES ", "y", "On", "1", "1.0")),
        *((word, False) for word in ("FALSE", "f", "No", "n", "Off", "0", "0.0")),
    ],
)
def test_words_of_the_profile_in_cells_are_booleans(word: str, value: bool) -> None:
    assert column_of([{"blocked": word}], "blocked", layout=CELLS) == [(value, "boolean")]


@pytest.mark.parametrize("word", ["maybe", "tr", "2", "10", "1.00", "\\n"])
def test_another_word_is_no_flag(word: str) -> None:
    assert find_faults([{"email": "a@b.c", "blocked": word}], layout=CELLS) == [{("INVALID_TYPE", "blocked")}]


@pytest.mark.parametrize("cell", ["\\N", " \\N\t", "\u00a0"])
def test_the_null_of_databases_or_white_space_in_a_cell_is_an_absent_value(cell: str) -> None:
    absent = dict.fromkeys(("name", "username", "blocked", "app_metadata", "team"), cell)
    assert find_faults([{"email": "a@b.c", **absent}, {"email": "\\N"}], layout=CELLS) == [
        set() if cell == "\\N" else {("TRIMMED", "name"), ("TRIMMED", "username")},
        {("OBJECT_REQUIRED", "email")},
    ]
    assert column_of([{"name": cell}, {"name": "\\n"}], "name", layout=CELLS)[0] == (None, None)
    assert column_of([{"name": "\\N"}], "name") == [("\\N", "string")]


def test_a_cell_may_hold_an_object_or_array_as_json() -> None:
    row = {
        "email": "a@b.c",
        "user_metadata": ' {"a": [1, "x\\u0007y"]}',
        "mfa_factors": '[{"totp":{"secret":"a"}}]',
        "custom_password_hash": '{"algorithm":"bcrypt","hash":{"value":"' + BCRYPT + '"}}',
    }
    assert find_faults([row], layout=CELLS) == [
        {("PATTERN", "mfa_factors[0].totp.secret"), ("INVALID_TEXT", "user_metadata.a[1]")}
    ]


@pytest.mark.parametrize(
    "cell", ["x", "{", '{"a":1,}', '{"a":NaN}', '{"a":-Infinity}', '{"a":1e999}', "[1]", "5", '"{}"', "null"]
)
def test_a_cell_that_is_no_strict_json_object_has_the_wrong_type(cell: str) -> None:
    assert find_faults([{"email": "a@b.c", "user_metadata": cell}], layout=CELLS) == [
        {("INVALID_TYPE", "user_metadata")}
    ]


@pytest.mark.parametrize("cell", ['{"a":"NaN, inf"}', '{"a":1e100}', '{"nan":"x,]"}'])
def test_a_cell_that_only_looks_lenient_is_an_object(cell: str) -> None:
    assert find_faults([{"email": "a@b.c", "user_metadata": cell}], layout=CELLS) == [set()]


def test_a_column_that_is_not_a_field_is_unknown_where_it_has_a_value() -> None:
    found = [{"email": "a@b.c", "team": "x", "^.*$": "y", "record": "9", "found": ""}, {"email": "a@b.c", "team": ""}]
    unknown = {("UNKNOWN_FIELD", "team"), ("UNKNOWN_FIELD", "^.*$"), ("UNKNOWN_FIELD", "record")}
    assert find_faults(found, layout=CELLS) == [unknown, set()]


def test_digits_in_a_cell_stay_text() -> None:
    assert column_of([{"user_id": "00123"}], "user_id", layout=CELLS) == [("00123", "string")]


COLUMNS = Layout(columns=(*FIELD_NAMES, "team"))


def test_a_null_in_a_column_is_an_absent_value_but_an_empty_text_is_not() -> None:
    row = {**dict.fromkeys(FIELD_NAMES), "email": "a@b.c", "name": "", "team": None}
    assert find_faults([row], layout=COLUMNS) == [{("MIN_LENGTH", "name")}]


def test_nulls_inside_structs_are_absent_values_too() -> None:
    row = {
        "email": "a@b.c",
        "custom_password_hash": {"algorithm": "bcrypt", "hash": {"value": BCRYPT, "encoding": None}, "salt": None},
        "mfa_factors": [{"totp": None, "phone": {"value": "+1"}}],
        "user_metadata": {"a": None, "b": [1, None]},
    }
    users = validate_texts([row], layout=COLUMNS).accepted
    assert users.select("mfa_factors", "user_metadata").rows() == [('[{"phone":{"value":"+1"}}]', '{"b":[1,null]}')]
    assert users["custom_password_hash"].str.contains("null").to_list() == [False]


def test_a_text_column_may_hold_an_object_as_json_without_its_nulls() -> None:
    row = {"email": "a@b.c", "user_metadata": '{"a" : null,"b":[1, null]}'}
    assert validate_texts([row], layout=COLUMNS).accepted["user_metadata"].to_list() == ['{"b":[1,null]}']


def test_a_profile_may_find_fields_at_other_paths() -> None:
    paths = {
        **PROFILES["auth0"].paths,
        "email": "$.emails[0].value",
        "given_name": "$.person.given",
        "name": "$.person.full",
    }
    record = {"emails": [{"value": "a@b.c"}], "person": {"given": "Jane", "full": "Jane Doe"}, "shoe": 44, "person2": 1}
    profile = Profile("other", paths)
    values = read_json_records(rows([record]), engine=ENGINE, profile=profile)
    canonical = normalise(values, engine=ENGINE, profile=profile, layout=Layout())
    assert canonical.users.select("email", "given_name", "name").rows() == [("a@b.c", "Jane", "Jane Doe")]
    assert sorted(canonical.object_keys["path"]) == ["person2", "shoe"]


def test_normalising_what_was_accepted_changes_nothing() -> None:
    first = validate_texts(
        [user(name="Jane", user_metadata={"b": [1.5, {"c": "\\"}]}, mfa_factors=[{"phone": {"value": "+1"}}])]
    )
    record = {
        field.name: json.loads(value) if field.type.value in {"object", "array"} else value
        for field in FIELDS
        if (value := first.accepted[field.name][0]) is not None
    }
    assert validate_texts([record]).accepted.equals(first.accepted)

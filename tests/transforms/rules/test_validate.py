"""Validation: every code has a rule and examples, one fault gives one code, and Pandera's own validation agrees."""

from collections.abc import Sequence
from functools import cache

import pandera.polars as pa
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.codes import ROW_CODES, ErrorCode, Severity
from schemas.connection import ConnectionSettings
from schemas.fields import STAGED
from schemas.frames import ERRORS, Layout
from schemas.rules.hash_algorithms import ALGORITHMS
from tests.examples import BCRYPT, EXAMPLES, GIVEN_ELSEWHERE, Example, hashed, user
from tests.oracle.records import GENERATED, records
from tests.validation import RULES, faults_by_record, find_faults, normalise_texts, rules, validate_texts
from transforms.rules.rule_book import Rule, broken_rows
from transforms.rules.validate import get_models

CASES = [(code, example) for code, examples in EXAMPLES.items() for example in examples]
LAYOUTS = list(dict.fromkeys(example.layout for _, example in CASES))
EVERY_RULE = [(frame, rule) for frame, frame_rules in RULES.rules.items() for rule in frame_rules]
Broken = set[tuple[str, str, int]]  # column, rule, row
NOT_A_BOOLEAN = "; expected true or false"
BOOLEAN_WORDS = "(in CSV also t yes y on 1 1.0 or f no n off 0 0.0)"


def name_of(value: object) -> str:
    match value:
        case Example(text):
            return text[:60]
        case Rule(name, column):
            return f"{column} {name}"
    return str(value)


def texts_of(layout: Layout) -> list[str]:
    return [example.text for _, example in CASES if example.layout == layout]


@cache
def faults_by_text(layout: Layout) -> dict[str, set[tuple[str, str]]]:
    """Return the faults of the examples of a layout, validated together."""
    texts = texts_of(layout)
    return dict(zip(texts, find_faults(texts, layout=layout), strict=True))


@pytest.mark.parametrize(("code", "example"), CASES, ids=name_of)
def test_every_example_gets_exactly_its_codes(code: ErrorCode, example: Example) -> None:
    assert code.value in {found for found, _ in example.faults}
    assert faults_by_text(example.layout)[example.text] == example.faults


def test_every_row_code_has_a_rule_and_an_example_or_comes_from_elsewhere() -> None:
    ruled = {rule.code.value for _, rule in EVERY_RULE}
    elsewhere = {code.value for code in GIVEN_ELSEWHERE}
    assert ruled == {code.value for code in EXAMPLES}
    assert not ruled & elsewhere
    assert ruled | elsewhere == set(ROW_CODES)


def test_every_rule_is_broken_by_some_example() -> None:
    canonicals = [normalise_texts(texts_of(layout), layout=layout) for layout in LAYOUTS]
    unbroken = [
        name_of(rule)
        for frame, rule in EVERY_RULE
        if not any(broken_rows(getattr(canonical, frame), [rule])[0].any() for canonical in canonicals)
        if rule.name != "username_is_present_where_required"
    ]
    assert unbroken == []


def broken_by_pandera(model: type[pa.DataFrameModel], frame: pl.DataFrame) -> Broken:
    checks = {name: column.checks for name, column in model.to_schema().columns.items()}
    try:
        model.validate(frame, lazy=True)
    except pa.errors.SchemaErrors as errors:
        cases = errors.failure_cases.select("column", "check_number", "index").rows()
        return {(column, str(checks[column][number].name), row) for column, number, row in cases}
    return set()


def broken_by_product(frame_rules: Sequence[Rule], frame: pl.DataFrame) -> Broken:
    broken = zip(frame_rules, broken_rows(frame, frame_rules), strict=True)
    return {(rule.column, rule.name, row) for rule, rows in broken for row in rows.arg_true()}


def assert_pandera_agrees(texts: list[object], layout: Layout) -> None:
    canonical = normalise_texts(texts, layout=layout)
    for frame, model in get_models(ConnectionSettings()).items():
        rows = getattr(canonical, frame)
        assert broken_by_product(RULES.rules[frame], rows) == broken_by_pandera(model, rows), frame


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_pandera_finds_the_same_broken_rules_in_the_examples(layout: Layout) -> None:
    assert_pandera_agrees([*texts_of(layout), '{"email":"a@b.c"}'], layout)


@settings(GENERATED, max_examples=4, derandomize=True)
@given(st.lists(records, min_size=40, max_size=40))
def test_pandera_finds_the_same_broken_rules_in_generated_records(batch: list[object]) -> None:
    assert_pandera_agrees(batch, Layout())


def test_results_have_their_columns_even_without_rows() -> None:
    for texts in ([], ['{"email":"a@b.c"}'], ["{}"], [hashed("md5", {"value": "?"})]):
        validated = validate_texts(texts)
        assert validated.accepted.schema == STAGED
        assert validated.errors.schema == ERRORS


def test_a_row_gets_all_its_errors_at_once_in_the_order_of_records() -> None:
    validated = validate_texts([{"name": "", "email": 1}, {"email": "a@b.c"}, {"email": "x", "given_name": ""}])
    assert validated.errors.select("record", "line", "code", "path").rows() == [
        (1, 1, "INVALID_TYPE", "email"),
        (1, 1, "MIN_LENGTH", "name"),
        (3, 3, "FORMAT", "email"),
        (3, 3, "MIN_LENGTH", "given_name"),
    ]
    assert validated.accepted["record"].to_list() == [2]


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (user(given_name="é" * 151), "is 151 characters long; at most 150 are allowed"),
        (user(email="a" * 65 + "@b.c"), "has 65 characters before the @; at most 64 are allowed"),
        (user(email=None), "must be a string, not null"),
        (user(blocked="maybe"), f"is 'maybe'{NOT_A_BOOLEAN} {BOOLEAN_WORDS}"),
        (user(blocked="true"), f"is the string 'true'{NOT_A_BOOLEAN} {BOOLEAN_WORDS}"),
        (user(blocked="10"), f"is '10'{NOT_A_BOOLEAN} {BOOLEAN_WORDS}"),
        (user(blocked="Ann Lee"), f"is a string{NOT_A_BOOLEAN} {BOOLEAN_WORDS}"),
        (user(blocked="+4930123456"), f"is a string{NOT_A_BOOLEAN} {BOOLEAN_WORDS}"),
        (user(blocked="S3cretPassw0rd!"), f"is a string{NOT_A_BOOLEAN} {BOOLEAN_WORDS}"),
        (user(blocked=1.50), f"is 1.5{NOT_A_BOOLEAN}"),
        (user(blocked=10**60), f"is 1{'0' * 39}…{NOT_A_BOOLEAN}"),
        (user(blocked=None), f"is null{NOT_A_BOOLEAN}"),
        (user(blocked={"a": "b"}), f"is an object{NOT_A_BOOLEAN}"),
        (hashed("rot-13"), f"is 'rot-13'; expected one of {', '.join(ALGORITHMS)}"),
        (hashed("md5", {"value": "x" * 32, "encoding": "Hex"}), "is 'Hex'; expected one of base64, hex, utf8"),
        (hashed("argon2", {"encoding": "hex"}), "is 'hex', which is not an encoding for argon2 hashes"),
        (user(mfa_factors=[]), "is empty; at least 1 item is required"),
        (user(mfa_factors=[{"phone": {"value": "+1"}}] * 11), "has 11 items; at most 10 are allowed"),
        (user(emial="x"), "is not a known field; did you mean email?"),
        (user(shoeSize=44), "is not a known field"),
        (hashed("scrypt", cost=0), "is 0; the minimum is 2"),
        (hashed("scrypt", cost=12), "is 12, which is not a power of two"),
        (hashed("sha1", {"value": "00"}), "decodes to 1 byte; sha1 requires 20"),
        (hashed("sha1", {"value": "0"}), "cannot be decoded as hex; it may have been cut off"),
        (hashed("ldap", {"value": "{Ssha-256}" + "aGFz" * 7}), "decodes to 21 bytes; {ssha256} requires at least 33"),
        (hashed("ldap", {"value": "{SHA3}" + "aGFz" * 7}), "does not have the form of ldap hashes"),
        (hashed("scrypt", keylen=32), "decodes to 64 bytes; keylen requires 32"),
        (hashed("hmac", {"key": {"value": "é", "encoding": "base64"}}), "cannot be decoded as base64"),
        (
            hashed("bcrypt", {"value": f"{BCRYPT} "}),
            "does not have the form of bcrypt hashes; it has U+0020 after the 60th character",
        ),
        (
            user(password_hash=f"\ufeff{BCRYPT} "),
            (
                "is not a bcrypt hash ($2a$ or $2b$, a cost of 04 to 31, $ and 53 characters);"
                " it has U+FEFF before the 1st character"
            ),
        ),
        (
            user(password_hash=BCRYPT.replace("2b", "2y")),
            "begins with $2y$, which password_hash does not take; custom_password_hash takes it as bcrypt",
        ),
        (hashed("md5", salts={"value": "x"}), "is not a known key of this object; did you mean salt?"),
        ('{"email":"a@b.c","name":"x","name":"x","name":"x"}', "appears 3 times; it must appear only once"),
    ],
)
def test_the_message_names_the_limit_and_the_finding(record: object, message: str) -> None:
    assert validate_texts([record]).errors["message"].to_list() == [message]


@pytest.mark.parametrize(
    "value",
    [
        BCRYPT,
        "ann@example.com",
        "{SSHA}aGFzaGhhc2g",
        "5f4dcc3b5aa765d61d8327deb882cf99",
        "c2FsdHlzYWx0MTIzNDU2Nzg5MA==",
    ],
)
def test_a_message_does_not_show_what_may_be_a_hash_or_an_address(value: str) -> None:
    fields = (user(blocked=value), hashed(value), hashed("md5", {"encoding": value}), hashed("scrypt", cost=value))
    messages = validate_texts(fields).errors["message"].to_list()
    assert len(messages) >= 4
    assert [message for message in messages if value in message or not message.startswith("is a string; ")] == []


@pytest.mark.parametrize(
    ("record", "key"),
    [
        ({"email": "Ann@x.example", "user_id": "1", "name": ""}, "Ann@x.example"),
        ({"email": "no address", "user_id": "1"}, "no address"),
        ({"email": " ann@x.example ", "shoe_size": 4}, "ann@x.example"),
        ({"email": ["ann@x.example"], "user_id": "1 2", "username": "ann"}, "1 2"),
        ({"email": "", "user_id": 5, "username": "ann"}, "ann"),
        ({"name": "Ann", "password_hash": BCRYPT}, None),
        ({"email": "x" * 300}, "x" * 255),
    ],
)
def test_an_error_has_the_first_key_of_its_row_that_is_a_text(record: object, key: str | None) -> None:
    errors = validate_texts([user(), record]).errors
    assert errors.height
    assert set(errors["key"]) == {key}


def test_messages_do_not_contain_values_of_the_record() -> None:
    marked = [example.text.replace(BCRYPT, "S3CR3T").replace("jane", "S3CR3T") for _, example in CASES]
    assert "S3CR3T" not in str(validate_texts(marked).errors.select("message", "code").write_json())


def test_an_ignored_unknown_field_is_a_warning() -> None:
    validated = validate_texts([user(isAdmin=True)], rule_set=rules(unknown_fields="ignore"))
    assert validated.errors.select("code", "path", "severity").rows() == [
        ("UNKNOWN_FIELD", "isAdmin", Severity.WARNING.value)
    ]
    assert validated.accepted["record"].to_list() == [1]


def test_an_unknown_key_of_a_hash_is_refused_even_if_unknown_fields_are_ignored() -> None:
    validated = validate_texts([hashed("bcrypt", rounds=10)], rule_set=rules(unknown_fields="ignore"))
    assert validated.errors["severity"].to_list() == [Severity.ERROR.value]
    assert validated.accepted.is_empty()


RESET = rules(reset_unsupported_hashes=True)


@pytest.mark.parametrize(
    "record",
    [
        user(password_hash="md5:x"),
        user(custom_password_hash={"algorithm": "whirlpool", "hash": {"value": 5}, "rounds": 3}),
        user(password_hash=BCRYPT, custom_password_hash={}),
    ],
)
def test_a_user_with_only_a_hash_fault_is_accepted_without_the_hash(record: object) -> None:
    validated = validate_texts([record, user(password_hash=BCRYPT)], rule_set=RESET)
    assert set(validated.errors["severity"]) == {Severity.WARNING.value}
    hashes = validated.accepted.select("password_hash", "custom_password_hash", "password_reset_required")
    assert hashes.rows() == [(None, None, True), (BCRYPT, None, None)]


def test_a_user_with_another_fault_is_refused_and_all_errors_stay_errors() -> None:
    validated = validate_texts([user(password_hash="x", name="")], rule_set=RESET)
    assert set(validated.errors["severity"]) == {Severity.ERROR.value}
    assert validated.accepted.is_empty()


def test_a_user_with_a_hash_fault_and_a_warning_is_accepted() -> None:
    lenient = rules(reset_unsupported_hashes=True, unknown_fields="ignore")
    validated = validate_texts([user(password_hash="x", isAdmin=True)], rule_set=lenient)
    assert faults_by_record(validated, 1) == [{("PATTERN", "password_hash"), ("UNKNOWN_FIELD", "isAdmin")}]
    assert validated.accepted["password_reset_required"].to_list() == [True]

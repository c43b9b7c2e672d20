"""Test that a redacted record contains no secret, and is JSON whatever the record was."""

import json

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.example import EXAMPLE
from schemas.frames import RECORDS
from tests.examples import EXAMPLES, HASHES, hashed, user
from tests.oracle.records import GENERATED, records
from tests.validation import ENGINE, rows
from transforms.rejects.redact import redact

SECRET = "S3CR3T"


def redacted(*texts: object) -> list[object]:
    return [json.loads(text) for text in redact(rows(texts), engine=ENGINE)["text"]]


def test_harmless_fields_are_shown_unchanged() -> None:
    record = user(email_verified=None, name=5, blocked="x", user_metadata={"a": [1]}, app_metadata={"plan": "pro"})
    assert redacted(record) == [record]


def test_the_wider_record_is_shown_unchanged() -> None:
    identities = [{"provider": "p", "user_id": 'a"b', "email": "no address"}, {}]
    record = {
        **EXAMPLE,
        "password_hash": "*****",
        "mfa_factors": "*****",
        "identities": identities,
        "roles": ["a", "a"],
    }
    assert redacted(record) == [record]
    assert redacted(user(groups="a; b")) == [user(groups="a; b")]


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (user(password_hash=SECRET), user(password_hash="*****")),
        (user(password=SECRET), user(password="*****")),
        (user(pin=1234), user(pin="*****")),
        (user(mfa_factors=[{"totp": {"secret": SECRET}}]), user(mfa_factors="*****")),
        (user(custom_password_hash=SECRET), user(custom_password_hash="*****")),
        (user(name={"password": SECRET}), user(name="*****")),
        (user(user_metadata=[SECRET]), user(user_metadata="*****")),
        (user(identities=[{"provider": "p", "access_token": SECRET}]), user(identities="*****")),
        (user(identities=[{"provider": {"token": SECRET}}]), user(identities="*****")),
        (user(identities=SECRET), user(identities="*****")),
        (user(roles=["a", {"password": SECRET}]), user(roles="*****")),
        (user(roles=json.dumps([{"password": SECRET}])), user(roles="*****")),
        (
            '{"email":"a@b.c","password_hash":"x","password_hash":"S3CR3T"}',
            {"email": "a@b.c", "password_hash": "*****"},
        ),
        (hashed("md5", {"value": SECRET}, pepper=SECRET), hashed("md5", {"value": "*****"})),
        (hashed("hmac", {"key": {"value": "hex"}}), hashed("hmac", {"value": "*****", "key": {"value": "*****"}})),
        (
            hashed("scrypt", {"encoding": SECRET}, salt=SECRET, cost=SECRET),
            hashed("scrypt", {"value": "*****", "encoding": "*****"}, salt="*****", cost="*****"),
        ),
        (
            hashed("md5", algorithm=SECRET, hash=SECRET),
            user(custom_password_hash={"algorithm": "*****", "hash": "*****"}),
        ),
    ],
)
def test_a_secret_is_hidden_in_its_place(record: object, expected: object) -> None:
    assert redacted(record) == [expected]


def test_metadata_in_a_cell_is_shown() -> None:
    record = user(user_metadata=' {"a":1}', app_metadata="no object")
    assert redacted(record) == [user(user_metadata=' {"a":1}', app_metadata="*****")]


@pytest.mark.parametrize("text", [SECRET, "", "[1]", '"x"', '{"a":', "\x00", '{"password":"' + SECRET, "[" * 100_000])
def test_a_text_that_is_not_an_object_is_not_shown(text: str) -> None:
    assert redacted(text) == [{"unreadable": True}]


def test_a_text_that_was_not_kept_is_marked_unreadable() -> None:
    frame = pl.DataFrame({"record": [7], "line": [None], "text": [None]}, schema=RECORDS)
    assert redact(frame, engine=ENGINE).rows() == [(7, None, '{"unreadable":true}')]


def test_lenient_json_is_shown_as_strict_json() -> None:
    record = '{"email":"a@b.c","name":NaN,"user_metadata":{"a":[-Infinity]},"app_metadata":{"a":1,},}'
    assert redacted(record) == [{"email": "a@b.c", "name": "*****", "user_metadata": "*****", "app_metadata": {"a": 1}}]


def test_every_row_keeps_its_position() -> None:
    frame = rows([user(), "x", user(password_hash=SECRET)])
    assert redact(frame, engine=ENGINE).select("record", "line").equals(frame.select("record", "line"))
    assert redact(frame.clear(), engine=ENGINE).schema == RECORDS


def test_the_examples_are_shown_without_the_values_of_their_hashes() -> None:
    texts = [example.text for examples in EXAMPLES.values() for example in examples]
    written = "".join(redact(rows(texts), engine=ENGINE)["text"])
    secrets = [str(parts["value"]) for parts in HASHES.values() if len(str(parts["value"])) > 4]
    assert [secret for secret in [*secrets, "JBSWY3DPEHPK3PXP"] if secret in written] == []


@settings(GENERATED, max_examples=3, derandomize=True)
@given(st.lists(records, min_size=40, max_size=40))
def test_a_marked_secret_of_a_generated_record_is_never_shown(batch: list[object]) -> None:
    marked = [with_marked_secrets(record) for record in batch]
    frame = redact(rows(marked), engine=ENGINE)
    assert all(json.loads(text) for text in frame["text"])
    assert SECRET not in "".join(frame["text"])


def with_marked_secrets(record: object) -> object:
    """Return the record with every text of its secret and unknown fields replaced."""
    secret = ("password_hash", "custom_password_hash", "mfa_factors", "password", "isAdmin", "emial")
    assert isinstance(record, dict)
    return {key: marked(value) if key in secret else value for key, value in record.items()} | {"password": SECRET}


def marked(value: object) -> object:
    if isinstance(value, dict):
        return {key: marked(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [marked(inner) for inner in value]
    return SECRET if isinstance(value, str) else value

"""Records in the shapes that the Auth0 import publishes are accepted, records that its schema refuses are not."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from schemas.fields import FIELDS
from schemas.rules.hash_algorithms import AUTH0_ALGORITHMS
from tests.examples import BCRYPT, hashed, user
from tests.oracle.comparison import compare
from tests.oracle.records import GENERATED, records
from tests.validation import find_faults, rules, validate_texts

PUBLISHED = Path(__file__).resolve().parents[3] / "shared" / "corpora" / "users-import.schema.json"
WIDER = {field.name for field in FIELDS if field.wider}

SHAPES = [
    {
        "email": "jane.doe@example.com",
        "email_verified": False,
        "app_metadata": {"roles": ["admin"], "plan": "premium"},
        "user_metadata": {"theme": "light"},
    },
    {
        "user_id": "jane.doe",
        "email": "jane.doe@example.com",
        "email_verified": True,
        "username": "jane.doe",
        "given_name": "Jane",
        "family_name": "Doe",
        "name": "Jane Doe",
        "nickname": "jd",
        "picture": "https://www.example.com/avatars/jane.doe.png",
        "phone_number": "+12125550001",
        "phone_verified": True,
        "blocked": False,
        "password_hash": BCRYPT,
        "mfa_factors": [
            {"totp": {"secret": "JBSWY3DPEHPK3PXP"}},
            {"phone": {"value": "+12125550001"}},
            {"email": {"value": "jane.doe@example.com"}},
        ],
    },
    *(hashed(algorithm) for algorithm in AUTH0_ALGORITHMS),
    hashed("md5", salt={"value": "salt", "encoding": "utf8", "position": "suffix"}, password={"encoding": "ucs2"}),
    hashed(
        "hmac",
        {"value": "VEdX8cvyDmbUm+zpQRNZqzYL/Xs=", "encoding": "base64", "key": {"value": "6B6579", "encoding": "hex"}},
    ),
    hashed(
        "scrypt",
        {"value": "TlL7VkuvzPEHUCjXVzr1P1uGTnZuQg==", "encoding": "base64"},
        salt={"value": "cd3d", "encoding": "hex"},
        password={"encoding": "utf8"},
        keylen=22,
        cost=16384,
        blockSize=8,
        parallelization=1,
    ),
]


@pytest.mark.parametrize("record", SHAPES, ids=lambda record: json.dumps(record)[:70])
def test_a_record_in_a_published_shape_is_accepted(record: object) -> None:
    assert find_faults([record]) == [set()]
    assert compare([record]) == 0


@pytest.mark.skipif(not PUBLISHED.exists(), reason="the corpora are not beside the checkout")
@settings(GENERATED, max_examples=2, derandomize=True)
@given(st.lists(records, min_size=50, max_size=50))
def test_accepted_records_are_valid_by_the_published_schema(batch: list[Mapping[str, object]]) -> None:
    schema = Draft7Validator(json.loads(PUBLISHED.read_text(encoding="utf-8")))
    narrow = [{name: value for name, value in dict(record).items() if name not in WIDER} for record in batch]
    validated = validate_texts([*narrow, user()], profile="auth0-import", rule_set=rules(profile="auth0-import"))
    accepted = validated.accepted["record"].to_list()
    assert accepted
    assert [
        record for number, record in enumerate(narrow, 1) if number in accepted and not schema.is_valid(record)
    ] == []


@pytest.mark.parametrize("name", sorted(WIDER))
def test_a_field_of_the_wider_record_is_unknown_in_the_format_of_auth0_and_never_suggested(name: str) -> None:
    for spelled in (name, f"{name}x"):
        errors = validate_texts([user(**{spelled: "x"})], profile="auth0-import").errors
        assert errors.select("code", "path").rows() == [("UNKNOWN_FIELD", spelled)]
        assert f"did you mean {name}" not in errors["message"].item()

"""The sentence of a text with white space or an invisible character names the first one and its place."""

import pytest

from schemas.connection import ConnectionSettings
from tests.examples import BCRYPT, factors, hashed, user
from tests.validation import RULES, rules, validate_texts

BCRYPT_FORM = "($2a$ or $2b$, a cost of 04 to 31, $ and 53 characters)"
UNCLEAN = "contains a control character or undecodable text"
HINT = "; white space and invisible characters are not allowed"


@pytest.mark.parametrize(
    ("user_id", "found"),
    [
        ("abc\u200b", "has U+200B after the 3rd character"),
        ("\ufeffabc", "has U+FEFF before the 1st character"),
        ("a\u00adb\u200bc", "has U+00AD after the 1st character"),
        ("é日\u3000c", "has U+3000 after the 2nd character"),
        ("abcd\U000e0041", "has U+E0041 after the 4th character"),
        *((f"{'x' * n} y", f"has U+0020 after the {n}th character") for n in (11, 12, 13, 111, 20)),
        *((f"{'x' * n} y", f"has U+0020 after the {n}{end} character") for n, end in ((21, "st"), (102, "nd"))),
    ],
)
def test_the_character_and_its_place_are_named(user_id: str, found: str) -> None:
    assert validate_texts([user(user_id=user_id)]).errors["message"].to_list() == [found + HINT]


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (user(email="ann lo@example.com"), "is not an e-mail address; it has U+0020 after the 3rd character"),
        (user(email="ann@क\u094d\u200dष.example"), f"has U+200D after the 6th character{HINT}"),
        (user(username="ann\u202elo"), f"has U+202E after the 3rd character{HINT}"),
        (user(password_hash=f"{BCRYPT}\n"), f"{UNCLEAN}: U+000A after the 60th character"),
        (user(name="\ufffdAnn"), f"{UNCLEAN}: U+FFFD before the 1st character"),
        (user(user_id="a\x9f b"), f"{UNCLEAN}: U+009F after the 1st character"),
        (hashed("scrypt", cost="8"), "is '8'; expected an integer"),
        (hashed("scrypt", blockSize=None), "is null; expected an integer"),
        (hashed("scrypt", keylen=[1]), "is an array; expected an integer"),
        (hashed("scrypt", keylen=1.5), "is 1.5; expected an integer"),
        (user(username="ann/lo"), "does not match the connection's pattern"),
        (
            user(phone_number="+49 30"),
            "must be + followed by 1 to 15 digits (E.164); it has U+0020 after the 3rd character",
        ),
        (user(phone_number="4930"), "must be + followed by 1 to 15 digits (E.164)"),
        (
            user(password_hash=f" {BCRYPT}"),
            f"is not a bcrypt hash {BCRYPT_FORM}; it has U+0020 before the 1st character",
        ),
        (
            hashed("md5", {"value": "0" * 32 + "\u00a0", "encoding": "hex"}),
            "does not have the form of md5 hashes; it has U+00A0 after the 32nd character",
        ),
        (
            factors({"totp": {"secret": "AB C"}}),
            "must be unpadded Base32 (A to Z and 2 to 7); it has U+0020 after the 2nd character",
        ),
    ],
)
def test_one_fault_gives_one_sentence(record: object, message: str) -> None:
    assert validate_texts([record]).errors["message"].to_list() == [message]


def test_a_connection_that_allows_every_username_allows_none_that_nobody_can_see() -> None:
    lenient = rules(connection=ConnectionSettings(username_pattern="."))
    validated = validate_texts(
        [user(username="ann\u2060lo"), user(username="ann lo"), user(username="é")], rule_set=lenient
    )
    assert validated.errors.select("record", "code").rows() == [(1, "PATTERN"), (2, "PATTERN")]


def test_a_factor_can_have_a_joiner_in_its_domain() -> None:
    assert validate_texts(
        [factors({"email": {"value": "ann@क\u094d\u200dष.example"}})], rule_set=RULES
    ).errors.is_empty()

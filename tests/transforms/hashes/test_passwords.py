"""Plain-text passwords become hashes that verify them, each with its own salt."""

import json

import polars as pl

from tests.examples import user
from tests.transforms.hashes.verifying import verifies
from tests.validation import find_faults
from transforms.hashes.passwords import hash_passwords


def test_a_password_becomes_a_hash_that_verifies_it() -> None:
    texts = ["secret", "pässwörd", "", "x" * 300]
    hashes = hash_passwords(pl.Series("password", texts)).to_list()
    assert find_faults([user(custom_password_hash=json.loads(text)) for text in hashes]) == [set()] * len(texts)
    asked = [*zip(texts, hashes, strict=True), ("other", hashes[0])]
    found = [verifies(text, password_hash=None, custom_password_hash=hash_) for text, hash_ in asked]
    assert found == [True] * len(texts) + [False]


def test_equal_passwords_have_different_hashes() -> None:
    assert hash_passwords(pl.Series(["secret", "secret"])).n_unique() == 2


def test_rows_without_a_password_have_no_hash() -> None:
    hashes = hash_passwords(pl.Series("password", [None, "secret", None], dtype=pl.String))
    assert (hashes.name, hashes.is_null().to_list()) == ("password", [True, False, True])
    assert hash_passwords(pl.Series("password", [None], dtype=pl.String)).dtype == pl.String

"""Hashes of other systems verify as they did there; cut off, they are refused; what cannot be kept is said."""

import json
import string
from collections.abc import Mapping, Sequence

import polars as pl
import pytest

from schemas.hashing import NO_PARAMETERS, SCHEMES, HashParameters, HashProblem
from schemas.rules.hash_algorithms import ALGORITHMS
from tests.examples import user
from tests.transforms.hashes.vectors import FIREBASE_HASH, FIREBASE_SALT, PARAMETERS, SPELLED, VECTORS, Vector, keycloak
from tests.transforms.hashes.verifying import verifies
from tests.validation import find_faults
from transforms.hashes.forms import RESULT, Form
from transforms.hashes.rewrite import rewrite_hashes
from transforms.hashes.spellings import SPELLINGS, without_prefix

Row = Mapping[str, str | None]
CUT = 3  # characters; of base64 more than padding
NOT_RECOGNISED_WHEN_CUT = ("ASP.NET Identity 2", "Magento's md5", "Magento's sha256")  # known by their whole form


def rewrite(scheme: str, *rows: Row, parameters: HashParameters = PARAMETERS) -> Sequence[Row]:
    parts = pl.DataFrame(rows, schema=dict.fromkeys(SCHEMES[scheme].parts, pl.String))
    found = rewrite_hashes(parts, scheme=scheme, parameters=parameters)
    assert found.schema == RESULT
    return found.to_dicts()


def rewrite_vector(vector: Vector, value: str) -> Row:
    return rewrite(vector.scheme, {"value": value, **vector.parts})[0]


def faults_of(*rows: Row) -> list[set[tuple[str, str]]]:
    """Return what the rules find in users with the hashes."""
    users = []
    for row in rows:
        custom = row["custom_password_hash"]
        hashes = {"password_hash": row["password_hash"], "custom_password_hash": custom and json.loads(custom)}
        users.append(user(**{name: value for name, value in hashes.items() if value is not None}))
    return find_faults(users)


def name_of(vector: Vector) -> str:
    kind = vector.parts.get("algorithm", "")
    return f"{vector.scheme}-{kind}-{''.join(c for c in vector.value[:24] if c in string.printable)}"


@pytest.mark.parametrize("vector", VECTORS, ids=name_of)
def test_a_rewritten_hash_is_accepted_and_verifies_its_password_only(vector: Vector) -> None:
    row = rewrite_vector(vector, vector.value)
    hashes = {name: row[name] for name in ("password_hash", "custom_password_hash")}
    assert (row["problem"], faults_of(row)) == (None, [set()])
    assert verifies(vector.password, **hashes)
    assert not verifies("another", **hashes)


def cut(vector: Vector) -> str:
    """Return the hash without its last characters, in a credential of Keycloak without those of its value."""
    if vector.scheme != "keycloak":
        return vector.value[:-CUT]
    whole = json.loads(vector.value)
    if "hashedSaltedValue" in whole:
        return json.dumps({**whole, "hashedSaltedValue": whole["hashedSaltedValue"][:-CUT]})
    secret = json.loads(whole["secretData"])
    return json.dumps({**whole, "secretData": json.dumps({**secret, "value": secret["value"][:-CUT]})})


def title_of(vector: Vector) -> str:
    """Return the title of the spelling that a hash has; none of another scheme than that of spellings."""
    stripped = pl.select(without_prefix(pl.lit(vector.value)))
    titles = [form.title for form in SPELLINGS if stripped.select(pl.first().str.contains(form.begins)).item()]
    return titles[0] if vector.scheme == "spelled" else ""


WHOLE = [vector for vector in VECTORS if title_of(vector) in NOT_RECOGNISED_WHEN_CUT]


@pytest.mark.parametrize("vector", [v for v in VECTORS if v not in WHOLE], ids=name_of)
def test_a_hash_that_was_cut_off_is_rewritten_and_refused(vector: Vector) -> None:
    row = rewrite_vector(vector, cut(vector))
    of_key = {("HASH_MISMATCH", "custom_password_hash.hash.key.value")}  # which some have at their end
    refused = {("HASH_MISMATCH", "custom_password_hash.hash.value")}
    assert row["problem"] is None
    (faults,) = faults_of(row)
    assert faults in ([refused, of_key] if row["password_hash"] is None else [{("PATTERN", "password_hash")}])


@pytest.mark.parametrize("vector", WHOLE, ids=name_of)
def test_a_hash_that_is_known_by_its_whole_form_is_unknown_when_cut_off(vector: Vector) -> None:
    assert rewrite_vector(vector, cut(vector)) == problem(HashProblem.UNKNOWN)


def problem(kind: HashProblem | None) -> Row:
    return {"password_hash": None, "custom_password_hash": None, "problem": kind and kind.value}


@pytest.mark.parametrize("form", [form for form in SPELLINGS if form.problem or form.is_absent], ids=lambda f: f.title)
def test_a_spelling_without_a_place_says_why(form: Form) -> None:
    assert rewrite("spelled", {"value": form.example.split(",")[0]}) == [problem(form.problem)]


@pytest.mark.parametrize(
    ("scheme", "parts", "kind"),
    [
        ("spelled", {"value": "5f4dcc3b5aa765d61d8327deb882cf99"}, HashProblem.UNKNOWN),
        ("spelled", {"value": "sha1$seasalt$cff36ea83f5706ce9aa7454e63e431fc726b2dc8"}, HashProblem.UNKNOWN),
        ("spelled", {"value": "{crypt}rEK1ecacw.7.c"}, HashProblem.UNSUPPORTED),
        ("spelled", {"value": "$argon2i$m=16,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2g"}, HashProblem.UNSUPPORTED),
        ("named", {"value": "abc", "algorithm": "rot13"}, HashProblem.UNKNOWN),
        ("named", {"value": "abc", "algorithm": "awscognito"}, HashProblem.UNSUPPORTED),
        ("fusionauth", {"value": "abc", "algorithm": "salted-md5", "iterations": "20000"}, HashProblem.UNSUPPORTED),
        ("keycloak", {"value": keycloak({"value": "eA=="}, {"algorithm": "custom"})}, HashProblem.UNSUPPORTED),
        ("keycloak", {"value": '{"type":"password","value":"plain"}'}, HashProblem.UNKNOWN),
        ("keycloak", {"value": '{"type":"otp","secretData":"{}"}'}, None),
        ("rocketchat", {"value": "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2g"}, HashProblem.UNSUPPORTED),
        *((scheme, {"value": None}, None) for scheme in SCHEMES),
    ],
)
def test_what_cannot_be_kept_is_named(scheme: str, parts: Row, kind: HashProblem | None) -> None:
    assert rewrite(scheme, parts) == [problem(kind)]


@pytest.mark.parametrize(
    "vector", [v for v in VECTORS if v.scheme == "firebase" or v.value.startswith("$f_scrypt$")], ids=name_of
)
def test_hashes_of_firebase_need_the_parameters_of_the_project(vector: Vector) -> None:
    row = {"value": vector.value, **vector.parts}
    assert rewrite(vector.scheme, row, parameters=NO_PARAMETERS) == [problem(HashProblem.PARAMETERS)]


def test_rows_stay_in_their_order() -> None:
    vectors = [*SPELLED, *reversed(SPELLED)]
    together = rewrite("spelled", *({"value": vector.value} for vector in vectors))
    assert together == [rewrite_vector(vector, vector.value) for vector in vectors]


def test_no_rows_give_no_rows() -> None:
    assert [rewrite(scheme) for scheme in SCHEMES] == [[]] * len(SCHEMES)


def test_a_named_hash_that_does_not_fit_its_name_is_refused() -> None:
    names = ("bcrypt", "argon2id", "phpass", "ssha", "scrypt", "pbkdf2", "pbkdf2_sha256", "md5", "scrypt_firebase")
    rows = rewrite("named", *({"value": "nonsense", "algorithm": name} for name in names))
    assert [len(faults) for faults in faults_of(*rows)] == [1] * len(names)


def test_every_algorithm_of_other_systems_has_a_vector() -> None:
    written = [rewrite_vector(vector, vector.value)["custom_password_hash"] for vector in VECTORS]
    assert {name for name, found in ALGORITHMS.items() if not found.of_auth0} <= {
        json.loads(text)["algorithm"] for text in written if text
    }


def test_every_scheme_and_every_spelling_has_a_vector() -> None:
    assert {vector.scheme for vector in VECTORS} == set(SCHEMES)
    assert {title_of(vector) for vector in SPELLED} == {form.title for form in SPELLINGS if form.algorithm}


def test_the_separator_is_the_end_of_the_salt() -> None:
    whole = json.loads(
        rewrite("firebase", {"value": FIREBASE_HASH, "salt": FIREBASE_SALT})[0]["custom_password_hash"] or ""
    )
    assert (whole["salt"]["value"], whole["cost"], whole["blockSize"]) == ("42xEC+ixf3L2lwc", 16384, 8)


ODD = [
    *('"', "\\", "a\nb", "é\u2028", "$", "$$$$$$", "{", "{}", "{SSHA}", "x" * 5000),
    *("pbkdf2_sha256$$$", "$argon2id$", "scrypt:1:1:1$a$b", "$2b$", "$P$", "$6$", "AQAAAAEA", "$firescrypt$"),
]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_odd_texts_are_hashes_that_the_rules_refuse_or_have_a_problem(scheme: str) -> None:
    names = ("bcrypt", "sha256", "pbkdf2_sha256", "PBKDF2", "salted-pbkdf2-hmac-sha256", '"')
    parts = [name for name in SCHEMES[scheme].parts if name != "value"]
    rows = rewrite(
        scheme,
        *({"value": text, **dict.fromkeys(parts, text)} for text in ODD),
        *({"value": text, **dict.fromkeys(parts, text), "algorithm": name} for text in ODD for name in names if parts),
    )
    found = zip(rows, faults_of(*rows), strict=True)
    assert [row for row, faults in found if (row["problem"] is None) != bool(faults)] == []

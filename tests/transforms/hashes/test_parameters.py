"""The hash parameters of a Firebase project are read in each of their spellings, and every fault has its line."""

import json

import pytest

from schemas.hashing import NO_PARAMETERS, FirebaseParameters, HashParameters
from tests.transforms.hashes.vectors import PARAMETERS, SIGNER_KEY
from transforms.hashes.parameters import ParametersError, Problem, parse_parameters

VALUES = {
    "algorithm": "SCRYPT",
    "base64_signer_key": SIGNER_KEY,
    "base64_salt_separator": "Bw==",
    "rounds": 8,
    "mem_cost": 14,
}
CONSOLE = "hash_config {\n" + "".join(f"  {name}: {value},\n" for name, value in VALUES.items()) + "}\n"
TOML = "# of the project\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in VALUES.items())
API = {"algorithm": "SCRYPT", "signerKey": SIGNER_KEY, "saltSeparator": "Bw==", "rounds": 8, "memoryCost": 14}


@pytest.mark.parametrize(
    "text",
    [
        CONSOLE,
        CONSOLE.replace("\n", "\r\n"),
        TOML,
        f"[firebase]\n{TOML}",
        f"[hash_config]\n{TOML}",
        json.dumps(VALUES),
        json.dumps({"hash_config": VALUES}, indent=2),
        json.dumps({"signIn": {"hashConfig": API}}, indent=4),
    ],
)
def test_the_parameters_are_read_in_every_spelling(text: str) -> None:
    assert parse_parameters(text) == PARAMETERS


def problems_of(text: str) -> list[Problem]:
    with pytest.raises(ParametersError) as caught:
        parse_parameters(text)
    assert SIGNER_KEY[:12] not in str(caught.value)
    return list(caught.value.problems)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("SCRYPT", "BCRYPT", Problem(2, "algorithm must be SCRYPT, which is what Firebase's export has")),
        ("WmXA==", "WmX==", Problem(3, "base64_signer_key is not base64, or is empty; copy the whole of it")),
        ("Bw==", "Bw=", Problem(4, "base64_salt_separator is not base64, or is empty; copy the whole of it")),
        ("rounds: 8", "rounds: nine", Problem(5, "rounds must be a whole number from 1 to 8")),
        ("mem_cost: 14", "mem_cost: 15", Problem(6, "mem_cost must be a whole number from 1 to 14")),
        ("mem_cost: 14", "mem_cos: 14", Problem(6, "the name is not that of a parameter; did you mean mem_cost?")),
        ("rounds: 8", "rounds: 8\n rounds: 8", Problem(6, "rounds is given a second time; give it once")),
        ("  rounds: 8,\n", "", Problem(6, "rounds is missing")),
        ("hash_config", "config", Problem(1, "cannot be read; it must be `name: value` or `name = value`")),
    ],
)
def test_a_fault_has_its_line_and_a_sentence(old: str, new: str, problem: Problem) -> None:
    assert problem in problems_of(CONSOLE.replace(old, new))


def test_all_faults_are_named_at_once_and_the_key_in_none() -> None:
    broken = f"{SIGNER_KEY}\nrounds: 0\nmem_cost: 15\n"
    assert [problem.line for problem in problems_of(broken)] == [1, 2, 3, 3, 3]


def test_an_empty_text_lacks_every_parameter() -> None:
    assert len(problems_of("")) == 4


def test_the_key_is_not_in_what_is_printed_of_the_parameters() -> None:
    assert SIGNER_KEY not in repr(PARAMETERS)


def test_other_parameters_have_another_fingerprint() -> None:
    other = HashParameters(FirebaseParameters(SIGNER_KEY, "Bw==", rounds=8, mem_cost=13))
    assert (NO_PARAMETERS.fingerprint, len(PARAMETERS.fingerprint or "")) == (None, 64)
    assert PARAMETERS.fingerprint != other.fingerprint

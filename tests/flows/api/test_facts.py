"""The tables of facts name tests that exist."""

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[2]
ROWS = re.findall(r"^\| (?!fact|---)(.+) \|$", Path(__file__).with_name("README.md").read_text("utf-8"), re.MULTILINE)


@pytest.fixture(scope="module")
def names() -> set[str]:
    texts = (path.read_text("utf-8") for path in TESTS.rglob("test_*.py"))
    return {name for text in texts for name in re.findall(r"^def (test_\w+)", text, re.MULTILINE)}


@pytest.mark.parametrize("row", ROWS)
def test_every_fact_has_a_test_that_exists(row: str, names: set[str]) -> None:
    shown = re.findall(r"`(test_\w+)`", row.split(" | ")[2])
    assert shown, "a fact needs a test"
    assert names.issuperset(shown), set(shown) - names

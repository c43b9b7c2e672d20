"""Parameters of which only some are tried by default; the others are marked slow."""

from collections.abc import Container, Iterable

import pytest


def mostly_slow(values: Iterable[object], *, quick: Container[object]) -> list[object]:
    """Return the values as parameters: those that are not in `quick` are marked slow."""
    return [value if value in quick else _slow(value) for value in values]


def _slow(value: object) -> object:
    return pytest.param(*(value if isinstance(value, tuple) else (value,)), marks=pytest.mark.slow)

"""A sample has the signs of a profile or not; of two that fit, one that asks for less is left out."""

from collections.abc import Iterator

import pytest

from schemas.mapping.signs import Sample
from transforms.mapping import profiles
from transforms.mapping.profiles import find_fits, list_containers

FIELDS = 'fields = { email = "e" }\n'
TEXTS = {
    "table": f'formats = ["csv"]\ncolumn_name = "^(.*?) *\\\\*$"\n{FIELDS}'
    '[recognise]\nall = "E-Mail"\nany = ["First", "Last"]\n',
    "bare": f'formats = ["csv"]\n{FIELDS}[recognise]\ncolumns = 2\nvalues = {{ 1 = "@", 2 = "^[A-Z]" }}\n',
    "nested": f'formats = ["json"]\ncontainers = "rows"\n{FIELDS}[recognise]\nall = "p.mail"\nnone = "p.phone"\n',
    "outer": f'formats = ["json"]\n{FIELDS}[recognise]\ndocument = ["realm", "users"]\nvalues = {{ id = "^k" }}\n',
}  # fmt: skip


@pytest.fixture(autouse=True)
def invented(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Only the profiles of this module."""
    monkeypatch.setattr(profiles, "vendor_profiles", lambda: tuple(TEXTS))
    monkeypatch.setattr(profiles, "read_profile", TEXTS.__getitem__)
    cached = (profiles.get_profile, profiles._document, profiles._signs)
    for function in cached:
        function.cache_clear()
    yield
    for function in cached:
        function.cache_clear()


def table(*rows: list[str]) -> Sample:
    return Sample(
        "csv", {"": [dict(zip(rows[0], row, strict=False)) for row in rows[1:]]}, columns=(*rows[0],), rows=rows
    )


@pytest.mark.parametrize(
    ("sample", "names"),
    [
        (table(["e mail *", "FIRST"], ["a", "b"]), ["table"]),
        (table(["e mail *", "middle"], ["a", "b"]), []),
        (table(["a@x.example", "Ann"], ["b@x.example", "Bo"]), ["bare"]),
        (table(["a@x.example", "Ann"], ["b@x.example", "bo"]), []),
        (table(["a@x.example", "Ann", "x"], ["b@x.example", "Bo"]), []),
        (Sample("json", {"rows": [{"p": {"mail": "a"}}]}), ["nested"]),
        (Sample("json", {"": [{"p": [{"mail": "a"}]}]}), ["nested"]),
        (Sample("json", {"rows": [{"p": {"mail": "a", "phone": "b"}}]}), []),
        (Sample("json", {"users": [{"id": "k1"}]}, document={"realm": 1, "users": []}), ["outer"]),
        (Sample("json", {"users": [{"id": "x1"}]}, document={"realm": 1, "users": []}), []),
        (Sample("json", {"users": []}, document={"realm": 1, "users": []}), ["outer"]),
        (Sample("parquet", {}), []),
    ],
)
def test_all_signs_must_hold(sample: Sample, names: list[str]) -> None:
    assert [fit.name for fit in find_fits(sample)] == names


def test_containers_are_those_of_every_profile() -> None:
    assert list_containers() == {"users", "rows"}

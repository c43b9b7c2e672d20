"""A sample shows which keys records have, and what their values look like."""

import pytest

from schemas.mapping.signs import Record, Sample, list_keys, matches_values, values_of

RECORDS: list[Record] = [
    {"id": 1, "profile": {"mail": "a@x.example", "deep": {"er": {"est": {}}}}, "roles": [{"name": "r"}], "a.b": "x"},
    {"id": None, "tags": ["t", "u"], "profile": "text", "roles": []},
]  # fmt: skip


def test_keys_are_dotted_paths_of_three_levels() -> None:
    assert list_keys(RECORDS) == {
        "id", "profile", "profile.mail", "profile.deep", "profile.deep.er", "roles", "roles.name", "a.b", "tags",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("id", ["1"]),
        ("profile.mail", ["a@x.example"]),
        ("roles.name", ["r"]),
        ("a.b", ["x"]),
        ("tags", ["t"]),
        ("missing", []),
        ("tags.missing", []),
    ],
)
def test_values_are_texts_at_a_path(path: str, values: list[str]) -> None:
    assert values_of(RECORDS, path) == values


def test_all_values_of_a_path_must_match() -> None:
    assert matches_values(RECORDS, {"profile.mail": "@", "id": "^[0-9]$"})
    assert matches_values(RECORDS, {})
    assert not matches_values(RECORDS, {"profile.mail": "^b"})
    assert not matches_values(RECORDS, {"missing": ""})


def test_records_are_under_the_first_container_that_is_there() -> None:
    one, two = {"a": 1}, {"b": 2}
    assert Sample("json", {"": [one]}).records_under(["users"]) == [one]
    assert Sample("json", {"x": [one], "users": [two]}).records_under(["members", "users", "x"]) == [two]
    assert Sample("json", {"x": [one]}, document=two).records_under(["users"]) == [two]
    assert not Sample("json", {"users": []}, document=two).records_under(["users"])
    assert Sample("json", {}).records_under(["users"]) == ()

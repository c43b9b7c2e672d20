"""Paths lead to one value or to several; what is not a path is refused."""

import pytest

from schemas.mapping.paths import Every, Where, parse_path


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("email", ("email",)),
        ("profile.email", ("profile", "email")),
        ("First Name", ("First Name",)),
        ("emails[0]", ("emails", 0)),
        ("emails[0].value", ("emails", 0, "value")),
        ("emails[]", ("emails", Every.ITEM)),
        ("groups[].name", ("groups", Every.ITEM, "name")),
        ("attributes.*", ("attributes", Every.VALUE)),
        ("emails[type=work].value", ("emails", Where("type", "work"), "value")),
        ("emails[ type = work ]", ("emails", Where("type", "work"))),
        ("emails[type=]", ("emails", Where("type", ""))),
        ('"a.b"', ("a.b",)),
        ('"a[0]".b', ("a[0]", "b")),
        ('x."=*"', ("x", "=*")),
        ("größe/ÿ", ("größe/ÿ",)),
        ("urn:scim:User:department", ("urn:scim:User:department",)),
        ("a[0][1]", ("a", 0, 1)),
        ("*", (Every.VALUE,)),
    ],
)
def test_a_path_has_steps(text: str, steps: tuple[object, ...]) -> None:
    assert parse_path(text).steps == steps


@pytest.mark.parametrize(
    "text",
    ["", ".", "a.", ".a", "a..b", "a[", "a]", "a[x", "a[-1]", "a[1.5]", "a b ", " a", '"', '"a', 'a"b', '""', "a=b",
     "[0]", "a[k=v].b[]", "a[k=v][]", "a[0000000]"],
)  # fmt: skip
def test_what_is_not_a_path_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a path|must not be empty|has a condition"):
        parse_path(text)


@pytest.mark.parametrize(
    ("text", "is_many", "pointer", "inside", "members"),
    [
        ("a", False, '$."a"', '$."a"', ("a",)),
        ("a.b[2]", False, '$."a"."b"[2]', '$."a"."b"[2]', ("a", "b")),
        ("a[]", True, '$."a"[*]', "$", ("a",)),
        ("a[].b.c", True, '$."a"[*]', '$."b"."c"', ("a",)),
        ("a[k=v].b", True, '$."a"[*]', '$."b"', ("a",)),
        ("a.*", True, '$."a".*', "$", ("a",)),
        ("a[].b[].c", True, '$."a"[*]."b"[*]', '$."c"', ("a",)),
    ],
)
def test_a_path_is_read_by_pointers(
    text: str, *, is_many: bool, pointer: str, inside: str, members: tuple[str, ...]
) -> None:
    path = parse_path(text)
    assert (path.is_many, path.pointer, path.inside, path.members) == (is_many, pointer, inside, members)


def test_the_name_of_a_column_may_have_dots() -> None:
    assert parse_path("a.b").column == "a.b"
    assert parse_path('"a.b"').column == "a.b"


def test_items_are_those_of_the_array() -> None:
    assert parse_path("a.b").items == parse_path("a.b[]")

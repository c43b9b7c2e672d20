"""Paths of a mapping are names of columns of a table, in any spelling of a header."""

from schemas.mapping.language import Mapping
from schemas.mapping.paths import Every, Path
from transforms.mapping.tables import for_table, list_missing

MAPPING = Mapping.model_validate(
    {
        "column_name": r"^(.*?) \[.*\]$",
        "fields": {
            "email": "E-Mail",
            "name": {"from": ["first name", "profile.last"], "join": " "},
            "nickname": "profile.nick",
            "phone_number": "missing",
        },
        "user_metadata": {"tags": "Tags[]"},
        "password": [{"scheme": "spelled", "parts": {"value": "HASH"}, "when": "Algorithm"}],
        "skip": [{"where": "kind"}],
        "ignore": ["etag"],
    }
)
COLUMNS = ("e mail [Required]", "First-Name", "profile.last", "Profile", "tags", "hash", "Kind", "kind", "ETag")


def test_paths_lead_to_columns() -> None:
    mapping = for_table(MAPPING, COLUMNS)
    assert mapping.fields["email"][0].at == (column("e mail [Required]"),)
    assert mapping.fields["name"][0].at == (column("First-Name"), column("profile.last"))
    assert mapping.fields["nickname"][0].at == (Path("profile.nick", ("Profile", "nick")),)
    assert mapping.fields["phone_number"][0].at == (column("missing"),)
    assert mapping.user_metadata["tags"][0].at == (Path("Tags[]", ("tags", Every.ITEM)),)
    assert mapping.password[0].parts["value"].at == (column("hash"),)
    assert mapping.password[0].when == column("Algorithm")
    assert mapping.skip[0].where == column("Kind")
    assert mapping.ignore == (column("ETag"),)


def test_a_table_without_any_column_of_the_mapping_is_told() -> None:
    assert list_missing(MAPPING, COLUMNS) == []
    assert list_missing(MAPPING, ["profile"]) == []
    assert list_missing(MAPPING, ["a", "b"]) == ["E-Mail", "first name", "profile.last", "profile.nick", "missing"]


def column(name: str) -> Path:
    return Path(name, (name,))


def test_an_empty_cell_of_a_column_says_that_there_is_no_value() -> None:
    rules = [{"from": name, "present": True, "not": is_not} for name in ("Locked", "Gone") for is_not in (True, False)]
    mapping = for_table(Mapping.model_validate({"fields": {"blocked": rules}}), ["locked"])
    assert [rule.default for rule in mapping.fields["blocked"]] == [True, False, None, None]

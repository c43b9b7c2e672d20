"""Records are users or not, and each is read by all that its mapping says."""

import duckdb
import pytest

from tests.transforms.mapping.mapped import map_values

EMAIL = '[fields]\nemail = "mail"\n'
USER = {"mail": "a@x.example"}


def test_repeated_names_are_found_at_any_depth(engine: duckdb.DuckDBPyConnection) -> None:
    records = ('{"mail":"a","mail":"b"}', '{"mail":"a","o":{"l":[{"x":1,"x":1}]}}', '{"mail":"a","x":{"x":1}}')
    mapped = map_values(engine, EMAIL, *records)
    assert mapped.keys == [(1, "mail", 2), (2, "o.l[0].x", 2)]


@pytest.mark.parametrize(
    ("skip", "others", "rest"),
    [
        ('where = "kind"', [1, 2], [{}, {}]),
        ('where = "kind"\nis = ["BOT"]', [1], [{"kind": "user"}, {}, {}]),
        ('where = "kind"\nis_not = ["user"]', [1, 3, 4], [{}]),
        ('where = "kind"\nis_not = ["user", "bot"]', [3, 4], [{"kind": "Bot"}, {"kind": "user"}]),
        ('where = "no.such[0]"', [], [{"kind": "Bot"}, {"kind": "user"}, {}, {}]),
    ],
)
def test_records_that_are_no_users_are_not_read(
    engine: duckdb.DuckDBPyConnection, skip: str, others: list[int], rest: list[object]
) -> None:
    kinds = ("Bot", "user", "", None)
    mapped = map_values(engine, f"{EMAIL}[[skip]]\n{skip}\n", *({**USER, "kind": kind} for kind in kinds))
    assert (mapped.others, mapped.rest) == (others, rest)


def test_each_of_several_conditions_suffices(engine: duckdb.DuckDBPyConnection) -> None:
    mapping = EMAIL + '[[skip]]\nwhere = "bot"\nis = true\n[[skip]]\nwhere = "app.id"\n'.replace("true", '"true"')
    mapped = map_values(engine, mapping, USER | {"bot": True}, USER | {"app": {"id": 1}}, USER | {"bot": False})
    assert (mapped.others, mapped.rest) == ([1, 2], [{"bot": False}])


def test_users_are_inside_their_records(engine: duckdb.DuckDBPyConnection) -> None:
    mapping = 'record = "data.user"\n' + EMAIL + '[[skip]]\nwhere = "deleted"\n'
    mapped = map_values(engine, mapping, {"data": {"user": USER}}, {"data": {"user": USER}, "deleted": 1}, {"data": {}})
    assert (mapped.others, mapped.users) == ([2], [{"email": "a@x.example"}, {}])


def test_no_records_are_no_users(engine: duckdb.DuckDBPyConnection) -> None:
    mapped = map_values(engine, EMAIL + 'name = "x[0]"\n[[skip]]\nwhere = "x"\n')
    assert (mapped.users, mapped.others, mapped.keys, mapped.warnings) == ([], [], [], [])


def test_only_records_that_are_no_users(engine: duckdb.DuckDBPyConnection) -> None:
    mapping = EMAIL + 'name = "x[0].y"\nmfa_factors = "m"\n[[skip]]\nwhere = "bot"\n[[password]]\nplain = "p"\n'
    mapped = map_values(engine, mapping, USER | {"bot": 1})
    assert (mapped.users, mapped.others, mapped.warnings) == ([], [1], [])


def test_columns_of_refused_rows_are_no_metadata(engine: duckdb.DuckDBPyConnection) -> None:
    mapped = map_values(engine, EMAIL, USER | {"import_line": 3, "import_codes": "FORMAT", "x": 1})
    assert mapped.rest == [{"x": 1}]


def test_control_characters_are_kept_for_the_rules_to_refuse(engine: duckdb.DuckDBPyConnection) -> None:
    text = '{"mail":"a\\u0000b","x\\u0001":"\\u0002","y":"\x7f"}'
    mapped = map_values(engine, EMAIL, text)
    assert mapped.users == [{"email": "a\x00b", "user_metadata": '{"source":{"x\\u0001":"\\u0002","y":"\x7f"}}'}]

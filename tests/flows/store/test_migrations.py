"""A database of an earlier release is migrated, and the codes of refused records are an enumeration that grows."""

from collections.abc import Sequence

import pytest

from flows.settings import Settings
from flows.store import migrations
from flows.store.database import Store
from schemas.frames import ROW_CODE
from tests.flows.importing import change_database, import_records, query_rows
from transforms.statements import run

TYPE = "select distinct typeof(codes) from rejected_users"
REFUSED = {"email": "no address", "name": "", "shoe_size": 44}
CODES = ["FORMAT", "MIN_LENGTH", "UNKNOWN_FIELD"]


def enumeration(codes: Sequence[str]) -> str:
    return f"ENUM({', '.join(repr(code) for code in codes)})[]"


def test_the_codes_of_a_refused_record_are_a_list_of_the_enumeration(settings: Settings) -> None:
    import_records(settings, [REFUSED])
    assert query_rows(settings, "select codes from rejected_users") == [(CODES,)]
    assert query_rows(settings, TYPE) == [(enumeration(ROW_CODE.categories.to_list()),)]
    assert query_rows(settings, "select record from rejected_overview where list_contains(codes, 'FORMAT')") == [(1,)]


@pytest.mark.parametrize("known", [CODES, ["UNKNOWN_FIELD", "FORMAT", "MIN_LENGTH", "OF_A_LATER_RELEASE"]])
def test_missing_codes_are_added_after_those_that_the_database_has(settings: Settings, known: list[str]) -> None:
    import_records(settings, [REFUSED])
    change_database(settings, f"alter table rejected_users alter codes type {enumeration(known)}")
    import_records(settings, [{**REFUSED, "email": 7}])
    others = [code for code in ROW_CODE.categories if code not in known]
    assert query_rows(settings, TYPE) == [(enumeration([*known, *others]),)]
    codes = "select codes from rejected_overview order by codes"
    assert query_rows(settings, codes) == [(CODES,), (["INVALID_TYPE", "MIN_LENGTH", "UNKNOWN_FIELD"],)]


def test_a_database_with_all_codes_and_migrations_is_not_written(store: Store) -> None:
    version = store.version()
    store.prepare()
    assert store.version() == version


def test_a_database_that_lacks_later_migrations_keeps_its_rows(settings: Settings) -> None:
    settings.database.unlink()  # which is complete
    with Store(settings).transaction() as connection:
        applied = [(version, name) for version, name in migrations.missing_migrations(connection) if version <= 10]
        for _, name in applied:
            run(connection, name)
        versions, names = zip(*applied, strict=True)
        run(connection, "record_migrations", versions=versions, names=names)
        connection.execute("insert into rejected_users values ('old', 7, 7, ['FORMAT'], '{\"email\":\"x\"}')")
    import_records(settings, [REFUSED])
    stored = "select record, line, codes, email from rejected_overview order by record desc"
    assert query_rows(settings, stored) == [(7, 7, ["FORMAT"], "x"), (1, 1, CODES, "no address")]


@pytest.mark.parametrize("kind", ["tables", "views", "columns"])
def test_every_table_view_and_column_has_a_comment(store: Store, kind: str) -> None:
    with store.reading() as connection:
        found = connection.sql(f"from duckdb_{kind}() where database_name = current_database() and not internal").pl()
    assert found.height > 0
    assert found["comment"].null_count() == 0

"""The gaps that removed rows leave in a table: they stay while they are few, and a later write removes many."""

import pytest

from flows.settings import Settings
from flows.store.database import Store, vacuum_if_worthwhile
from tests.flows.importing import import_records
from tests.population import user

ROWS = 600_000  # five row groups
INSERT = """
insert into rejected_users (job_id, record, codes, "user") select 'job', range, [], '{}' from range($rows)
"""
STORED = "select estimated_size from duckdb_tables() where database_name = current_database() and table_name = $table"


@pytest.mark.parametrize(("tenths", "are_removed"), [(2, False), (4, True)])
def test_gaps_go_when_they_are_a_third_of_a_table(settings: Settings, tenths: int, *, are_removed: bool) -> None:
    store = Store(settings)
    store.prepare()
    with store.transaction() as connection:
        connection.execute(INSERT, {"rows": ROWS})
    with store.transaction() as connection:
        connection.execute("delete from rejected_users where record % 10 < $tenths", {"tenths": tenths})
    with store.transaction() as connection:
        vacuum_if_worthwhile(connection)
        connection.execute("insert into connections (connection) values ('another')")
    with store.reading() as connection:
        ((stored,),) = connection.execute(STORED, {"table": "rejected_users"}).fetchall()
    assert (stored < ROWS) is are_removed


def test_row_groups_of_small_jobs_are_merged_now_and_then(settings: Settings) -> None:
    import_records(settings, [user(1)])
    store = Store(settings)
    for number in range(2, 34):
        with store.transaction() as connection:
            connection.execute("update import_jobs set sequence = $number", {"number": number})
            vacuum_if_worthwhile(connection)
            connection.execute(INSERT, {"rows": 1})
    with store.reading() as connection:
        groups = connection.execute(
            "select distinct row_group_id from pragma_storage_info('rejected_users')"
        ).fetchall()
    assert len(groups) <= 17

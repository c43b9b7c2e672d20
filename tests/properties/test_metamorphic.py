"""Test that batch size, line ends, file names and formats change nothing, and importing twice is importing once."""

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from flows.readers.limits import ReadLimits
from flows.settings import Settings
from schemas.job import JobSummary, Mode
from tests.flows.importing import import_file, import_records, query_rows, read_users
from tests.population import Record, population, user

EXAMPLES = int(os.environ.get("METAMORPHIC_EXAMPLES", "3"))
QUICK = hypothesis_settings(
    max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
Errors = list[tuple[object, ...]]

# users whose keys overlap, some of them invalid, with texts that every format can represent
people = st.lists(
    st.builds(
        lambda number, other, name: user(number) | {"username": f"user_{other}", "name": name},
        st.integers(0, 9),
        st.integers(0, 9),
        st.sampled_from(["Ada", "x" * 301, "tab\there", "line\nbreak", "quo\"te'", "ünï", "=1+1"]),
    ),
    min_size=1,
    max_size=12,
)


def get_errors(settings: Settings, summary: JobSummary) -> Errors:
    """Return every error of a job without its line, which the format may change."""
    query = "select record, code, path, message from import_errors where job_id = $job order by all"
    return query_rows(settings, query, job=summary.job_id)


def fresh(settings: Settings, name: str) -> Settings:
    """Return settings for another empty database beside the test's own."""
    folder = settings.database.parent / name
    folder.mkdir(exist_ok=True)
    database = folder / "users.duckdb"
    database.unlink(missing_ok=True)
    return replace(settings, database=database)


def counts(summary: JobSummary) -> tuple[int, int, int, int]:
    return summary.inserted, summary.updated, summary.unchanged, summary.failed


@given(records=people)
@QUICK
def test_every_row_is_counted_and_importing_twice_is_importing_once(settings: Settings, records: list[Record]) -> None:
    here = fresh(settings, "twice")
    first = import_records(here, records)
    assert sum(counts(first)) == first.total == len(records)
    before = read_users(here)
    second = import_records(here, records)
    assert read_users(here) == before
    assert (second.inserted, second.updated) == (0, 0)


def write_json(path: Path, records: Sequence[Record]) -> None:
    path.write_text(json.dumps(records, indent=1), encoding="utf-8")


def write_csv(path: Path, records: Sequence[Record]) -> None:
    frame = pl.DataFrame(records).with_columns(pl.col(pl.Boolean).cast(pl.String))
    frame.write_csv(path, quote_style="non_numeric")


def write_parquet(path: Path, records: Sequence[Record]) -> None:
    pl.DataFrame(records).write_parquet(path)


@given(records=people)
@QUICK
def test_formats_give_the_same_errors(settings: Settings, records: list[Record]) -> None:
    expected = import_records(fresh(settings, "ndjson"), records)
    expected_errors = get_errors(settings_of(settings, "ndjson"), expected)
    writers: dict[str, Callable[[Path, Sequence[Record]], None]] = {
        "json": write_json,
        "csv": write_csv,
        "parquet": write_parquet,
    }
    for form, write in writers.items():
        here = fresh(settings, form)
        path = here.database.parent / f"people.{form}"
        write(path, records)
        summary = import_file(here, path, Mode.UPSERT)
        assert (form, counts(summary)) == (form, counts(expected))
        assert (form, get_errors(here, summary)) == (form, expected_errors)


def settings_of(settings: Settings, name: str) -> Settings:
    """Return the settings that `fresh` gave for this name, without emptying the database."""
    return replace(settings, database=settings.database.parent / name / "users.duckdb")


@pytest.mark.parametrize("batch_bytes", [2_000, 50_000])
def test_batch_size_changes_nothing(settings: Settings, batch_bytes: int) -> None:
    records = [record for record, _ in population(400, faulty=0.2, repeated=0.2)]
    whole, pieces = fresh(settings, "whole"), fresh(settings, "pieces")
    first = import_records(whole, records, Mode.INSERT)
    second = import_records(replace(pieces, limits=ReadLimits(batch_bytes=batch_bytes)), records, Mode.INSERT)
    assert counts(first) == counts(second)
    assert get_errors(whole, first) == get_errors(pieces, second)
    users = "select email, username, user_id, name from users order by all"
    assert query_rows(whole, users) == query_rows(pieces, users)


def test_line_ends_and_blank_lines_change_nothing(settings: Settings) -> None:
    records = [record for record, _ in population(100, faulty=0.3, repeated=0.2)]
    plain, odd = fresh(settings, "plain"), fresh(settings, "odd")
    path = odd.database.parent / "odd.ndjson"
    path.write_bytes(b"\xef\xbb\xbf" + b"\r\n\r\n".join(json.dumps(record).encode() for record in records))
    first, second = import_records(plain, records), import_file(odd, path)
    assert counts(first) == counts(second)
    assert get_errors(plain, first) == get_errors(odd, second)


def test_two_files_are_one_job(settings: Settings) -> None:
    folder = settings.database.parent / "inbox"
    folder.mkdir()
    for name, first in (("a.ndjson", 0), ("b.ndjson", 3)):
        text = "".join(json.dumps(user(number)) + "\n" for number in range(first, first + 5))
        (folder / name).write_text(text, encoding="utf-8")
    summary = import_file(settings, folder, Mode.INSERT)
    assert counts(summary) == (8, 0, 0, 2)
    assert {record for record, *_ in get_errors(settings, summary)} == {6, 7}
    assert query_rows(settings, "select distinct line from import_errors order by 1") == [(1,), (2,)]


def test_the_same_content_under_another_name_is_not_imported_twice(settings: Settings) -> None:
    first, second = settings.database.parent / "a.ndjson", settings.database.parent / "b.ndjson"
    first.write_text(json.dumps(user(1)) + "\n", encoding="utf-8")
    second.write_bytes(first.read_bytes())
    done = import_file(settings, first, Mode.INSERT, again=False)
    answer = import_file(settings, second, Mode.INSERT, again=False)
    assert answer == done
    assert len(query_rows(settings, "select job_id from import_jobs")) == 1
    assert [path.name for path in settings.jobs_folder.iterdir() if not path.name.startswith(".")] == [done.job_id]

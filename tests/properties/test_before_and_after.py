"""Test that an import does what its plan says, can be undone, and accepts refused records once corrected."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NotRequired, TypedDict

import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from flows.pipeline.undo import undo
from flows.report.rejects import write_rejects
from flows.settings import Settings
from flows.store.database import Store
from schemas.job import JobStatus, JobSummary, Mode
from tests.flows.importing import import_file, import_records, query_rows, read_users

Record = dict[str, object]


class Policy(TypedDict):
    """The options of an import that decide what it changes."""

    mode: Mode
    metadata: NotRequired[str]
    fill_only: NotRequired[bool]
    policy: NotRequired[dict[str, str]]
    match_on: NotRequired[tuple[str, ...]]


Import = tuple[list[Record], Policy]

QUICK = settings(
    max_examples=int(os.environ.get("UNDO_EXAMPLES", "3")),
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.explicit, Phase.generate),  # without shrinking: an example takes a second, and is small already
    suppress_health_check=[*HealthCheck],
)
METADATA = st.dictionaries(st.sampled_from("abc"), st.one_of(st.none(), st.integers(0, 2)), max_size=2)
USERS = st.fixed_dictionaries(
    {"email": st.integers(0, 5).map(lambda number: f"user{number}@x.example")},
    optional={
        "user_id": st.integers(0, 5).map(lambda number: f"u-{number}"),
        "username": st.integers(0, 5).map(lambda number: f"name_{number}"),
        "name": st.sampled_from(["Ada", "Bob", "=1+1"]),
        "email_verified": st.booleans(),
        "app_metadata": METADATA,
        "password_hash": st.sampled_from([f"$2b$10${letter * 53}" for letter in "ab"]),
    },
)
FAULTS: st.SearchStrategy[Record] = st.sampled_from(
    [{"email": "no address"}, {"name": ""}, {"blocked": "yes"}, {"shoe_size": 44}]
)
RECORDS = st.one_of(USERS, USERS, st.tuples(USERS, FAULTS).map(lambda pair: pair[0] | pair[1]))
FILES = st.lists(RECORDS, min_size=3, max_size=12)
POLICIES = st.fixed_dictionaries(
    {"mode": st.sampled_from([*Mode])},
    optional={
        "metadata": st.sampled_from(["replace", "merge"]),
        "fill_only": st.booleans(),
        "policy": st.dictionaries(
            st.sampled_from(["name", "email_verified", "app_metadata", "password_hash"]),
            st.sampled_from(["replace", "fill", "keep"]),
        ),
        "match_on": st.sampled_from([("email",), ("user_id", "email"), ("username", "user_id")]),
    },
).map(lambda policy: policy | ({"fill_only": False} if policy["mode"] is Mode.INSERT else {}))
IMPORTS = st.tuples(FILES, POLICIES)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Create a migrated database without users."""
    store = Store(Settings(database=tmp_path_factory.mktemp("empty") / "users.duckdb"))
    store.prepare()
    return store.path


@contextmanager
def fresh(empty: Path) -> Iterator[Settings]:
    """Yield settings for a copy of the empty database."""
    with tempfile.TemporaryDirectory() as folder:
        yield Settings(database=Path(shutil.copy(empty, folder)))


def import_as_planned(settings: Settings, records: list[Record], policy: Policy) -> JobSummary:
    """Import the records, assert that a dry run before it gave the same for every row, and return the summary."""
    path = settings.database.parent / "plan.parquet"
    planned = import_records(settings, records, dry_run=True, plan=str(path), **policy)
    before = read_users(settings)
    done = import_records(settings, records, **policy)
    counts = {"status", "total", "inserted", "updated", "unchanged", "failed", "warnings", "errors_by_code"}
    assert {name: getattr(planned, name) for name in counts} == {name: getattr(done, name) for name in counts}
    plan = pl.read_parquet(path)
    assert plan["record"].to_list() == list(range(1, len(records) + 1))
    _assert_tables_match(settings, done, plan)
    if not done.inserted + done.updated:
        assert read_users(settings) == before
    return done


def _assert_tables_match(settings: Settings, done: JobSummary, plan: pl.DataFrame) -> None:
    """Assert that the rows of the plan are what the job left in the tables."""
    outcomes = dict(plan["outcome"].value_counts().rows())
    counted = {"insert": done.inserted, "update": done.updated, "unchanged": done.unchanged, "refused": done.failed}
    assert outcomes == {outcome: count for outcome, count in counted.items() if count}
    updated = plan.filter(outcome="update")
    query = """
        select user_id, changes::struct(field varchar, "old" varchar, "new" varchar)[] from user_history
        where job_id = $job and action = 'update' order by user_id
    """
    assert query_rows(settings, query, job=done.job_id) == updated.select("user_id", "changes").sort("user_id").rows()
    refused = plan.filter(outcome="refused")
    query = "select record, codes from rejected_users where job_id = $job order by record"
    assert query_rows(settings, query, job=done.job_id) == refused.select("record", "codes").rows()


@QUICK
@given(imports=st.lists(IMPORTS, min_size=1, max_size=2))
def test_an_import_does_what_its_plan_says(empty: Path, imports: list[Import]) -> None:
    with fresh(empty) as settings:
        for records, policy in imports:
            import_as_planned(settings, records, policy)


@QUICK
@given(imports=st.lists(IMPORTS, min_size=2, max_size=3), data=st.data())
def test_undoing_imports_restores_every_column(empty: Path, imports: list[Import], data: st.DataObject) -> None:
    with fresh(empty) as settings:
        tables, jobs = [read_users(settings)], []
        for records, policy in imports:
            jobs.append(import_records(settings, records, **policy).job_id)
            tables.append(read_users(settings))
        while jobs:
            undone = undo(jobs[-1], dry_run=False, settings=settings, job_id=f"undo {jobs[-1]}")
            assert (undone.status, undone.kept) == (JobStatus.COMPLETED, 0)
            assert read_users(settings) == tables[-2]
            if data.draw(st.integers(0, 3)) == 0:
                again = undo(undone.job_id, dry_run=False, settings=settings, job_id=f"redo {jobs[-1]}")
                assert again.reversed == undone.reversed
                assert read_users(settings) == tables[-1]
                undo(again.job_id, dry_run=False, settings=settings, job_id=f"undo again {jobs[-1]}")
            jobs.pop()
            tables.pop()


@QUICK
@given(records=st.lists(RECORDS, min_size=1, max_size=6, unique_by=json.dumps), data=st.data())
def test_refused_records_are_imported_once_they_are_corrected(
    empty: Path, records: list[Record], data: st.DataObject
) -> None:
    form = data.draw(st.sampled_from(["ndjson", "json", "csv", "parquet"]))
    with fresh(empty) as settings:
        job = import_records(settings, records, Mode.INSERT)
        path = settings.database.parent / f"rejects.{form}"
        assert write_rejects(Store(settings), job.job_id, path).records == job.failed
        if job.failed:
            _correct(path)
            second = import_file(settings, path, Mode.INSERT)
            assert (second.status, second.inserted) == (JobStatus.COMPLETED, job.failed)
        ((users,),) = query_rows(settings, "select count(*) from users")
        assert users == len(records)


def _correct(path: Path) -> None:
    """Give the file's refused records keys of their own, and remove what was wrong."""
    match path.suffix:
        case ".ndjson":
            table = pl.read_ndjson(path, infer_schema_length=None)
        case ".json":
            table = pl.read_json(path, infer_schema_length=None)
        case ".csv":
            table = pl.read_csv(path, infer_schema=False)
        case _:
            table = pl.read_parquet(path)
    number = pl.int_range(pl.len()).cast(pl.String)
    table = table.with_columns(email=pl.concat_str(pl.lit("fixed"), number, pl.lit("@x.example")))
    table = table.drop("user_id", "username", "shoe_size", "blocked", "app_metadata", strict=False)
    if "name" in table.columns:
        table = table.with_columns(name=pl.when(pl.col("name") != "").then("name").otherwise(pl.lit("N")))
    rows = [{name: value for name, value in row.items() if value is not None} for row in table.to_dicts()]
    match path.suffix:
        case ".ndjson":
            path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        case ".json":
            path.write_text(json.dumps(rows), encoding="utf-8")
        case ".csv":
            table.write_csv(path)
        case _:
            table.write_parquet(path)

"""The scripts of the benchmarks accept and refuse the same users as we do; the users have the intended faults."""

import shutil
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import duckdb
import polars as pl
import pytest

from flows.settings import Settings
from schemas.job import Mode
from tests.benchmarks import comparison
from tests.benchmarks.material import EDITION, convert_database
from tests.benchmarks.tools import OURS, PLAIN, TOOLS, Layout
from tests.benchmarks.tools.arguments import Arguments
from tests.benchmarks.users import FAULTS, draw, write_users
from tests.benchmarks.variants import VARIANTS
from tests.flows.importing import import_file

USERS, EXISTING, FAULTY = 300, 400, 0.2


@dataclass(frozen=True)
class Given:
    """A file, the database before the import, and the database into which we imported it."""

    file: Path
    mode: str
    base: Path | None
    ours: Path


@pytest.fixture(scope="module", params=["insert", "upsert"])
def given(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Given:
    folder = tmp_path_factory.mktemp(request.param)
    existing = EXISTING if request.param == "upsert" else 0
    settings = Settings(database=folder / "ours.duckdb")
    base = None
    if existing:
        import_file(settings, write_users(folder / "existing.ndjson", existing), Mode.INSERT)
        base = shutil.copyfile(settings.database, folder / "base.duckdb")
    file = write_users(folder / "users.ndjson", USERS, faulty=FAULTY, existing=existing, edition=EDITION)
    import_file(settings, file, Mode(request.param))
    return Given(file, request.param, base, settings.database)


def run_script(name: str, given: Given, database: Path) -> None:
    tool = TOOLS[name]
    if tool.missing:
        pytest.skip(f"{' and '.join(tool.missing)} not installed: pip install -e '.[bench]'")
    if given.base is not None and tool.layout.build:
        shutil.copyfile(convert_database(given.base, tool.layout), database)
    import_module(tool.module).run(Arguments(given.file, database, given.mode))


def read_result(database: Path, layout: Layout) -> comparison.Result:
    found = comparison.read_result(database, layout)
    assert found is not None
    return found


@pytest.mark.parametrize("name", [name for name, tool in TOOLS.items() if tool.layout is PLAIN])
def test_script_accepts_and_refuses_the_same_users(name: str, given: Given, tmp_path: Path) -> None:
    run_script(name, given, tmp_path / "users.duckdb")
    theirs, ours = read_result(tmp_path / "users.duckdb", PLAIN), read_result(given.ours, OURS)
    assert comparison.describe_differences(theirs, ours, comparison.read_codes(given.ours, given.file)) == ""


def test_difference_is_described_by_our_code(given: Given) -> None:
    ours, codes = read_result(given.ours, OURS), comparison.read_codes(given.ours, given.file)
    refused = ours.refused
    assert refused is not None
    lenient = comparison.Result(refused.filter(pl.col("record") != codes["record"][0]), ours.users.head(-1))
    assert comparison.describe_differences(lenient, ours, codes) == (
        f"accepts 1 records that we refuse ({codes['code'][0]} 1); -1 users (none that we refuse); "
        "1 of our users missing"
    )


def test_floor_copies_every_record(given: Given, tmp_path: Path) -> None:
    run_script("floor", given, tmp_path / "users.duckdb")
    with duckdb.connect(str(tmp_path / "users.duckdb")) as connection:
        assert connection.sql("from users").shape[0] == USERS


def test_every_kind_of_fault_is_written_and_found(given: Given) -> None:
    existing = EXISTING if given.base else 0
    drawn = draw(pl.int_range(USERS, dtype=pl.Int64, eager=True), USERS, faulty=FAULTY, existing=existing)
    faulty = drawn.filter(pl.col("fault").is_not_null())
    codes = dict(comparison.read_codes(given.ours, given.file).select("record", "code").rows())
    assert set(faulty["fault"]) == set(range(len(FAULTS)))
    assert {record: code.split(" and ")[-1] for record, code in codes.items()} == {
        position + 1: FAULTS[fault].code for position, fault in faulty.select("position", "fault").rows()
    }


def test_equal_arguments_give_equal_bytes(tmp_path: Path) -> None:
    first, second = (write_users(tmp_path / name, 50, faulty=0.5, existing=100, edition=1) for name in "ab")
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("name", VARIANTS)
def test_users_in_another_format_are_the_same_users(name: str, tmp_path: Path) -> None:
    plain = write_users(tmp_path / "plain.ndjson", 40)
    ending, write = VARIANTS[name]
    path = tmp_path / f"varied.{ending}"
    write(plain, path)
    found = {file: import_file(Settings(database=tmp_path / f"{file.stem}.duckdb"), file) for file in (plain, path)}
    refused = 8 if "null" in name else 0
    assert (found[path].inserted, found[path].failed) == (40 - refused, refused)
    users, ours = (read_result(tmp_path / f"{file.stem}.duckdb", OURS).users for file in (path, plain))
    same = users.join(ours, on=["user_id", "digest"], how="semi").height
    assert same == {"hex hashes": 0, "escapes in 30 %": 28}.get(name, 40 - refused)

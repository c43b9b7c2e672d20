"""Settings come from the environment and the command line; wrong values are refused."""

from contextlib import closing

import pytest

from flows.import_users.cli import app
from flows.report.command_line import main
from flows.settings import settings_from
from flows.store.database import scratch


def test_the_command_line_overrides_the_environment() -> None:
    environment = {"IMPORT_MEMORY_LIMIT": "700MB"}
    assert settings_from({}).memory_limit is None
    assert settings_from(environment).memory_limit == "700MB"
    assert settings_from(environment, memory_limit="2 GiB").memory_limit == "2 GiB"


def test_a_merge_takes_the_memory_that_its_records_need_unless_a_limit_is_set() -> None:
    assert settings_from({}).for_records(500).memory_limit == "400MB"
    assert settings_from({}).for_records(10_000).memory_limit == "1GB"
    assert settings_from({"IMPORT_MEMORY_LIMIT": "700MB"}).for_records(500).memory_limit == "700MB"


@pytest.mark.parametrize(
    ("limit", "mean_bytes", "threads"),
    [(None, 500, 4), (None, 10_000, 2), ("8GB", 500, 80), ("1GiB", 500, 10), ("0.5 gb", 500, 5), ("12MB", 500, 1)],
)
def test_threads_are_limited_by_memory(limit: str | None, mean_bytes: int, threads: int) -> None:
    settings = settings_from({}, memory_limit=limit).for_records(mean_bytes)
    assert settings.most_threads == threads
    with closing(scratch(settings)) as engine:
        ((used,),) = engine.execute("select current_setting('threads')").fetchall()
    assert 1 <= used <= threads


@pytest.mark.parametrize("size", ["", "much", "12", "GB", "-1GB", "0MB", "0.0 GB", "1GB; drop table users", "80%"])
def test_a_wrong_size_is_a_usage_error(size: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(app, ["users.json", "--direct", f"--memory-limit={size}"]) == 2
    assert "is not a size of memory, such as 512MB or 2GB" in capsys.readouterr().err
    with pytest.raises(ValueError, match="is not a size of memory"):
        settings_from({"IMPORT_MEMORY_LIMIT": size})


@pytest.mark.parametrize("name", ["IMPORT_WAIT_SECONDS", "IMPORT_RETENTION_DAYS", "IMPORT_VALUE_BYTES"])
@pytest.mark.parametrize("text", ["abc", "-1", "nan"])
def test_a_variable_that_is_not_a_number_is_named(name: str, text: str) -> None:
    with pytest.raises(ValueError, match=f"{name} is '{text}'; it must be a number, 0 or more"):
        settings_from({name: text})

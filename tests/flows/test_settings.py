"""Settings come from the environment and the command line; wrong values are refused."""

import json
import re
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import pytest

from flows.__main__ import app as user_import
from flows.import_users.cli import app
from flows.readers.limits import ReadLimits, ranges_of
from flows.report.command_line import main
from flows.report.targets import NoticeSettings
from flows.settings import Settings, find_unknown_variables, settings_from
from flows.store.database import scratch

ROOT = Path(__file__).parents[2]


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


RANGES = {
    f"IMPORT_{name.upper()}": allowed for kind in (Settings, ReadLimits) for name, allowed in ranges_of(kind).items()
}


@pytest.mark.parametrize("name", sorted(RANGES))
@pytest.mark.parametrize(
    "text", ["", "abc", "-1", "nan", "inf", "-inf", "1e308", "9" * 30, "9" * 5000, "0x10", "1_0", "\udcff"]
)
def test_a_variable_outside_its_range_is_named_with_the_range(name: str, text: str) -> None:
    with pytest.raises(ValueError, match=rf"^{name} is .{{1,60}}; it must be {re.escape(str(RANGES[name]))}$"):
        settings_from({name: text})


@pytest.mark.parametrize("name", sorted(RANGES))
def test_both_ends_of_a_range_can_be_set_and_the_next_numbers_cannot(name: str) -> None:
    allowed = RANGES[name]
    for end in (allowed.least, allowed.most):
        settings = settings_from({name: f"{end:.0f}"})
        assert {**asdict(settings), **asdict(settings.limits)}[name.removeprefix("IMPORT_").lower()] == end
    for beyond in (allowed.least - 1, allowed.most + 1):
        with pytest.raises(ValueError, match=name):
            settings_from({name: f"{beyond:.0f}"})


def test_every_number_of_the_settings_has_a_range_that_holds_its_default() -> None:
    for kind in (Settings, ReadLimits):
        values = ((name, field.default) for name, field in kind.__dataclass_fields__.items())
        defaults = {name: value for name, value in values if isinstance(value, int | float) and name != "thread_bytes"}
        assert ranges_of(kind).keys() == defaults.keys()
        assert all(allowed.least <= defaults[name] <= allowed.most for name, allowed in ranges_of(kind).items())


@pytest.mark.parametrize("text", ["", "999999999TB", "1KB", "2000 TB"])
def test_a_size_of_memory_outside_its_range_is_named(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match=rf"^IMPORT_MEMORY_LIMIT: '{text}' is not a size of memory"):
        settings_from({"IMPORT_MEMORY_LIMIT": text})
    assert main(app, ["users.json", "--direct", f"--memory-limit={text}"]) == 2
    assert f"'{text}' is not a size of memory" in capsys.readouterr().err


def test_an_unknown_variable_is_named_with_the_one_that_may_be_meant() -> None:
    environment = dict.fromkeys(
        ("IMPORT_BATCH_ROW", "IMPORT_\udcff", "IMPORT_KEYS", "IMPORTANT", "IMPORT_NOTIFY", "IMPORT_NOTIFY_OPS"), "1"
    )
    assert [*find_unknown_variables(environment)] == [
        "IMPORT_BATCH_ROW is not a variable of this program; did you mean IMPORT_BATCH_ROWS?",
        r"IMPORT_\udcff is not a variable of this program",
    ]


def test_every_variable_that_the_code_names_is_known() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "flows").rglob("*.py"))
    names = set(re.findall(r"\bIMPORT_[A-Z_]+[A-Z]\b", text))
    assert [*find_unknown_variables(dict.fromkeys(names, ""))] == []


@pytest.mark.parametrize("command", [["import", "a.json", "--direct"], ["jobs", "list"], ["connections", "list"]])
def test_an_unknown_variable_is_a_warning_that_leaves_stdout_alone(
    command: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("IMPORT_WAIT_SECOND", "1")
    main(user_import, [*command, "--json", "--database", str(tmp_path / "x.duckdb")])
    output = capsys.readouterr()
    assert output.err.splitlines()[0] == (
        "warning: IMPORT_WAIT_SECOND is not a variable of this program; did you mean IMPORT_WAIT_SECONDS?"
    )
    assert json.loads(output.out)


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("IMPORT_DATABASE", "", "IMPORT_DATABASE is empty"),
        ("IMPORT_WEBHOOK_ALLOW_PRIVATE", "perhaps", "IMPORT_WEBHOOK_ALLOW_PRIVATE is 'perhaps'"),
        ("IMPORT_WEBHOOK_URL", "https://h/\udcff", "IMPORT_WEBHOOK_URL contains"),
        ("IMPORT_NOTICE_FROM", "a\nBcc: b", "IMPORT_NOTICE_FROM contains"),
        ("IMPORT_NOTIFY_OPS", "https://h/\udcff", "IMPORT_NOTIFY_OPS contains"),
    ],
)
def test_a_text_that_cannot_be_used_is_named(name: str, value: str, sentence: str) -> None:
    read = settings_from if name == "IMPORT_DATABASE" else NoticeSettings.from_environment
    with pytest.raises(ValueError, match=sentence):
        read({name: value})

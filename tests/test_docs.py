"""README says what there is: every option, command, code, table, view and setting; and CI runs README's own command."""

import re
from pathlib import Path

import pytest
from cyclopts import App

from flows import connections
from flows.import_users import cli as command_line
from flows.import_users.arguments import option_table
from flows.jobs import cli as jobs
from flows.report.command_line import command_names
from schemas.codes import ErrorCode

ROOT = Path(__file__).resolve().parent.parent
GUIDE = ROOT / "flows" / "README.md"
README = (ROOT / "README.md").read_text(encoding="utf-8")


def options(app: App) -> set[str]:
    """Every long option of an app and its commands."""
    named = (
        {name for argument in app.assemble_argument_collection() for name in argument.names}
        if app.default_command
        else set()
    )
    found = {name for name in named if name.startswith("--")}
    return found.union(*(options(app[name]) for name in command_names(app)))


@pytest.mark.parametrize("code", ErrorCode)
def test_every_code_has_a_line(code: ErrorCode) -> None:
    assert re.search(rf"^\| .*`{code.value}`", README, re.MULTILINE)


@pytest.mark.parametrize("option", sorted(options(command_line.app) | options(jobs.app) | options(connections.app)))
def test_every_option_is_explained(option: str) -> None:
    assert f"{option}" in README or f"--{option.removeprefix('--no-')}" in README


@pytest.mark.skipif(not GUIDE.exists(), reason="the operator's guide is not written yet")
def test_the_guide_has_the_table_of_options() -> None:
    assert option_table(command_line.app) in GUIDE.read_text(encoding="utf-8")


def test_every_command_is_shown() -> None:
    assert [name for name in command_names(jobs.app) if f"flows.jobs {name}" not in README] == []


def test_every_table_and_view_is_named() -> None:
    names = [
        match[1]
        for path in (ROOT / "schemas" / "sql").glob("*.sql")
        if (match := re.search(r"create (?:table|view)(?: if not exists)? (\w+)", path.read_text(encoding="utf-8")))
    ]
    assert [name for name in names if f"`{name}`" not in README and f"-- {name}:" not in README] == []


def test_every_setting_of_the_environment_is_named() -> None:
    used = {name for path in (ROOT / "flows").rglob("*.py") for name in re.findall(r"IMPORT_[A-Z_]+", path.read_text())}
    assert sorted(name for name in used if name not in README) == []


def test_two_commands_come_first_and_ci_runs_the_second() -> None:
    commands = re.findall(r"```sh\n(.+?)\n```", README, re.DOTALL)
    assert "flows.import_users data/samples/" in commands[0]
    assert commands[1] in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_nothing_is_left_to_fill_in() -> None:
    assert "@@" not in README

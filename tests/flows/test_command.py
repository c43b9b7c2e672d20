"""The command `user-import` and its groups: help, suggestions, completion, and one JSON document for every failure."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest
from cyclopts import App

from flows import connections
from flows.__main__ import app as user_import
from flows.import_users import cli as import_users
from flows.inbox import cli as inbox
from flows.jobs import cli as jobs
from flows.report.command_line import UsageError, WithoutPandas, main
from schemas.faults import ExitCode
from tests.docs import command_names

ROOT = Path(__file__).resolve().parents[2]
GROUPS = [("jobs",), ("connections",)]
IN_GROUPS = [("jobs", name) for name in command_names(jobs.app)]
IN_GROUPS += [("connections", name) for name in command_names(connections.app)]
COMMANDS = [("import",), ("schema",), ("template",), *IN_GROUPS]
NAMES = {
    "import": ["a.json"],
    "template": ["csv"],
    "errors": ["job"],
    "status": ["job"],
    "wait": ["job"],
    "diff": ["job"],
    "undo": ["job"],
}
NAMES |= {
    "cancel": ["job"],
    "apply": ["job"],
    "resume": ["job"],
    "forget": ["user", "--yes"],
    "rejects": ["job", "-o", "a.csv"],
    "ids": ["job", "-o", "a.csv"],
    "backup": ["a.duckdb"],
}
NAMES |= {name: ["crm"] for name in ("show", "add", "set")}
ENGINES = "{'polars', 'duckdb', 'prefect', 'pandera', 'pyarrow'}"
HELP_OF_ALL = f"""
import sys
from flows.__main__ import app
from flows.inbox.cli import app as inbox
from flows.report.command_line import main
for command in {[(), *GROUPS, *COMMANDS]!r}:
    main(app, [*command, "--help"])
main(inbox, ["--help"])
print(sorted({ENGINES} & set(sys.modules)))
"""
UNNEEDED = {
    "prefect",
    "pandas.core",
    "numpy._core",
    "hypothesis",
    "typeguard",
    "asyncio",
    "multiprocessing",
    "httpx",
    "apprise",
    "rich.progress",
}
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command on a database that does not exist: exit code, stdout, stderr."""
    monkeypatch.setenv("IMPORT_DATABASE", str(tmp_path / "none.duckdb"))
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(user_import, arguments)
        output = capsys.readouterr()
        return code, output.out, output.err

    return run


def test_help_loads_no_engine() -> None:
    child = subprocess.run([sys.executable, "-c", HELP_OF_ALL], cwd=ROOT, capture_output=True, text=True, check=True)
    assert child.stdout.splitlines()[-1] == "[]"


def test_import_of_one_user_loads_nothing_that_it_does_not_need(tmp_path: Path) -> None:
    (tmp_path / "one.ndjson").write_text('{"email":"ada@example.com"}')
    command = ["flows.import_users", "one.ndjson", "--direct", "--json", "--database", "users.duckdb"]
    child = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", *command],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    loaded = {line.rpartition("|")[2].strip() for line in child.stderr.splitlines() if line.startswith("import time:")}
    assert json.loads(child.stdout)["inserted"] == 1
    assert {"polars", "pandera.polars"} <= loaded
    assert UNNEEDED & loaded == set()


@pytest.mark.parametrize("name", ["pandera.typing.pandas", "flows.readers.lines"])
def test_pandas_is_hidden_from_what_needs_none(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pandas.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "pandas", raising=False)
    monkeypatch.setattr(sys, "meta_path", [WithoutPandas(), *sys.meta_path])
    with pytest.raises(ModuleNotFoundError, match=r"^No module named 'pandas'$"):
        exec("import pandas", {"__name__": name})  # noqa: S102
    exec("import pandas", {"__name__": "polars"})  # noqa: S102
    assert sys.modules.pop("pandas").__file__ == str(tmp_path / "pandas.py")


@pytest.mark.parametrize(
    "command", [command for command in COMMANDS if command and command[-1] not in ("jobs", "connections")]
)
def test_help_shows_defaults(run: Run, command: tuple[str, ...]) -> None:
    code, out, err = run(*command, "--help")
    assert (code, err) == (0, "")
    assert "--database PATH" in out
    assert "[default: data/users.duckdb]" in out


def test_help_of_an_import_shows_every_default(run: Run) -> None:
    _, out, _ = run("import", "--help")
    defaults = ("insert", "continue", "1", "email,user_id,username", "replace", "auto", "default", "off")
    text = " ".join(out.replace("│", " ").split())
    assert [default for default in defaults if f"[default: {default}]" not in text] == []


@pytest.mark.parametrize("module", ["flows", "flows.import_users", "flows.jobs", "flows.connections", "flows.inbox"])
def test_every_module_prints_its_help(module: str) -> None:
    child = subprocess.run(
        [sys.executable, "-m", module, "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert child.stdout.startswith(f"Usage: {'user-import' if module == 'flows' else f'python -m {module}'} ")


def test_the_version_is_printed(run: Run) -> None:
    code, out, _ = run("--version")
    assert (code, out.count(".")) == (0, 2)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_generated(shell: Literal["bash", "zsh", "fish"]) -> None:
    script = user_import.generate_completion(shell=shell)
    for word in ("import", "connections", "--max-error-rate", "upsert", "rejects"):
        assert word in script


@pytest.mark.parametrize(
    ("mistyped", "suggestion"),
    [
        (("improt", "a.json"), "import"),
        (("jobs", "lst"), "list"),
        (("connections", "ad", "crm"), "add"),
        (("import", "a.json", "--mod", "upsert"), "--mode"),
        (("import", "a.json", "--mode", "upser"), "upsert"),
        (("jobs", "list", "--limt", "3"), "--limit"),
        (("connections", "list", "--jsn"), "--json"),
    ],
)
def test_what_is_mistyped_is_answered_with_a_suggestion(run: Run, mistyped: tuple[str, ...], suggestion: str) -> None:
    code, out, err = run(*mistyped)
    assert (code, out) == (2, "")
    message, hint = err.splitlines()
    assert f"Did you mean {suggestion}?" in message.replace('"', "")
    assert hint.startswith("see `user-import ")


@pytest.mark.parametrize("command", [*GROUPS, *COMMANDS])
def test_a_usage_error_is_one_json_document(run: Run, command: tuple[str, ...]) -> None:
    code, out, err = run(*command, "--nonsense", "--json")
    assert (code, err) == (2, "")
    fault = json.loads(out)["fault"]
    assert fault.keys() == {"code", "message", "hint"}
    assert fault["code"] == "USAGE"
    assert "nonsense" in fault["message"] or command in GROUPS


@pytest.mark.parametrize("command", [command for command in IN_GROUPS if command[-1] != "add"])  # which creates it
def test_a_fault_is_one_json_document(run: Run, command: tuple[str, ...]) -> None:
    code, out, err = run(*command, *NAMES.get(command[-1], []), "--json")
    assert (code, err) == (1, "")
    assert json.loads(out)["fault"]["code"] == "DATABASE_UNREADABLE"


def test_a_fault_of_an_import_that_records_no_job_is_one_json_document(run: Run, tmp_path: Path) -> None:
    (tmp_path / "none.duckdb").write_text("not a database")
    code, out, _ = run("import", "a.json", "--direct", "--json", "--quiet")
    assert (code, json.loads(out)["fault"]["code"]) == (1, "DATABASE_UNREADABLE")


def test_a_fault_of_the_inbox_is_one_json_document(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")  # no private server for this
    assert main(inbox.app, [str(tmp_path / "gone"), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["fault"]["code"] == "FILE_NOT_FOUND"
    assert main(inbox.app, ["--settle-seconds", "-1", str(tmp_path), "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["fault"]["code"] == "USAGE"


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (("jobs", "list", "extra"), "unexpected argument: extra"),
        (("jobs", "list", "--limit", "1_0"), "1_0 is negative or not a whole number"),
        (("import", "a.json", "--max-errors", "1.0"), "1.0 is negative or not a whole number"),
        (("import", "a.json", "--max-errors", "0x10"), "0x10 is negative or not a whole number"),
        (("connections", "add", "crm", "--username-min-length", "1.9"), "1.9 is negative or not a whole number"),
        (("import", "a.json", "--match-on", ""), "--match-on must be 'email', 'user_id' or 'username', not ''"),
    ],
)
@pytest.mark.parametrize("flag", ["--json", "--json=true"])
def test_an_invalid_value_is_named(run: Run, command: tuple[str, ...], message: str, flag: str) -> None:
    code, out, err = run(*command, flag)
    assert (code, err) == (2, "")
    assert json.loads(out)["fault"]["message"].endswith(message)


def test_after_two_dashes_json_is_a_source(run: Run) -> None:
    code, out, err = run("import", "--nonsense", "--", "--json")
    assert (code, out) == (2, "")
    assert "--nonsense" in err


@pytest.mark.parametrize("group", [(), ("jobs",), ("connections",), ("jobs", "-v")])
def test_a_group_without_a_command_is_a_usage_error(run: Run, group: tuple[str, ...]) -> None:
    code, out, err = run(*group)
    assert (code, out) == (2, "")
    assert "a command is required" in err


@pytest.mark.parametrize("command", [("jobs", "list"), ("connections", "list"), ("import", "a.json", "--direct")])
def test_a_variable_that_cannot_be_used_is_a_usage_error(
    run: Run, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.setenv("IMPORT_WAIT_SECONDS", "abc")
    code, out, err = run(*command)
    assert (code, out) == (2, "")
    assert "IMPORT_WAIT_SECONDS is 'abc'" in err


def failing(error: BaseException) -> App:
    app = App(name="failing")

    @app.default
    def fail(*, json: bool = False) -> None:  # noqa: ARG001 - as every command has it
        raise error

    return app


@pytest.mark.parametrize(
    ("error", "exit_code", "code"),
    [
        (RuntimeError("ada@example.com"), ExitCode.JOB_FAILED, "INTERNAL"),
        (MemoryError("ada@example.com"), ExitCode.JOB_FAILED, "OUT_OF_MEMORY"),
        (KeyboardInterrupt(), ExitCode.CANCELED, "CANCELED"),
        (UsageError("such a value is wrong"), ExitCode.USAGE, "USAGE"),
    ],
)
def test_every_error_is_one_sentence_without_its_text(
    capsys: pytest.CaptureFixture[str], error: BaseException, exit_code: ExitCode, code: str
) -> None:
    assert main(failing(error), []) == exit_code
    output = capsys.readouterr()
    assert (output.out, "ada" in output.err, len(output.err.splitlines())) == ("", False, 2)
    assert main(failing(error), ["--json"]) == exit_code
    output = capsys.readouterr()
    assert (json.loads(output.out)["fault"]["code"], output.err) == (code, "")


@pytest.mark.parametrize("arguments", [["--help"], ["connections", "list"], ["jobs", "list", "--json"]])
def test_a_closed_pipe_is_not_an_error(tmp_path: Path, arguments: list[str]) -> None:
    database = tmp_path / "users.duckdb"
    assert main(
        import_users.app, [str(ROOT / "data/samples/users.csv"), "--direct", "--quiet", "--database", str(database)]
    ) in (0, 1, 3)
    child = subprocess.run(
        ["sh", "-c", '"$0" -m flows "$@" | true', sys.executable, *arguments],
        cwd=ROOT, env={"PATH": "/usr/bin:/bin", "IMPORT_DATABASE": str(database), "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert child.stderr == ""

"""The house keeps its plan: import directions, who opens databases, where SQL stands, what a module says first."""

import ast
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("schemas", "transforms", "flows")
MODULES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
STATEMENTS = sorted(path for room in ROOMS for path in (ROOT / room).rglob("sql/*.sql"))
MAY_IMPORT = {
    "schemas": {"schemas", "polars", "pandera"},
    "transforms": {"schemas", "transforms", "polars", "pandera", "duckdb", "pyarrow"},
}


def imported(module: Path) -> set[str]:
    """The top-level packages outside the standard library that a module imports anywhere."""

    names: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names - set(sys.stdlib_module_names)


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("module", [path for path in MODULES if path.parts[len(ROOT.parts)] in MAY_IMPORT], ids=name_of)
def test_imports_go_from_flows_to_transforms_to_schemas(module: Path) -> None:
    assert imported(module) <= MAY_IMPORT[module.parts[len(ROOT.parts)]]


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_every_module_says_what_belongs_in_it(module: Path) -> None:
    assert ast.get_docstring(ast.parse(module.read_text(encoding="utf-8")))


def test_databases_are_opened_in_the_store_only() -> None:
    opening = [
        name_of(module) for module in MODULES if re.search(r"duckdb\.connect\(|from duckdb import", module.read_text())
    ]
    assert opening == ["flows/store.py"]


def test_rows_are_never_touched_one_by_one() -> None:
    banned = re.compile(r"iter_rows|map_elements|executemany|ignore_errors")
    assert [name_of(module) for module in MODULES if banned.search(module.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize("path", STATEMENTS, ids=name_of)
def test_every_statement_is_one_and_says_its_grain(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.startswith("-- ")
    assert ";" not in re.sub(r"--.*|'[^']*'", "", text)


@pytest.mark.parametrize("path", [path for path in STATEMENTS if path.parent.parent.name != "schemas"], ids=name_of)
def test_every_statement_is_used(path: Path) -> None:
    assert any(f'"{path.stem}"' in module.read_text(encoding="utf-8") for module in MODULES)


def test_migrations_have_numbers_of_their_own() -> None:
    numbers = [int(path.stem.split("_")[0]) for path in STATEMENTS if path.parent.parent.name == "schemas"]
    assert len(numbers) == len(set(numbers))

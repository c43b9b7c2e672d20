"""The architecture holds: import direction, layers, size of folders, where databases are opened, SQL files."""

import ast
import re
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("schemas", "transforms", "flows")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
FLOWS = [path for path in MODULES if path.is_relative_to(ROOT / "flows") and path != ROOT / "flows" / "__init__.py"]
STATEMENTS = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("sql/*.sql"))
LAYERS = (  # of `flows`, from top to bottom: a module imports from its own layer or a lower one
    ("__main__", "import_users", "jobs", "connections", "inbox", "describe", "api"),
    ("pipeline", "report"),
    ("store", "readers"),
    ("settings",),
)
LIMITS = "flows.readers.limits"  # plain numbers, which the settings contain
MOST_MODULES = 16
MOST_ENTRIES = 15
NAMES = {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in MODULES}
MAY_IMPORT = {
    "schemas": {"schemas", "polars", "pandera", "pydantic", "pydantic_core", "idna"},
    "transforms": {"schemas", "transforms", "polars", "pandera", "duckdb", "pyarrow", "cryptography"},
}


def imported_packages(module: Path) -> set[str]:
    """Return the top-level packages outside the standard library that a module imports anywhere."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names - set(sys.stdlib_module_names)


def module_name(module: Path) -> str:
    """Return the name by which a module is imported; a package has that of its folder."""
    return ".".join(module.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imported_modules(module: Path) -> set[str]:
    """Return the modules of this project that a module imports anywhere, type-checking blocks aside."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = []
    froms = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    named = {name for node in froms for name in (str(node.module), *(f"{node.module}.{a.name}" for a in node.names))}
    return named & NAMES - {module_name(module)}


def layer_of(name: str) -> int:
    """Return the number of a module's layer in `flows`; 0 is the highest."""
    part = name.split(".")[1]
    return next(number for number, layer in enumerate(LAYERS) if part in layer)


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("module", [path for path in MODULES if path.parts[len(ROOT.parts)] in MAY_IMPORT], ids=name_of)
def test_imports_go_from_flows_to_transforms_to_schemas(module: Path) -> None:
    assert imported_packages(module) <= MAY_IMPORT[module.parts[len(ROOT.parts)]]


@pytest.mark.parametrize("module", FLOWS, ids=name_of)
def test_imports_inside_flows_go_down(module: Path) -> None:
    imports = {name for name in imported_modules(module) if name.startswith("flows.") and name != LIMITS}
    assert [name for name in imports if layer_of(name) < layer_of(module_name(module))] == []


def test_imports_have_no_circles() -> None:
    TopologicalSorter({module_name(module): imported_modules(module) for module in MODULES}).prepare()


def test_packages_of_flows_have_no_circles() -> None:
    graph: dict[str, set[str]] = {}
    for module in FLOWS:
        part = module_name(module).split(".")[1]
        imports = {name.split(".")[1] for name in imported_modules(module) if name.startswith("flows.")}
        graph.setdefault(part, set()).update(imports - {part} if part != "settings" else ())
    TopologicalSorter(graph).prepare()


def test_prefect_is_imported_by_entry_points_and_its_report_only() -> None:
    importing = {module_name(module) for module in MODULES if "prefect" in imported_packages(module)}
    assert {name for name in importing if layer_of(name)} == {"flows.report.prefect"}


def test_commands_in_sentences_name_their_database() -> None:
    """A command that is spelt out has no `--database`; `format_command` adds it, and quotes every word."""
    found = [
        f"{module.relative_to(ROOT)}:{node.lineno}"
        for module in FLOWS
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant)
        and re.search(r"python -m flows\.\w+ (?!forget --help)\w", str(node.value))
        and node.col_offset  # a docstring of a module is for developers
    ]
    assert found == []


def test_folders_are_small() -> None:
    folders = {module.parent for module in MODULES}
    assert [name_of(folder) for folder in folders if len([*folder.glob("*.py")]) > MOST_MODULES] == []
    entries = [path for path in (ROOT / "flows").iterdir() if path.name not in ("__pycache__", "py.typed")]
    assert len(entries) <= MOST_ENTRIES


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_every_module_has_a_docstring(module: Path) -> None:
    assert ast.get_docstring(ast.parse(module.read_text(encoding="utf-8")))


def test_databases_are_opened_in_the_store_only() -> None:
    opening = [
        name_of(module) for module in MODULES if re.search(r"duckdb\.connect\(|from duckdb import", module.read_text())
    ]
    assert opening == ["flows/store/database.py"]


def test_rows_are_never_processed_one_by_one() -> None:
    forbidden = re.compile(r"iter_rows|map_elements|executemany|ignore_errors")
    assert [name_of(module) for module in MODULES if forbidden.search(module.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize("path", STATEMENTS, ids=name_of)
def test_every_file_has_one_statement_and_begins_with_a_comment(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.startswith("-- ")
    statements = re.sub(r"--.*|'[^']*'", "", text).split(";")
    together = ("comment on ", "create or replace temp macro ")
    assert len(statements) == 1 or all(part.strip().startswith(together) for part in statements)


@pytest.mark.parametrize("path", [path for path in STATEMENTS if path.parent.parent.name != "schemas"], ids=name_of)
def test_every_statement_is_used(path: Path) -> None:
    assert any(f'"{path.stem}"' in module.read_text(encoding="utf-8") for module in MODULES)


def test_migrations_have_unique_numbers() -> None:
    numbers = [int(path.stem.split("_")[0]) for path in STATEMENTS if path.parent.parent.name == "schemas"]
    assert len(numbers) == len(set(numbers))

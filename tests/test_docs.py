"""The guides match the code: options, commands, codes, fields, views, settings and queries; links resolve."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from cyclopts import App

from flows import connections
from flows.api import cli as api
from flows.describe import cli as describe
from flows.import_users import cli as command_line
from flows.jobs import cli as jobs
from flows.settings import Settings
from flows.store.database import Store
from schemas.codes import ErrorCode
from schemas.fields import FIELDS, UserField
from schemas.job import Mode
from tests import docs
from tests.docs import command_names
from tests.flows.importing import change_database, import_file, import_records

ROOT = docs.ROOT
README = (ROOT / "README.md").read_text(encoding="utf-8")
OPERATORS_GUIDE = (ROOT / "flows" / "README.md").read_text(encoding="utf-8")
RECORD_GUIDE = (ROOT / "schemas" / "README.md").read_text(encoding="utf-8")
ANALYSTS_GUIDE = (ROOT / "data" / "README.md").read_text(encoding="utf-8")
API_GUIDE = (ROOT / "flows" / "api" / "README.md").read_text(encoding="utf-8")
FOLDERS = (".", "data", "flows", "flows/api", "flows/pipeline", "schemas", "schemas/profiles", "tests", "transforms")
GUIDES = sorted(path for folder in FOLDERS for path in (ROOT / folder).glob("*.md"))
LONGEST_README = 220  # lines
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def prose(text: str) -> str:
    """Return a document without its code blocks."""
    return BLOCK.sub("", text)


def anchors(text: str) -> set[str]:
    """Return the anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", prose(text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def options(app: App) -> set[str]:
    """Return every long option of an app and its commands."""
    arguments = app.assemble_argument_collection() if app.default_command else ()
    found = {name for argument in arguments for name in argument.names if name.startswith("--")}
    return found.union(*(options(app[name]) for name in command_names(app)))


@pytest.mark.parametrize("code", ErrorCode)
def test_every_code_has_a_line(code: ErrorCode) -> None:
    assert re.search(rf"^\| .*`{code.value}`", RECORD_GUIDE, re.MULTILINE)


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_every_field_has_a_line_with_its_type_and_headers(field: UserField) -> None:
    line = re.search(rf"^\| `{field.name}` \| {field.type.value} \|.*$", README, re.MULTILINE)
    assert line is not None


@pytest.mark.parametrize(
    "option", sorted(options(command_line.app) | options(jobs.app) | options(connections.app) | options(describe.app))
)
def test_every_option_is_explained(option: str) -> None:
    assert f"{option}" in OPERATORS_GUIDE or f"--{option.removeprefix('--no-')}" in OPERATORS_GUIDE


def own_options_of_the_server() -> set[str]:
    """Return the options of the HTTP face and of staging that are not those of an import."""
    of_imports = options(command_line.app)
    found = options(api.app) - options(jobs.app) - of_imports
    return {option for option in found if re.sub("^--(no|empty)-", "--", option) not in of_imports}


@pytest.mark.parametrize("option", sorted(own_options_of_the_server()))
def test_every_option_of_the_server_is_explained(option: str) -> None:
    assert re.sub("^--(no|empty)-", "--", option) in API_GUIDE + OPERATORS_GUIDE


def test_every_command_is_shown() -> None:
    assert [name for name in command_names(jobs.app) if f"flows.jobs {name}" not in OPERATORS_GUIDE] == []


def test_every_table_and_view_is_named() -> None:
    names = [
        match[1]
        for path in (ROOT / "schemas" / "sql").glob("*.sql")
        if (match := re.search(r"create (?:table|view)(?: if not exists)? (\w+)", path.read_text(encoding="utf-8")))
    ]
    assert [name for name in names if f"`{name}`" not in ANALYSTS_GUIDE] == []


def test_every_setting_of_the_environment_is_named() -> None:
    used = {name for path in (ROOT / "flows").rglob("*.py") for name in re.findall(r"IMPORT_[A-Z_]+", path.read_text())}
    assert sorted(name for name in used if name not in OPERATORS_GUIDE) == []


def test_quick_start_has_two_commands_and_ci_runs_the_second() -> None:
    commands = re.findall(r"```sh\n(.+?)\n```", README, re.DOTALL)
    assert "flows.import_users data/samples/" in commands[0]
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    extraction = re.search(r"^command=\$\((.+)\)$", ci, re.MULTILINE)
    assert extraction is not None
    extracted = subprocess.run(["bash", "-c", extraction[1]], cwd=ROOT, capture_output=True, text=True, check=True)
    assert extracted.stdout == f"{commands[1]}\n"
    assert re.search(r'^bash -\w*c "\$command"$', ci, re.MULTILINE)


def test_readme_is_short() -> None:
    assert len(README.splitlines()) <= LONGEST_README


@pytest.mark.parametrize("path", GUIDES, ids=name_of)
def test_nothing_is_left_to_fill_in(path: Path) -> None:
    assert "@@" not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", GUIDES, ids=name_of)
def test_every_relative_link_resolves(path: Path) -> None:
    links = LINK.findall(prose(path.read_text(encoding="utf-8")))
    for link in (link for link in links if not re.match(r"[a-z]+:", link)):
        target, _, anchor = link.partition("#")
        linked = (path.parent / target).resolve() if target else path
        assert linked.exists(), link
        assert not anchor or anchor in anchors(linked.read_text(encoding="utf-8")), link


@pytest.mark.parametrize("path", GUIDES, ids=name_of)
def test_every_path_named_in_a_guide_exists(path: Path) -> None:
    words = re.findall(
        r"`((?:[\w.-]+/)*[\w-]+(?:/|\.py|\.sql|\.yaml|\.toml))`", prose(path.read_text(encoding="utf-8"))
    )
    outside = {"done/", "partly/", "refused/", "canceled/", "conflicts_of_insert.sql", "delete_changed_users.sql"}
    places = (ROOT, path.parent, ROOT / "flows")
    missing = [word for word in words if word not in outside and not any((place / word).exists() for place in places)]
    assert missing == []


@pytest.mark.parametrize("name", sorted(docs.GENERATED))
def test_generated_parts_are_up_to_date(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    for marker, content in docs.GENERATED[name].items():
        assert docs.part(text, marker) == content(), "write them anew: python -m tests.docs"


def queries() -> Iterator[str]:
    """Yield every SQL query of the guides."""
    for path in GUIDES:
        for language, block in BLOCK.findall(path.read_text(encoding="utf-8")):
            if language == "sql":
                yield from (query for query in block.split(";") if query.strip())


@pytest.fixture(scope="module")
def sample_settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Return the settings of a database with the sample files, an update, an undo and an edit by hand."""
    settings = Settings(database=tmp_path_factory.mktemp("guides") / "users.duckdb")
    import_file(settings, ROOT / "data" / "samples" / "users.json", name="first")
    import_file(settings, ROOT / "data" / "samples" / "faulty.ndjson", name="JOB")
    import_records(settings, [{"email": "ada.lund@example.com", "name": "Ada Holm"}], Mode.UPSERT, name="update")
    change_database(settings, "update users set nickname = 'A' where email = 'chidi@example.org'")
    change_database(settings, "update import_jobs set undone_by_job = 'undo' where job_id = 'update'")
    return settings


@pytest.mark.parametrize("query", list(queries()))
def test_every_query_of_the_guides_runs_and_finds_something(query: str, sample_settings: Settings) -> None:
    with Store(sample_settings).reading() as connection:
        assert connection.execute(query.replace("'USER'", "'u-1001'")).fetchone() is not None

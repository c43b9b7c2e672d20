"""The inbox flow with a real server: one run per file, each content imported once, also after a restart."""

import asyncio
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from uuid import UUID

import pytest
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import State

from flows.inbox.flow import import_inbox
from flows.report.prefect import drain
from flows.settings import Settings
from flows.store.database import Store
from tests.flows.importing import query_rows


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    (folder / "a.ndjson").write_text('{"email": "ann@example.com"}\n{"email": "no address"}\n')
    (folder / "b.csv").write_text("email\nbob@example.com\n")
    (folder / "c.json").write_text('[{"email": "eve@example.com"},')
    return folder


def run_inbox(inbox: Path, settings: Settings, options: Mapping[str, object] | None = None) -> tuple[str, str]:
    """Return name and message of the run's final state."""
    given = {"database": str(settings.database), "settle_seconds": 0, **(options or {})}

    async def run() -> State[State[None]]:
        return await import_inbox(str(inbox), return_state=True, **given)

    state = asyncio.run(run())
    return str(state.name), str(state.message)


def files_in(inbox: Path) -> list[str]:
    return sorted(str(path.relative_to(inbox)) for path in inbox.rglob("*") if path.is_file() and path.name[0] != ".")


def users_in(settings: Settings) -> list[str]:
    with Store(settings).reading() as connection:
        return [email for (email,) in connection.execute("select email from users order by email").fetchall()]


def test_every_file_has_a_run_and_is_archived_with_its_report(
    client: SyncPrefectClient, inbox: Path, settings: Settings
) -> None:
    assert run_inbox(inbox, settings) == ("CompletedWithErrors", "2 done, 1 refused")
    assert files_in(inbox) == [
        "done/a.ndjson",
        "done/a.ndjson.report.json",
        "done/b.csv",
        "done/b.csv.report.json",
        "refused/c.json",
        "refused/c.json.report.json",
    ]
    assert users_in(settings) == ["ann@example.com", "bob@example.com"]
    names = {}
    for report in inbox.rglob("*.report.json"):
        summary = json.loads(report.read_text())["summary"]
        shown = client.read_flow_run(UUID(summary["job_id"]))
        assert shown.state is not None
        names[shown.name] = shown.state.name
        assert shown.parent_task_run_id is not None
    assert names == {
        "import a.ndjson": "Completed",
        "import b.csv": "Completed",
        "import c.json": "Failed",
    }
    assert run_inbox(inbox, settings) == ("Completed", "nothing new in the inbox")


@pytest.mark.usefixtures("client")
def test_content_that_was_imported_is_not_imported_again(inbox: Path, settings: Settings) -> None:
    run_inbox(inbox, settings)
    shutil.copy(inbox / "done/b.csv", inbox / "under another name.csv")  # as after a crash before the file was archived
    assert run_inbox(inbox, settings) == ("Completed", "1 done")
    report, again = (
        json.loads((inbox / f"done/{name}.report.json").read_text())["summary"]
        for name in ("b.csv", "under another name.csv")
    )
    assert again == report
    assert users_in(settings) == ["ann@example.com", "bob@example.com"]


@pytest.mark.usefixtures("client")
def test_content_is_imported_again_once_the_users_have_changed(tmp_path: Path, settings: Settings) -> None:
    folder = tmp_path / "inbox"
    folder.mkdir()
    for place, name in enumerate(("Ada", "Ada Lund", "Ada", "Ada")):
        (folder / f"{place}.csv").write_text(f"email,name\nada@example.com,{name}\n")
    options: dict[str, object] = {"policy": {"nickname": "keep"}}
    assert run_inbox(folder, settings, options) == ("Completed", "4 done")
    assert query_rows(settings, "select name, (select count(*) from import_jobs) from users") == [("Ada", 3)]


@pytest.mark.usefixtures("client")
def test_file_that_is_still_written_to_waits(inbox: Path, settings: Settings) -> None:
    assert run_inbox(inbox, settings, {"settle_seconds": 3600}) == ("Completed", "nothing new in the inbox")
    assert files_in(inbox) == ["a.ndjson", "b.csv", "c.json"]


@pytest.mark.usefixtures("client")
def test_missing_inbox_fails_the_run_with_its_code(tmp_path: Path, settings: Settings) -> None:
    name, message = run_inbox(tmp_path / "gone", settings)
    assert name == "Failed"
    assert message.endswith("(FILE_NOT_FOUND)")


@pytest.mark.usefixtures("client")
def test_files_are_imported_with_the_options(tmp_path: Path, settings: Settings) -> None:
    folder = tmp_path / "inbox"
    folder.mkdir()
    user = {"email": "ada@x.example", "user_id": "u-ada", "name": "Ada", "user_metadata": {"a": 1, "b": 1}}
    (folder / "1.ndjson").write_text(json.dumps(user))
    (folder / "2.ndjson").write_text(
        json.dumps(user | {"name": "A.", "nickname": "ada", "user_metadata": {"b": None, "c": 2}})
        + '\n{"email": "bob@x.example", "user_id": "u-bob", "password_hash": "md5:no"}\n'
    )
    (folder / "3.ndjson").write_text(json.dumps(user | {"email": "other@x.example", "user_id": "u-1"}) + "\n{}\n")
    options: dict[str, object] = {"match_on": ["user_id"], "metadata": "merge", "fill_only": True, "max_errors": 0}
    state = run_inbox(folder, settings, options | {"reset_unsupported_hashes": True})
    assert state == ("CompletedWithErrors", "2 done, 1 refused")
    assert query_rows(settings, "select user_id, name, nickname, password_reset_required from users order by 1") == [
        ("u-ada", "Ada", "ada", False),
        ("u-bob", None, None, True),
    ]
    (folder / "4.ndjson").write_text(json.dumps(user | {"family_name": "Love"}))
    assert run_inbox(folder, settings, {"max_updates_rate": 0.0}) == ("CompletedWithErrors", "1 refused")


@pytest.mark.usefixtures("client")
def test_names_of_files_may_have_any_bytes(
    tmp_path: Path, settings: Settings, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "inbox"
    folder.mkdir()
    (folder / "us\udce9rs.csv").write_text("email\nann@example.com\n")
    assert run_inbox(folder, settings) == ("Completed", "1 done")
    assert files_in(folder) == ["done/us\udce9rs.csv", "done/us\udce9rs.csv.report.json"]
    drain()
    assert "Error logging" not in capfd.readouterr().err

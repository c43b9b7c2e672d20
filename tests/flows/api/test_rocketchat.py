"""Rocket.Chat's calls for imports of users, as its documentation prints them."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from flows.api.dispatch.dispatcher import Dispatcher
from flows.api.guard.tokens import TokenFile
from flows.report.rejects import write_rejects
from flows.store.database import Store
from schemas.faults import JobFault
from tests.flows.api.faces import requested, serving, serving_without_starting, wait_for
from tests.flows.importing import import_file, query_rows, read_users

ANNA = {"username": "anna", "name": "Anna", "emails": ["anna@example.com"], "importIds": ["a1"]}
BEN = {"username": "ben", "emails": ["ben@example.com"], "importIds": ["b2"]}
WRONG = {"username": "wrong", "emails": ["no address"], "importIds": ["w3"]}
SUCCESS = {"success": True}


def sign_in(client: TestClient, name: str = "migration", **token: Any) -> TestClient:
    """Present a token as Rocket.Chat's clients do."""
    assert isinstance(client.app, FastAPI)
    tokens: TokenFile = client.app.state.tokens
    token = {"scopes": ["run-import"], "connections": None, "expires_at": None} | token
    client.headers.update({"X-Auth-Token": tokens.add(name, **token), "X-User-Id": name})
    return client


@pytest.fixture
def client(store: Store) -> Iterator[TestClient]:
    with serving(store.settings) as client:
        yield sign_in(client)


@pytest.fixture
def waiting(store: Store) -> Iterator[TestClient]:
    """A server whose jobs do not begin."""
    with serving_without_starting(store.settings) as client:
        yield sign_in(client)


def call(client: TestClient, name: str) -> dict[str, Any]:
    response = client.post(f"/api/v1/{name}")
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    assert found["success"] is True
    return found


def add(client: TestClient, *users: object) -> Any:
    return client.post("/api/v1/import.addUsers", json={"users": users})


def status(client: TestClient) -> dict[str, Any]:
    response = client.get("/api/v1/import.status")
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    assert found["success"] is True
    return found


def find_ended(client: TestClient) -> dict[str, Any] | None:
    found = status(client)
    return found if found["state"] in ("done", "error", "canceled") else None


def import_users(client: TestClient, *users: object) -> dict[str, Any]:
    """Return the status at the end of an operation."""
    call(client, "import.new")
    assert add(client, *users).json() == SUCCESS
    call(client, "import.run")
    return wait_for(lambda: find_ended(client))


def refused(response: Any) -> str:
    """Return the error of a call that was refused with 400."""
    body: dict[str, Any] = response.json()
    assert response.status_code == 400
    assert body.keys() == {"success", "error"}
    assert body["success"] is False
    return str(body["error"])


def test_before_any_operation_the_state_is_none(waiting: TestClient) -> None:
    assert status(waiting) == {"state": "none", "success": True}
    assert waiting.get("/api/v1/getCurrentImportOperation").json() == {"operation": None, "success": True}


def test_a_new_operation_has_no_users(waiting: TestClient) -> None:
    created = call(waiting, "import.new")["operation"]
    assert status(waiting) == {"state": "new", "operation": created, "success": True}
    assert created == {
        "_id": created["_id"],
        "type": "api",
        "importerKey": "api",
        "ts": created["ts"],
        "status": "importer_new",
        "valid": True,
        "user": "migration",
        "_updatedAt": created["_updatedAt"],
    }
    assert datetime.fromisoformat(created["ts"]) <= datetime.fromisoformat(created["_updatedAt"])


def test_added_users_are_counted_and_make_the_operation_ready(waiting: TestClient) -> None:
    created = call(waiting, "import.new")["operation"]
    for count, user in enumerate((ANNA, BEN), 1):
        assert add(waiting, user).json() == SUCCESS
        found = status(waiting)
        assert (found["state"], found["operation"]["status"]) == ("ready", "importer_user_selection")
        assert found["operation"]["count"] == {"total": count, "users": count}
    assert found["operation"]["_id"] == created["_id"]
    assert waiting.get("/api/v1/getCurrentImportOperation").json()["operation"] == found["operation"]


def test_an_operation_goes_from_new_to_done(client: TestClient, store: Store) -> None:
    states = [status(client)["state"]]
    operation_id = call(client, "import.new")["operation"]["_id"]
    states.append(status(client)["state"])
    add(client, ANNA, BEN)
    states.append(status(client)["state"])
    assert call(client, "import.run") == SUCCESS
    done = wait_for(lambda: find_ended(client))
    assert [*states, done["state"]] == ["none", "new", "ready", "done"]
    assert done["operation"]["_id"] == operation_id
    assert done["operation"]["status"] == "importer_done"
    assert done["operation"]["count"] == {"total": 2, "users": 2, "completed": 2, "error": 0}
    users = {user["user_id"]: (user["username"], user["email"]) for user in read_users(store.settings)}
    assert users == {"a1": ("anna", "anna@example.com"), "b2": ("ben", "ben@example.com")}


def test_a_running_operation_is_importing_and_takes_no_users(waiting: TestClient, store: Store) -> None:
    call(waiting, "import.new")
    add(waiting, ANNA)
    call(waiting, "import.run")
    found = status(waiting)
    assert (found["state"], found["operation"]["status"]) == ("importing", "importer_importing_started")
    assert found["operation"]["count"] == {"total": 1, "users": 1, "completed": 0, "error": 0}
    assert "import.new" in refused(add(waiting, BEN))
    assert refused(waiting.post("/api/v1/import.run"))
    assert refused(waiting.post("/api/v1/import.clear"))
    Dispatcher(store.settings).start_waiting()
    assert wait_for(lambda: find_ended(waiting))["operation"]["count"]["completed"] == 1
    assert [user["username"] for user in read_users(store.settings)] == ["anna"]


def test_an_operation_is_done_even_if_no_user_is_imported(client: TestClient, store: Store) -> None:
    done = import_users(client, WRONG)
    assert (done["state"], done["operation"]["valid"]) == ("done", True)
    assert done["operation"]["count"] == {"total": 1, "users": 1, "completed": 0, "error": 1}
    assert read_users(store.settings) == []


def test_existing_users_are_skipped(client: TestClient, store: Store) -> None:
    import_users(client, ANNA)
    done = import_users(client, ANNA | {"name": "Anna Bell"}, BEN)
    assert done["operation"]["count"] == {"total": 2, "users": 2, "completed": 1, "error": 1}
    assert [user["name"] for user in read_users(store.settings)] == ["Anna", None]


def test_users_that_failed_can_be_corrected_and_added_again(client: TestClient, store: Store) -> None:
    job_id = import_users(client, ANNA, WRONG)["operation"]["_id"]
    path = store.settings.database.parent / "rejects.ndjson"
    write_rejects(store, job_id, path)
    rejects = path.read_text("utf-8")
    assert WRONG.items() <= json.loads(rejects).items()
    path.write_text(rejects.replace("no address", "wrong@example.com"), "utf-8")
    assert import_file(store.settings, path, profile="rocketchat").inserted == 1
    assert sorted(str(user["username"]) for user in read_users(store.settings)) == ["anna", "wrong"]


@pytest.mark.parametrize(
    "user",
    [
        {"username": "x", "importIds": ["x"]},
        {"username": "x", "emails": ["x@example.com"]},
        {"username": "x", "emails": [], "importIds": ["x"]},
        {"username": "x", "emails": ["x@example.com"], "importIds": []},
        {"username": "x", "emails": [" "], "importIds": ["x"]},
        {"username": "x", "emails": ["x@example.com"], "importIds": [""]},
        {"username": "x", "emails": "x@example.com", "importIds": ["x"]},
        {"username": "x", "emails": ["x@example.com"], "importIds": [None]},
    ],
)
def test_one_user_without_an_address_or_an_import_id_refuses_the_whole_call(waiting: TestClient, user: object) -> None:
    call(waiting, "import.new")
    add(waiting, ANNA)
    before = status(waiting)
    assert refused(add(waiting, BEN, user)) == "Users are missing required data."
    assert status(waiting) == before


@pytest.mark.parametrize(
    "body", ["", "{", "[]", "{}", '{"users": {}}', '{"users": []}', '{"users": [1]}', "[" * 100_000]
)
def test_a_body_without_users_is_refused(waiting: TestClient, body: str) -> None:
    call(waiting, "import.new")
    before = status(waiting)
    response = waiting.post("/api/v1/import.addUsers", content=body, headers={"Content-Type": "application/json"})
    assert refused(response).endswith("[error-invalid-params]")
    assert status(waiting) == before


def test_calls_without_an_operation_are_refused(waiting: TestClient, store: Store) -> None:
    assert refused(add(waiting, ANNA)).endswith("[error-import-operation-invalid]")
    for name in ("import.run", "import.cancel"):
        assert refused(waiting.post(f"/api/v1/{name}")).endswith("[error-import-operation-invalid]")
    call(waiting, "import.clear")
    assert requested(store.settings) == []


def test_an_operation_without_users_does_not_run(waiting: TestClient) -> None:
    call(waiting, "import.new")
    assert refused(waiting.post("/api/v1/import.run"))
    assert status(waiting)["state"] == "new"


def test_users_that_are_added_at_once_are_all_there(client: TestClient, store: Store) -> None:
    call(client, "import.new")
    users = [{"emails": [f"{n}@example.com"], "importIds": [f"i{n}"]} for n in range(60)]
    with ThreadPoolExecutor(6) as pool:
        added = [*pool.map(lambda at: add(client, *users[at : at + 10]).json(), range(0, 60, 10))]
    assert added == [SUCCESS] * 6
    assert status(client)["operation"]["count"] == {"total": 60, "users": 60}
    call(client, "import.run")
    assert wait_for(lambda: find_ended(client))["operation"]["count"]["completed"] == 60
    assert len(read_users(store.settings)) == 60


def test_runs_at_once_start_one_job(waiting: TestClient, store: Store) -> None:
    call(waiting, "import.new")
    add(waiting, ANNA)
    with ThreadPoolExecutor(4) as pool:
        statuses = [*pool.map(lambda _: waiting.post("/api/v1/import.run").status_code, range(4))]
    assert sorted(statuses) == [200, 400, 400, 400]
    assert len(requested(store.settings)) == 1


def test_a_new_operation_discards_what_was_staged(waiting: TestClient, store: Store) -> None:
    first = call(waiting, "import.new")["operation"]["_id"]
    add(waiting, ANNA)
    second = call(waiting, "import.new")["operation"]["_id"]
    assert first != second
    assert requested(store.settings) == [second]
    assert status(waiting)["state"] == "new"


def test_new_operations_at_once_leave_one(waiting: TestClient, store: Store) -> None:
    with ThreadPoolExecutor(4) as pool:
        assert {*pool.map(lambda _: waiting.post("/api/v1/import.new").status_code, range(4))} == {200}
    assert requested(store.settings) == [status(waiting)["operation"]["_id"]]


def test_a_new_operation_does_not_touch_one_that_runs(waiting: TestClient, store: Store) -> None:
    running = call(waiting, "import.new")["operation"]["_id"]
    add(waiting, ANNA)
    call(waiting, "import.run")
    assert call(waiting, "import.new")["operation"]["_id"] != running
    assert running in requested(store.settings)


def test_clearing_discards_what_is_staged(waiting: TestClient, store: Store) -> None:
    call(waiting, "import.new")
    add(waiting, ANNA)
    assert call(waiting, "import.clear") == SUCCESS
    assert status(waiting) == {"state": "none", "success": True}
    assert requested(store.settings) == []


def test_refused_users_remain_until_the_operation_is_cleared(client: TestClient, store: Store) -> None:
    job_id = import_users(client, ANNA, WRONG)["operation"]["_id"]
    path = store.settings.database.parent / "rejects.ndjson"
    write_rejects(store, job_id, path)
    assert WRONG.items() <= json.loads(path.read_text("utf-8")).items()
    call(client, "import.clear")
    assert status(client) == {"state": "none", "success": True}
    assert not (store.settings.jobs_folder / job_id).exists()
    assert query_rows(store.settings, "select count(*) from rejected_users") == [(0,)]
    with pytest.raises(JobFault, match="no longer kept"):
        write_rejects(store, job_id, path)


def test_clearing_an_operation_that_is_done_keeps_its_users_and_its_job(client: TestClient, store: Store) -> None:
    job_id = import_users(client, ANNA)["operation"]["_id"]
    call(client, "import.clear")
    assert [user["username"] for user in read_users(store.settings)] == ["anna"]
    assert query_rows(store.settings, "select job_id, inserted from import_jobs") == [(job_id, 1)]


def test_an_operation_is_not_cleared_while_the_database_is_busy(store: Store) -> None:
    with serving(replace(store.settings, wait_seconds=0)) as client:
        import_users(sign_in(client), ANNA, WRONG)
        before = status(client)
        with store.transaction():
            assert client.post("/api/v1/import.clear").status_code == 503
        assert status(client) == before
    assert query_rows(store.settings, "select count(*) from rejected_users") == [(1,)]


def test_a_staged_or_waiting_operation_is_canceled_and_imports_nothing(waiting: TestClient, store: Store) -> None:
    for runs in (False, True):
        call(waiting, "import.new")
        add(waiting, ANNA)
        if runs:
            call(waiting, "import.run")
        assert call(waiting, "import.cancel") == SUCCESS
        canceled = status(waiting)
        assert (canceled["state"], canceled["operation"]["status"]) == ("canceled", "importer_import_cancelled")
        assert refused(add(waiting, BEN))
        assert refused(waiting.post("/api/v1/import.run"))
    assert read_users(store.settings) == []


def test_an_operation_that_cannot_run_is_an_error(client: TestClient, store: Store) -> None:
    sign_in(client, "crm", connections=["crm"])  # there is no such connection
    failed = import_users(client, ANNA)
    assert (failed["state"], failed["operation"]["valid"]) == ("error", False)
    assert read_users(store.settings) == []


def test_another_connections_operation_is_not_seen(waiting: TestClient, store: Store) -> None:
    operation_id = call(waiting, "import.new")["operation"]["_id"]
    add(waiting, ANNA)
    before = status(waiting)
    sign_in(waiting, "crm", connections=["crm"])
    assert status(waiting)["state"] == "none"
    assert refused(add(waiting, BEN))
    call(waiting, "import.clear")
    for name in ("import.new", "import.run", "import.clear", "import.cancel"):
        forbidden = waiting.post(f"/api/v1/{name}", headers={"X-Connection": "default"})
        assert forbidden.status_code == 403, name
    assert waiting.get("/api/v1/import.status", headers={"X-Connection": "default"}).status_code == 403
    sign_in(waiting, "again")
    assert status(waiting) == before
    assert requested(store.settings) == [operation_id]


def test_calls_without_a_valid_token_have_to_log_in(waiting: TestClient, store: Store) -> None:
    text = waiting.headers["X-Auth-Token"]
    for headers in ({"X-Auth-Token": ""}, {"X-User-Id": ""}, {"X-User-Id": "other"}, {"X-Auth-Token": f"{text}x"}):
        for method, name in (("POST", "import.new"), ("GET", "import.status"), ("POST", "import.addUsers")):
            response = waiting.request(method, f"/api/v1/{name}", headers=headers)
            assert response.status_code == 401
            assert response.json() == {"status": "error", "message": "You must be logged in to do this."}
    assert requested(store.settings) == []


def test_a_token_without_the_permission_is_forbidden(waiting: TestClient, store: Store) -> None:
    sign_in(waiting, "other", scopes=["create:users", "read:users"])
    for method, name in (("POST", "import.new"), ("GET", "import.status"), ("POST", "import.run")):
        response = waiting.request(method, f"/api/v1/{name}")
        assert response.status_code == 403
        reason = "User does not have the permissions required for this action [error-unauthorized]"
        assert response.json() == {"success": False, "error": reason}
    assert requested(store.settings) == []

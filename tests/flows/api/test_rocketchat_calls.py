"""Rocket.Chat's calls as its documentation prints them, against a server in a process of its own."""

from typing import Any

import httpx
import pytest

from flows.api.guard.tokens import TokenFile
from flows.store.database import Store
from tests.flows.api.conftest import Server, running_server
from tests.flows.api.faces import wait_for
from tests.flows.importing import read_users

pytestmark = pytest.mark.slow

USERS = {  # of "Add Users to an Import Operation"
    "users": [
        {
            "username": "test.user1",
            "emails": ["test.user1@example.com"],
            "importIds": ["001"],
            "name": "Test User",
            "password": "123456",
            "type": "user",
        },
        {"emails": ["test.user2@example.com"], "importIds": ["002"], "deleted": True},
        {"emails": ["no address"], "importIds": ["003"]},
    ]
}


def add_headers(store: Store) -> dict[str, str]:
    token = TokenFile.of(store.settings).add("migration", scopes=["run-import"], connections=None, expires_at=None)
    return {"X-User-Id": "migration", "X-Auth-Token": token}


def status(server: Server, headers: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(f"{server.url}/api/v1/import.status", headers=headers).json()
    return found


def test_the_calls_of_the_documentation_go_from_none_to_done(server: Server, store: Store) -> None:
    headers = add_headers(store)

    def post(name: str, **more: Any) -> dict[str, Any]:
        response = httpx.post(f"{server.url}/api/v1/{name}", headers=headers, **more)
        assert response.status_code == 200, response.text
        found: dict[str, Any] = response.json()
        return found

    assert status(server, headers) == {"state": "none", "success": True}
    created = post("import.new")
    assert created["success"] is True
    assert created["operation"]["status"] == "importer_new"
    assert post("import.addUsers", json=USERS) == {"success": True}
    ready = status(server, headers)
    assert ready == {
        "state": "ready",
        "operation": {
            "_id": created["operation"]["_id"],
            "type": "api",
            "importerKey": "api",
            "ts": created["operation"]["ts"],
            "status": "importer_user_selection",
            "valid": True,
            "user": "migration",
            "_updatedAt": ready["operation"]["_updatedAt"],
            "count": {"total": 3, "users": 3},
        },
        "success": True,
    }
    assert post("import.run") == {"success": True}
    done = wait_for(lambda: found if (found := status(server, headers))["state"] == "done" else None)
    assert done["operation"]["count"] == {"total": 3, "users": 3, "completed": 2, "error": 1}
    users = {str(user["user_id"]): user for user in read_users(store.settings)}
    assert {key: (user["username"], user["blocked"]) for key, user in users.items()} == {
        "001": ("test.user1", None),
        "002": (None, True),
    }
    assert "argon2id" in str(users["001"]["custom_password_hash"])
    assert users["002"]["custom_password_hash"] is None


def test_calls_without_a_token_have_to_log_in(server: Server, store: Store) -> None:
    for headers in ({}, add_headers(store) | {"X-Auth-Token": "wrong"}):
        response = httpx.get(f"{server.url}/api/v1/import.status", headers=headers)
        assert response.status_code == 401
        assert response.json() == {"status": "error", "message": "You must be logged in to do this."}


def test_a_staged_operation_outlives_its_server(store: Store) -> None:
    headers = add_headers(store)
    with running_server(store.path) as first:
        httpx.post(f"{first.url}/api/v1/import.new", headers=headers)
        httpx.post(f"{first.url}/api/v1/import.addUsers", headers=headers, json=USERS)
        staged = status(first, headers)
    with running_server(store.path) as second:
        assert status(second, headers) == staged
        assert httpx.post(f"{second.url}/api/v1/import.run", headers=headers).json() == {"success": True}
        done = wait_for(lambda: found if (found := status(second, headers))["state"] == "done" else None)
    assert done["operation"]["_id"] == staged["operation"]["_id"]
    assert len(read_users(store.settings)) == 2

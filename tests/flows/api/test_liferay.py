"""Liferay's batch calls for user accounts, as its documentation prints them."""

import csv
import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from flows.store.connections import add_connection
from flows.store.database import Store
from schemas.connection import ConnectionSettings
from tests.flows.api.faces import add_token, requested, serving, serving_without_starting, wait_for
from tests.flows.importing import read_users

BATCH = "/o/headless-admin-user/v1.0/user-accounts/batch"
TASKS = "/o/headless-batch-engine/v1.0/import-task"
CLASS = "com.liferay.headless.admin.user.dto.v1_0.UserAccount"
CONTINUE = {"importStrategy": "ON_ERROR_CONTINUE"}
ANNA = {"emailAddress": "anna@example.com", "alternateName": "anna", "givenName": "Anna", "familyName": "Bell"}
BEN = {"emailAddress": "ben@example.com", "alternateName": "ben", "givenName": "Ben", "familyName": "Bell"}
WRONG = {"emailAddress": "no address", "alternateName": "wrong", "givenName": "W", "familyName": "W"}


def sign_in(client: TestClient, **token: Any) -> None:
    """Use the token as the documentation of Liferay uses a password: `-u test@liferay.com:…`."""
    client.auth = ("test@liferay.com", add_token(client, **token))


@pytest.fixture
def client(store: Store) -> Iterator[TestClient]:
    with serving(store.settings) as client:
        sign_in(client)
        yield client


@pytest.fixture
def waiting(store: Store) -> Iterator[TestClient]:
    """A server whose jobs do not begin."""
    with serving_without_starting(store.settings) as client:
        sign_in(client)
        yield client


def find_ended(client: TestClient, number: int) -> dict[str, Any] | None:
    response = client.get(f"{TASKS}/{number}")
    assert response.status_code == 200, response.text
    task: dict[str, Any] = response.json()
    return task if task["executeStatus"] in ("COMPLETED", "FAILED") else None


def import_users(
    client: TestClient, users: object, *, method: str = "POST", path: str = BATCH, **query: str
) -> dict[str, Any]:
    """Return the task as it is at its end."""
    created = client.request(method, path, json=users, params=query)
    assert created.status_code == 202, created.text
    return wait_for(lambda: find_ended(client, created.json()["id"]))


def emails(store: Store) -> list[str]:
    return sorted(str(user["email"]) for user in read_users(store.settings))


def problem(response: Any) -> tuple[int, str]:
    assert set(response.json()) == {"status", "title"}
    return response.status_code, response.json()["status"]


def test_a_created_task_has_a_number_and_is_found_by_it(waiting: TestClient) -> None:
    created = waiting.post(BATCH, json=[ANNA], params={"externalReferenceCode": "crm-7"})
    assert created.status_code == 202
    task = created.json()
    assert isinstance(task["id"], int)
    assert {name: value for name, value in task.items() if name != "id"} == {
        "externalReferenceCode": "crm-7",
        "className": CLASS,
        "contentType": "JSON",
        "operation": "CREATE",
        "importStrategy": "ON_ERROR_FAIL",
        "executeStatus": "INITIAL",
        "startTime": None,
        "endTime": None,
        "errorMessage": None,
        "processedItemsCount": 0,
        "totalItemsCount": 0,
        "failedItems": [],
    }
    assert waiting.get(f"{TASKS}/{task['id']}").json() == task
    assert waiting.get(f"{TASKS}/by-external-reference-code/crm-7").json() == task


def test_continuing_imports_the_others_and_has_every_failed_item(client: TestClient, store: Store) -> None:
    task = import_users(client, [ANNA, WRONG, BEN, WRONG | {"alternateName": "w2"}], **CONTINUE)
    assert (task["executeStatus"], task["importStrategy"]) == ("COMPLETED", "ON_ERROR_CONTINUE")
    assert (task["processedItemsCount"], task["totalItemsCount"], task["errorMessage"]) == (4, 4, None)
    assert [item["itemIndex"] for item in task["failedItems"]] == [2, 4]
    assert all(item["message"].startswith("FORMAT at email: ") for item in task["failedItems"])
    assert json.loads(task["failedItems"][0]["item"]) == WRONG
    assert emails(store) == ["anna@example.com", "ben@example.com"]


def test_failing_imports_nothing_and_has_the_first_failed_item(client: TestClient, store: Store) -> None:
    task = import_users(client, [ANNA, WRONG, WRONG | {"alternateName": "w2"}])
    assert (task["executeStatus"], task["importStrategy"]) == ("FAILED", "ON_ERROR_FAIL")
    assert [item["itemIndex"] for item in task["failedItems"]] == [2]
    assert task["errorMessage"]
    assert emails(store) == []
    report = client.get(f"{TASKS}/{task['id']}/failed-items/report").text
    assert [row["itemIndex"] for row in csv.DictReader(io.StringIO(report))] == ["2", "3"]


def test_a_user_account_becomes_a_user_with_a_hashed_password(client: TestClient, store: Store) -> None:
    account = ANNA | {"externalReferenceCode": "ERC-1", "password": "correct horse battery"}
    import_users(client, [account])
    (user,) = read_users(store.settings)
    assert (user["username"], user["user_id"], user["given_name"]) == ("anna", "ERC-1", "Anna")
    assert "argon2id" in str(user["custom_password_hash"])
    assert "correct horse" not in str(user)


def test_insert_refuses_an_existing_account_and_upsert_updates_it(client: TestClient, store: Store) -> None:
    import_users(client, [ANNA])
    refused = import_users(client, [ANNA | {"givenName": "Änna"}], **CONTINUE, createStrategy="INSERT")
    assert "CONFLICT_EMAIL" in refused["failedItems"][0]["message"]
    assert read_users(store.settings)[0]["given_name"] == "Anna"
    import_users(client, [ANNA | {"givenName": "Änna"}], createStrategy="UPSERT")
    assert read_users(store.settings)[0]["given_name"] == "Änna"


def test_put_updates_and_refuses_an_account_that_is_not_there(client: TestClient, store: Store) -> None:
    import_users(client, [ANNA])
    task = import_users(client, [ANNA | {"givenName": "Änna"}, BEN], method="PUT", **CONTINUE)
    assert (task["operation"], [item["itemIndex"] for item in task["failedItems"]]) == ("UPDATE", [2])
    assert [user["given_name"] for user in read_users(store.settings)] == ["Änna"]


def test_the_batch_engine_takes_accounts_by_class_and_no_other_class(client: TestClient, store: Store) -> None:
    task = import_users(client, [ANNA], path=f"{TASKS}/{CLASS}")
    assert (task["className"], task["executeStatus"]) == (CLASS, "COMPLETED")
    assert client.post(f"{TASKS}/com.example.Other", json=[ANNA]).status_code == 405
    assert emails(store) == ["anna@example.com"]


@pytest.mark.parametrize(
    ("content_type", "shown", "content"),
    [
        ("application/json", "JSON", json.dumps([ANNA, BEN])),
        ("application/x-ndjson", "JSONL", f"{json.dumps(ANNA)}\n{json.dumps(BEN)}\n"),
        ("text/csv", "CSV", "emailAddress,alternateName\nanna@example.com,anna\nben@example.com,ben\n"),
    ],
)
def test_bodies_of_every_content_type_are_read(
    client: TestClient, store: Store, content_type: str, shown: str, content: str
) -> None:
    created = client.post(BATCH, content=content, headers={"Content-Type": content_type}).json()
    task = wait_for(lambda: find_ended(client, created["id"]))
    assert (task["contentType"], task["executeStatus"]) == (shown, "COMPLETED"), task
    assert emails(store) == ["anna@example.com", "ben@example.com"]


def test_a_form_with_a_file_is_read(client: TestClient, store: Store) -> None:
    created = client.post(f"{TASKS}/{CLASS}", files={"file": ("accounts.json", json.dumps([ANNA]))}).json()
    wait_for(lambda: find_ended(client, created["id"]))
    assert emails(store) == ["anna@example.com"]


def test_a_body_that_cannot_be_read_fails_the_task_with_its_reason(client: TestClient, store: Store) -> None:
    created = client.post(BATCH, content='[{"emailAddress": ', headers={"Content-Type": "application/json"}).json()
    task = wait_for(lambda: find_ended(client, created["id"]))
    assert task["executeStatus"] == "FAILED"
    assert task["errorMessage"]
    assert emails(store) == []


def test_the_content_comes_back_once_the_task_has_ended_and_only_to_who_may_create(client: TestClient) -> None:
    task = import_users(client, [ANNA])
    for path in (f"{TASKS}/{task['id']}", f"{TASKS}/by-external-reference-code/{task['externalReferenceCode']}"):
        content = client.get(f"{path}/content")
        with zipfile.ZipFile(io.BytesIO(content.content)) as archive:
            assert json.loads(archive.read("users.json")) == [ANNA]
    sign_in(client, scopes=["read:users"])
    assert problem(client.get(f"{TASKS}/{task['id']}/content")) == (403, "FORBIDDEN")
    assert client.get(f"{TASKS}/{task['id']}").status_code == 200


def test_the_content_of_a_task_that_has_not_ended_is_not_there(waiting: TestClient) -> None:
    number = waiting.post(BATCH, json=[ANNA]).json()["id"]
    assert problem(waiting.get(f"{TASKS}/{number}/content")) == (404, "NOT_FOUND")
    assert waiting.get(f"{TASKS}/{number}/failed-items/report").text == "item,itemIndex,message\n"


@pytest.mark.parametrize(
    ("query", "title"),
    [
        ({"callbackURL": "http://127.0.0.1/x"}, "callbackURL cannot be used"),
        ({"fieldNameMapping": "a=b"}, "fieldNameMapping cannot be used"),
        ({"batchRestrictFields": "a"}, "batchRestrictFields cannot be used"),
        ({"importStrategy": "ON_ERROR"}, "importStrategy"),
        ({"createStrategy": "UPDATE"}, "createStrategy"),
        ({"externalReferenceCode": "x" * 256}, "external_id"),
    ],
)
def test_what_cannot_be_done_is_refused_with_a_reason(
    waiting: TestClient, store: Store, query: dict[str, str], title: str
) -> None:
    refused = waiting.post(BATCH, json=[ANNA], params=query)
    assert problem(refused) == (400, "BAD_REQUEST")
    assert refused.json()["title"].startswith(title)
    assert requested(store.settings) == []


def test_empty_bodies_and_other_content_types_are_refused(waiting: TestClient, store: Store) -> None:
    xml = {"Content-Type": "application/xml"}
    assert problem(waiting.post(BATCH, content="<a/>", headers=xml)) == (415, "UNSUPPORTED_MEDIA_TYPE")
    empty = {"Content-Type": "application/json"}
    assert problem(waiting.post(BATCH, content="", headers=empty)) == (400, "BAD_REQUEST")
    assert requested(store.settings) == []


def test_calls_without_a_valid_token_or_scope_are_refused(waiting: TestClient, store: Store) -> None:
    waiting.auth = ("test@liferay.com", "test")
    assert problem(waiting.post(BATCH, json=[ANNA])) == (401, "UNAUTHORIZED")
    assert problem(waiting.get(f"{TASKS}/1")) == (401, "UNAUTHORIZED")
    sign_in(waiting, scopes=["read:users"])
    assert problem(waiting.post(BATCH, json=[ANNA])) == (403, "FORBIDDEN")
    assert requested(store.settings) == []


def test_the_connection_is_the_tokens_or_the_one_that_the_call_names(waiting: TestClient, store: Store) -> None:
    add_connection(store, ConnectionSettings(connection="crm"))

    def connection_of(number: int) -> str:
        jobs = waiting.app.state.jobs  # type: ignore[attr-defined] # the application of this server
        named = waiting.get(f"{TASKS}/{number}").json()["externalReferenceCode"]
        return str(jobs.request_of(named).connection)

    assert connection_of(waiting.post(BATCH, json=[ANNA]).json()["id"]) == "default"
    assert connection_of(waiting.post(BATCH, json=[ANNA], params={"connection": "crm"}).json()["id"]) == "crm"
    assert connection_of(waiting.post(BATCH, json=[ANNA], headers={"X-Connection": "crm"}).json()["id"]) == "crm"
    known = waiting.post(BATCH, json=[ANNA]).json()["id"]
    sign_in(waiting, connections=["crm"])
    assert connection_of(waiting.post(BATCH, json=[ANNA]).json()["id"]) == "crm"
    assert problem(waiting.post(BATCH, json=[ANNA], params={"connection": "default"})) == (403, "FORBIDDEN")
    assert problem(waiting.get(f"{TASKS}/{known}")) == problem(waiting.get(f"{TASKS}/1")) == (404, "NOT_FOUND")


def test_jobs_of_other_faces_are_not_tasks(waiting: TestClient) -> None:
    token = {"Authorization": f"Bearer {add_token(waiting)}"}
    form = {"connection_id": "default", "external_id": "crm-7"}
    job = waiting.post("/api/v2/jobs/users-imports", files={"users": "[]"}, data=form, headers=token).json()
    for erc in ("crm-7", job["id"], "nothing"):
        assert problem(waiting.get(f"{TASKS}/by-external-reference-code/{erc}")) == (404, "NOT_FOUND")


def test_accounts_are_not_deleted(client: TestClient, store: Store) -> None:
    import_users(client, [ANNA])
    assert client.request("DELETE", BATCH, json=[ANNA]).status_code == 405
    assert emails(store) == ["anna@example.com"]

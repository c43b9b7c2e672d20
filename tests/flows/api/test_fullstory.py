"""FullStory's calls for batches of users, as its documentation prints them."""

import json
import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient

from flows.api import fullstory
from flows.store.connections import add_connection
from flows.store.database import Store
from schemas.connection import ConnectionSettings
from tests.flows.api.faces import add_token, requested, serving, serving_without_starting, wait_for
from tests.flows.importing import read_users

BATCH = "/v2/users/batch"
ADA = {"uid": "xyz123", "display_name": "Ada King", "email": "ada@example.com"}
BOB = {"uid": "xyz124", "email": "bob@example.com"}
WRONG = {"uid": "xyz125", "email": "no address"}
UNKNOWN = "00000000-0000-4000-8000-000000000000"


def sign_in(client: TestClient, **token: Any) -> TestClient:
    """Present a token as FullStory's clients do: `Authorization: Basic` and the key itself."""
    client.headers["Authorization"] = f"Basic {add_token(client, **token)}"
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


def post(client: TestClient, users: object, *, key: str | None = None, **more: Any) -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    return client.post(BATCH, json={"requests": users}, headers=headers | more.pop("headers", {}), **more)


def find_ended(client: TestClient, job_id: str) -> dict[str, Any] | None:
    batch: dict[str, Any] = client.get(f"{BATCH}/{job_id}").json()
    return None if batch["job"]["status"] == "PROCESSING" else batch


def import_users(client: TestClient, users: object, **more: Any) -> dict[str, Any]:
    """Return the batch as it is at its end."""
    created = post(client, users, **more)
    assert created.status_code == 200, created.text
    return wait_for(lambda: find_ended(client, created.json()["job"]["id"]))


def pages(client: TestClient, batch: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """Return every page of imports or errors."""
    found: list[dict[str, Any]] = []
    query: dict[str, str] = {}
    while not found or query["page_token"]:
        response = client.get(f"{BATCH}/{batch['job']['id']}/{name}", params=query)
        assert response.status_code == 200, response.text
        found.append(response.json())
        query = {"page_token": found[-1].get("next_page_token", "")}
    return found


def problem(response: Any) -> tuple[int, str]:
    body = response.json()
    assert body.keys() == {"message", "code"}
    assert body["message"]
    return response.status_code, body["code"]


def test_a_created_batch_is_processing_and_has_no_counts_yet(waiting: TestClient) -> None:
    created = post(waiting, [ADA, BOB])
    assert created.status_code == 200
    assert created.json().keys() == {"job"}
    job = created.json()["job"]
    assert (job.keys(), job["status"]) == ({"id", "status", "created"}, "PROCESSING")
    assert datetime.fromisoformat(job["created"])
    assert waiting.get(f"{BATCH}/{job['id']}").json() == {"imports": 0, "job": job}


def test_a_batch_without_refused_users_is_completed_and_has_no_errors(client: TestClient, store: Store) -> None:
    batch = import_users(client, [ADA, BOB])
    assert batch == {"imports": 2, "job": batch["job"]}
    assert (batch["job"]["status"], batch["job"].keys()) == ("COMPLETED", {"id", "status", "created", "finished"})
    users = {user["user_id"]: (user["email"], user["name"]) for user in read_users(store.settings)}
    assert users == {"xyz123": ("ada@example.com", "Ada King"), "xyz124": ("bob@example.com", None)}


def test_a_batch_with_a_refused_user_is_failed_and_has_imported_the_others(client: TestClient, store: Store) -> None:
    batch = import_users(client, [ADA, WRONG])
    assert (batch["imports"], batch["errors"], batch["job"]["status"]) == (1, 1, "FAILED")
    assert [user["email"] for user in read_users(store.settings)] == ["ada@example.com"]


def test_a_user_that_is_there_is_updated(client: TestClient, store: Store) -> None:
    import_users(client, [ADA])
    batch = import_users(client, [ADA | {"display_name": "Ada Lovelace"}, BOB])
    assert (batch["imports"], batch["job"]["status"]) == (2, "COMPLETED")
    assert sorted(str(user["name"]) for user in read_users(store.settings)) == ["Ada Lovelace", "None"]


def test_users_without_an_address_need_a_connection_that_asks_for_the_uid_only(
    client: TestClient, store: Store
) -> None:
    assert import_users(client, [{"uid": "xyz123"}])["job"]["status"] == "FAILED"
    add_connection(store, ConnectionSettings(connection="app", required="user_id"))
    for name in ("Ada", "Ada King"):
        users = [{"uid": "xyz123", "display_name": name}]
        assert import_users(client, users, headers={"X-Connection": "app"})["job"]["status"] == "COMPLETED"
    assert [(user["user_id"], user["name"]) for user in read_users(store.settings)] == [("xyz123", "Ada King")]


def test_the_same_batch_again_is_a_job_of_its_own(client: TestClient) -> None:
    first, second = import_users(client, [ADA]), import_users(client, [ADA])
    assert first["job"]["id"] != second["job"]["id"]
    assert second["imports"] == 1


def test_imports_have_the_id_here_and_the_uid(client: TestClient) -> None:
    (page,) = pages(client, import_users(client, [ADA | {"id": "4503599627370496"}, WRONG]), "imports")
    assert page == {
        "results": [
            {
                "id": "xyz123",
                "uid": "xyz123",
                "email": "ada@example.com",
                "display_name": "Ada King",
            }
        ],
        "total_records": "1",
    }


def test_errors_have_a_code_every_message_and_the_user_without_secrets(client: TestClient) -> None:
    wrong = WRONG | {"display_name": "x" * 301, "properties": {"plan": "pro"}}
    (page,) = pages(client, import_users(client, [ADA, wrong]), "errors")
    assert (page["total_records"], len(page["results"])) == ("1", 1)
    (refused,) = page["results"]
    assert refused["user"] == wrong | {"properties": "*****"}
    assert refused["code"] == "format"
    assert "email: is not an e-mail address" in refused["message"]
    assert "name: " in refused["message"]


def test_a_user_that_only_the_plan_refuses_has_its_uid(client: TestClient) -> None:
    users = [ADA, BOB | {"email": ADA["email"], "pin": "1234"}]
    (page,) = pages(client, import_users(client, users), "errors")
    assert [error["user"] for error in page["results"]] == [users[1] | {"pin": "*****"}]


def test_a_batch_that_fails_as_a_whole_says_why(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fullstory, "PARSED_BYTES", 10)  # as a large body, which is not parsed before it is a job
    body = '{"requests": [{"uid": "1", "email": "ada@example.com"}, {"uid": "17"'
    job_id = client.post(BATCH, content=body).json()["job"]["id"]
    batch = wait_for(lambda: find_ended(client, job_id))
    assert (batch["job"]["status"], batch["imports"], batch["errors"]) == ("FAILED", 0, 1)
    (page,) = pages(client, batch, "errors")
    (error,) = page["results"]
    assert (error["code"], error["user"], page["total_records"]) == ("file_syntax", {}, "1")
    assert "batch.json" in error["message"]
    assert "/" not in error["message"]


def test_a_batch_that_is_canceled_says_so(waiting: TestClient) -> None:
    job_id = post(waiting, [ADA]).json()["job"]["id"]
    assert waiting.post(f"/v1/imports/{job_id}/cancel").status_code == 200
    (page,) = pages(waiting, wait_for(lambda: find_ended(waiting, job_id)), "errors")
    assert [(error["code"], error["message"]) for error in page["results"]] == [
        ("canceled", "the job was canceled before it began")
    ]


def test_secrets_of_refused_users_are_hidden(client: TestClient) -> None:
    (page,) = pages(client, import_users(client, [WRONG | {"password": "hunter2"}]), "errors")
    assert "hunter2" not in json.dumps(page)


def test_imports_and_errors_come_in_pages_that_are_whole_and_in_order(client: TestClient) -> None:
    good = [{"uid": f"u{n}", "email": f"{n}@example.com"} for n in range(1000, 3500)]
    wrong = [{"uid": f"w{n}", "email": f"{n}@"} for n in range(1200)]
    batch = import_users(client, [*good, *wrong])
    imported, refused = pages(client, batch, "imports"), pages(client, batch, "errors")
    assert [user["uid"] for page in imported for user in page["results"]] == [user["uid"] for user in good]
    assert [row["user"]["email"] for page in refused for row in page["results"]] == [user["email"] for user in wrong]
    assert [len(page["results"]) for page in imported] == [1000, 1000, 500]
    assert {page["total_records"] for page in imported} == {"2500"}
    assert {page["total_records"] for page in refused} == {"1200"}
    assert all(page["results"] for page in refused)


def test_a_last_page_that_is_full_has_no_next_one(client: TestClient) -> None:
    batch = import_users(client, [{"uid": f"u{n}", "email": f"{n}@example.com"} for n in range(1000)])
    assert [len(page["results"]) for page in pages(client, batch, "imports")] == [1000]
    assert pages(client, batch, "errors") == [{"results": [], "total_records": "0"}]


@pytest.mark.parametrize("token", ["x", "-1", "1e3", "9" * 30])
def test_a_page_token_that_no_page_had_is_refused(client: TestClient, token: str) -> None:
    batch = import_users(client, [ADA])
    for name in ("imports", "errors"):
        response = client.get(f"{BATCH}/{batch['job']['id']}/{name}", params={"page_token": token})
        assert problem(response) == (400, "invalid_field")


def test_results_of_a_batch_that_is_processing_are_an_error(waiting: TestClient) -> None:
    job_id = post(waiting, [ADA]).json()["job"]["id"]
    for name in ("imports", "errors"):
        assert problem(waiting.get(f"{BATCH}/{job_id}/{name}"))[0] == 400


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ('{"requests": [{"uid": "1"}', "invalid_json"),
        ('{"requests": [{"uid": 1 2}]}', "invalid_json"),
        ("[" * 100_000, "invalid_json"),
        ("", "invalid_json"),
        (b'{"requests": [{"uid": "\xff"}]}', "invalid_json"),
        ("{}", "required_field"),
        ("[]", "required_field"),
        ('{"requests": []}', "required_field"),
        ('{"requests": {"uid": "1"}}', "required_field"),
        ('{"requests": [{"uid": "1"}, 2]}', "invalid_field"),
    ],
)
def test_a_body_that_is_not_a_batch_is_refused_and_nothing_is_kept(
    waiting: TestClient, store: Store, body: str | bytes, code: str
) -> None:
    response = waiting.post(BATCH, content=body, headers={"Content-Type": "application/json"})
    assert problem(response) == (400, code)
    assert requested(store.settings) == []


def test_the_same_key_answers_with_the_same_job(client: TestClient, store: Store) -> None:
    first = import_users(client, [ADA], key="k-1")
    again = post(client, [ADA], key="k-1")
    assert again.status_code == 200
    assert again.json()["job"]["id"] == first["job"]["id"]
    assert requested(store.settings).count(first["job"]["id"]) == 1


def test_the_same_key_with_another_body_is_refused(waiting: TestClient, store: Store) -> None:
    kept = post(waiting, [ADA], key="k-1").json()["job"]["id"]
    assert problem(post(waiting, [BOB], key="k-1")) == (409, "idempotency_key_reused")
    assert requested(store.settings) == [kept]


def test_the_key_of_another_token_is_another_key(waiting: TestClient, store: Store) -> None:
    first = post(waiting, [ADA], key="k-1").json()["job"]["id"]
    second = post(sign_in(waiting), [BOB], key="k-1").json()["job"]["id"]
    assert requested(store.settings) == sorted((first, second))


def test_calls_at_once_with_one_key_make_one_job(waiting: TestClient, store: Store) -> None:
    with ThreadPoolExecutor(8) as pool:
        jobs = {*pool.map(lambda _: post(waiting, [ADA], key="k-1").json()["job"]["id"], range(8))}
    assert requested(store.settings) == sorted(jobs)
    assert len(jobs) == 1


def test_a_refused_call_does_not_use_up_its_key(waiting: TestClient) -> None:
    assert post(waiting, [], key="k-1").status_code == 400
    assert post(waiting, [ADA], key="k-1").status_code == 200


def test_more_batches_than_may_be_active_have_to_wait(store: Store) -> None:
    with serving_without_starting(store.settings, fullstory_active_jobs=2) as client:
        sign_in(client)
        kept = [post(client, [ADA], key=f"k-{n}").json()["job"]["id"] for n in range(2)]
        third = post(client, [BOB])
        assert problem(third) == (429, "too_many_requests")
        assert int(third.headers["Retry-After"]) > 0
        assert requested(store.settings) == sorted(kept)
        assert post(client, [ADA], key="k-1").json()["job"]["id"] == kept[1]


def test_more_users_than_the_server_takes_are_refused(store: Store) -> None:
    with serving_without_starting(store.settings, max_users_per_batch=2) as client:
        sign_in(client)
        assert problem(post(client, [ADA, BOB, WRONG])) == (400, "invalid_field")
        assert requested(store.settings) == []
        assert post(client, [ADA, BOB]).status_code == 200


def test_an_unknown_batch_is_not_there(waiting: TestClient) -> None:
    for path in (UNKNOWN, "abd123=", "last", f"{UNKNOWN}/imports", f"{UNKNOWN}/errors"):
        assert problem(waiting.get(f"{BATCH}/{path}")) == (404, "resource_not_found")


def test_calls_without_a_valid_token_are_unauthorized(waiting: TestClient, store: Store) -> None:
    for text in ("", "Basic wrong", "Basic dWl0X3dyb25nOg==", "Bearer uit_wrong"):
        headers = {"Authorization": text}
        assert problem(post(waiting, [ADA], headers=headers)) == (401, "unauthorized")
        assert problem(waiting.get(f"{BATCH}/{UNKNOWN}", headers=headers)) == (401, "unauthorized")
    assert requested(store.settings) == []


def test_a_token_without_the_scope_is_forbidden(waiting: TestClient, store: Store) -> None:
    job_id = post(waiting, [ADA]).json()["job"]["id"]
    sign_in(waiting, scopes=["read:users"])
    assert problem(post(waiting, [BOB])) == (403, "forbidden")
    assert waiting.get(f"{BATCH}/{job_id}").status_code == 200
    sign_in(waiting, scopes=["run-import"])
    assert problem(waiting.get(f"{BATCH}/{job_id}")) == (403, "forbidden")
    assert requested(store.settings) == [job_id]


def test_another_connection_is_forbidden_and_its_batches_are_unknown(waiting: TestClient, store: Store) -> None:
    job_id = post(waiting, [ADA]).json()["job"]["id"]
    sign_in(waiting, connections=["other"])
    assert problem(post(waiting, [BOB], headers={"X-Connection": "default"})) == (403, "forbidden")
    for path in (job_id, f"{job_id}/imports", f"{job_id}/errors"):
        assert problem(waiting.get(f"{BATCH}/{path}")) == (404, "resource_not_found")
    assert requested(store.settings) == [job_id]


def test_users_go_into_the_connection_of_the_token(client: TestClient, store: Store) -> None:
    sign_in(client, connections=["crm"])
    created = post(client, [ADA])
    batch = wait_for(lambda: find_ended(client, created.json()["job"]["id"]))
    assert (batch["job"]["status"], batch["imports"]) == ("FAILED", 0)  # there is no such connection yet
    assert read_users(store.settings) == []


def test_an_unknown_id_that_is_a_uuid_is_not_there(waiting: TestClient) -> None:
    assert problem(waiting.get(f"{BATCH}/{uuid.uuid4()}"))[0] == 404


def test_what_is_wrong_with_the_server_is_a_server_error(store: Store, waiting: TestClient) -> None:
    folder = store.settings.jobs_folder
    folder.rename(folder.with_suffix(".away"))
    folder.write_text("not a folder", "utf-8")
    response = post(waiting, [ADA])
    folder.unlink()
    folder.with_suffix(".away").rename(folder)
    assert problem(response) == (500, "server_error")
    assert str(folder.parent) not in response.text
    assert requested(store.settings) == []

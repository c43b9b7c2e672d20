"""Auth0's calls for imports of users, as its documentation prints them."""

import json
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from flows.api.dispatcher import Dispatcher
from flows.settings import Settings
from flows.store.connections import add_connection
from flows.store.database import Store
from flows.store.job_folder import JobFolder
from flows.store.requests.request import read_request
from schemas.connection import ConnectionSettings
from tests.flows.api.faces import add_token, requested, serving, serving_without_starting, wait_for
from tests.flows.importing import change_database, read_users

IMPORTS = "/api/v2/jobs/users-imports"
ADA, BOB = {"email": "ada@example.com"}, {"email": "bob@example.com"}
REFUSED = {
    "email": "test@",
    "user_id": "7af4c65cb0ac6e162f081822422a9dde",
    "custom_password_hash": {"algorithm": "ldap", "hash": {"value": "*secret*"}},
}


@pytest.fixture
def client(store: Store) -> Iterator[TestClient]:
    with serving(store.settings) as client:
        client.headers["Authorization"] = f"Bearer {add_token(client)}"
        yield client


@pytest.fixture
def waiting(store: Store) -> Iterator[TestClient]:
    """A server whose jobs do not begin."""
    with serving_without_starting(store.settings) as client:
        client.headers["Authorization"] = f"Bearer {add_token(client)}"
        yield client


def post_users(client: TestClient, users: object, **fields: str) -> Any:
    text = users if isinstance(users, str) else json.dumps(users)
    return client.post(IMPORTS, files={"users": ("users.json", text)}, data={"connection_id": "default", **fields})


def import_users(client: TestClient, users: object, **fields: str) -> dict[str, Any]:
    """Return the job as it is at its end."""
    created = post_users(client, users, **fields)
    assert created.status_code == 202, created.text
    return wait_for(lambda: find_ended(client, created.json()["id"]))


def find_ended(client: TestClient, job_id: str) -> dict[str, Any] | None:
    job: dict[str, Any] = client.get(f"/api/v2/jobs/{job_id}").json()
    return None if job["status"] in ("pending", "processing") else job


def errors_of(client: TestClient, job: Mapping[str, Any]) -> Any:
    return client.get(f"/api/v2/jobs/{job['id']}/errors")


def without_ids(job: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in job.items() if name not in ("id", "created_at")}


def problem(response: Any) -> tuple[int, str]:
    body = response.json()
    assert body["statusCode"] == response.status_code
    return response.status_code, body["message"]


def test_a_created_job_is_pending_and_has_what_was_asked_for(waiting: TestClient) -> None:
    created = post_users(waiting, [ADA], external_id="crm-7")
    assert created.status_code == 202
    assert without_ids(created.json()) == {
        "status": "pending",
        "type": "users_import",
        "connection_id": "default",
        "upsert": False,
        "external_id": "crm-7",
        "send_completion_email": True,
    }
    assert datetime.fromisoformat(created.json()["created_at"]) > datetime.now(UTC) - timedelta(minutes=1)


def test_a_pending_job_says_so_and_has_no_errors(waiting: TestClient) -> None:
    created = post_users(waiting, [ADA], external_id="crm-7").json()
    pending = waiting.get(f"/api/v2/jobs/{created['id']}").json()
    assert (pending["status"], pending["type"], pending["external_id"]) == ("pending", "users_import", "crm-7")
    assert not pending.keys() & {"percentage_done", "summary", "location"}
    assert errors_of(waiting, created).status_code == 204


def test_a_completed_job_has_its_counts_and_where_its_errors_are(client: TestClient) -> None:
    job = import_users(client, [ADA, BOB, REFUSED])
    assert (job["status"], job["percentage_done"], job["time_left_seconds"]) == ("completed", 100, 0)
    assert job["summary"] == {"failed": 1, "updated": 0, "inserted": 2, "total": 3}
    assert client.get(job["location"]).json() == errors_of(client, job).json()


def test_errors_have_the_user_without_secrets_and_every_code(client: TestClient) -> None:
    errors = errors_of(client, import_users(client, [ADA, REFUSED]))
    assert errors.status_code == 200
    assert errors.headers["content-type"] == "application/json"
    assert errors.json() == [
        {
            "user": {
                "email": "test@",
                "user_id": "7af4c65cb0ac6e162f081822422a9dde",
                "custom_password_hash": {"algorithm": "ldap", "hash": {"value": "*****"}},
            },
            "errors": [
                {"code": "FORMAT", "message": "is not an e-mail address", "path": "email"},
                {
                    "code": "HASH_MISMATCH",
                    "message": "does not have the form of ldap hashes",
                    "path": "custom_password_hash.hash.value",
                },
            ],
        }
    ]


def test_a_job_without_errors_answers_with_no_content(client: TestClient) -> None:
    errors = errors_of(client, import_users(client, [ADA]))
    assert (errors.status_code, errors.content) == (204, b"")


def test_a_file_that_cannot_be_read_fails_the_job_with_its_reason(client: TestClient, store: Store) -> None:
    job = import_users(client, '[{"email": "ada@example.com"')
    assert job["status"] == "failed"
    assert job["summary"]["inserted"] == 0
    generic = errors_of(client, job)
    assert generic.status_code == 200
    assert generic.json() == {
        "status": "failed",
        "type": "users_import",
        "id": job["id"],
        "created_at": job["created_at"],
        "connection_id": "default",
        "status_details": job["status_details"],
    }
    assert read_users(store.settings) == []


def test_a_refused_row_does_not_fail_the_job_even_if_it_is_the_only_one(client: TestClient) -> None:
    job = import_users(client, [REFUSED])
    assert (job["status"], job["summary"]["failed"]) == ("completed", 1)
    assert len(errors_of(client, job).json()) == 1


def test_an_existing_user_fails_without_upsert(client: TestClient, store: Store) -> None:
    import_users(client, [ADA])
    job = import_users(client, [ADA | {"given_name": "Ada"}])
    assert job["summary"] == {"failed": 1, "updated": 0, "inserted": 0, "total": 1}
    assert errors_of(client, job).json()[0]["errors"][0]["code"] == "CONFLICT_EMAIL"
    assert read_users(store.settings)[0]["given_name"] is None


def test_upsert_updates_the_upsertable_attributes_only(client: TestClient, store: Store) -> None:
    import_users(client, [ADA | {"name": "A"}])
    job = import_users(client, [ADA | {"name": "Ada", "blocked": True}, BOB], upsert="true")
    assert job["upsert"] is True
    assert job["summary"] == {"failed": 0, "updated": 1, "inserted": 1, "total": 2}
    ada = next(user for user in read_users(store.settings) if user["email"] == ADA["email"])
    assert (ada["name"], ada["blocked"]) == ("Ada", None)


def test_the_same_file_again_is_a_job_of_its_own(client: TestClient) -> None:
    first, second = import_users(client, [ADA]), import_users(client, [ADA])
    assert first["id"] != second["id"]
    assert second["summary"]["failed"] == 1


def test_null_is_refused_as_in_auth0(client: TestClient) -> None:
    job = import_users(client, [ADA | {"name": None}])
    assert errors_of(client, job).json()[0]["errors"][0]["code"] == "INVALID_TYPE"


def test_parts_may_be_in_any_order(client: TestClient, store: Store) -> None:
    fields = {"upsert": (None, "true"), "connection_id": (None, "default"), "external_id": (None, "x")}
    created = client.post(IMPORTS, files={"users": ("u.json", json.dumps([ADA])), **fields})
    job = wait_for(lambda: find_ended(client, created.json()["id"]))
    assert (job["external_id"], job["summary"]["inserted"]) == ("x", 1)
    assert [user["email"] for user in read_users(store.settings)] == [ADA["email"]]


def test_a_job_without_completion_mail_is_requested_without_mail(waiting: TestClient, store: Store) -> None:
    for text, no_mail in (("true", False), ("false", True)):
        created = post_users(waiting, [ADA], send_completion_email=text).json()
        assert created["send_completion_email"] is not no_mail
        request = read_request(JobFolder(store.settings.jobs_folder / created["id"]))
        assert request is not None
        assert request.options["no_mail"] is no_mail


def test_an_empty_external_id_is_none_as_go_clients_send_it(waiting: TestClient) -> None:
    assert "external_id" not in post_users(waiting, [ADA], external_id="").json()


@pytest.mark.parametrize(
    ("files", "fields", "message"),
    [
        ({}, {"connection_id": "default"}, "users must be a file that is not empty"),
        ({"users": ("u.json", "")}, {"connection_id": "default"}, "users must be a file that is not empty"),
        ({"users": ("u.json", "[]")}, {}, "connection_id must be the id of a connection"),
        ({"users": ("u.json", "[]")}, {"connection_id": "nowhere"}, "there is no connection nowhere"),
        ({"users": ("u.json", "[]")}, {"connection_id": "default", "upsert": "yes"}, "upsert must be true or false"),
        (
            {"users": ("u.json", "[]")},
            {"connection_id": "default", "external_id": "x" * 256},
            "external_id: String should have at most 255 characters",
        ),
        (
            {"users": ("u.json", "[]")},
            {"connection_id": "default", "upserts": "true"},
            "upserts isn't a known field; known are users, connection_id, upsert, external_id, send_completion_email",
        ),
    ],
)  # fmt: skip
def test_a_wrong_form_is_refused_and_nothing_is_kept(
    waiting: TestClient, store: Store, files: Any, fields: dict[str, str], message: str
) -> None:
    response = (
        waiting.post(IMPORTS, files=files or {"none": ("", "")}, data=fields)
        if files
        else waiting.post(IMPORTS, files={name: (None, value) for name, value in fields.items()})
    )
    assert problem(response) == (400, message)
    assert requested(store.settings) == []


def test_what_is_not_a_form_is_refused(waiting: TestClient, store: Store) -> None:
    assert problem(waiting.post(IMPORTS, json=[ADA]))[0] == 400
    broken = waiting.post(
        IMPORTS, content=b"--x\r\nbroken", headers={"Content-Type": "multipart/form-data; boundary=x"}
    )
    assert problem(broken)[0] == 400
    assert requested(store.settings) == []


def test_a_third_active_job_is_refused_with_the_number_of_active_ones(waiting: TestClient, store: Store) -> None:
    kept = [post_users(waiting, [ADA]).json()["id"] for _ in range(2)]
    third = post_users(waiting, [BOB])
    assert third.status_code == 429
    assert third.json() | {"errorCode": ""} == {
        "statusCode": 429,
        "error": "Too Many Requests",
        "message": "There are 2 active import users jobs, please wait until some of them are finished and try again",
        "errorCode": "",
    }
    assert (third.headers["x-ratelimit-limit"], third.headers["x-ratelimit-remaining"]) == ("2", "0")
    assert 0 < int(third.headers["x-ratelimit-reset"]) - time.time() < 60
    assert int(third.headers["Retry-After"]) > 0
    assert requested(store.settings) == sorted(kept)


def test_of_many_calls_at_once_as_many_are_taken_as_may_be_active(waiting: TestClient, store: Store) -> None:
    with ThreadPoolExecutor(8) as pool:
        statuses = [*pool.map(lambda _: post_users(waiting, [ADA]).status_code, range(16))]
    assert sorted(statuses) == [202] * 2 + [429] * 14
    assert len(requested(store.settings)) == 2


def test_a_job_that_has_ended_is_not_active(client: TestClient) -> None:
    for _ in range(3):
        import_users(client, [ADA])


def test_calls_without_a_valid_token_are_refused(waiting: TestClient, store: Store) -> None:
    for headers in ({"Authorization": ""}, {"Authorization": "Bearer uit_wrong"}):
        response = waiting.post(IMPORTS, files={"users": "[]"}, headers=headers)
        assert (response.status_code, response.json()["error"]) == (401, "Unauthorized")
        assert waiting.get("/api/v2/jobs/x", headers=headers).status_code == 401
        assert waiting.get("/api/v2/connections", headers=headers).status_code == 401
    assert requested(store.settings) == []


def test_a_token_without_the_scope_is_refused(waiting: TestClient, store: Store) -> None:
    reader = {"Authorization": f"Bearer {add_token(waiting, scopes=['read:users'])}"}
    response = waiting.post(IMPORTS, files={"users": "[]"}, data={"connection_id": "default"}, headers=reader)
    assert (response.status_code, response.json()["error"]) == (403, "Forbidden")
    assert requested(store.settings) == []
    job_id = post_users(waiting, [ADA]).json()["id"]
    creator = {"Authorization": f"Bearer {add_token(waiting, scopes=['create:users'])}"}
    for headers in (reader, creator):
        assert waiting.get(f"/api/v2/jobs/{job_id}", headers=headers).status_code == 200
    stranger = {"Authorization": f"Bearer {add_token(waiting, scopes=['run-import'])}"}
    assert waiting.get(f"/api/v2/jobs/{job_id}", headers=stranger).status_code == 403


def test_another_connection_is_forbidden_and_its_jobs_are_unknown(waiting: TestClient, store: Store) -> None:
    job_id, second_id = (post_users(waiting, [ADA]).json()["id"] for _ in range(2))  # as many as may be active
    other = {"Authorization": f"Bearer {add_token(waiting, connections=['other'])}"}
    created = waiting.post(IMPORTS, files={"users": ("u.json", "[]")}, data={"connection_id": "default"}, headers=other)
    assert created.status_code == 403
    assert requested(store.settings) == sorted((job_id, second_id))
    hidden = waiting.get(f"/api/v2/jobs/{job_id}", headers=other)
    unknown = waiting.get("/api/v2/jobs/00000000-0000-4000-8000-000000000000", headers=other)
    assert problem(hidden) == problem(unknown) == (404, "there is no such job")
    assert waiting.get(f"/api/v2/jobs/{job_id}/errors", headers=other).status_code == 404
    assert waiting.get("/api/v2/connections", headers=other).json() == []
    assert waiting.get("/api/v2/connections/default", headers=other).status_code == 404


def test_what_is_not_the_id_of_a_job_is_unknown(waiting: TestClient) -> None:
    for name in ("job_abc123", "last", "..", "%2e%2e%2f", "crm-7"):
        assert waiting.get(f"/api/v2/jobs/{name}").status_code == 404


def test_connections_are_listed_as_the_command_line_tool_asks(waiting: TestClient, store: Store) -> None:
    add_connection(store, ConnectionSettings(connection="crm", username_required=True))
    asked = {"strategy[0]": "auth0", "strategy[1]": "email", "strategy[2]": "sms", "per_page": "100"}
    page = waiting.get("/api/v2/connections", params=asked | {"include_totals": "true"}).json()
    assert {name: page[name] for name in ("start", "limit", "total")} == {"start": 0, "limit": 100, "total": 2}
    assert [(one["name"], one["strategy"]) for one in page["connections"]] == [("crm", "auth0"), ("default", "auth0")]
    assert all(one["enabled_clients"] for one in page["connections"])
    named = waiting.get("/api/v2/connections", params={"name": "crm", "include_totals": "true"}).json()
    assert [one["id"] for one in named["connections"]] == ["crm"]
    assert named["connections"][0]["options"]["requires_username"] is True


def test_connections_are_an_array_a_page_or_a_part(waiting: TestClient, store: Store) -> None:
    for name in ("a", "b", "c"):
        add_connection(store, ConnectionSettings(connection=name))

    def listed(**query: object) -> Any:
        return waiting.get("/api/v2/connections", params={"fields": "id", **query}).json()

    assert listed() == [{"id": "a"}, {"id": "b"}, {"id": "c"}, {"id": "default"}]
    assert listed(per_page=2, page=1) == [{"id": "c"}, {"id": "default"}]
    assert listed(strategy="google-oauth2") == []
    assert listed(take=3) == {"connections": [{"id": "a"}, {"id": "b"}, {"id": "c"}], "next": "c"}
    assert listed(take=3, **{"from": "c"}) == {"connections": [{"id": "default"}]}
    assert "id" not in listed(include_fields="false")[0]
    assert waiting.get("/api/v2/connections", params={"per_page": 1000}).status_code == 400


def test_a_connection_and_its_application_are_found_by_its_id(waiting: TestClient) -> None:
    assert waiting.get("/api/v2/connections/default").json()["strategy"] == "auth0"
    assert waiting.get("/api/v2/connections/default/clients").json() == {"clients": [{"client_id": "user-import"}]}
    assert waiting.get("/api/v2/connections/nowhere").status_code == 404


def test_a_busy_database_delays_no_status_and_no_new_job(waiting: TestClient, store: Store) -> None:
    job = post_users(waiting, [ADA]).json()
    with store.writing():
        started = time.monotonic()
        assert waiting.get(f"/api/v2/jobs/{job['id']}").json()["status"] == "pending"
        assert post_users(waiting, [ADA]).status_code == 202
        assert time.monotonic() - started < 2
        assert waiting.get("/api/v2/connections").status_code == 503


def test_a_busy_database_makes_errors_wait_rather_than_be_missing(client: TestClient, store: Store) -> None:
    job = import_users(client, [REFUSED])
    with store.writing():
        busy = errors_of(client, job)
    assert busy.status_code == 503
    assert int(busy.headers["Retry-After"]) > 0
    assert len(errors_of(client, job).json()) == 1


def test_jobs_expire_and_disappear_as_in_auth0_only_where_that_is_wanted(store: Store) -> None:
    with serving(store.settings) as client:
        client.headers["Authorization"] = f"Bearer {add_token(client)}"
        job = import_users(client, [ADA])
        make_older(store.settings, job["id"], hours=3)
        assert find_ended(client, job["id"])["status"] == "completed"  # type: ignore[index] # it has ended
    with serving(store.settings, auth0_retention=True) as client:
        client.headers["Authorization"] = f"Bearer {add_token(client)}"
        expired = find_ended(client, job["id"])
        assert expired is not None
        assert expired["status"] == "expired"
        make_older(store.settings, job["id"], hours=25)
        assert client.get(f"/api/v2/jobs/{job['id']}").status_code == 404
        assert errors_of(client, job).status_code == 404


def make_older(settings: Settings, job_id: str, *, hours: int) -> None:
    moment = (datetime.now(UTC) - timedelta(hours=hours)).isoformat(timespec="microseconds").replace("+00:00", "Z")
    folder = JobFolder(settings.jobs_folder / job_id)
    folder.write_status({**folder.read_status(), "created_at": moment})
    change_database(
        settings, "update import_jobs set created_at = $moment where job_id = $job_id", moment=moment, job_id=job_id
    )


def test_many_errors_come_whole_and_in_order(client: TestClient) -> None:
    job = import_users(client, [{"email": f"{n}@"} for n in range(25_000)])
    users = [row["user"]["email"] for row in errors_of(client, job).json()]
    assert users == [f"{n}@" for n in range(25_000)]


def test_a_processing_job_has_its_progress(store: Store) -> None:
    settings = store.settings
    with serving_without_starting(settings) as client:
        client.headers["Authorization"] = f"Bearer {add_token(client)}"
        users = [{"email": f"{n}@example.com"} for n in range(60_000)]
        job_id = post_users(client, users).json()["id"]
        dispatcher = Dispatcher(replace(settings))
        dispatcher.start_waiting()
        processing = wait_for(lambda: find_processing(client, job_id))
        assert 0 <= processing["percentage_done"] <= 100
        assert processing["time_left_seconds"] >= 0
        assert "summary" not in processing
        wait_for(lambda: find_ended(client, job_id))


def find_processing(client: TestClient, job_id: str) -> dict[str, Any] | None:
    job: dict[str, Any] = client.get(f"/api/v2/jobs/{job_id}").json()
    return job if job["status"] == "processing" else None

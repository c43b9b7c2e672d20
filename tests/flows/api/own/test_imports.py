"""The server's own calls: imports from their request to their undo, and what a token may see of them."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from flows.api.tokens import Scope
from flows.settings import Settings
from flows.store.database import Store
from flows.store.job_folder import JobFolder
from schemas.options import JobOptions
from tests.flows.api.faces import add_token, requested, serving, serving_without_starting, wait_for
from tests.flows.importing import change_database, import_records, new_id, read_users

IMPORTS = "/v1/imports"
ADA, BOB = {"email": "ada@example.com"}, {"email": "bob@example.com"}
WRONG = {"email": "test@", "custom_password_hash": {"algorithm": "ldap", "hash": {"value": "*secret*"}}}
HOSTILE = "<script>alert(1)</script>.ndjson"


def lines(*users: Mapping[str, object]) -> str:
    return "".join(json.dumps(user) + "\n" for user in users)


@pytest.fixture
def client(store: Store) -> Iterator[TestClient]:
    with serving(replace(store.settings, wait_seconds=5.0)) as client:
        client.headers["Authorization"] = f"Bearer {add_token(client)}"
        yield client


@pytest.fixture
def waiting(store: Store) -> Iterator[TestClient]:
    """A server whose jobs do not begin."""
    with serving_without_starting(store.settings) as client:
        client.headers["Authorization"] = f"Bearer {add_token(client)}"
        yield client


def send(client: TestClient, *users: Mapping[str, object], name: str = "users.ndjson", **more: Any) -> Any:
    """Send users as a file of a form; `options` of the import and `headers` of the call can be given."""
    options = {"options": json.dumps(more.pop("options", {}))}
    return client.post(IMPORTS, files={"file": (name, lines(*users))}, data=options, **more)


def import_users(client: TestClient, *users: Mapping[str, object], **more: Any) -> dict[str, Any]:
    created = send(client, *users, **more)
    assert created.status_code == 202, created.text
    return wait(client, created.json()["job_id"])


def wait(client: TestClient, job_id: str) -> dict[str, Any]:
    def find() -> dict[str, Any] | None:
        job: dict[str, Any] = client.get(f"{IMPORTS}/{job_id}").json()
        return None if job["status"] in ("pending", "loading", "ready", "importing") else job

    return wait_for(find)


def fault(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["fault"]["code"]


def emails(settings: Settings) -> list[str]:
    return sorted(str(user["email"]) for user in read_users(settings))


def test_a_file_is_imported_with_options(client: TestClient, settings: Settings) -> None:
    created = send(client, ADA, WRONG, options={"mode": "upsert", "external_id": "crm-7"})
    assert created.status_code == 202
    assert created.headers["location"] == f"{IMPORTS}/{created.json()['job_id']}"
    assert (created.json()["status"], created.json()["external_id"]) == ("pending", "crm-7")
    job = wait(client, created.json()["job_id"])
    assert (job["status"], job["inserted"], job["failed"]) == ("completed_with_errors", 1, 1)
    assert (job["mode"], job["sources"]) == ("upsert", ["users.ndjson"])
    assert emails(settings) == ["ada@example.com"]


def test_several_files_are_one_import(client: TestClient, settings: Settings) -> None:
    files = [("file", ("a.ndjson", lines(ADA))), ("file", ("b.csv", "email\nbob@example.com\n"))]
    job = wait(client, client.post(IMPORTS, files=files).json()["job_id"])
    assert (job["inserted"], job["sources"]) == (2, ["a.ndjson", "b.csv"])
    assert emails(settings) == ["ada@example.com", "bob@example.com"]


def test_paths_within_the_roots_are_imported(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "in").mkdir()
    file = tmp_path / "in" / "users.ndjson"
    file.write_text(lines(ADA))
    settings = replace(store.settings, roots=(tmp_path,))
    monkeypatch.setenv("IMPORT_ROOTS", str(tmp_path))  # of the process of the job
    with serving(settings) as client:
        client.headers["Authorization"] = f"Bearer {add_token(client)}"
        created = client.post(IMPORTS, json={"sources": [str(file)], "options": {"dry_run": True}})
        job = wait(client, created.json()["job_id"])
        assert job["fault"] is None
        assert (job["inserted"], job["sources"], job["dry_run"]) == (1, ["users.ndjson"], True)
        assert str(tmp_path) not in json.dumps(job)
        before = requested(settings)
        outside = client.post(IMPORTS, json={"sources": ["/etc/passwd"]})
        assert fault(outside) == (400, "PATH_REFUSED")
        assert requested(settings) == before


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"sources": []}, "REQUIRED_FIELD"),
        ({}, "REQUIRED_FIELD"),
        ({"sources": "users.csv"}, "INVALID_FIELD"),
        ({"sources": ["users.csv"]}, "PATH_REFUSED"),
        ({"sources": ["users.csv"], "options": []}, "INVALID_FIELD"),
        ({"sources": ["users.csv"], "more": 1}, "INVALID_BODY"),
        ([], "INVALID_BODY"),
    ],
)
def test_a_body_of_another_form_is_refused(waiting: TestClient, settings: Settings, body: object, code: str) -> None:
    assert fault(waiting.post(IMPORTS, json=body)) == (400, code)
    assert requested(settings) == []


@pytest.mark.parametrize(
    "options",
    [{"mode": "delete"}, {"colour": "red"}, {"sources": ["x"]}, {"max_error_rate": 2}, {"plan": "/tmp/plan.csv"}],
)
def test_options_that_cannot_be_used_are_refused(
    waiting: TestClient, settings: Settings, options: dict[str, object]
) -> None:
    refused = send(waiting, ADA, options=options)
    assert (refused.status_code, requested(settings)) == (400, [])


@pytest.mark.parametrize("options", ["{", "[]", '{"mode": "upsert"'])
def test_options_that_are_not_an_object_are_refused(waiting: TestClient, settings: Settings, options: str) -> None:
    refused = waiting.post(IMPORTS, files={"file": ("users.ndjson", lines(ADA))}, data={"options": options})
    assert (refused.status_code, requested(settings)) == (400, [])


def test_other_bodies_and_parts_are_refused(waiting: TestClient, settings: Settings) -> None:
    assert waiting.post(IMPORTS, content="email\n", headers={"Content-Type": "text/csv"}).status_code == 415
    assert waiting.post(IMPORTS, content="{", headers={"Content-Type": "application/json"}).status_code == 400
    assert waiting.post(IMPORTS, files={"users": ("users.csv", "email\n")}).status_code == 400
    too_long = '{"sources": ["' + "x" * 1_000_001 + '"]}'
    assert waiting.post(IMPORTS, content=too_long, headers={"Content-Type": "application/json"}).status_code == 413
    assert requested(settings) == []


def test_a_key_names_one_import(client: TestClient, settings: Settings) -> None:
    first = send(client, ADA, headers={"Idempotency-Key": "crm-7"})
    again = send(client, ADA, headers={"Idempotency-Key": "crm-7"})
    assert (first.status_code, again.status_code) == (202, 200)
    assert first.json()["job_id"] == again.json()["job_id"]
    job = wait(client, first.json()["job_id"])
    assert (job["external_id"], job["inserted"]) == ("crm-7", 1)
    after = send(client, ADA, headers={"Idempotency-Key": "crm-7"})
    assert (after.status_code, after.json()["status"]) == (200, "completed")
    before = requested(settings)
    assert fault(send(client, BOB, headers={"Idempotency-Key": "crm-7"})) == (409, "EXTERNAL_ID_REUSED")
    other_options = send(client, ADA, headers={"Idempotency-Key": "crm-7"}, options={"mode": "upsert"})
    assert fault(other_options) == (409, "EXTERNAL_ID_REUSED")
    assert (requested(settings), emails(settings)) == (before, ["ada@example.com"])


def test_a_key_of_an_import_by_another_way_is_found_by_the_job(client: TestClient, settings: Settings) -> None:
    import_records(settings, [ADA], external_id="crm-7")
    job = import_users(client, BOB, headers={"Idempotency-Key": "crm-7"})
    assert (job["status"], job["fault"]["code"]) == ("failed", "EXTERNAL_ID_REUSED")
    assert emails(settings) == ["ada@example.com"]


def test_what_was_imported_already_is_answered_with_that_import(client: TestClient) -> None:
    first, again = import_users(client, ADA), import_users(client, ADA)
    assert again["job_id"] == first["job_id"]


def test_imports_are_listed_with_filters_and_pages(client: TestClient) -> None:
    first = import_users(client, ADA, options={"external_id": "a"})
    second = import_users(client, BOB, options={"external_id": "b"})

    def listed(query: str = "") -> list[str]:
        found = client.get(f"{IMPORTS}{query}")
        assert found.status_code == 200, found.text
        return [job["job_id"] for job in found.json()["imports"]]

    both = [second["job_id"], first["job_id"]]
    assert listed() == both
    assert listed("?external_id=a") == both[1:]
    assert listed("?status=completed&status=failed") == both
    assert listed("?status=failed") == listed("?connection=other") == listed("?since=2999-01-01") == []
    assert listed("?since=24h") == both
    assert listed("?limit=1") == both[:1]
    assert listed("?limit=1&page=1") == both[1:]
    assert client.get(f"{IMPORTS}?limit=1").json()["has_more"] is True
    assert client.get(f"{IMPORTS}?limit=1&page=1").json()["has_more"] is False
    assert fault(client.get(f"{IMPORTS}?since=yesterday")) == (400, "INVALID_FIELD")
    assert client.get(f"{IMPORTS}?status=lost").status_code == 400


def test_errors_are_paged_and_filtered(client: TestClient) -> None:
    job = import_users(client, WRONG, ADA, {"email": "also@"})
    url = f"{IMPORTS}/{job['job_id']}/errors"
    found = client.get(url).json()["errors"]
    assert [(error["record"], error["line"], error["source"]) for error in found][-1] == (3, 3, "users.ndjson")
    assert {"code", "path", "message", "meaning", "severity"} <= found[0].keys()
    assert "*secret*" not in json.dumps(found)
    pages = [client.get(f"{url}?limit=1&page={page}").json() for page in range(len(found) + 1)]
    assert [error for page in pages for error in page["errors"]] == found
    assert client.get(f"{url}?code=FORMAT").json()["errors"] == [e for e in found if e["code"] == "FORMAT"]
    assert client.get(f"{url}?code=NO_SUCH").json()["errors"] == []


def test_refused_records_are_downloaded_with_secrets_and_by_creators_only(client: TestClient) -> None:
    job = import_users(client, WRONG, ADA)
    url = f"{IMPORTS}/{job['job_id']}/rejects"
    found = client.get(url)
    assert found.headers["content-disposition"].endswith('.ndjson"')
    record = json.loads(found.text)
    assert record["custom_password_hash"] == WRONG["custom_password_hash"]
    as_csv = client.get(f"{url}?format=csv")
    assert (as_csv.headers["content-type"], "*secret*" in as_csv.text) == ("text/csv; charset=utf-8", True)
    assert len(client.get(f"{url}?format=parquet").content) == int(
        client.get(f"{url}?format=parquet").headers["content-length"]
    )
    reader = {"Authorization": f"Bearer {add_token(client, scopes=('read:users',))}"}
    assert fault(client.get(url, headers=reader)) == (403, "FORBIDDEN")


def test_refused_records_that_are_not_there_are_said_to_be_so(client: TestClient, settings: Settings) -> None:
    clean = import_users(client, ADA)
    assert client.get(f"{IMPORTS}/{clean['job_id']}/rejects").status_code == 204
    wrong = import_users(client, WRONG)
    JobFolder(settings.jobs_folder / wrong["job_id"]).remove()
    assert fault(client.get(f"{IMPORTS}/{wrong['job_id']}/rejects")) == (410, "REJECTS_PURGED")
    assert fault(client.get(f"{IMPORTS}/{wrong['job_id']}/plan")) == (410, "STAGED_PURGED")


def test_the_plan_of_a_dry_run_is_read_whole_and_by_pages(client: TestClient, settings: Settings) -> None:
    import_records(settings, [{"email": "bob@example.com", "name": "Bob"}])
    changed = {"email": "bob@example.com", "name": "Robert"}
    job = import_users(client, ADA, changed, WRONG, options={"dry_run": True, "mode": "upsert"})
    url = f"{IMPORTS}/{job['job_id']}/plan"
    rows = [json.loads(line) for line in client.get(url).text.splitlines()]
    assert [(row["record"], row["outcome"]) for row in rows] == [(1, "insert"), (2, "update"), (3, "refused")]
    assert rows[1]["changes"][0]["field"] == "name"
    assert "*secret*" not in client.get(url).text
    pages = [client.get(f"{url}?page={page}&limit=2").text for page in range(3)]
    assert "".join(pages) == client.get(url).text
    assert (len(pages[0].splitlines()), len(pages[1].splitlines()), pages[2]) == (2, 1, "")
    assert emails(settings) == ["bob@example.com"]


def test_a_job_that_waits_can_be_canceled(waiting: TestClient, settings: Settings) -> None:
    job_id = send(waiting, ADA).json()["job_id"]
    assert fault(waiting.get(f"{IMPORTS}/{job_id}/plan")) == (409, "JOB_RUNNING")
    canceled = waiting.post(f"{IMPORTS}/{job_id}/cancel")
    assert (canceled.status_code, canceled.json()["job_id"]) == (200, job_id)
    assert waiting.get(f"{IMPORTS}/{job_id}").json()["status"] == "canceled"
    assert emails(settings) == []


def test_an_import_is_undone_first_in_a_dry_run(client: TestClient, settings: Settings) -> None:
    job = import_users(client, ADA, BOB)
    url = f"{IMPORTS}/{job['job_id']}/undo"
    asked = client.post(f"{url}?dry_run=true")
    assert (asked.status_code, asked.json()["kind"]) == (202, "undo")
    planned = wait(client, asked.json()["job_id"])
    assert (planned["updated"], planned["dry_run"], len(read_users(settings))) == (2, True, 2)
    change_database(settings, "update users set nickname = 'B' where email = 'bob@example.com'")
    undone = wait(client, client.post(url).json()["job_id"])
    assert (undone["status"], undone["updated"], undone["failed"]) == ("completed_with_errors", 1, 1)
    kept = client.get(f"{IMPORTS}/{undone['job_id']}/errors").json()["errors"]
    assert [error["code"] for error in kept] == ["CHANGED_SINCE"]
    assert emails(settings) == ["bob@example.com"]
    assert client.get(f"{IMPORTS}/{job['job_id']}").json()["undone_by_job"] == undone["job_id"]


def test_an_import_is_undone_once(client: TestClient, settings: Settings) -> None:
    job = import_users(client, ADA)
    url = f"{IMPORTS}/{job['job_id']}/undo"
    undone = wait(client, client.post(url).json()["job_id"])
    again = client.post(url)
    assert (again.status_code, again.json()["job_id"]) == (200, undone["job_id"])
    dry_run = import_users(client, BOB, options={"dry_run": True})
    assert fault(client.post(f"{IMPORTS}/{dry_run['job_id']}/undo")) == (409, "NOT_UNDOABLE")
    assert read_users(settings) == []


def test_two_undos_that_wait_are_one(store: Store) -> None:
    job = import_records(store.settings, [ADA])
    with serving_without_starting(store.settings) as client:
        client.headers["Authorization"] = f"Bearer {add_token(client)}"
        both = [client.post(f"{IMPORTS}/{job.job_id}/undo").json()["job_id"] for _ in range(2)]
    with serving(replace(store.settings, wait_seconds=5.0)) as client:
        client.headers["Authorization"] = f"Bearer {add_token(client)}"
        ended = [wait(client, job_id) for job_id in both]
    assert ended[0]["job_id"] == ended[1]["job_id"]
    assert read_users(store.settings) == []


CALLS = [
    ("GET", ""),
    ("GET", "/errors"),
    ("GET", "/rejects"),
    ("GET", "/plan"),
    ("GET", "/events"),
    ("POST", "/cancel"),
    ("POST", "/undo"),
]


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_jobs_of_other_connections_do_not_exist(waiting: TestClient, method: str, path: str) -> None:
    job_id = send(waiting, ADA).json()["job_id"]
    other = {"Authorization": f"Bearer {add_token(waiting, connections=('other',))}"}
    for name in (job_id, new_id(), "last", "../default"):
        assert waiting.request(method, f"{IMPORTS}/{name}{path}", headers=other).status_code == 404
    assert waiting.get(IMPORTS, headers=other).json()["imports"] == []
    assert waiting.get(f"{IMPORTS}/{job_id}").json()["status"] == "pending"


@pytest.mark.parametrize(("method", "path"), [*CALLS, ("POST", "/apply")])
def test_calls_need_a_token_with_their_scope(waiting: TestClient, method: str, path: str) -> None:
    job_id = send(waiting, ADA).json()["job_id"]
    url = f"{IMPORTS}/{job_id}{path}"
    assert waiting.request(method, url, headers={"Authorization": ""}).status_code == 401
    scope: Scope = "create:users" if method == "GET" and path != "/rejects" else "read:users"
    lacking = {"Authorization": f"Bearer {add_token(waiting, scopes=(scope,))}"}
    assert waiting.request(method, url, headers=lacking).status_code == 403
    assert waiting.get(f"{IMPORTS}/{job_id}").json()["status"] == "pending"


def test_connections_that_the_token_may_not_use_are_refused(waiting: TestClient, settings: Settings) -> None:
    other = {"Authorization": f"Bearer {add_token(waiting, connections=('other',))}"}
    refused = send(waiting, ADA, options={"connection": "default"}, headers=other)
    assert (fault(refused), requested(settings)) == ((403, "FORBIDDEN"), [])
    assert send(waiting, ADA, headers=other).json()["connection"] == "other"


def test_names_of_files_are_made_safe(waiting: TestClient) -> None:
    assert "<" not in send(waiting, ADA, name=HOSTILE).json()["sources"][0]
    assert send(waiting, ADA, name="../../etc/passwd.csv").json()["sources"] == ["passwd.csv"]


def test_openapi_shows_every_option(waiting: TestClient) -> None:
    document = waiting.get("/openapi.json").json()
    body = document["paths"][IMPORTS]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body["properties"]["options"]["properties"].keys() == JobOptions.model_fields.keys() - {"sources"}
    assert "$ref" not in json.dumps(body)
    for path, calls in document["paths"].items():
        if path.startswith("/v1"):
            assert all(call["summary"] and "401" in call["responses"] for call in calls.values())

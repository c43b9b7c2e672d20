"""What Prometheus reads: the jobs that have ended, and nothing for strangers."""

import json

from fastapi.testclient import TestClient

from flows.store.database import Store
from tests.flows.api.conftest import MakeToken, running_server
from tests.flows.api.faces import serving, serving_without_starting, wait_for


def submit(client: TestClient, *emails: str) -> str:
    users = json.dumps([{"email": email} for email in emails])
    return str(client.post("/v1/imports", files={"file": ("users.json", users)}).json()["job_id"])


def test_ended_jobs_are_counted_by_status(client: TestClient) -> None:
    submit(client, "ada@example.com")
    submit(client, "bob@example.com", "none")

    def counted() -> str | None:
        text = client.get("/metrics").text
        return text if "_with_errors" in text and 'status="completed"' in text else None

    text = wait_for(counted)
    assert 'user_import_jobs_ended_total{status="completed"} 1.0' in text
    assert 'user_import_jobs_ended_total{status="completed_with_errors"} 1.0' in text


def test_a_job_that_is_canceled_before_it_began_is_counted(store: Store, make_token: MakeToken) -> None:
    with serving_without_starting(store.settings) as client:
        client.headers["Authorization"] = f"Bearer {make_token()}"
        job_id = submit(client, "ada@example.com")
        assert client.post(f"/v1/imports/{job_id}/cancel").status_code < 300
        assert 'user_import_jobs_ended_total{status="canceled"} 1.0' in client.get("/metrics").text


def test_metrics_need_a_token_where_others_can_call(store: Store, make_token: MakeToken) -> None:
    codes = {"": 401, make_token("runner", scopes=["run-import"]): 403, make_token("prometheus"): 200}
    with running_server(store.path, "--behind-proxy") as server:
        for token, code in codes.items():
            with server.client(token) as client:
                assert client.get("/metrics").status_code == code
                assert client.get("/healthz").status_code == 200
    with running_server(store.path) as server, server.client() as client:
        assert client.get("/metrics").status_code == 200


def test_metrics_that_are_refused_have_the_form_of_our_own_calls(store: Store) -> None:
    with serving(store.settings, has_open_metrics=False) as client:
        assert client.get("/metrics").json()["fault"]["code"] == "UNAUTHORIZED"

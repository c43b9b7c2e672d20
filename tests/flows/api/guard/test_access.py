"""A call that is refused is answered as its system does it; wrong tokens are counted however they are presented."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest
from fastapi.testclient import TestClient

from flows.api.guard.tokens import Scope
from flows.store.database import Store
from tests.flows.api.conftest import MakeToken
from tests.flows.api.faces import serving

UNKNOWN = "00000000-0000-4000-8000-000000000000"


@dataclass(frozen=True)
class Face:
    """A call of a job that is not there, the scope that it does not need, and what its refusals have."""

    path: str
    other_scope: Scope
    keys: frozenset[str]


FACES: Mapping[str, Face] = {
    "auth0": Face(f"/api/v2/jobs/{UNKNOWN}", "run-import", frozenset({"statusCode", "error", "message"})),
    "fullstory": Face(f"/v2/users/batch/{UNKNOWN}", "run-import", frozenset({"message", "code"})),
    "rocketchat": Face("/api/v1/import.nothing", "read:users", frozenset({"success", "error"})),
    "liferay": Face("/o/headless-batch-engine/v1.0/import-task/1", "run-import", frozenset({"status", "title"})),
    "own": Face(f"/v1/imports/{UNKNOWN}", "run-import", frozenset({"fault"})),
}
faces = pytest.mark.parametrize("face", FACES.values(), ids=FACES)


@pytest.fixture
def hurried(store: Store) -> Iterator[TestClient]:
    """A client of a server that takes two calls of a token at once."""
    with serving(store.settings, rate=0.001, burst=2) as client:
        yield client


@faces
def test_a_token_without_the_scope_is_refused_in_the_form_of_the_system(
    client: TestClient, make_token: MakeToken, face: Face
) -> None:
    token = make_token("limited", scopes=[face.other_scope])
    path = face.path.replace("import.nothing", "import.status")
    response = client.get(path, headers={"Authorization": f"Bearer {token}"})
    assert response.status_code == 403
    assert response.json().keys() >= face.keys


@faces
def test_what_is_not_there_is_answered_in_the_form_of_the_system(client: TestClient, face: Face) -> None:
    response = client.get(face.path)
    assert response.status_code == 404
    assert response.json().keys() >= face.keys


@faces
def test_too_many_calls_are_answered_in_the_form_of_the_system(
    hurried: TestClient, make_token: MakeToken, face: Face
) -> None:
    headers = {"Authorization": f"Bearer {make_token()}"}
    path = face.path.replace("import.nothing", "import.status")
    assert {hurried.get(path, headers=headers).status_code for _ in range(2)} <= {200, 404}
    response = hurried.get(path, headers=headers)
    assert response.status_code == 429
    assert response.json().keys() >= face.keys
    assert int(response.headers["retry-after"]) > 0
    limits = [response.headers[f"x-ratelimit-{name}"] for name in ("limit", "remaining")]
    assert limits == ["2", "0"]
    assert int(response.headers["x-ratelimit-reset"]) > 0


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Basic wrong"},
        {"X-Auth-Token": "wrong", "X-User-Id": "everything"},
    ],
)
def test_wrong_tokens_are_counted_however_they_are_presented(client: TestClient, headers: dict[str, str]) -> None:
    codes = [
        client.get("/api/v1/import.status", headers={"Authorization": "", **headers}).status_code for _ in range(25)
    ]
    assert (codes[0], codes[-1]) == (401, 429)
    assert client.get("/v1/imports").status_code == 200  # a valid token of the same address


def test_the_token_of_another_name_is_refused(client: TestClient, make_token: MakeToken) -> None:
    token = make_token("bot")
    by_name = {
        name: client.get(
            "/api/v1/import.status", headers={"Authorization": "", "X-Auth-Token": token, "X-User-Id": name}
        ).status_code
        for name in ("bot", "other", "")
    }
    assert by_name == {"bot": 200, "other": 401, "": 401}

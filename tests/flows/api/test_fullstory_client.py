"""FullStory's own SDK for Node.js, unmodified, against a server: `@fullstory/server-api-client` by `FS_API_HOST`."""

from pathlib import Path

import pytest

from flows.api.guard.tokens import Scope, TokenFile
from flows.store.database import Store
from tests.flows.api.conftest import running_server
from tests.flows.api.faces import BOTH
from tests.flows.api.node import needs_node, run_script
from tests.flows.importing import read_users

pytestmark = [pytest.mark.slow, needs_node]

SDK = "@fullstory/server-api-client@1.1"


def add_token(store: Store, name: str, *scopes: Scope) -> str:
    return TokenFile.of(store.settings).add(name, scopes=scopes, connections=None, expires_at=None)


def run_sdk(name: str, folder: Path, *, host: str, **more: str) -> object:
    environment = {"NODE_ENV": "test", "FS_API_HOST": host, **more}  # it heeds the host in tests and development only
    return run_script(name, folder, package=SDK, environment=environment)


def test_the_sdk_of_fullstory_imports_polls_and_reads_results(
    store: Store, tmp_path: Path, certificate: tuple[Path, Path]
) -> None:
    cert, key = certificate
    tokens = {"TOKEN": add_token(store, "migration", *BOTH), "READ_TOKEN": add_token(store, "reader", "read:users")}
    with running_server(store.path, "--tls-cert", str(cert), "--tls-key", str(key)) as server:
        host = f"https://localhost:{server.port}"
        seen = run_sdk("fullstory_sdk.mjs", tmp_path, host=host, NODE_EXTRA_CA_CERTS=str(cert), **tokens)
    assert seen == {
        "completed": [
            ["PROCESSING"],
            "COMPLETED",
            [["user123", "user123", "ada@example.com"], ["user456", "user456", "bob@example.com"]],
        ],
        "failed": [
            "FAILED",
            [["format", True, "no address", None], ["object_required", True, "user790", "*****"]],
        ],
        "counts": [1, 2, "FAILED", True],
        "total": "1",
        "restarted": 2,
        "same_key": True,
        "key_reused": [409, "idempotency_key_reused"],
        "without_users": [400, "required_field"],
        "unauthorized": [401, "unauthorized"],
        "forbidden": [403, "forbidden"],
        "unknown": [404, "resource_not_found"],
        "aborted": ["FS_FULLSTORY_API", 401],
    }
    assert sorted(str(user["user_id"]) for user in read_users(store.settings)) == ["user123", "user456"]


def test_the_sdk_of_fullstory_waits_as_long_as_it_is_told_to(store: Store, tmp_path: Path) -> None:
    token = add_token(store, "migration", *BOTH)
    with running_server(store.path, "--fullstory-active-jobs", "1") as server:
        seen = run_sdk("fullstory_limits.mjs", tmp_path, host=server.url, TOKEN=token)
    refused = [429, "FS_RATE_LIMITED", "too_many_requests", True]
    assert seen == {"refused": refused, "errors": [429], "imported": 1}

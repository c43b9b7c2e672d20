"""`user-import tokens`: added, listed and revoked; a token is shown once."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from flows.api.guard.tokens import TokenFile
from flows.store.database import Store


def run(database: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "flows", "tokens", *arguments, "--database", str(database)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def as_json(database: Path, *arguments: str) -> Any:
    done = run(database, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_token_is_added_listed_and_revoked(store: Store) -> None:
    options = ("--scope", "create:users,read:users", "--connection", "a", "--connection", "b", "--expires", "90d")
    added = as_json(store.path, "add", "night job", *options)
    file = TokenFile.of(store.settings)
    assert file.find(added["token"]) is not None
    (listed,) = as_json(store.path, "list")
    assert (listed["scopes"], listed["connections"]) == (["create:users", "read:users"], ["a", "b"])
    assert (listed["expires_at"], listed["is_valid"]) == (added["expires_at"], True)
    done = run(store.path, "list")
    assert "night job" in done.stdout
    assert added["token"] not in done.stdout + json.dumps(listed)
    assert as_json(store.path, "revoke", "night job") == {"name": "night job", "revoked": True}
    assert file.find(added["token"]) is None


def test_the_text_alone_goes_to_standard_output(store: Store) -> None:
    done = run(store.path, "add", "ops", "--scope", "run-import")
    assert TokenFile.of(store.settings).find(done.stdout.removesuffix("\n")) is not None
    assert "not shown again" in done.stderr
    assert done.stdout.strip() not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("add", "ops"), "--scope"),
        (("add", "ops", "--scope", "write:users"), "is not a scope"),
        (("add", "ops", "--scope", "read:users", "--expires", "soon"), "expires"),
        (("revoke", "nobody"), "there is no valid token nobody"),
    ],
)
def test_what_cannot_be_done_is_refused_and_changes_nothing(
    store: Store, arguments: tuple[str, ...], reason: str
) -> None:
    done = run(store.path, *arguments)
    assert (done.returncode, reason in done.stderr) == (2, True), done.stderr
    assert TokenFile.of(store.settings).list() == []


def test_a_name_is_given_once(store: Store) -> None:
    first = as_json(store.path, "add", "ops", "--scope", "read:users")["token"]
    done = run(store.path, "add", "ops", "--scope", "create:users")
    assert (done.returncode, "there is a token ops already" in done.stderr) == (2, True)
    found = TokenFile.of(store.settings).find(first)
    assert found is not None
    assert found.scopes == {"read:users"}

"""Tokens are shown once, kept as hashes in a private file, and end by revocation or time."""

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from flows.api import tokens
from flows.api.tokens import SCOPES, TokenFile
from flows.settings import Settings
from schemas.faults import JobFault
from tests.flows.api.conftest import MakeToken


@pytest.fixture
def file(settings: Settings) -> TokenFile:
    return TokenFile.of(settings)


def test_a_token_is_found_by_its_text(file: TokenFile, make_token: MakeToken) -> None:
    text = make_token("ops", connections=["default"])
    found = file.find(text)
    assert found is not None
    assert (found.name, found.scopes, found.connections) == ("ops", frozenset(SCOPES), frozenset({"default"}))
    assert found.may_use("default")
    assert not found.may_use("other")


@pytest.mark.parametrize("text", ["", "uit_", "uit_x", "\ud800", "Bearer", " ", "x" * 100_000])
def test_other_texts_find_nothing(file: TokenFile, make_token: MakeToken, text: str) -> None:
    real = make_token()
    assert file.find(text) is None
    assert file.find(real + "x") is None
    assert file.find(real[:-1]) is None


def test_the_file_is_private_and_has_no_token(file: TokenFile, make_token: MakeToken) -> None:
    text = make_token()
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert text not in file.path.read_text()
    assert text not in repr(file.list())
    assert "hash" not in json.dumps(file.list()[0].to_dict())


def test_a_revoked_token_ends_at_once_also_in_a_server_that_knows_it(file: TokenFile, make_token: MakeToken) -> None:
    text = make_token()
    server = TokenFile(file.path)
    assert server.find(text) is not None
    assert file.revoke("ops")
    assert not file.revoke("ops")
    assert server.find(text) is None


def test_a_token_ends_with_its_time(file: TokenFile, make_token: MakeToken, monkeypatch: pytest.MonkeyPatch) -> None:
    text = make_token(expires_at="2030-01-01T00:00:00Z")
    assert file.find(text) is not None
    monkeypatch.setattr(tokens, "utc_now", lambda: "2030-01-01T00:00:00Z")
    assert file.find(text) is None


def test_a_name_is_free_again_once_its_token_is_revoked(file: TokenFile, make_token: MakeToken) -> None:
    first = make_token()
    with pytest.raises(ValueError, match="there is a token ops already"):
        make_token()
    assert file.find(first) is not None
    file.revoke("ops")
    second = make_token()
    assert (file.find(first), file.find(second) is None) == (None, False)


def test_tokens_that_are_added_at_once_are_all_there(file: TokenFile, make_token: MakeToken) -> None:
    with ThreadPoolExecutor(8) as pool:
        texts = list(pool.map(make_token, map(str, range(24))))
    assert all(file.find(text) for text in texts)


def test_nobody_signs_in_by_a_file_that_is_damaged(file: TokenFile, make_token: MakeToken) -> None:
    text = make_token()
    file.path.write_text("{}")
    with pytest.raises(JobFault, match="is damaged"):
        file.find(text)


def test_a_missing_file_has_no_tokens(tmp_path: Path) -> None:
    assert TokenFile(tmp_path / "none.json").list() == []
    assert not TokenFile(tmp_path / "none.json").revoke("x")

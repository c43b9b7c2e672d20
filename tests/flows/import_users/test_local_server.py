"""A local run uses the configured Prefect API or a private one, and reports an API that is not reachable."""

import os
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from flows.import_users import local_server
from schemas.faults import JobFault

PROFILES = """
active = "team"
[profiles.team]
PREFECT_API_URL = "http://team.example/api"
[profiles.alone]
PREFECT_SERVER_EPHEMERAL_ENABLED = "true"
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "profiles.toml").write_text(PROFILES, encoding="utf-8")
    return tmp_path


def test_environment_takes_precedence_over_the_profile(home: Path) -> None:
    environment = {"PREFECT_HOME": str(home), "PREFECT_API_URL": "http://mine.example/api"}
    assert local_server.choose_api(environment).url == "http://mine.example/api"


def test_url_of_the_active_profile_is_used(home: Path) -> None:
    assert local_server.get_configured_url({"PREFECT_HOME": str(home)}) == "http://team.example/api"
    assert local_server.get_configured_url({"PREFECT_HOME": str(home), "PREFECT_PROFILE": "alone"}) == ""


@pytest.mark.parametrize("text", ["", "active = ", "active = 'gone'"])
def test_profile_without_a_url_configures_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "profiles.toml").write_text(text, encoding="utf-8")
    assert local_server.get_configured_url({"PREFECT_HOME": str(tmp_path)}) == ""


def test_prefect_prints_nothing_unless_the_user_configures_it() -> None:
    environment = {"PREFECT_API_URL": "http://mine.example/api", "DO_NOT_TRACK": "0"}
    local_server.choose_api(environment)
    assert environment["PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL"] == "CRITICAL"
    assert environment["DO_NOT_TRACK"] == "0"


def test_unreachable_api_raises_a_fault_with_a_hint() -> None:
    with pytest.raises(JobFault, match="no Prefect server answers at") as raised:
        local_server.PrefectApi("http://127.0.0.1:9/api").wait_until_ready()
    assert raised.value.code == "PREFECT_UNAVAILABLE"
    assert "--direct" in raised.value.hint


def test_requests_to_a_private_server_bypass_the_proxy(tmp_path: Path) -> None:
    environment = {**os.environ, "PREFECT_HOME": str(tmp_path), "PREFECT_API_URL": "", "NO_PROXY": "intranet.example"}
    with local_server.choose_api(environment):
        assert environment["NO_PROXY"] == "intranet.example,127.0.0.1"


class Refusing(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_error(401)

    def log_message(self, *_: object) -> None:
        pass


def test_api_that_requires_a_password_is_reachable() -> None:
    with HTTPServer(("127.0.0.1", 0), Refusing) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        assert local_server.is_reachable(f"http://127.0.0.1:{server.server_port}/api")


def test_folder_that_cannot_be_written_is_named_in_the_fault(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    environment = {**os.environ, "PREFECT_HOME": str(file / "home"), "PREFECT_API_URL": ""}
    with (
        local_server.choose_api(environment) as api,
        pytest.raises(JobFault, match=r"did not start: .*NotADirectoryError"),
    ):
        api.wait_until_ready()

"""Choose the Prefect API of a local run: the configured one, or a private server in a child process.

Call `choose_api` before the first import of Prefect, which reads its settings then; the private server starts while the
imports run. Call `wait_until_ready` after them. This module imports nothing that is slow; the child process runs
`flows.import_users.server_process`.
"""

import os
import re
import select
import socket
import subprocess
import sys
import tempfile
import tomllib
import urllib.error
import urllib.request
from collections.abc import Mapping, MutableMapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from ssl import SSLError
from typing import BinaryIO

from flows.report.deadline import call_within
from schemas.codes import ErrorCode
from schemas.faults import JobFault

START_SECONDS = 120.0  # the first start migrates a database; Prefect itself waits only 20
RESPONSE_SECONDS = 10.0
STOP_SECONDS = 4.0
QUIET_SETTINGS = {  # of this process: the terminal shows only the progress bar and the result
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_INTERNAL_LEVEL": "CRITICAL",
    "PREFECT_RESULTS_DEFAULT_SERIALIZER": "json",
    "PREFECT_API_REQUEST_TIMEOUT": "15",  # seconds; Prefect itself waits for a minute, and five times
    "PREFECT_CLIENT_MAX_RETRIES": "1",
    "DO_NOT_TRACK": "1",
}
SERVER_SETTINGS = {  # of the private server; the first two are Prefect's own and not documented
    "PREFECT__SERVER_EPHEMERAL": "1",
    "PREFECT__SERVER_FINAL": "1",
    "PREFECT_UI_ENABLED": "0",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_LOGGING_TO_API_ENABLED": "false",
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "ERROR",  # the last line is reported if it does not start
    "DO_NOT_TRACK": "1",
}
ERROR_LINE = re.compile(r"[\w.]*(Error|Exception)\b")
HINT = "import without Prefect: add --direct"


@dataclass
class PrivateServer:
    """The child process, the pipe on which it reports that it is ready, and its output."""

    process: subprocess.Popen[bytes]
    ready_pipe: BinaryIO
    log: BinaryIO

    def wait_until_ready(self) -> None:
        """Return once requests are accepted; raise `JobFault` (`PREFECT_UNAVAILABLE`) if it ends or is too slow."""
        readable, _, _ = select.select([self.ready_pipe], [], [], START_SECONDS)
        if not readable:
            raise _unavailable(f"the private Prefect server did not start within {START_SECONDS:g} seconds")
        if not self.ready_pipe.read(1):
            self._end_process()
            raise _unavailable(f"the private Prefect server did not start: {self._stderr_tail()}")

    def stop(self) -> None:
        """Stop the server; kill it if it does not stop in time."""
        self._end_process()
        self.ready_pipe.close()
        self.log.close()

    def _end_process(self) -> None:
        try:
            self.process.communicate(timeout=STOP_SECONDS)  # closes its standard input, at whose end the server stops
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            self.process.kill()
            self.process.wait()

    def _stderr_tail(self) -> str:
        self.log.seek(0)
        lines = [line.strip() for line in self.log.read().decode(errors="replace").splitlines() if line.strip()]
        errors = [line for line in lines if ERROR_LINE.match(line)] or lines or ["it printed no error"]
        return errors[-1][:200]


@dataclass
class PrefectApi(AbstractContextManager["PrefectApi"]):
    """The Prefect API of a local run; `server` is None for a configured API, which is never stopped."""

    url: str
    server: PrivateServer | None = None

    def wait_until_ready(self) -> None:
        """Return when the API accepts requests, or raise `JobFault` (`PREFECT_UNAVAILABLE`) with the reason."""
        if self.server is not None:
            self.server.wait_until_ready()
        elif not is_reachable(self.url):
            hint = f"start it, or unset PREFECT_API_URL; or {HINT}"
            raise _unavailable(f"no Prefect server answers at {self.url}", hint)

    def __exit__(self, *_: object) -> None:
        """Stop the private server, if there is one."""
        if self.server is not None:
            self.server.stop()


def choose_api(environment: MutableMapping[str, str] | None = None) -> PrefectApi:
    """Return the configured API, else start a private one and set it in the environment for Prefect to read."""
    environment = os.environ if environment is None else environment
    url = get_configured_url(environment)
    for name, value in QUIET_SETTINGS.items():
        environment.setdefault(name, value)
    if url:
        return PrefectApi(url)
    api = _start_server(environment)
    environment["PREFECT_API_URL"] = api.url
    for name in ("NO_PROXY", "no_proxy"):
        environment[name] = ",".join(filter(None, (environment.get(name), "127.0.0.1")))
    return api


def get_configured_url(environment: Mapping[str, str]) -> str:
    """Return the API's URL from the environment or the active Prefect profile; empty if neither sets it."""
    if environment.get("PREFECT_API_URL"):
        return environment["PREFECT_API_URL"]
    path = Path(environment.get("PREFECT_PROFILES_PATH") or get_prefect_home(environment) / "profiles.toml")
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError):
        return ""  # Prefect itself reports what is wrong with the file
    profile = document.get("profiles", {}).get(environment.get("PREFECT_PROFILE") or document.get("active"), {})
    return str(profile.get("PREFECT_API_URL", ""))


def get_prefect_home(environment: Mapping[str, str]) -> Path:
    """Return the folder of Prefect's database, found in the same way as Prefect does."""
    return Path(environment.get("PREFECT_HOME") or "~/.prefect").expanduser()


def is_reachable(url: str) -> bool:
    """Return whether an HTTP server responds at the URL, even if it refuses the request."""

    def request() -> None:
        urllib.request.urlopen(f"{url.rstrip('/')}/health", timeout=RESPONSE_SECONDS).close()  # noqa: S310 - the operator's own URL

    try:
        call_within(RESPONSE_SECONDS, request)
    except urllib.error.HTTPError:
        return True
    except urllib.error.URLError as error:
        return isinstance(error.reason, SSLError)  # Prefect has its own settings for certificates
    except (OSError, ValueError, HTTPException):
        return False
    return True


def _start_server(environment: Mapping[str, str]) -> PrefectApi:
    """Start the child process; it inherits an open socket, so that no other process can take its port."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(128)
        port = listener.getsockname()[1]
        ready_read, ready_write = os.pipe()
        log = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the server
        process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "flows.import_users.server_process", str(listener.fileno()), str(ready_write)],
            env=_server_environment(environment),
            pass_fds=(listener.fileno(), ready_write),
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C stops the import only, which still has to report to the server
        )
        os.close(ready_write)
    server = PrivateServer(process, os.fdopen(ready_read, "rb", buffering=0), log)
    return PrefectApi(f"http://127.0.0.1:{port}/api", server)


def _server_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the user's own settings, so that the run is stored in the usual database, and the server's settings."""
    root = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, (root, environment.get("PYTHONPATH", ""))))
    return {**environment, **SERVER_SETTINGS, "PREFECT_HOME": str(get_prefect_home(environment)), "PYTHONPATH": path}


def _unavailable(message: str, hint: str = HINT) -> JobFault:
    return JobFault(ErrorCode.PREFECT_UNAVAILABLE, message, hint)

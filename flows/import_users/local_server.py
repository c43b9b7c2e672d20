"""Which Prefect API a local run talks to: the one that is configured, or a private one beside it.

`choose` comes before the first import of Prefect (its settings are read there, and the private server starts
while the imports go on), `ready` after it, `stop` at the end. This module imports nothing that is slow.
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
from dataclasses import dataclass
from pathlib import Path
from ssl import SSLError
from typing import BinaryIO, Self

from schemas.codes import ErrorCode
from schemas.faults import JobFault

START_SECONDS = 120.0  # the first start migrates a database; stock Prefect gives up after 20
ANSWER_SECONDS = 10.0
STOP_SECONDS = 8.0
QUIET = {  # what a person sees of a local run is its progress bar and its table
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_INTERNAL_LEVEL": "CRITICAL",
    "PREFECT_RESULTS_DEFAULT_SERIALIZER": "json",
    "DO_NOT_TRACK": "1",
}
PRIVATE = {  # two names of Prefect's own helper, the rest are public settings
    "PREFECT__SERVER_EPHEMERAL": "1",
    "PREFECT__SERVER_FINAL": "1",
    "PREFECT_UI_ENABLED": "0",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_LOGGING_TO_API_ENABLED": "false",
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "ERROR",  # read when it does not start
    "DO_NOT_TRACK": "1",
}
ERROR_LINE = re.compile(r"[\w.]*(Error|Exception)\b")
HINT = "import without Prefect: add --direct"


@dataclass
class PrivateApi:
    """The child process, the line on which it says that it is ready, and what it complained of."""

    process: subprocess.Popen[bytes]
    ready: BinaryIO
    log: BinaryIO

    def wait(self, *, seconds: float = START_SECONDS) -> None:
        """Return when it answers requests.

        Raises:
            JobFault: it ended or was too slow.

        """
        readable, _, _ = select.select([self.ready], [], [], seconds)
        if not readable:
            raise _unavailable(f"the private Prefect server did not start within {seconds:g} seconds")
        if not self.ready.read(1):
            self._end(STOP_SECONDS)
            raise _unavailable(f"the private Prefect server did not start: {self._stderr_tail()}")

    def stop(self) -> None:
        """End it, in order when there is time for that."""
        self._end(STOP_SECONDS)
        self.ready.close()
        self.log.close()

    def _end(self, seconds: float) -> None:
        if self.process.stdin is not None:
            self.process.stdin.close()  # its life line
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _stderr_tail(self) -> str:
        self.log.seek(0)
        lines = [line.strip() for line in self.log.read().decode(errors="replace").splitlines() if line.strip()]
        said = [line for line in lines if ERROR_LINE.match(line)] or lines or ["it said nothing"]
        return said[-1][:200]


@dataclass
class LocalApi:
    """What a local run talks to; `private` is none when the API is somebody else's."""

    url: str
    private: PrivateApi | None = None

    def ready(self) -> None:
        """Return when the API answers.

        Raises:
            JobFault: `PREFECT_UNAVAILABLE` with the reason.

        """
        if self.private is not None:
            self.private.wait()
        elif not answers(self.url):
            raise _unavailable(
                f"no Prefect server answers at {self.url}", f"start it, or unset PREFECT_API_URL; or {HINT}"
            )

    def stop(self) -> None:
        """End the private server; another one stays."""
        if self.private is not None:
            self.private.stop()

    def __enter__(self) -> Self:
        """The API itself; it is stopped at the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop, whatever happened."""
        self.stop()


def choose(environment: MutableMapping[str, str] | None = None) -> LocalApi:
    """The configured API, else a private one that is starting now; the environment then tells Prefect of it."""
    environment = os.environ if environment is None else environment
    url = configured_url(environment)
    for name, value in QUIET.items():
        environment.setdefault(name, value)
    if url:
        return LocalApi(url)
    api = _start(environment)
    environment["PREFECT_API_URL"] = api.url
    environment.setdefault("PREFECT_CLIENT_MAX_RETRIES", "1")  # a private server that is gone does not come back
    for name in ("NO_PROXY", "no_proxy"):
        environment[name] = ",".join(filter(None, (environment.get(name), "127.0.0.1")))
    return api


def configured_url(environment: Mapping[str, str]) -> str:
    """The API that the environment or the active Prefect profile names; empty when neither does."""
    if environment.get("PREFECT_API_URL"):
        return environment["PREFECT_API_URL"]
    path = Path(environment.get("PREFECT_PROFILES_PATH") or prefect_home(environment) / "profiles.toml")
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError):
        return ""  # Prefect itself says what is wrong with it
    profile = document.get("profiles", {}).get(environment.get("PREFECT_PROFILE") or document.get("active"), {})
    return str(profile.get("PREFECT_API_URL", ""))


def prefect_home(environment: Mapping[str, str]) -> Path:
    """Where Prefect keeps its database, as Prefect itself finds it."""
    return Path(environment.get("PREFECT_HOME") or "~/.prefect").expanduser()


def answers(url: str, *, seconds: float = ANSWER_SECONDS) -> bool:
    """Whether anything speaks HTTP there; who may do what is asked later."""
    try:
        with urllib.request.urlopen(f"{url.rstrip('/')}/health", timeout=seconds):  # noqa: S310 - the operator's own URL
            return True
    except urllib.error.HTTPError:
        return True
    except urllib.error.URLError as error:
        return isinstance(error.reason, SSLError)  # Prefect has its own settings for certificates
    except (OSError, ValueError):
        return False


def _start(environment: Mapping[str, str]) -> LocalApi:
    """A child process that will answer on a port which nobody else can have taken meanwhile."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(128)
        port = listening.getsockname()[1]
        ready, tell = os.pipe()
        log = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the server
        process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "flows.import_users.server_process", str(listening.fileno()), str(tell)],
            env=_server_environment(environment),
            pass_fds=(listening.fileno(), tell),
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,  # a Ctrl-C is for the import, which still has to report
        )
        os.close(tell)
    return LocalApi(f"http://127.0.0.1:{port}/api", PrivateApi(process, os.fdopen(ready, "rb", buffering=0), log))


def _server_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The user's own settings, so that the run lands in the usual database, and the flags of a private server."""
    root = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, (root, environment.get("PYTHONPATH", ""))))
    return {**environment, **PRIVATE, "PREFECT_HOME": str(prefect_home(environment)), "PYTHONPATH": path}


def _unavailable(message: str, hint: str = HINT) -> JobFault:
    return JobFault(ErrorCode.PREFECT_UNAVAILABLE, message, hint)

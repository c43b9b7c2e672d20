"""A Prefect server of a test's own with the deployments of `prefect.yaml`, and workers for them.

Everything can be stopped, killed and started again; see `site` for the whole in one block:

    with site(tmp_path) as here, here.worker() as worker:
        run = here.run("import-users", sources=[str(path)])
        worker.kill()
        assert here.wait_for_end(run).name == "Completed"
"""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self, TypeVar
from uuid import UUID, uuid4

import httpx
import yaml
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import FlowRun, State
from prefect.exceptions import PrefectException

from flows.settings import Settings, settings_from
from flows.store.database import Store
from tests.flows.with_server import hold

Found = TypeVar("Found")
ROOT = Path(__file__).resolve().parents[3]
POOL = "imports"
LIMIT = 600.0  # seconds that a wait lasts at most: the machine may be busy with other tests
SERVER_SETTINGS = {
    "PREFECT_UI_ENABLED": "0",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS": "2",
    "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
    "DO_NOT_TRACK": "1",
}
WORKER_SETTINGS = {
    "PREFECT_WORKER_QUERY_SECONDS": "1",
    "PREFECT_WORKER_PREFETCH_SECONDS": "1",
    "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
}


def wait_until(find: Callable[[], Found | None], what: str, *, limit: float = LIMIT, poll: float = 0.2) -> Found:
    """Return the first true value that is found; what is asked while the server is away counts as not found."""
    end = time.monotonic() + limit
    while time.monotonic() < end:
        with suppress(httpx.HTTPError, PrefectException, OSError):
            if found := find():
                return found
        time.sleep(poll)
    raise AssertionError(f"after {limit:g} seconds: {what}")


@dataclass
class Child:
    """A process of the test with all its descendants, wherever their sessions and parents are."""

    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    mark: str = field(default_factory=lambda: f"CHILD_OF_TEST_{uuid4().hex}")
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process; its output is added to the log."""
        environment = {**self.environment, self.mark: "1"}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, env=environment, cwd=ROOT, stdout=log, stderr=log, start_new_session=True
            )

    @property
    def pids(self) -> list[int]:
        """The process and its descendants that live."""
        return find_processes(self.mark)

    def send(self, number: signal.Signals) -> None:
        """Send the signal to the process itself, as a service manager or an operator does."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                self.process.send_signal(number)

    def terminate(self, *, limit: float = 60) -> int:
        """End the process with SIGTERM and return its exit code."""
        self.send(signal.SIGTERM)
        return self.wait(limit)

    def wait(self, limit: float = 60) -> int:
        """Return the exit code of the process once it has ended."""
        assert self.process is not None
        return self.process.wait(limit)

    def kill(self) -> None:
        """End the process and all its descendants at once, as the end of the machine does."""
        while pids := self.pids:
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if self.process is not None:
                self.process.wait(10)
            time.sleep(0.05)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


def find_processes(mark: str) -> list[int]:
    """Return the processes that live and have the text in their environment."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            zombie = (path / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
            if not zombie and mark.encode() in (path / "environ").read_bytes():
                found.append(int(path.name))
    return found


@dataclass
class Server(Child):
    """A Prefect server on a port of its own, the same after each start."""

    port: int = 0

    @property
    def url(self) -> str:
        """The address of the API."""
        return f"http://127.0.0.1:{self.port}/api"

    @property
    def is_up(self) -> bool:
        """Whether the API answers."""
        with suppress(OSError):
            return bool(urllib.request.urlopen(f"{self.url}/health", timeout=2).status == 200)  # noqa: S310 - our own
        return False

    def start(self) -> None:
        """Start the server and wait until it answers."""
        super().start()
        wait_until(lambda: self.is_up, f"no Prefect server; see {self.log}")

    def stop(self) -> None:
        """Stop the server in order."""
        with suppress(subprocess.TimeoutExpired):
            self.terminate(limit=30)
        self.kill()


@dataclass
class Site:
    """A server, the deployments in it, and the database that their runs import into."""

    folder: Path
    server: Server
    environment: dict[str, str]  # of workers and of commands of an operator
    client: SyncPrefectClient

    @property
    def settings(self) -> Settings:
        """The settings of the database of this site."""
        return settings_from({name: value for name, value in self.environment.items() if name.startswith("IMPORT_")})

    @property
    def store(self) -> Store:
        """The store of the database of this site."""
        return Store(self.settings)

    def query(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Return what a statement finds in the database."""
        with self.store.reading() as connection:
            return connection.execute(statement, [*values]).fetchall()

    def command(self, *arguments: str, limit: float = LIMIT) -> subprocess.CompletedProcess[str]:
        """Run `python -m` with these arguments, as an operator beside the worker does."""
        return subprocess.run(
            [sys.executable, "-m", *arguments],
            env=self.environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=limit,
            check=False,
        )

    def deploy(self, changes: Mapping[str, Mapping[str, object]] | None = None) -> None:
        """Create or replace the deployments of `prefect.yaml`, without their schedules, with the changes by name."""
        document = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))
        for deployment in document["deployments"]:
            deployment.pop("schedules", None)
            deployment.update((changes or {}).get(deployment["name"], {}))
        path = self.folder / "prefect.yaml"
        path.write_text(yaml.safe_dump(document), encoding="utf-8")
        deployed = self.command("prefect", "--no-prompt", "deploy", "--all", "--prefect-file", str(path))
        assert deployed.returncode == 0, deployed.stdout + deployed.stderr

    def worker(self, **environment: str) -> Child:
        """Return a worker of the pool, not yet started, for a `with` block."""
        command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", POOL, "--name", f"w-{uuid4().hex[:6]}"]
        return Child(command, self.environment | environment, self.folder / "worker.log")

    def run(self, deployment: str, *, tags: Sequence[str] = (), **parameters: object) -> UUID:
        """Start a run of the deployment, as its page does, and return its id."""
        flow = self.deployment_id(deployment)
        return self.client.create_flow_run_from_deployment(flow, parameters=parameters, tags=tags).id

    def deployment_id(self, name: str) -> UUID:
        """Return the id of a deployment."""
        (found,) = self._post("deployments/filter", {"deployments": {"name": {"any_": [name]}}})
        return UUID(found["id"])

    def read(self, run: UUID) -> FlowRun:
        """Return the run as the server has it."""
        return self.client.read_flow_run(run)

    def runs(self) -> list[FlowRun]:
        """Return all runs, the latest first."""
        return [*self.client.read_flow_runs(limit=200)]

    def states(self, run: UUID) -> list[str]:
        """Return the names of the states that the run had, in order."""
        return [str(state.name) for state in self.client.read_flow_run_states(run)]

    def wait_for(self, run: UUID, *names: str, limit: float = LIMIT) -> State[Any]:
        """Return the state of the run once it has one of these names."""

        def find() -> State[Any] | None:
            state = self.read(run).state
            return state if state is not None and state.name in names else None

        try:
            return wait_until(find, f"the run is not {names}", limit=limit)
        except AssertionError as error:
            raise AssertionError(f"{error}, but {self.read(run).state!r}; states: {self.states(run)}") from None

    def wait_for_end(self, run: UUID, *, limit: float = LIMIT) -> State[Any]:
        """Return the final state of the run; one that waits for a retry has none."""

        def find() -> State[Any] | None:
            state = self.read(run).state
            return state if state is not None and state.is_final() else None

        return wait_until(find, "the run has not ended", limit=limit)

    def retry(self, run: UUID) -> None:
        """Press the Retry button: what the page sends."""
        self._post(
            f"flow_runs/{run}/set_state", {"state": {"type": "SCHEDULED", "name": "AwaitingRetry"}, "force": True}
        )

    def cancel(self, run: UUID) -> None:
        """Press the Cancel button: what the page sends."""
        self._post(f"flow_runs/{run}/set_state", {"state": {"type": "CANCELLING", "name": "Cancelling"}})

    def suspend(self, run: UUID) -> None:
        """Press the Suspend button: what the page sends."""
        until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        details = {"pause_timeout": until, "pause_reschedule": True}
        state = {"type": "PAUSED", "name": "Suspended", "state_details": details}
        self._post(f"flow_runs/{run}/set_state", {"state": state, "force": True})

    def resume(self, run: UUID) -> None:
        """Press the Resume button: what the page sends."""
        self._post(f"flow_runs/{run}/resume", {})

    def schedule(self, deployment: str, *, every: timedelta, **parameters: object) -> None:
        """Add a schedule with parameters of its own to the deployment, as its page does; it is due in a minute."""
        first = datetime.now(UTC) + timedelta(minutes=1)  # one in the past would be skipped
        schedule = {"interval": every.total_seconds(), "anchor_date": first.isoformat()}
        body = [{"active": True, "schedule": schedule, "parameters": parameters}]
        self._post(f"deployments/{self.deployment_id(deployment)}/schedules", body)

    def _post(self, path: str, body: object) -> Any:
        response = httpx.post(f"{self.server.url}/{path}", json=body, timeout=30)
        response.raise_for_status()
        return response.json()

    def process_of(self, run: UUID) -> int | None:
        """Return the process that runs the flow run, if there is one."""
        found = find_processes(f"PREFECT__FLOW_RUN_ID={run}")
        return found[-1] if found else None

    def kill_process_of(self, run: UUID) -> None:
        """End the process of the run at once; its worker lives on."""
        for pid in find_processes(f"PREFECT__FLOW_RUN_ID={run}"):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    @contextmanager
    def holding(self, step: str) -> Iterator[Callable[[], int]]:
        """Within the block, hold every job at the fault point; the call waits until one is there: its process."""
        folder = Path(self.environment["HOLD_FOLDER"])
        (folder / "held").unlink(missing_ok=True)
        (folder / "step").write_text(step)

        def find() -> int:
            text = (folder / "held").read_text()
            return int(text or 0)

        try:
            yield lambda: wait_until(find, f"no job came to {step!r}")
        finally:
            (folder / "step").unlink(missing_ok=True)
            time.sleep(2 * hold.POLL_SECONDS)


@contextmanager
def site(folder: Path, changes: Mapping[str, Mapping[str, object]] | None = None, **settings: str) -> Iterator[Site]:
    """Start a server, create the pool and the deployments, and yield them; a worker is the caller's to start.
    The database is `users.duckdb` in the folder; the settings are variables of server, workers and commands."""
    folder.mkdir(parents=True, exist_ok=True)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    hooks = folder / "hooks"
    hooks.mkdir(exist_ok=True)
    (hooks / "sitecustomize.py").write_text(f"import {hold.__name__}\n", encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "IMPORT_"))}
    environment |= {
        "PYTHONPATH": os.pathsep.join((str(hooks), str(ROOT))),
        "PWD": str(ROOT),
        "HOLD_FOLDER": str(hooks),
        "PREFECT_HOME": str(folder / "prefect-home"),
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
        "IMPORT_DATABASE": str(folder / "users.duckdb"),
        "IMPORT_ROOTS": str(folder.parent),
        **WORKER_SETTINGS,
        **settings,
    }
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    server = Server(command, environment | SERVER_SETTINGS | settings, folder / "server.log", port=port)
    with server, SyncPrefectClient(server.url) as client:
        here = Site(folder, server, environment, client)
        created = here.command("prefect", "work-pool", "create", POOL, "--type", "process", "--overwrite")
        assert created.returncode == 0, created.stdout + created.stderr
        here.deploy(changes)
        yield here

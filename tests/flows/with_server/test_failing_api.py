"""A Prefect API that falls silent, drips or dies costs some seconds, never the result or the answer to a signal."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from flows.settings import Settings
from flows.store.database import Store
from tests.flows.importing import query_rows, read_users
from tests.flows.with_server.conftest import environment
from tests.flows.with_server.failing_proxy import Failure, Proxy, failing_proxy
from tests.robustness.processes import wait_until

SECONDS = 30  # far below the minute that one request of Prefect may take


@contextmanager
def importing(folder: Path, home: Path, proxy: Proxy) -> Iterator["subprocess.Popen[str]"]:
    """Import two rows, one of them wrong, with the API behind the proxy."""
    source = folder / "users.ndjson"
    source.write_text('{"email": "ann@example.com"}\n{"email": "no address"}\n')
    database = str(folder / "u.duckdb")
    command = [sys.executable, "-m", "flows.import_users", str(source), "--database", database, "--json"]
    with subprocess.Popen(
        command,
        env={**environment(home), "PREFECT_API_URL": proxy.url},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        yield process
        process.kill()


def has_ended(folder: Path) -> bool:
    """Return whether the job of the folder has published its end."""
    return any('"finished_at": "' in path.read_text() for path in folder.glob("jobs/*-*/status.json"))


def has_begun(folder: Path) -> bool:
    """Return whether a job of the folder has begun."""
    return any(folder.glob("jobs/*-*/lock"))


@pytest.mark.parametrize(
    ("failure", "reached"),
    [
        ("silent", has_begun),
        pytest.param("dripping", has_ended, marks=pytest.mark.slow),
        pytest.param("dead", has_ended, marks=pytest.mark.slow),
    ],
)
def test_the_result_does_not_depend_on_the_api(
    api_url: str, prefect_home: Path, tmp_path: Path, failure: Failure, reached: Callable[[Path], bool]
) -> None:
    with (
        failing_proxy(api_url, failure, when=lambda _: reached(tmp_path)) as proxy,
        importing(tmp_path, prefect_home, proxy) as process,
    ):
        wait_until(lambda: has_ended(tmp_path) or process.poll() is not None, seconds=120)
        ended = time.monotonic()
        output, _ = process.communicate(timeout=120)
        assert time.monotonic() - ended < SECONDS
        assert proxy.failing.is_set()
    assert process.returncode == 3
    summary = json.loads(output)
    assert (summary["status"], summary["inserted"], summary["failed"]) == ("completed_with_errors", 1, 1)
    settings = Settings(database=tmp_path / "u.duckdb")
    assert len(read_users(settings)) == 1
    assert query_rows(settings, "select job_id, status from import_jobs") == [(summary["job_id"], summary["status"])]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_after_the_end_of_the_job_ends_the_wait_with_the_exit_code_of_the_job(
    api_url: str, prefect_home: Path, tmp_path: Path, number: signal.Signals
) -> None:
    with (
        failing_proxy(api_url, "silent", when=lambda _: has_begun(tmp_path)) as proxy,
        importing(tmp_path, prefect_home, proxy) as process,
    ):
        wait_until(lambda: has_ended(tmp_path))
        time.sleep(1)
        process.send_signal(number)
        sent = time.monotonic()
        output, _ = process.communicate(timeout=60)
        assert time.monotonic() - sent < 4
    assert (process.returncode, json.loads(output)["inserted"]) == (3, 1)


@pytest.mark.slow
def test_a_signal_while_the_api_does_not_begin_the_run_cancels_it(
    api_url: str, prefect_home: Path, tmp_path: Path
) -> None:
    with (
        failing_proxy(api_url, "silent", when=lambda requests: len(requests) > 3) as proxy,
        importing(tmp_path, prefect_home, proxy) as process,
    ):
        wait_until(proxy.failing.is_set)
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        sent = time.monotonic()
        output, _ = process.communicate(timeout=60)
        assert time.monotonic() - sent < 4
    assert process.returncode == 130
    assert json.loads(output)["fault"]["code"] == "CANCELED"
    assert not Store(Settings(database=tmp_path / "u.duckdb")).path.exists()

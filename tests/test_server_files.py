"""Dockerfile, compose.yaml and the units of the server guide name paths, ports, commands and settings that exist."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import prefect.settings
import pytest
import yaml

from flows.settings import find_unknown_variables, settings_from
from schemas.codes import ErrorCode
from tests.docs import ROOT

COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: Mapping[str, Any] = COMPOSE["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
GUIDE = (ROOT / "flows/import_users/README.md").read_text(encoding="utf-8")
DEPLOYMENTS = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]
DATA = "/app/data"
VARIABLE = re.compile(r"\b(PREFECT_[A-Z0-9_]+|IMPORT_[A-Z_]+|DO_NOT_TRACK)=?")
UNITS = dict(re.findall(r"^```ini\n# /etc/systemd/system/(\S+)\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL))

RUN = """
import signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit("run told to stop"))
print("run begun", flush=True)
signal.pause()
"""
WORKER = f"""
import signal, subprocess, sys
heard = "heard" if signal.getsignal(signal.SIGINT) is signal.default_int_handler else "ignored"
def stop(*_):
    print(f"worker stopped, Ctrl-C {{heard}}", flush=True)
    sys.exit()
signal.signal(signal.SIGTERM, stop)
subprocess.run([sys.executable, "-c", {RUN!r}])
print("run ended", flush=True)
signal.pause()
"""


def instructions(name: str) -> list[str]:
    """Return the arguments of every such instruction of the Dockerfile."""
    return [line.partition(" ")[2] for line in DOCKERFILE.splitlines() if line.startswith(f"{name} ")]


def image_environment() -> dict[str, str]:
    return dict(pair.split("=", 1) for line in instructions("ENV") for pair in shlex.split(line))


def unit(name: str) -> Mapping[str, list[str]]:
    """Return the settings of the section Service of a unit, each with all of its lines."""
    found: dict[str, list[str]] = {}
    for line in UNITS[name].partition("[Service]\n")[2].partition("[Install]")[0].split("\n"):
        key, _, value = line.partition("=")
        found.setdefault(key, []).append(value)
    return found


def test_the_image_copies_what_exists_and_leaves_out_the_rest() -> None:
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {word for line in instructions("COPY") for word in line.split()[:-1]}
    assert copied == allowed
    assert all((ROOT / name).exists() for name in copied)
    assert "prefect.yaml" in copied
    packages = {entry["entrypoint"].split("/")[0] for entry in DEPLOYMENTS}
    assert packages <= copied


def test_the_image_does_not_run_as_root_and_owns_its_volume() -> None:
    (user,) = instructions("USER")
    assert DOCKERFILE.index("USER ") > DOCKERFILE.index("RUN pip")
    assert f"useradd --uid 10001 --create-home {user}" in DOCKERFILE
    assert instructions("VOLUME") == [DATA]
    assert f"--owner={user}" in next(line for line in instructions("RUN") if line.startswith("install "))


def test_database_inbox_and_prefect_are_on_the_volume() -> None:
    environment, (folder,) = image_environment(), instructions("WORKDIR")
    inbox = next(entry["parameters"]["inbox"] for entry in DEPLOYMENTS if entry["name"] == "inbox")
    made = next(line for line in instructions("RUN") if line.startswith("install "))
    assert inbox in made.split()
    for path in (environment["IMPORT_DATABASE"], environment["PREFECT_HOME"], f"{folder}/{inbox}"):
        assert Path(path).is_relative_to(DATA)
    for name, service in SERVICES.items():
        volumes = [volume.rpartition(":")[2] for volume in service["volumes"]]
        assert volumes == ([] if name == "scheduler" else [DATA])


def test_every_variable_is_one_that_something_reads() -> None:
    named = {
        name for text in (DOCKERFILE, GUIDE, (ROOT / "compose.yaml").read_text()) for name in VARIABLE.findall(text)
    }
    of_prefect = {name for name in named if name.startswith("PREFECT_")} - {*ErrorCode}
    assert [name for name in of_prefect if not hasattr(prefect.settings, name)] == []
    assert [*find_unknown_variables(dict.fromkeys(named, ""))] == []


def test_services_wait_for_one_another_restart_and_are_watched() -> None:
    assert SERVICES["deploy"]["depends_on"] == {"server": {"condition": "service_healthy"}}
    assert SERVICES["worker"]["depends_on"] == {"deploy": {"condition": "service_completed_successfully"}}
    for name in ("server", "worker"):
        assert SERVICES[name]["restart"] == "unless-stopped"
        code = SERVICES[name]["healthcheck"]["test"]
        assert code[:3] == ["CMD", "python", "-c"]
        compile(code[3], name, "exec")


def test_all_services_are_hardened_and_have_one_password() -> None:
    for service in SERVICES.values():
        assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
    strings = {SERVICES["server"]["environment"]["PREFECT_SERVER_API_AUTH_STRING"]}
    strings |= {SERVICES[name]["environment"]["PREFECT_API_AUTH_STRING"] for name in ("deploy", "worker")}
    assert len(strings) == 1
    assert "/.env" in (ROOT / ".gitignore").read_text().splitlines()


def test_only_what_runs_jobs_and_the_workers_reach_the_scheduler() -> None:
    assert COMPOSE["networks"] == {"dask": {"internal": True}}
    assert {name for name in SERVICES if "dask" in SERVICES[name].get("networks", [])} == {
        "scheduler",
        "dask-worker",
        "worker",
        "api",
    }
    for name in ("scheduler", "dask-worker"):
        service = SERVICES[name]
        assert (service["profiles"], service["networks"]) == (["workers"], ["dask"])
        assert not {"ports", "env_file", "environment"} & service.keys(), "secrets of the site are not theirs"


def test_workers_of_dask_find_their_scheduler() -> None:
    (runner,) = set(re.findall(r"IMPORT_TASK_RUNNER=(dask=\S+)", (ROOT / "compose.yaml").read_text()))
    assert f"IMPORT_TASK_RUNNER={runner}" in GUIDE
    address = settings_from({"IMPORT_TASK_RUNNER": runner}).task_runner.partition("=")[2]
    assert address in SERVICES["dask-worker"]["command"]
    scheduler = SERVICES["scheduler"]
    assert f"tcp://scheduler:{scheduler['command'][scheduler['command'].index('--port') + 1]}" == address
    compile(scheduler["healthcheck"]["test"][3], "scheduler", "exec")
    assert ",dask]" in DOCKERFILE


@pytest.mark.parametrize("name", ["scheduler", "dask-worker"])
def test_dask_knows_the_options_of_its_commands(name: str) -> None:
    pytest.importorskip("distributed")
    program, kind, *words = SERVICES[name]["command"]
    assert program == "dask"
    command = [sys.executable, "-m", f"distributed.cli.dask_{kind}", "--help"]
    known = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert [word for word in words if word.startswith("--") and word not in known] == []


def test_ports_agree() -> None:
    published = [SERVICES[name]["ports"] for name in ("server", "api")]
    assert all(address.startswith("127.0.0.1:") for (address,) in published)
    port, port_of_api = (address.rpartition(":")[2] for (address,) in published)
    assert instructions("EXPOSE") == [f"{port} {port_of_api}"]
    assert f":{port_of_api}/healthz" in SERVICES["api"]["healthcheck"]["test"][3]
    assert f":{port}/api/health" in SERVICES["server"]["healthcheck"]["test"][3]
    assert SERVICES["worker"]["environment"]["PREFECT_API_URL"] == f"http://server:{port}/api"
    webserver = prefect.settings.get_current_settings().worker.webserver
    assert f":{webserver.port}/health" in SERVICES["worker"]["healthcheck"]["test"][3]


@pytest.mark.parametrize("text", [str(SERVICES), *UNITS.values()], ids=["compose", *UNITS])
def test_worker_and_pool_are_those_of_the_deployments(text: str) -> None:
    pools = {entry["work_pool"]["name"] for entry in DEPLOYMENTS}
    named = set(re.findall(r"--pool'?,? '?([\w-]+)|work-pool (?:inspect|create) ([\w-]+)", text))
    assert {name for pair in named for name in pair if name} <= pools
    assert "--no-prompt deploy --all" in text or "server start" in text


def test_the_worker_of_the_container_stops_after_its_runs(tmp_path: Path) -> None:
    command = tmp_path / "prefect"
    command.write_text(f"#!{sys.executable}\n{WORKER}")
    command.chmod(0o755)
    shell, option, script = SERVICES["worker"]["command"]
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    with subprocess.Popen(
        [shell, option, script.replace("$$", "$")],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "run begun\n"
        process.terminate()
        assert process.stdout.read().splitlines() == ["run told to stop", "run ended", "worker stopped, Ctrl-C heard"]
    assert process.returncode == 0


@pytest.mark.parametrize("name", UNITS)
def test_a_unit_is_hardened_and_restarts(name: str) -> None:
    service = unit(name)
    assert service["UMask"] == ["0077"]
    assert service["User"] == ["user-import"]
    assert service["Restart"] == ["always"]
    assert {"NoNewPrivileges", "ProtectSystem", "PrivateTmp"} <= service.keys()
    assert service["ReadWritePaths"] == [f"{service['WorkingDirectory'][0]}/data"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_has_nothing_to_say_about_the_units(tmp_path: Path) -> None:
    for name, text in UNITS.items():
        (tmp_path / name).write_text(re.sub(r"^(Exec\w+=)\S+", r"\1/bin/true", text, flags=re.MULTILINE))
    command = ["systemd-analyze", "verify", *(str(tmp_path / name) for name in UNITS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert [line for line in done.stderr.splitlines() if "user-import" in line] == []

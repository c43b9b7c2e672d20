"""Every flow that `prefect.yaml` deploys exists, and its form has choices, bounds and descriptions."""

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect import Flow

PATH = Path(__file__).resolve().parent.parent.parent / "prefect.yaml"
DEPLOYMENTS = yaml.safe_load(PATH.read_text(encoding="utf-8"))["deployments"]
SECRETS = ("password", "secret", "token", "key")


def flow_of(deployment: dict[str, object]) -> Flow[..., object]:
    file, _, name = str(deployment["entrypoint"]).partition(":")
    found = getattr(import_module(file.removesuffix(".py").replace("/", ".")), name)
    assert isinstance(found, Flow)
    return found


def name_of(deployment: dict[str, object]) -> str:
    return str(deployment["name"])


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=name_of)
def test_deployment_sets_only_parameters_of_its_flow(deployment: dict[str, object]) -> None:
    flow = flow_of(deployment)
    given = dict(deployment.get("parameters", {}))  # type: ignore[call-overload]
    assert given.keys() <= flow.parameters.properties.keys()
    if "schedules" in deployment:
        assert flow.validate_parameters(given)


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=name_of)
def test_parameter_of_a_form_has_a_description_and_is_not_a_secret(deployment: dict[str, object]) -> None:
    for name, shown in flow_of(deployment).parameters.properties.items():
        assert shown.get("description"), name
        assert "anyOf" not in shown, f"{name} would be two tabs"
        assert not any(name.endswith(word) for word in SECRETS), name


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=name_of)
def test_deployment_limits_concurrency_and_checks_values(deployment: dict[str, object]) -> None:
    assert deployment["enforce_parameter_schema"] is True
    assert "concurrency_limit" in deployment or deployment["name"] == "inbox"  # which locks its folder


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=name_of)
def test_deployment_limits_how_long_a_silent_api_holds_a_run(deployment: dict[str, Any]) -> None:
    variables = deployment["work_pool"]["job_variables"]["env"]
    seconds, retries = (int(variables[f"PREFECT_{name}"]) for name in ("API_REQUEST_TIMEOUT", "CLIENT_MAX_RETRIES"))
    assert seconds * (retries + 1) <= 60


def test_choices_of_the_import_are_enumerations() -> None:
    parameters = flow_of(DEPLOYMENTS[0]).parameters
    words = {name: shown["enum"] for name, shown in parameters.properties.items() if "enum" in shown}
    assert {"profile", "format", "unknown_fields"} <= words.keys()
    assert parameters.definitions["Mode"]["enum"] == ["insert", "upsert", "update"]
    assert (parameters.properties["max_error_rate"]["minimum"], parameters.properties["max_error_rate"]["maximum"]) == (
        0,
        1,
    )

"""Runs that are tried again, by a person or by themselves: one job, as many attempts as it took, every user once."""

from pathlib import Path

import pytest

from tests.flows.with_server.worker import site
from tests.population import user, write_ndjson

pytestmark = pytest.mark.slow


def test_run_of_a_deployment_imports_every_user(tmp_path: Path) -> None:
    source = write_ndjson(tmp_path / "users.ndjson", map(user, range(100)))
    with site(tmp_path / "site") as here, here.worker():
        run = here.run("import-users", sources=[str(source)])
        assert here.wait_for_end(run).name == "Completed", here.states(run)
        assert here.query("select count(*) from users") == [(100,)]

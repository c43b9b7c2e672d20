"""The settings of a run that Prefect starts, and the folders that it may use.

Whoever may start a run names its files and its database: without limits, any that the worker can read and write.
"""

import os
from contextlib import suppress
from pathlib import Path

from prefect import get_client
from prefect.client.schemas.filters import FlowFilter, FlowFilterName
from prefect.runtime import deployment

from flows.report.deadline import call_within
from flows.report.prefect import API_ERRORS
from flows.settings import Settings, settings_from

INBOX_FLOW = "import-inbox"
ANSWER_SECONDS = 5.0


def settings_of_run(database: str) -> Settings:
    """Return the settings of this run; empty for the worker's own database.

    A run of a deployment may use the folders of `IMPORT_ROOTS`; where that is not set, the folder of the worker's own
    database and the inboxes of the deployments. Raise `ValueError` as `settings_from` does.
    """
    own = settings_from(os.environ)
    named = Path(database) if database else None
    if own.roots or not deployment.id:
        return settings_from(os.environ, database=named)
    return settings_from(os.environ, database=named, roots=[_resolve(own.database.parent), *_find_inboxes()])


def _find_inboxes() -> list[Path]:
    """Return the folders that deployments of the inbox are for; none if Prefect does not answer."""
    with suppress(TimeoutError, *API_ERRORS):
        return call_within(ANSWER_SECONDS, _ask_for_inboxes)
    return []


def _ask_for_inboxes() -> list[Path]:
    flows = FlowFilter(name=FlowFilterName(any_=[INBOX_FLOW]))
    with get_client(sync_client=True) as client:
        found = client.read_deployments(flow_filter=flows)
    return [_resolve(Path(inbox)) for one in found if (inbox := one.parameters.get("inbox"))]


def _resolve(path: Path) -> Path:
    return Path(os.path.realpath(path))

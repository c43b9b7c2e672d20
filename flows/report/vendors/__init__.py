"""Format a job and its errors as the import APIs of other systems do: one module per system, one line in `VENDORS`.

Nothing here reads the database: the input is a `JobView`. The systems' names for each status are in `schemas.job`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from flows.report.vendors import auth0, fullstory, liferay, rocketchat
from flows.report.vendors.view import JobView, Json

__all__ = ["VENDORS", "JobView", "Json", "Vendor"]


@dataclass(frozen=True)
class Vendor:
    """The functions that make a system's responses."""

    job: Callable[[JobView], Json]
    missing: Callable[[str], Json]
    errors: Callable[[JobView], Json] | None = None  # None: the system does not report errors of rows


VENDORS: Mapping[str, Vendor] = {
    "auth0": Vendor(auth0.job, auth0.missing, auth0.errors),
    "fullstory": Vendor(fullstory.job, fullstory.missing),
    "rocketchat": Vendor(rocketchat.job, rocketchat.missing),
    "liferay": Vendor(liferay.job, liferay.missing, liferay.failed_items),
}

"""A job and its errors in the words and shapes of the systems whose import jobs this one replaces.

One module per system, one line here. Pure: what is shown comes in as a `JobView`; which status is called what is
in `schemas.job`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from flows.report.vendors import auth0, fullstory, liferay, rocketchat
from flows.report.vendors.view import JobView, Json

__all__ = ["VENDORS", "JobView", "Json", "Vendor"]


@dataclass(frozen=True)
class Vendor:
    """A system's answers."""

    job: Callable[[JobView], Json]
    missing: Callable[[str], Json]
    errors: Callable[[JobView], Json] | None = None  # none: it does not say what was wrong with a row


VENDORS: Mapping[str, Vendor] = {
    "auth0": Vendor(auth0.job, auth0.missing, auth0.errors),
    "fullstory": Vendor(fullstory.job, fullstory.missing),
    "rocketchat": Vendor(rocketchat.job, rocketchat.missing),
    "liferay": Vendor(liferay.job, liferay.missing, liferay.failed_items),
}

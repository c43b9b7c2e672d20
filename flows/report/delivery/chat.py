"""Send a message to a chat or paging service, such as Slack and Teams, through Apprise, which knows their URLs.

Apprise is imported when a message is sent: that takes a second. Which services may be named is in
`flows.report.targets`.
"""

import logging
import time
from dataclasses import dataclass, field

from flows.report.delivery.attempts import DeliveryError, Sleep, TemporaryError, only_public_addresses, retry

WAITS = (0.0, 2.0)  # seconds before each attempt
NO_MENTIONS = str.maketrans({"@": "＠", "<": "‹", ">": "›"})  # the name of a file must not call everybody
LOGGERS = ("apprise", "urllib3")  # they log URLs, which hold secrets


@dataclass(frozen=True)
class Chat:
    """The service to send to: its URL, and the variable that has it."""

    url: str = field(repr=False)  # holds secrets
    variable: str
    allow_private_addresses: bool = False


def send_message(chat: Chat, title: str, text: str, *, is_problem: bool, sleep: Sleep = time.sleep) -> None:
    """Send the message to the service, and once more if it was not accepted; then raise `DeliveryError`."""
    for logger in LOGGERS:
        logging.getLogger(logger).setLevel(logging.CRITICAL + 1)
    from apprise import Apprise, AppriseAsset, NotifyType  # noqa: PLC0415 - see above

    failure = f"the notice to {chat.variable} was not delivered"
    asset = AppriseAsset(app_id="user-import", async_mode=False, http_redirects=False, image_url_mask="")
    service = Apprise(asset=asset)
    if not service.add(chat.url):
        raise DeliveryError(f"{failure}: its URL is not complete; see https://appriseit.com/services/")
    kind = NotifyType.WARNING if is_problem else NotifyType.SUCCESS
    body, title = text.translate(NO_MENTIONS), title.translate(NO_MENTIONS)

    def attempt() -> None:
        with only_public_addresses(failure, allow_private=chat.allow_private_addresses):
            if not service.notify(body, title, kind, body_format="text"):
                raise TemporaryError(f"{failure}: the service did not accept it; check its URL")

    retry(attempt, waits=WAITS, sleep=sleep)

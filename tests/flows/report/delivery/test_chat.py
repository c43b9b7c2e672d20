"""A chat service gets the message through Apprise, which neither logs its URL nor reaches a private address."""

import json
import logging

import pytest

from flows.report.delivery.attempts import DeliveryError
from flows.report.delivery.chat import Chat, send_message
from flows.report.targets import CHAT_SCHEMES
from tests.flows.report.receivers import http_receiver

TOKEN = "abcdefghijklmnopqrstuvwxyz"


def mattermost(url: str) -> str:
    """Return the URL of Apprise for a receiver: that of a service whose host is free to choose."""
    return f"mmost://{url.split('/')[2]}/{TOKEN}"


def send(url: str, *, allowed: bool = True, is_problem: bool = True, waits: list[float] | None = None) -> None:
    chat = Chat(url, "IMPORT_NOTIFY_OPS", allow_private_addresses=allowed)
    sleep = (waits if waits is not None else []).append
    send_message(chat, "Import failed: crm-eu", "@all <!channel>.csv ends early", is_problem=is_problem, sleep=sleep)


def test_the_message_arrives_with_its_title_and_calls_nobody(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.NOTSET), http_receiver() as received:
        send(mattermost(received.url))
    (request,) = received.requests
    assert request.path == f"/hooks/{TOKEN}"
    text = json.loads(request.body)["text"]
    assert text.split() == ["Import", "failed:", "crm-eu", "＠all", "‹!channel›.csv", "ends", "early"]
    assert TOKEN not in caplog.text


def test_an_answer_that_refuses_is_tried_again_once_and_its_sentence_has_no_secret() -> None:
    waits: list[float] = []
    with http_receiver(500, 500) as received, pytest.raises(DeliveryError) as raised:
        send(mattermost(received.url), waits=waits)
    assert str(raised.value) == (
        "the notice to IMPORT_NOTIFY_OPS was not delivered: the service did not accept it; check its URL"
    )
    assert (len(received.requests), waits) == (2, [0.0, 2.0])


def test_a_redirect_is_not_followed() -> None:
    with http_receiver(302, 302) as received, pytest.raises(DeliveryError, match="did not accept it"):
        send(mattermost(received.url))
    assert {request.path for request in received.requests} == {f"/hooks/{TOKEN}"}


def test_a_private_address_is_refused_unless_it_is_allowed() -> None:
    with http_receiver() as received, pytest.raises(DeliveryError, match="its address is private"):
        send(mattermost(received.url).replace("127.0.0.1", "localhost"), allowed=False)
    assert received.requests == []


@pytest.mark.parametrize("url", [f"slack://{TOKEN}", "workflows://h", "https://hooks.slack.com/services/secret"])
def test_a_url_that_is_not_complete_is_named_by_its_variable(url: str) -> None:
    with pytest.raises(DeliveryError, match=r"^the notice to IMPORT_NOTIFY_OPS .*: its URL is not complete") as raised:
        send(url)
    assert TOKEN not in str(raised.value)
    assert "secret" not in str(raised.value)


def test_apprise_knows_every_service_that_may_be_named() -> None:
    from apprise import Apprise  # noqa: PLC0415 - takes a second

    schemas = Apprise().details()["schemas"]
    known = {name for one in schemas for name in (*(one["protocols"] or ()), *(one["secure_protocols"] or ()))}
    assert set(CHAT_SCHEMES) <= known

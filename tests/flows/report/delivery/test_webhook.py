"""A webhook is one of Standard Webhooks, retried, and sent to a private address only if that is allowed."""

import json
import socket
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
import standardwebhooks
from standardwebhooks.webhooks import WebhookVerificationError

from flows.readers.remote.public_addresses import is_public
from flows.report.delivery.attempts import DeliveryError, only_public_addresses
from flows.report.delivery.webhook import Webhook, post
from flows.report.notices import end_of, format_document
from tests.flows.report.receivers import WEBHOOK_SECRET, Request, http_receiver
from tests.flows.report.test_artifacts import SUMMARY

GUIDE = Path(__file__).parents[4] / "flows" / "README.md"


def deliver(url: str, *, allowed: bool = True, waits: list[float] | None = None) -> None:
    waits = [] if waits is None else waits
    target = Webhook(url, WEBHOOK_SECRET, allow_private_addresses=allowed)
    post(target, '{"type": "import.completed"}', message_id="msg-1", sleep=waits.append)


def verify(request: Request, *, secret: str = WEBHOOK_SECRET, body: bytes | None = None) -> object:
    """Return what the library of a receiver makes of a request."""
    return standardwebhooks.Webhook(secret).verify(body or request.body, dict(request.headers))


def test_the_library_of_a_receiver_verifies_sender_body_and_time() -> None:
    with http_receiver() as received:
        deliver(received.url)
    (request,) = received.requests
    assert request.path == "/hook?tenant=7"
    assert verify(request) == {"type": "import.completed"}
    assert request.headers["webhook-id"] == "msg-1"
    assert abs(int(request.headers["webhook-timestamp"]) - datetime.now(UTC).timestamp()) < 60
    assert request.headers["Content-Type"] == "application/json"
    for forged in ({"body": b'{"type": "import.failed"}'}, {"secret": WEBHOOK_SECRET.replace("A", "B")}):
        with pytest.raises(WebhookVerificationError, match="No matching signature"):
            verify(request, **forged)


def test_the_receiver_of_the_guide_verifies_a_webhook(monkeypatch: pytest.MonkeyPatch) -> None:
    snippet = GUIDE.read_text(encoding="utf-8").partition("```python\n")[2].partition("```")[0]
    names: dict[str, Any] = {}
    exec(snippet, names)  # noqa: S102 - our own guide
    monkeypatch.setenv("IMPORT_WEBHOOK_SECRET", WEBHOOK_SECRET)
    body = json.dumps(format_document(end_of(SUMMARY, database=Path("users.duckdb"))))
    with http_receiver() as received:
        post(Webhook(received.url, WEBHOOK_SECRET, allow_private_addresses=True), body, message_id="msg-1")
    (request,) = received.requests
    shown = names["receive"](dict(request.headers), request.body)
    assert shown.startswith("import.completed_with_errors: 10 inserted")
    with pytest.raises(WebhookVerificationError):
        names["receive"](dict(request.headers), request.body + b" ")


def test_temporary_failure_is_retried_with_growing_waits_and_the_same_id() -> None:
    waits: list[float] = []
    with http_receiver(503, 429) as received:
        deliver(received.url, waits=waits)
    assert [request.headers["webhook-id"] for request in received.requests] == ["msg-1"] * 3
    assert [verify(request) for request in received.requests] == [{"type": "import.completed"}] * 3
    assert waits == [0.0, 1.0, 2.0]


@pytest.mark.parametrize(("answers", "attempts"), [((400,), 1), ((302,), 1), ((500,) * 4, 4)])
def test_refusal_raises_a_sentence_and_a_redirect_is_not_followed(answers: tuple[int, ...], attempts: int) -> None:
    sentence = f"was not delivered: it answered {answers[-1]}$"
    with http_receiver(*answers) as received, pytest.raises(DeliveryError, match=sentence) as raised:
        deliver(received.url)
    assert len(received.requests) == attempts
    assert WEBHOOK_SECRET not in str(raised.value)


def test_unreachable_receiver_raises_a_sentence() -> None:
    with pytest.raises(DeliveryError, match="ConnectionRefusedError while connecting"):
        deliver("http://127.0.0.1:9/")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f.1"])
def test_own_machine_is_refused_unless_it_is_allowed(host: str) -> None:
    with http_receiver() as received:
        port = received.url.split(":")[2].split("/")[0]
        with pytest.raises(DeliveryError, match="its address is private"):
            deliver(f"http://{host}:{port}/", allowed=False)
    assert received.requests == []


def test_a_name_that_resolves_to_another_address_the_second_time_does_not_help(monkeypatch: pytest.MonkeyPatch) -> None:
    real, answers = socket.getaddrinfo, iter(["93.184.216.34", "127.0.0.1", "127.0.0.1"])
    monkeypatch.setattr(socket, "getaddrinfo", lambda _host, *rest, **names: real(next(answers), *rest, **names))
    socket.getaddrinfo("rebound.example", 80)
    with http_receiver() as received, pytest.raises(DeliveryError, match="its address is private"):
        deliver(received.url.replace("127.0.0.1", "rebound.example"), allowed=False)
    assert received.requests == []


def test_a_refused_address_is_an_error_even_where_a_library_ignores_it_and_other_connections_are_not_checked() -> None:
    with http_receiver() as received:
        address = ("127.0.0.1", int(received.url.split(":")[2].split("/")[0]))
        with (
            pytest.raises(DeliveryError, match=r"^it was not sent: its address is private; set IMPORT_WEBHOOK_ALLOW_"),
            only_public_addresses("it was not sent", allow_private=False),
            pytest.raises(DeliveryError),
        ):
            socket.create_connection(address)
        socket.create_connection(address).close()


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:4700::1111", True),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),  # noqa: S104 - it is what must be refused
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::", False),
        ("fe80::1", False),
        ("fd00::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:93.184.216.34", True),
        ("64:ff9b::a00:1", False),
        ("2002:7f00:1::", False),
    ],
)
def test_only_public_addresses_are_public(address: str, public: bool) -> None:
    assert is_public(ip_address(address)) is public

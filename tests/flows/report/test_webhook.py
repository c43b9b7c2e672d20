"""A webhook is signed, retried, and sent to a private address only if that is allowed."""

import hashlib
import hmac
import json
from ipaddress import ip_address

import pytest

from flows.report.webhook import DeliveryError, Webhook, is_public, post, signature
from tests.flows.report.receivers import http_receiver

SECRET = "s3cret-of-the-hook"


def deliver(url: str, *, allowed: bool = True, waits: list[float] | None = None) -> None:
    waits = [] if waits is None else waits
    target = Webhook(url, SECRET, allow_private_addresses=allowed)
    post(target, {"event": "import.completed"}, delivery="job-1", sleep=waits.append)


def test_receiver_can_verify_sender_and_time() -> None:
    with http_receiver() as received:
        deliver(received.url)
    (request,) = received.requests
    headers = request.headers
    assert request.path == "/hook?tenant=7"
    assert json.loads(request.body) == {"event": "import.completed"}
    signed = headers["X-Import-Timestamp"].encode() + b"." + request.body
    expected = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    assert headers["X-Import-Signature"] == f"sha256={expected}"
    assert headers["X-Import-Delivery"] == "job-1"
    assert headers["Content-Type"] == "application/json"


def test_signature_is_the_documented_one() -> None:
    signed = signature("key", timestamp="1700000000", body=b"{}")
    assert signed == "sha256=" + hmac.digest(b"key", b"1700000000.{}", "sha256").hex()


def test_temporary_failure_is_retried_with_growing_waits() -> None:
    waits: list[float] = []
    with http_receiver(503, 429) as received:
        deliver(received.url, waits=waits)
    assert [request.headers["X-Import-Delivery"] for request in received.requests] == ["job-1"] * 3
    assert waits == [0.0, 1.0, 2.0]


@pytest.mark.parametrize(("answers", "attempts"), [((400,), 1), ((302,), 1), ((500,) * 4, 4)])
def test_refusal_raises_a_sentence_and_a_redirect_is_not_followed(answers: tuple[int, ...], attempts: int) -> None:
    sentence = f"was not delivered: it answered {answers[-1]}$"
    with http_receiver(*answers) as received, pytest.raises(DeliveryError, match=sentence) as raised:
        deliver(received.url)
    assert len(received.requests) == attempts
    assert SECRET not in str(raised.value)


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

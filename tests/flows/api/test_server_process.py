"""The process of the server: what it cannot start with, how it ends, and what it does with connections and proxies."""

import signal
import socket
import ssl
import subprocess
import time
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives import serialization

from flows.store.database import Store
from tests.flows.api.conftest import MakeToken, Server, running_server, write_certificate
from tests.flows.api.test_server import serve


def refusal(done: "subprocess.CompletedProcess[str]") -> str:
    """Return the one sentence, which is all that such a command says beside a hint."""
    assert done.returncode == 2
    assert done.stderr.count("\n") <= 3
    return done.stderr.partition("\n")[0]


def test_keys_that_cannot_be_used_are_one_sentence(
    store: Store, certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    cert, key = certificate
    locked, other = tmp_path / "locked.pem", tmp_path / "other.pem"
    private = serialization.load_pem_private_key(key.read_bytes(), None)
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    locked.write_bytes(private.private_bytes(pem, pkcs8, serialization.BestAvailableEncryption(b"secret")))
    write_certificate(tmp_path / "unused.pem", other)

    def said(*options: Path | str) -> str:
        return refusal(serve(store.path, "--port", "0", *map(str, options)))

    assert "has a pass phrase" in said("--tls-cert", cert, "--tls-key", locked)
    assert "the key is that of another certificate" in said("--tls-cert", cert, "--tls-key", other)
    assert "a certificate and its key, as PEM" in said("--tls-cert", cert)
    assert "a certificate and its key, as PEM" in said("--tls-cert", cert, "--tls-key", store.path)
    assert f"{tmp_path / 'none'} cannot be used: No such file" in said(
        "--tls-cert", cert, "--tls-key", tmp_path / "none"
    )


def test_tokens_that_cannot_be_read_are_one_sentence(store: Store) -> None:
    store.path.with_name(f"{store.path.name}.tokens.json").write_text("{")
    done = serve(store.path, "--port", "0")
    assert (done.returncode, "is damaged" in done.stderr, "Traceback" in done.stderr) == (1, True, False)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_server_without_complaint(server: Server, number: signal.Signals) -> None:
    with server.client() as client:
        assert client.get("/healthz").status_code == 200
    server.process.send_signal(number)
    assert server.process.wait(20) == 0
    assert "CANCELED" not in "".join(server.lines)


def test_old_versions_of_tls_are_refused(store: Store, certificate: tuple[Path, Path]) -> None:
    cert, key = certificate

    def connect(port: int, version: ssl.TLSVersion) -> None:
        context = ssl.create_default_context(cafile=cert)
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = context.maximum_version = version
        with socket.create_connection(("127.0.0.1", port)) as plain:
            context.wrap_socket(plain, server_hostname="localhost").close()

    with running_server(store.path, "--tls-cert", str(cert), "--tls-key", str(key)) as server:
        connect(server.port, ssl.TLSVersion.TLSv1_2)
        with pytest.raises(ssl.SSLError), pytest.warns(DeprecationWarning, match="TLSv1_1"):
            connect(server.port, ssl.TLSVersion.TLSv1_1)


def test_connections_above_the_limit_are_closed(store: Store) -> None:
    with running_server(store.path, "--max-connections", "20", "--header-seconds", "60") as server:

        def connect(number: int) -> list[socket.socket]:
            found = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(number)]
            time.sleep(0.5)
            return found

        idle = connect(30)
        assert httpx.get(f"{server.url}/healthz").status_code == 503
        idle += connect(200)
        assert len([*Path(f"/proc/{server.process.pid}/fd").iterdir()]) < 100
        for connection in idle:
            connection.close()
        time.sleep(0.5)
        assert httpx.get(f"{server.url}/healthz").status_code == 200


def test_only_a_proxy_says_who_calls(store: Store) -> None:
    def last_code(*options: str) -> int:
        with running_server(store.path, *options) as server, server.client("wrong") as client:
            headers = [{"X-Forwarded-For": f"203.0.113.{number}"} for number in range(25)]
            return [client.get("/v1/imports", headers=one).status_code for one in headers][-1]

    assert last_code() == 429  # one address, whatever it says
    assert last_code("--behind-proxy") == 401  # twenty-five


def test_the_cookie_of_a_page_is_secure_behind_a_proxy_with_tls(store: Store, make_token: MakeToken) -> None:
    token = make_token()
    headers = {"X-Forwarded-Proto": "https", "Host": "import.example.com", "Origin": "https://import.example.com"}
    for options, is_secure in (((), False), (("--behind-proxy",), True)):
        with running_server(store.path, *options) as server, server.client() as client:
            cookie = client.post("/sign-in", data={"token": token}, headers=headers).headers["set-cookie"]
            assert ("secure" in cookie.lower(), "httponly" in cookie.lower()) == (is_secure, True)

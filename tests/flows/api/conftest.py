"""A server of the HTTP face: in this process for quick tests, in a process of its own for those of clients."""

import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from fastapi.testclient import TestClient

from flows.api.app import ServerSettings, create_app
from flows.api.tokens import SCOPES, Scope, TokenFile
from flows.settings import Settings
from flows.store.database import Store

SECONDS = 30.0
MakeToken = Callable[..., str]


@pytest.fixture
def make_token(settings: Settings) -> MakeToken:
    """Return a function that adds a token and returns its text; by default one with every scope."""

    def add(
        name: str = "ops",
        *,
        scopes: Sequence[Scope] = SCOPES,
        connections: Sequence[str] | None = None,
        expires_at: str | None = None,
    ) -> str:
        return TokenFile.of(settings).add(name, scopes=scopes, connections=connections, expires_at=expires_at)

    return add


@pytest.fixture
def client(store: Store, make_token: MakeToken) -> Iterator[TestClient]:
    """A client with every scope of an application in this process."""
    app = create_app(store.settings, ServerSettings())
    headers = {"Authorization": f"Bearer {make_token('everything')}"}
    with TestClient(app, headers=headers, raise_server_exceptions=False) as client:
        yield client


@dataclass
class Server:
    """A server in a process of its own."""

    url: str
    process: "subprocess.Popen[str]"
    lines: list[str] = field(default_factory=list)

    def client(self, token: str = "", **more: object) -> httpx.Client:
        """Return a client that presents a token."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx.Client(base_url=self.url, headers=headers, timeout=SECONDS, **more)  # type: ignore[arg-type]

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self.url.rpartition(":")[2])


@contextmanager
def running_server(database: Path, *options: str, environment: dict[str, str] | None = None) -> Iterator[Server]:
    """Yield a server on a free port, and kill it in the end."""
    command = [sys.executable, "-m", "flows", "serve", "--port", "0", "--database", str(database), *options]
    process = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        env={**os.environ, **(environment or {})},
        cwd=Path(__file__).resolve().parents[3],
    )
    assert process.stderr
    lines: list[str] = []
    try:
        for line in process.stderr:
            lines.append(line)
            if found := re.search(r"listening on (https?://\S+)", line):
                break
        else:
            raise AssertionError("".join(lines))
        server = Server(found[1], process, lines)
        reader = threading.Thread(target=lines.extend, args=(process.stderr,), daemon=True)
        reader.start()
        yield server
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def server(store: Store) -> Iterator[Server]:
    """A server of the test's database."""
    with running_server(store.path) as server:
        yield server


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 and localhost that signs itself, and its key."""
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    write_certificate(cert, key)
    return cert, key


def write_certificate(cert: Path, key: Path) -> None:
    """Write a certificate for 127.0.0.1 and localhost that signs itself, and its key."""
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))])
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(private, hashes.SHA256())
    )
    cert.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    key.write_bytes(private.private_bytes(pem, pkcs8, serialization.NoEncryption()))

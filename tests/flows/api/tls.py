"""A server with TLS on a free port of 127.0.0.1, for clients that insist on https."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trustme
import uvicorn

from flows.api.app import ServerSettings, create_app
from flows.api.tokens import Scope, TokenFile
from flows.settings import Settings
from tests.flows.api.faces import BOTH, wait_for


@dataclass(frozen=True)
class TlsServer:
    """Where the server is, whom to trust for it, and its tokens."""

    domain: str
    authority: Path  # the certificate of its authority
    tokens: TokenFile

    def add_token(self, *scopes: Scope, connections: frozenset[str] | None = None) -> str:
        """Return a new token, with both scopes of imports unless others are given."""
        return self.tokens.add(f"token-{len(self.tokens.list())}", frozenset(scopes or BOTH), connections, None)


@contextmanager
def serving_with_tls(settings: Settings, folder: Path, **server: Any) -> Iterator[TlsServer]:
    """Run the server with a certificate that an authority of its own has signed for localhost."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(folder / "server.pem"))
    app = create_app(settings, ServerSettings(**server))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        running = uvicorn.Server(uvicorn.Config(app, ssl_certfile=str(folder / "server.pem"), log_level="warning"))
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            wait_for(lambda: running.started or None)
            port = listener.getsockname()[1]
            yield TlsServer(f"localhost:{port}", folder / "authority.pem", app.state.tokens)
        finally:
            running.should_exit = True
            thread.join()

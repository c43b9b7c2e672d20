"""The server process: uvicorn with bounded headers and connections, TLS, and the logs as lines of JSON."""

import asyncio
import logging
import resource
import socket
import ssl
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from flows.api.app import ServerSettings
from flows.report.command_line import UsageError

MOST_HEADER_BYTES = 32 << 10
KEEP_ALIVE_SECONDS = 15
BACKLOG = 512
SPARE_CONNECTIONS = 50  # above the limit, which are answered with 503; any more are closed at once
OTHER_FILES = 512  # that a server has open beside its connections
PRIVATE_NETWORKS = ["127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7"]


class BoundedProtocol(H11Protocol):
    """HTTP/1.1 that closes a connection whose headers do not arrive in time, whose client stops reading a response, or
    that is one too many to be answered. Uvicorn does none of this."""

    header_seconds = 15.0
    most_connections = 1000
    stalled_seconds = 60.0  # in which the client has not made room for more of a response
    _deadline: asyncio.TimerHandle | None = None
    _stalled: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as in uvicorn
        """Start to wait for the first headers."""
        super().connection_made(transport)
        self._wait_for_headers()
        if len(self.connections) > self.most_connections:
            transport.close()

    def data_received(self, data: bytes) -> None:
        """Wait for headers from the first byte of a call on, and no longer than until they are complete."""
        before = self.cycle
        if self._deadline is None and (before is None or before.response_complete):
            self._wait_for_headers()
        super().data_received(data)
        if self.cycle is not before:
            self._stop_waiting()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._stop_waiting()
        self._stop_counting()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Wait for the client to read what is buffered."""
        super().pause_writing()
        self._stalled = self.loop.call_later(self.stalled_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """Wait no longer: the client has read it."""
        self._stop_counting()
        super().resume_writing()

    def _stop_counting(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None

    def _wait_for_headers(self) -> None:
        self._deadline = self.loop.call_later(self.header_seconds, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def run_server(
    app: FastAPI,
    *,
    host: str,
    port: int,
    cert: Path | None,
    key: Path | None,
    behind_proxy: bool,
    server: ServerSettings,
    on_ready: Callable[[int], None],
) -> None:
    """Serve until a signal; the processes of jobs go on. Raise `UsageError` for a certificate that cannot be used, and
    for an address that is taken or is not this machine's."""
    _log_to_stderr()
    if cert:
        _require_certificate(cert, key)
    most_connections = server.max_connections + SPARE_CONNECTIONS
    _allow_open_files(most_connections + OTHER_FILES)
    bounds = {"header_seconds": server.header_seconds, "most_connections": most_connections}
    protocol = type("Protocol", (BoundedProtocol,), bounds)
    config = uvicorn.Config(
        app,
        http=protocol,
        ws="none",
        ssl_certfile=cert,
        ssl_keyfile=key,
        limit_concurrency=server.max_connections,
        h11_max_incomplete_event_size=MOST_HEADER_BYTES,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=10,
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=behind_proxy,
        forwarded_allow_ips=PRIVATE_NETWORKS,  # the proxy's; of what it says, the last address outside of them counts
    )
    with _listen(host, port) as listener:
        on_ready(listener.getsockname()[1])
        with suppress(KeyboardInterrupt):  # uvicorn raises the signal again that has ended it
            uvicorn.Server(config).run(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    """Return the listening socket; raise `UsageError` if the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except (OSError, OverflowError) as error:
        listener.close()
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"{host}:{port} cannot be listened on: {reason.lower()}; choose another --port") from None
    return listener


def _allow_open_files(number: int) -> None:
    """Raise the soft limit of this process, which is often 1,024, as far as its hard limit allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = number if hard == resource.RLIM_INFINITY else min(number, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _require_certificate(cert: Path, key: Path | None) -> None:
    """Raise `UsageError` unless the certificate and its key can be used without asking anybody."""

    def refuse() -> str:
        raise UsageError(f"the key {key or cert} has a pass phrase, which a server cannot ask for; remove it")

    for path in (cert, key or cert):
        try:
            path.open("rb").close()
        except OSError as error:
            raise UsageError(f"{path} cannot be used: {error.strerror}") from None
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(cert, key, password=refuse)
    except ssl.SSLError as error:
        is_other = error.reason == "KEY_VALUES_MISMATCH"
        reason = (
            "the key is that of another certificate" if is_other else "it must be a certificate and its key, as PEM"
        )
        raise UsageError(f"{cert}{f' with {key}' if key else ''} cannot be used: {reason}") from None


def _log_to_stderr() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    for name, level in (("user_import", logging.INFO), ("uvicorn", logging.WARNING)):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(level)

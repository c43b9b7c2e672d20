"""A client that does not read its response does not hold a connection."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import uvicorn

from flows.api.server import BoundedProtocol

SIZE = 32 << 20  # more than the kernel buffers
SECONDS = 0.5


async def send_much(_scope: object, _receive: object, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % SIZE)]})
    for _ in range(SIZE >> 20):
        await send({"type": "http.response.body", "body": bytes(1 << 20), "more_body": True})
    await send({"type": "http.response.body"})


@contextmanager
def connected() -> Iterator[tuple[socket.socket, uvicorn.Server]]:
    """Yield a connection that has asked for much, and its server."""
    protocol = type("Protocol", (BoundedProtocol,), {"stalled_seconds": SECONDS})
    config = uvicorn.Config(send_much, http=protocol, ws="none", lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            with socket.create_connection(listener.getsockname(), timeout=10) as client:
                client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                yield client, server
        finally:
            server.should_exit = True
            thread.join()


def read_all(client: socket.socket, *, pause_seconds: float) -> int:
    found = 0
    while data := client.recv(4 << 20):
        found += len(data)
        time.sleep(pause_seconds)
    return found


def test_a_client_that_stops_reading_loses_its_connection() -> None:
    with connected() as (client, server):
        client.recv(100)
        time.sleep(4 * SECONDS)
        assert not server.server_state.connections
        with suppress(ConnectionResetError):
            assert read_all(client, pause_seconds=0) < SIZE


def test_a_client_that_reads_slowly_gets_everything() -> None:
    with connected() as (client, _):
        assert read_all(client, pause_seconds=SECONDS / 10) > SIZE

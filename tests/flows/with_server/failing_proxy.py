"""A TCP proxy in front of a Prefect server that fails from a chosen moment on: it falls silent, drips or dies."""

import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

REQUEST_LINE = re.compile(rb"(?:GET|POST|PATCH|PUT|DELETE) \S+ HTTP/1\.1\r\n")
Failure = Literal["silent", "dripping", "dead"]


@dataclass
class Proxy:
    """The proxy's address, the paths requested so far, and when it fails, and how."""

    server: tuple[str, int]
    failure: Failure
    when: Callable[[Sequence[str]], bool]  # asked at each request
    url: str = ""
    requests: list[str] = field(default_factory=list)
    failing: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def serve(self, client: socket.socket) -> None:
        """Forward one connection both ways until it is closed."""
        with suppress(OSError), client, socket.create_connection(self.server) as server:
            threading.Thread(target=self._answer, args=(server, client), daemon=True).start()
            while data := client.recv(65_536):
                self._count(data)
                if self.failing.is_set() and self.failure == "dead":
                    return
                if not self.failing.is_set() or self.failure == "dripping":
                    server.sendall(data)

    def _count(self, data: bytes) -> None:
        with self.lock:
            self.requests += [line.decode().split()[1] for line in REQUEST_LINE.findall(data)]
            if self.when(self.requests):
                self.failing.set()

    def _answer(self, server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while data := server.recv(65_536):
                if not self.failing.is_set():
                    client.sendall(data)
                elif self.failure == "dripping":
                    for number in range(len(data)):
                        client.sendall(data[number : number + 1])
                        time.sleep(1)


@contextmanager
def failing_proxy(api_url: str, failure: Failure, *, when: Callable[[Sequence[str]], bool]) -> Iterator[Proxy]:
    """Run a proxy of the API in this process; it fails from the first request on at which `when` is true."""
    target = urlsplit(api_url)
    proxy = Proxy((str(target.hostname), int(target.port or 80)), failure, when)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxy.url = f"http://127.0.0.1:{listener.getsockname()[1]}{target.path}"

        def accept() -> None:
            with suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    threading.Thread(target=proxy.serve, args=(client,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield proxy

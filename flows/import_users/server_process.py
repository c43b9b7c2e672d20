"""Serve a Prefect API in the child process of a local run, until the parent process ends.

`python -m flows.import_users.server_process SOCKET READY`: two inherited file descriptors, an open socket and a pipe. A
line is written to READY when requests are accepted. The end of standard input means that the parent has ended, however
it ended. `flows.import_users.local_server` starts and stops this process.
"""

import asyncio
import gc
import os
import socket
import sys
import threading
from pathlib import Path

import uvicorn

from flows.store.locks import file_lock

LOCK_NAME = "user-import.lock"


class Server(uvicorn.Server):
    """A server that locks the database for its migration, and reports when it is ready."""

    def __init__(self, config: uvicorn.Config, *, ready: int) -> None:
        super().__init__(config)
        self.ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start; two first runs at once would break each other's migration, so one waits for the other."""
        home = Path(os.environ["PREFECT_HOME"])
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        with file_lock(home / LOCK_NAME):
            await super().startup(sockets=sockets)
        gc.freeze()
        gc.enable()
        os.write(self.ready, b"ready\n")
        os.close(self.ready)


def main(listener: int, ready: int) -> None:
    """Serve on the socket until standard input ends."""
    app = "prefect.server.api.server:create_app"
    config = uvicorn.Config(app, factory=True, log_level="error", lifespan="on", timeout_graceful_shutdown=3)
    server = Server(config, ready=ready)
    threading.Thread(target=_stop_with_parent, args=(server,), daemon=True).start()
    with socket.socket(fileno=listener) as opened:
        asyncio.run(server.serve(sockets=[opened]))
    os._exit(0)  # everything is stored; an orderly exit of the interpreter takes half a second


def _stop_with_parent(server: Server) -> None:
    """Wait for the end of standard input, then stop: in order once started, at once before that."""
    os.read(0, 1)  # nothing is ever written: this returns at the end of the input
    if not server.started:
        os._exit(0)
    server.should_exit = True


if __name__ == "__main__":
    gc.disable()  # until the server is started: collections take a fifth of that time and free nothing
    main(int(sys.argv[1]), int(sys.argv[2]))

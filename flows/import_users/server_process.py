"""The child process of a local run: a Prefect API on a socket that the parent opened, gone when the parent is.

`python -m flows.import_users.server_process SOCKET READY` – two inherited descriptors; a line on READY says that
requests are answered. Standard input ends when the parent does, however the parent died. Starting and stopping this
process is `flows.import_users.local_server`'s.
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


class PrivateServer(uvicorn.Server):
    """A server that migrates its database alone and says when it is ready."""

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


def main(listening: int, ready: int) -> None:
    """Serve until the life line ends."""
    config = uvicorn.Config(
        "prefect.server.api.server:create_app",
        factory=True,
        log_level="error",
        lifespan="on",
        timeout_graceful_shutdown=3,
    )
    server = PrivateServer(config, ready=ready)
    threading.Thread(target=_watch_life_line, args=(server,), daemon=True).start()
    with socket.socket(fileno=listening) as opened:
        asyncio.run(server.serve(sockets=[opened]))
    os._exit(0)  # everything is stored; taking down the interpreter would cost the user half a second


def _watch_life_line(server: PrivateServer) -> None:
    """Stop when the parent has gone: in order once started, at once before."""
    os.read(0, 1)  # nothing is ever written: it returns at the end
    if not server.started:
        os._exit(0)
    server.should_exit = True


if __name__ == "__main__":
    gc.disable()  # until it is started: a fifth of the start would be collections that find nothing
    main(int(sys.argv[1]), int(sys.argv[2]))

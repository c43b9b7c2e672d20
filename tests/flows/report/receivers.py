"""A real HTTP receiver and a real SMTP sink on the loopback, for the tests of notices."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Receiver:
    """What arrived; answers with the next status of `answers`, then with 204."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    requests: list[tuple[str, Message, bytes]] = field(default_factory=list)  # path, headers, body


@contextmanager
def http_receiver(*answers: int) -> Iterator[Receiver]:
    received = Receiver(answers=[*answers])

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.requests.append((self.path, self.headers, body))
            status = received.answers.pop(0) if received.answers else 204
            self.send_response(status)
            if status == 302:
                self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        received.url = f"http://127.0.0.1:{server.server_port}/hook?tenant=7"
        yield received
        server.shutdown()


@dataclass
class Sink:
    """What a mail server took: sender, recipients and the message of each mail."""

    port: int = 0
    refusals: list[bytes] = field(default_factory=list)  # answers to MAIL FROM before it takes a mail
    mails: list[tuple[str, list[str], bytes]] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)


@contextmanager
def smtp_sink(*refusals: bytes) -> Iterator[Sink]:
    sink = Sink(refusals=[*refusals])

    class Handler(socketserver.StreamRequestHandler):
        def say(self, line: bytes) -> None:
            self.wfile.write(line + b"\r\n")

        def handle(self) -> None:
            self.say(b"220 sink.invalid")
            sender, to = "", []
            while line := self.rfile.readline().decode().strip():
                verb = line.split(" ")[0].upper()
                sink.commands.append(verb)
                if verb == "MAIL" and sink.refusals:
                    self.say(sink.refusals.pop(0))
                elif verb == "MAIL":
                    sender = line.partition(":")[2]
                    self.say(b"250 ok")
                elif verb == "RCPT":
                    to.append(line.partition(":")[2])
                    self.say(b"250 ok")
                elif verb == "DATA":
                    self.say(b"354 go on")
                    sink.mails.append((sender, to, b"".join(iter(self.rfile.readline, b".\r\n"))))
                    self.say(b"250 ok")
                elif verb == "QUIT":
                    self.say(b"221 bye")
                    return
                else:
                    self.say(b"250 sink.invalid")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        sink.port = server.server_address[1]
        yield sink
        server.shutdown()

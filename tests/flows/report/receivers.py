"""A real HTTP receiver and a real SMTP server on the loopback interface, for the tests of notices."""

import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

WEBHOOK_SECRET = "whsec_" + "A" * 44


@dataclass(frozen=True)
class Request:
    """A request that the receiver got."""

    path: str
    headers: Message
    body: bytes


@dataclass
class Receiver:
    """An HTTP server that responds with the next status of `answers`, then with 200."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)


@contextmanager
def http_receiver(*answers: int) -> Iterator[Receiver]:
    received = Receiver(answers=[*answers])

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.requests.append(Request(self.path, self.headers, body))
            status = received.answers.pop(0) if received.answers else 200
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


@contextmanager
def dripping_receiver(data: bytes) -> Iterator[int]:
    """Run a server that answers every connection with these bytes, one in a tenth of a second, again and again."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                while True:
                    for number in range(len(data)):
                        self.request.sendall(data[number : number + 1])
                        time.sleep(0.1)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@dataclass(frozen=True)
class SentMail:
    """A mail that the server accepted."""

    sender: str
    recipients: list[str]
    message: bytes


@dataclass
class Sink:
    """A mail server that accepts every mail after its refusals."""

    port: int = 0
    refusals: list[bytes] = field(default_factory=list)  # responses to MAIL FROM before a mail is accepted
    mails: list[SentMail] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)


@contextmanager
def smtp_sink(*refusals: bytes) -> Iterator[Sink]:
    sink = Sink(refusals=[*refusals])

    class Handler(socketserver.StreamRequestHandler):
        def reply(self, line: bytes) -> None:
            self.wfile.write(line + b"\r\n")

        def handle(self) -> None:
            self.reply(b"220 sink.invalid")
            sender, recipients = "", list[str]()
            while line := self.rfile.readline().decode().strip():
                verb = line.split(" ")[0].upper()
                sink.commands.append(verb)
                if verb == "MAIL" and sink.refusals:
                    self.reply(sink.refusals.pop(0))
                elif verb == "MAIL":
                    sender = line.partition(":")[2]
                    self.reply(b"250 ok")
                elif verb == "RCPT":
                    recipients.append(line.partition(":")[2])
                    self.reply(b"250 ok")
                elif verb == "DATA":
                    self.reply(b"354 go on")
                    message = b"".join(iter(self.rfile.readline, b".\r\n"))
                    sink.mails.append(SentMail(sender, recipients, message))
                    self.reply(b"250 ok")
                elif verb == "QUIT":
                    self.reply(b"221 bye")
                    return
                else:
                    self.reply(b"250 sink.invalid")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        sink.port = server.server_address[1]
        yield sink
        server.shutdown()

"""Sources that are URLs: fetched once, within the roots, and never shown with what is secret in them."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from flows.import_users.arguments import parse_options
from flows.readers.remote import http_source
from flows.report.command_line import UsageError
from flows.settings import Settings, format_import, is_listed_url, settings_from
from schemas.job import JobStatus, JobSummary
from schemas.options import JobOptions
from tests.flows.importing import import_file, query_rows, read_users

PRIVATE = "has a private address, from which nothing is fetched"
USERS = b"email\nann@example.com\nwrong\n"


@dataclass
class Web:
    """A server on this machine: what it answers, and what it was asked."""

    server: ThreadingHTTPServer
    answers: dict[str, tuple[int, dict[str, str], bytes]] = field(default_factory=dict)
    head_headers: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, str, str | None]] = field(default_factory=list)

    def url(self, path: str, user: str = "") -> str:
        return f"http://{user}localhost:{self.server.server_port}{path}"


@pytest.fixture
def web() -> Iterator[Web]:
    """Serve some answers."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.asked.append((self.command, self.path, self.headers.get("Authorization")))
            status, headers, body = found.answers.get(self.path.partition("?")[0], (404, {}, b""))
            self.send_response(status)
            changed = found.head_headers if self.command == "HEAD" else {}
            for name, value in ({"Content-Length": str(len(body))} | headers | changed).items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_HEAD = do_GET  # noqa: N815 - the name that the server looks for

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found = Web(server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield found
    server.shutdown()
    server.server_close()


def import_url(settings: Settings, url: str, **options: object) -> JobSummary:
    return import_file(settings, url, **options)  # type: ignore[arg-type] # a path would lose a slash


def fault_of(settings: Settings, url: str) -> tuple[str, str]:
    job = import_url(settings, url)
    assert (job.status, read_users(settings)) == (JobStatus.FAILED, [])
    assert job.fault is not None
    return job.fault["code"], job.fault["message"]


def test_a_url_is_imported_and_its_secrets_are_stored_nowhere(settings: Settings, web: Web) -> None:
    web.answers["/export/users.csv"] = (200, {"ETag": '"1"'}, USERS)
    job = import_url(settings, web.url("/export/users.csv?signature=S3CRET", user="ann:PASSW0RD@"))
    assert (job.inserted, job.failed, job.sources) == (1, 1, (web.url("/export/users.csv"),))
    assert web.asked[0] == ("GET", "/export/users.csv?signature=S3CRET", "Basic YW5uOlBBU1NXMFJE")
    assert query_rows(settings, "select source from import_errors") == [(web.url("/export/users.csv"),)]
    assert query_rows(settings, "select files from import_jobs") == [([web.url("/export/users.csv")],)]
    written = b"".join(path.read_bytes() for path in settings.database.parent.rglob("*") if path.is_file())
    assert (b"S3CRET" in written, b"PASSW0RD" in written) == (False, False)
    assert not [*settings.jobs_folder.glob("*/spooled-*")]


def test_the_secrets_of_a_url_are_not_shown(settings: Settings) -> None:
    options = JobOptions(sources=("https://ann:PASSW0RD@x.example/users.csv?signature=S3CRET#f",))
    assert options.shown_sources == ("https://x.example/users.csv",)
    assert "import_users https://x.example/users.csv --database" in format_import(options, database=settings.database)
    with pytest.raises(UsageError) as raised:
        parse_options(JobOptions, sources=("https://ann:PASSW0RD@x.example/u?S3CRET", ""))
    assert "https://x.example/u'" in str(raised.value)


@pytest.mark.parametrize(
    ("status", "code", "what"),
    [
        (404, "FILE_NOT_FOUND", "does not exist: HTTP 404 Not Found"),
        (403, "FILE_UNREADABLE", "cannot be read: HTTP 403 Forbidden"),
        (500, "FILE_UNREADABLE", "cannot be read: HTTP 500 Internal Server Error"),
    ],
)
def test_an_answer_without_content_is_named_by_its_status(
    status: int, code: str, what: str, settings: Settings, web: Web
) -> None:
    web.answers["/users.csv"] = (status, {}, b"no")
    assert fault_of(settings, web.url("/users.csv?S3CRET")) == (code, f"{web.url('/users.csv')} {what}")


def test_redirects_are_followed_within_the_host_only(settings: Settings, web: Web) -> None:
    web.answers["/a.csv"] = (302, {"Location": "/b"}, b"")
    web.answers["/b"] = (200, {}, USERS)
    web.answers["/away"] = (302, {"Location": "http://127.0.0.1:1/S3CRET"}, b"")
    web.answers["/circle"] = (302, {"Location": "/circle"}, b"")
    away = (f"{web.url('/away')} redirects to another host, which is not followed",)
    assert fault_of(settings, web.url("/away")) == ("FILE_UNREADABLE", *away)
    assert fault_of(settings, web.url("/circle"))[1].endswith("redirects too often")
    assert import_url(settings, web.url("/a.csv")).inserted == 1


@pytest.mark.parametrize(
    ("url", "code", "what"),
    [
        ("http://files.example/users.csv", "FILE_UNREADABLE", "is not encrypted on its way"),
        ("https://127.0.0.2/users.csv", "FILE_UNREADABLE", PRIVATE),
        (
            "https://[::ffff:10.0.0.1]/users.csv",
            "FILE_UNREADABLE",
            PRIVATE,
        ),
        ("ftp://files.example/users.csv", "FILE_NOT_FOUND", "is a URL of a kind that is not fetched"),
        ("https:///users.csv", "FILE_NOT_FOUND", "is a URL without a valid host"),
        ("https://x.example:port/users.csv", "FILE_NOT_FOUND", "is not a valid URL"),
    ],
)
def test_urls_that_are_not_fetched_are_refused(url: str, code: str, what: str, settings: Settings) -> None:
    assert fault_of(settings, url) == (code, f"{url} {what}")


def test_a_download_that_ends_early_grows_too_large_or_changes_is_refused(settings: Settings, web: Web) -> None:
    web.answers["/short.csv"] = (200, {"Content-Length": "1000"}, USERS)
    assert "the connection ended after 28 of 1,000 bytes" in fault_of(settings, web.url("/short.csv"))[1]
    web.answers["/users.csv"] = (200, {"ETag": '"1"'}, USERS)
    small = replace(settings, limits=replace(settings.limits, fetched_bytes=20))
    assert fault_of(small, web.url("/users.csv"))[1].endswith("has more than 20 bytes")
    web.head_headers["ETag"] = '"2"'
    assert fault_of(settings, web.url("/users.csv"))[0] == "FILE_CHANGED"


def test_a_server_that_does_not_answer_is_not_waited_for(
    settings: Settings, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_source, "TIMEOUT_SECONDS", 0.2)
    web.answers["/slow.csv"] = (200, {"Content-Length": "29", "Connection": "keep-alive"}, USERS)
    web.server.RequestHandlerClass.protocol_version = "HTTP/1.1"  # type: ignore[attr-defined] # so the connection stays
    assert "no answer for 0.2 seconds while reading" in fault_of(settings, web.url("/slow.csv"))[1]


def test_a_run_with_roots_fetches_only_urls_that_they_list(settings: Settings, web: Web) -> None:
    web.answers["/export/users.csv"] = (200, {}, USERS)
    rooted = replace(settings, roots=(settings.database.parent,))
    code, message = fault_of(rooted, web.url("/export/users.csv?S3CRET"))
    assert (code, "S3CRET" in message) == ("FILE_UNREADABLE", False)
    assert message.endswith("is not among the URLs that runs may use (IMPORT_ROOTS)")
    assert web.asked == []
    listed = replace(rooted, url_roots=(web.url("/export/"),))
    assert import_url(listed, web.url("/export/users.csv")).inserted == 1


def test_urls_are_listed_by_their_beginning(tmp_path: Path) -> None:
    roots = f"https://a.example:8443/in:{tmp_path}:s3://bucket/users/:gs://b"
    found = settings_from({"IMPORT_ROOTS": roots}, database=tmp_path / "users.duckdb")
    assert found.roots == (tmp_path,)
    assert found.url_roots == ("https://a.example:8443/in", "s3://bucket/users/", "gs://b")
    listed = ("https://a.example:8443/in/u.csv?x", "https://a.example:8443/in", "s3://bucket/users/u.csv", "gs://b/u")
    others = (
        "https://a.example:8443/inner/u.csv",
        "https://a.example/in/u.csv",
        "https://a.example:8443/in/../u.csv",
        "https://a.example:8443/in/%2e%2e/u.csv",
        "s3://bucket/other",
        "gs://bucket/u",
    )
    assert [is_listed_url(url, found.url_roots) for url in (*listed, *others)] == [True] * 4 + [False] * 6
    with pytest.raises(ValueError, match="lists URLs only"):
        settings_from({"IMPORT_ROOTS": "s3://bucket"}, database=tmp_path / "users.duckdb")


class Bucket(MemoryFileSystem):  # type: ignore[misc] # fsspec has no types
    """A store in memory under the name of another one."""

    protocol = "s3"
    store: dict[str, object] = {}  # noqa: RUF012 - as fsspec has it
    pseudo_dirs = [""]  # noqa: RUF012

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return "/" + path.removeprefix("s3://").strip("/")


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    """Have an object store at s3://."""
    fsspec.register_implementation("s3", Bucket, clobber=True)
    yield Bucket()
    Bucket.store.clear()


def test_an_object_is_imported(settings: Settings, bucket: Bucket) -> None:
    bucket.pipe("s3://bucket/export/users.csv", USERS)
    job = import_url(settings, "s3://bucket/export/users.csv")
    assert (job.inserted, job.failed, job.sources) == (1, 1, ("s3://bucket/export/users.csv",))


def test_objects_that_cannot_be_read_are_refused(
    settings: Settings, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert fault_of(settings, "s3://bucket/none.csv") == ("FILE_NOT_FOUND", "s3://bucket/none.csv does not exist")
    assert fault_of(settings, "s3://a:b@bucket/x.csv") == ("FILE_NOT_FOUND", "s3://bucket/x.csv has credentials")
    bucket.pipe("s3://bucket/export/users.csv", USERS)
    assert fault_of(settings, "s3://bucket/export")[1] == "s3://bucket/export is not an object"
    info = Bucket.info
    sizes = iter([len(USERS), 5])
    monkeypatch.setattr(Bucket, "info", lambda self, path, **how: info(self, path, **how) | {"size": next(sizes, 5)})
    assert fault_of(settings, "s3://bucket/export/users.csv")[0] == "FILE_CHANGED"

    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("S3CRET")

    monkeypatch.setattr(Bucket, "info", refuse)
    assert fault_of(settings, "s3://bucket/users.csv")[1] == "s3://bucket/users.csv cannot be read: RuntimeError"


def test_missing_clients_are_named_with_their_extra(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ImportError("Install s3fs")

    monkeypatch.setattr(fsspec, "filesystem", fail)
    job = import_url(settings, "gs://bucket/users.csv")
    assert job.fault is not None
    assert (job.fault["code"], job.fault["hint"]) == (
        "FILE_UNREADABLE",
        "install it: `pip install 'user-import[remote]'`",
    )

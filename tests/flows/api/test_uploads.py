"""Bodies that are sent: forms of any shape and size, broken ones, and connections that end."""

import asyncio
import io
import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import BinaryIO

import pytest
from starlette.requests import Request
from starlette.types import Message

from flows.api.problems import Problem
from flows.api.uploads import SentForm, receive_file, receive_form

BOUNDARY = "----x"
Pieces = list[bytes]


def part(name: str, value: bytes, *, more: str = "") -> bytes:
    return f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'.encode() + value + b"\r\n"


END = f"--{BOUNDARY}--\r\n".encode()
FILE = part("users", b"[1]", more='; filename="u.json"\r\nContent-Type: application/json')


def request_of(pieces: Pieces, *, is_cut: bool = False, content_type: str = "") -> Request:
    """Return a request whose body comes in these pieces, and is followed by the end of the connection if it is cut."""
    last: Message = {"type": "http.disconnect"} if is_cut else {"type": "http.request", "body": b""}
    messages = iter([*({"type": "http.request", "body": piece, "more_body": True} for piece in pieces), last])

    async def receive() -> Message:
        return next(messages)

    kind = content_type or f"multipart/form-data; boundary={BOUNDARY}"
    return Request({"type": "http", "method": "POST", "headers": [(b"content-type", kind.encode())]}, receive)


class Files:
    """Files in memory, with the names that came and whether each was written to its end."""

    def __init__(self) -> None:
        self.contents: dict[str, bytes] = {}
        self.fields: dict[str, str] = {}

    @contextmanager
    def __call__(self, name: str, fields: Mapping[str, str]) -> Iterator[BinaryIO]:
        self.fields = dict(fields)
        file = io.BytesIO()
        yield file
        self.contents[name] = file.getvalue()


def receive(pieces: Pieces, files: Files, *, is_cut: bool = False, content_type: str = "") -> SentForm:
    request = request_of(pieces, is_cut=is_cut, content_type=content_type)
    return asyncio.run(receive_form(request, files, files=("users",)))


def test_fields_and_files_come_in_any_order() -> None:
    files = Files()
    sent = receive([part("a", "ä".encode()), FILE, part("b", b""), END], files)
    assert (sent.fields, sent.file_bytes) == ({"a": "ä", "b": ""}, {"users": 3})
    assert (files.contents, files.fields) == ({"u.json": b"[1]"}, {"a": "ä"})


@pytest.mark.parametrize("size", [1, 2, 7, 64])
def test_the_pieces_of_a_body_do_not_matter(size: int) -> None:
    content = os.urandom(300) + f"\r\n--{BOUNDARY}x\r\n".encode() + b"\r\n--" + os.urandom(300)
    body = part("a", b"1") + part("users", content, more='; filename="u"') + END
    files = Files()
    sent = receive([body[start : start + size] for start in range(0, len(body), size)], files)
    assert files.contents == {"u": content}
    assert sent.fields == {"a": "1"}


def test_a_file_without_a_file_name_is_a_file() -> None:
    files = Files()
    receive([part("users", b"[]"), END], files)
    assert files.contents == {"": b"[]"}


def test_names_of_files_are_read_as_unicode() -> None:
    files = Files()
    receive([part("users", b"[]", more='; filename="Müller.json"'), END], files)
    assert [*files.contents] == ["Müller.json"]


@pytest.mark.parametrize(
    ("pieces", "why"),
    [
        ([], "it breaks off"),
        ([FILE], "it breaks off"),
        ([FILE[:-10]], "it breaks off"),
        ([b"no form at all"], "Expected boundary"),
        ([part("", b"1"), END], "a part has no name"),
        ([f"--{BOUNDARY}\r\n\r\n1\r\n".encode(), END], "a part has no name"),
        ([part("a", b"1"), part("a", b"2"), END], "it has a twice"),
        ([part("a", b"\xff"), END], "a field is not UTF-8"),
        ([part("a", b"1", more="\r\nContent-Transfer-Encoding: base64"), END], "the part a has a transfer encoding"),
        ([part("a", b"1" * 70_000), END], "its fields have more than 65,536 bytes"),
        ([*(part(f"a{n}", b"") for n in range(101)), END], "it has more than 100 parts"),
        ([part("a", b"", more="\r\nX: " + "y" * 10_000), END], "Maximum header size exceeded"),
    ],
)
def test_a_broken_form_is_refused(pieces: Pieces, why: str) -> None:
    with pytest.raises(Problem, match="the form cannot be read") as refused:
        receive(pieces, Files())
    assert (refused.value.status, why in refused.value.message) == (400, True), refused.value.message


@pytest.mark.parametrize("content_type", ["application/json", "multipart/form-data", "multipart/mixed; boundary=x"])
def test_another_content_type_is_refused(content_type: str) -> None:
    with pytest.raises(Problem, match="must be a form"):
        receive([FILE, END], Files(), content_type=content_type)


def test_a_connection_that_ends_leaves_no_file() -> None:
    for pieces in ([FILE[:-3]], [part("a", b"1"), FILE]):
        files = Files()
        with pytest.raises(Problem, match="the connection ended") as refused:
            receive(pieces, files, is_cut=True)
        assert refused.value.status == 400
    files = Files()
    with pytest.raises(Problem):
        receive([FILE[:-3]], files, is_cut=True)
    assert files.contents == {}


def test_a_router_refuses_a_part_before_its_content_comes() -> None:
    def refuse(_name: str, _fields: Mapping[str, str]) -> AbstractContextManager[BinaryIO]:
        raise Problem(429, "too_many_requests", "later")

    request = request_of([FILE, END])
    with pytest.raises(Problem, match="later"):
        asyncio.run(receive_form(request, refuse, files=("users",)))


def test_a_full_disk_is_said_to_be_full() -> None:
    with open("/dev/full", "wb", buffering=0) as full, pytest.raises(Problem, match="disk is full") as refused:  # noqa: PTH123 - a device
        asyncio.run(receive_file(request_of([b"x"], content_type="application/json"), full))
    assert refused.value.status == 507

"""Lines of LDIF become entries: JSON objects whose members are arrays of the values."""

import base64
import json

import polars as pl
import pytest

from transforms.ldif import read_entries


def entries_of(text: str) -> list[object]:
    lines = text.split("\n")
    found = read_entries(pl.DataFrame({"line": range(1, len(lines) + 1), "text": lines}))
    return [
        (row["line"], json.loads(row["text"]) if row["is_readable"] else row["text"])
        for row in found.entries.rows(named=True)
    ]


def in_base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


ANN = {"dn": "uid=ann", "uid": ["ann"]}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("dn: uid=ann\nuid: ann", [(1, ANN)]),
        ("version: 1\ndn: uid=ann\nuid: ann\n\n", [(1, ANN)]),
        ("version: 1\n\n# a comment\n that goes on\ndn:uid=ann\nUID:  ann\n", [(5, ANN)]),
        ("dn: uid=ann\nuid: a\n n\n n\n\n\n\ndn: uid=ann\n# x\nuid: ann", [(1, ANN), (8, ANN)]),
        ("dn:: dWlkPWFubg==\nuid:: YW5u ", [(1, ANN)]),
        (
            "dn: x\nmail: a@x.example\nMail: b@x.example\nmail:",
            [(1, {"dn": "x", "mail": ["a@x.example", "b@x.example", ""]})],
        ),
        ('dn: x\ncn: "a"\\: b ', [(1, {"dn": "x", "cn": ['"a"\\: b ']})]),
        ("dn: x\ncn;lang-de: Ä", [(1, {"dn": "x", "cn;lang-de": ["Ä"]})]),
        (
            "dn: x\nchangetype: modify\nreplace: mail\nmail: a\n-",
            [(1, {"dn": "x", "changetype": ["modify"], "replace": ["mail"], "mail": ["a"]})],
        ),
        ("dn: x\n\n# result\nsearch: 2\nresult: 0 Success", [(1, {"dn": "x"})]),
        ("uid: ann\nmail: a@x.example", [(1, "uid: ann\nmail: a@x.example")]),
        ("dn: x\nno colon\n\ndn: uid=ann\nuid: ann", [(1, "dn: x\nno colon"), (4, ANN)]),
        ("dn: x\ncn:: no base64!", [(1, "dn: x\ncn:: no base64!")]),
        ("", []),
        ("\n\n# nothing\n", []),
    ],
)
def test_entries_are_read(text: str, expected: list[object]) -> None:
    assert entries_of(text) == expected


def test_a_line_that_is_not_utf8_makes_its_entry_unreadable() -> None:
    lines = pl.DataFrame(
        {"line": [1, 2, 3, 4], "text": ["dn: x", None, "", "dn: y"]}, schema_overrides={"text": pl.String}
    )
    entries = read_entries(lines).entries
    assert entries.select("line", "is_readable").rows() == [(1, False), (4, True)]


def test_a_guid_is_the_text_that_other_programs_show() -> None:
    data = bytes.fromhex("1e9a2c6f3d5b8a4c9e0f112233445566")
    assert entries_of(f"dn: x\nobjectGuid:: {in_base64(data)}") == [
        (1, {"dn": "x", "objectGUID": ["6f2c9a1e-5b3d-4c8a-9e0f-112233445566"]})
    ]


def test_binary_values_are_left_out_by_name_or_content() -> None:
    text = (
        f"dn: x\njpegPhoto:: {in_base64(b'text')}\nuserCertificate;binary:: {in_base64(b'text')}\n"
        f"other:: {in_base64(bytes([255, 254]))}\nphoto:< file:///tmp/a.jpg\ncn: Ann\n"
    )
    lines = text.split("\n")
    found = read_entries(pl.DataFrame({"line": range(5, len(lines) + 5), "text": lines}))
    assert [json.loads(entry) for entry in found.entries["text"]] == [{"dn": "x", "cn": ["Ann"]}]
    assert found.binary.rows() == [(5, name) for name in ("jpegPhoto", "userCertificate", "other", "photo")]

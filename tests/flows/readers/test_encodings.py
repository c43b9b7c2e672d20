"""Files in other encodings are read as the options say; what is in another one is refused with a guess."""

import gzip
import json

import pytest

from flows.readers.encodings import guess_encoding, recognise_encoding
from flows.readers.limits import ReadLimits
from schemas.codes import ErrorCode
from tests.flows.readers.outcomes import Outcome, Reader

NAMES = ("Zoë Łęcka-Strauß", "Nuñez €5 “quoted”", "Грин", "日本 語", "😀 \u2028 x")
TEXTS = {
    "cp1252": NAMES[1],
    "iso8859-1": "Zoë Nuñez",
    "cp1251": NAMES[2],
    "shift_jis": NAMES[3],
    "gb18030": NAMES[4],
    "cp500": "Zoë",
    **{f"utf-{size}{order}": NAMES[4] for size in (16, 32) for order in ("", "-le", "-be")},
    "utf-8": NAMES[4],
}


def csv_of(name: str, *, separator: str = ",") -> str:
    quoted = name.replace('"', '""')
    return f'email{separator}name\r\n\r\na@b.c{separator}"{quoted}"\r\nbad\r\nd@b.c{separator}Dee\r\n'


def texts_of(name: str) -> dict[str, str]:
    """Return the same users as files of each text format."""
    users = [{"email": "a@b.c", "name": name}, {"email": "d@b.c", "name": "Dee"}]
    lines = [json.dumps(user, ensure_ascii=False) for user in users]
    return {
        "users.csv": csv_of(name),
        "users.tsv": csv_of(name, separator="\t"),
        "users.ndjson": "\n".join([lines[0], "", "bad", lines[1]]),
        "users.json": f"[\n{lines[0]},\n7,{lines[1]}]",
    }


def read(reader: Reader, content: bytes, name: str, encoding: str, *, batch_bytes: int = 10_000) -> Outcome:
    return reader.read(content, name, encoding=encoding, limits=ReadLimits(batch_bytes=batch_bytes))


@pytest.mark.parametrize("form", ["users.csv", "users.tsv", "users.ndjson", "users.json"])
@pytest.mark.parametrize("encoding", TEXTS)
def test_a_text_is_read_in_the_stated_encoding(encoding: str, form: str, reader: Reader) -> None:
    text = texts_of(TEXTS[encoding])[form]
    expected = reader.read(text.encode(), form)
    content = text.encode(encoding)
    assert [json.loads(line)["name"] for line in expected.texts] == [TEXTS[encoding], "Dee"]
    assert len(expected.errors) == 1
    for batch_bytes in (1, 7, 10_000):  # characters and line ends are cut
        assert read(reader, content, form, encoding, batch_bytes=batch_bytes) == expected
    assert read(reader, gzip.compress(content), f"{form}.gz", encoding) == expected


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_a_bom_is_passed_over(encoding: str, reader: Reader) -> None:
    content = ("\ufeff" + csv_of("Zoë")).encode(encoding)
    for stated in (encoding, encoding[:6]):
        assert read(reader, content, "users.csv", stated).rows == reader.read(csv_of("Zoë").encode(), "users.csv").rows


@pytest.mark.parametrize("order", ["le", "be"])
def test_utf16_without_a_bom_is_read_in_its_byte_order(order: str, reader: Reader) -> None:
    content = csv_of("Zoë").encode(f"utf-16-{order}")
    assert read(reader, content, "users.csv", "utf-16").texts[0] == '{"email":"a@b.c","name":"Zoë"}'


@pytest.mark.parametrize(
    ("encoding", "bad"),
    [
        ("cp1252", b"\x81"),
        ("cp1252", b"\x9d\x90"),
        ("shift_jis", b"\xfd"),
        ("gb18030", b"\xff"),
        ("utf-16-le", b"\x00\xd8"),
        ("utf-16-be", b"\xdc\xa9"),
    ],
)
@pytest.mark.parametrize("form", ["users.csv", "users.ndjson", "users.json"])
def test_what_the_encoding_does_not_define_refuses_its_record(
    encoding: str, bad: bytes, form: str, reader: Reader
) -> None:
    parts = texts_of("ZoX")[form].split("ZoX")
    content = bad.join(part.encode(encoding) for part in parts)
    outcome = read(reader, content, form, encoding)
    assert "INVALID_TEXT" in [error.code for error in outcome.errors]
    assert outcome.texts[-1] == '{"email":"d@b.c","name":"Dee"}' or '"Dee"' in outcome.texts[-1]
    assert any(f"not {encoding.upper()}" in message for message in outcome.messages)
    assert not any("UTF-8" in message for message in outcome.messages)


def test_a_refused_row_is_kept_as_utf8(reader: Reader) -> None:
    outcome = read(reader, "email,name\nZoë,Łx,\n".replace("Ł", "€").encode("cp1252"), "users.csv", "cp1252")
    assert outcome.seen == 1
    outcome = read(reader, "email,name\nZoë,€,more\n".encode("cp1252"), "users.csv", "cp1252")
    assert outcome.refused == ["Zoë,€,more"]


def test_a_syntax_error_names_its_line_only(reader: Reader) -> None:
    content = '[{"email":"ä"},\n{"email":}]'.encode("utf-16")
    fault = reader.fault(content, "users.json", encoding="utf-16")
    assert (fault.code, fault.message) == (
        ErrorCode.FILE_SYNTAX,
        "users.json is not JSON: expecting value, in line 2",
    )


@pytest.mark.parametrize(
    ("content", "stated", "right"),
    [
        ("email,Größe\n".encode("cp1252"), "utf-8", "cp1252"),
        ("email,Größe\n".encode("utf-16"), "utf-8", "utf-16"),
        ("email,Größe\n".encode("utf-16-le"), "utf-8", "utf-16"),
        ("email,Größe\n".encode("utf-16-be"), "cp1252", "utf-16"),
        ("email,Größe\n".encode("utf-32"), "utf-8", "utf-32"),
        ("email,Größe\n".encode("utf-32-be"), "utf-8", "utf-32"),
        ("email,Größe\n".encode("utf-8-sig"), "cp1252", "utf-8"),
        ("email,Größe\n".encode(), "utf-16", "utf-8"),
    ],
)
def test_a_file_in_another_encoding_is_refused_with_the_guess(
    content: bytes, stated: str, right: str, reader: Reader
) -> None:
    fault = reader.fault(content, "users.csv", encoding=stated)
    assert fault.code is ErrorCode.FILE_FORMAT
    assert ("without --encoding" if right == "utf-8" else f"--encoding {right}") in fault.hint
    assert reader.read(content, "users.csv", encoding=right).seen == 0


def test_an_encoding_that_cannot_be_guessed_is_asked_for(reader: Reader) -> None:
    fault = reader.fault("email,Фамилия\n".encode("cp1251"), "users.csv")
    assert (fault.code, "--encoding cp" in fault.hint, "--encoding" in fault.hint) == (
        ErrorCode.FILE_FORMAT,
        False,
        True,
    )


def test_parquet_has_no_encoding(reader: Reader) -> None:
    fault = reader.fault(b"PAR1....PAR1", "users.parquet", encoding="cp1252")
    assert (fault.code, fault.hint) == (ErrorCode.FILE_FORMAT, "import it without --encoding")


def test_plain_text_is_not_taken_for_another_encoding() -> None:
    assert recognise_encoding(b"email,name\n") is None
    assert recognise_encoding("日本語,имя\n".encode()) is None
    assert guess_encoding("Größe".encode("cp1252")) == "cp1252"
    assert guess_encoding("Фамилия".encode("cp1251")) is None

"""The grammars of e-mail addresses, URIs and clean text: our own cases, published corpora, a library's constants."""

import json
import unicodedata
import xml.etree.ElementTree as ET  # of a file that is part of the corpora
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from email_validator import rfc_constants
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.provisional import urls

from schemas.formats.email import LONGEST_EMAIL, LONGEST_LOCAL_PART, is_email_address
from schemas.formats.text import has_unseen_character, is_clean_text
from schemas.formats.uri import is_http_uri
from tests.oracle import grammars
from tests.oracle.addresses import emails, pictures

# published test suites, beside the checkout where there are any
CORPORA = Path(__file__).resolve().parents[4] / "shared" / "corpora"
needs_corpora = pytest.mark.skipif(not CORPORA.exists(), reason="the corpora are not beside the checkout")
Grammar = Callable[[pl.Expr], pl.Expr]


def matches(texts: list[str], grammar: Grammar) -> list[bool]:
    return pl.DataFrame({"text": texts}, schema={"text": pl.String}).select(grammar(pl.col("text")))["text"].to_list()


@pytest.mark.parametrize(
    "address",
    [
        "jane@example.com",
        "a@b",
        "j.d+tag@mail.example.co.uk",
        "!#$%&'*+-/=?^_`{|}~@example.com",
        "a@1.2",
        "a@xn--mnchen-3ya.de",
        "a@münchen.de",
        "a@MÜNCHEN.de",
        "a@cafe\u0301.com",
        "a@例え.テスト",
        "a@نامه\u200cای.com",
        "a@क्\u200dष.com",
        "a@" + "b" * 63 + ".c",
        "a@" + "é" * 57,
    ],
)
def test_an_address_is_accepted(address: str) -> None:
    assert matches([address], is_email_address) == [True]


@pytest.mark.parametrize(
    "address",
    [
        "",
        "@",
        "jane",
        "jane@",
        "@example.com",
        "a@b@c",
        ".a@b.c",
        "a.@b.c",
        "a..b@c.d",
        "a b@c.d",
        "a@-b.c",
        "a@b-.c",
        "a@b..c",
        "a@b.c.",
        "a@b_c.d",
        "a@" + "b" * 64,
        "a@" + "é" * 60,
        "a@b.c\n",
        " a@b.c",
        '"a b"@c.d',
        "a@[127.0.0.1]",
        "é@b.c",
        "a@ｂ.com",
        "a＠b.com",
        "a@b。com",
        "a@ﬁ.com",
        "a@☃.com",
        "a@😀.com",
        "a@\u0301b.com",
        "a@a\u00b7b.com",
        "a@\u212a.com",
        "a@xn--",
        "a@xn--a",
        "a@xn--abc.example",
        "a@b.XN--MNCHEN-3YB-",
        "a@1נ.com",
        "a@نامه\u200c.com",
        "a@" + "é" * 58,
        "a@" + ".".join(["é" * 50] * 5),
    ],
)
def test_other_texts_are_refused(address: str) -> None:
    assert matches([address], is_email_address) == [False]


def isemail_cases() -> dict[str, list[str]]:
    """The addresses of the isemail suite by category; it writes control characters as symbols."""
    root = ET.parse(CORPORA / "isemail" / "tests.xml").getroot()  # noqa: S314 (a file of ours)
    pictures_of_controls = {0x2400 + code: chr(code) for code in range(0x20)}
    cases: dict[str, list[str]] = {}
    for case in root.findall("test"):
        address = (case.findtext("address") or "").translate(pictures_of_controls)
        cases.setdefault(str(case.findtext("category")), []).append(address)
    return cases


@needs_corpora
def test_isemail_errors_are_refused_and_valid_addresses_accepted() -> None:
    accepted = {category: sum(matches(texts, is_email_address)) for category, texts in isemail_cases().items()}
    assert accepted == {
        "ISEMAIL_ERR": 0,
        "ISEMAIL_VALID_CATEGORY": 14,
        "ISEMAIL_DNSWARN": 8,
        "ISEMAIL_RFC5321": 3,  # last labels of digits, and of one label; no quoted local parts, no address literals
        "ISEMAIL_RFC5322": 4,  # too long in whole or before the @, which are rules of their own
        "ISEMAIL_CFWS": 0,
        "ISEMAIL_DEPREC": 0,
    }


def differences(name: str, grammar: Grammar) -> tuple[int, dict[str, bool]]:
    """Return how many cases of a JSON Schema format suite agree, and the others with the result of the suite."""
    suite = json.loads((CORPORA / "json-schema-format" / "format" / f"{name}.json").read_text(encoding="utf-8"))
    cases = [
        (case["data"], case["valid"]) for group in suite for case in group["tests"] if isinstance(case["data"], str)
    ]
    found = matches([text for text, _ in cases], grammar)
    differing = {text: valid for (text, valid), match in zip(cases, found, strict=True) if match is not valid}
    return len(cases) - len(differing), differing


@needs_corpora
def test_json_schema_email_differs_in_quoted_local_parts_and_address_literals_only() -> None:
    agreeing, differing = differences("email", is_email_address)
    assert agreeing == 16
    assert all(valid and (text.startswith('"') or "@[" in text) for text, valid in differing.items())


@needs_corpora
def test_json_schema_idn_email_differs_in_local_parts_beyond_ascii_only() -> None:
    agreeing, differing = differences("idn-email", is_email_address)
    assert agreeing == 5
    assert all(valid and not text.rpartition("@")[0].isascii() for text, valid in differing.items())


@needs_corpora
def test_json_schema_uri_differs_in_other_schemes_only() -> None:
    agreeing, differing = differences("uri", is_http_uri)
    assert agreeing == 34
    assert all(valid and not text.startswith("http") for text, valid in differing.items())


@needs_corpora
def test_json_schema_idn_hostname_differs_in_other_full_stops_and_what_labels_have_together() -> None:
    agreeing, differing = differences("idn-hostname", lambda name: is_email_address(pl.lit("a@") + name).alias("text"))
    other_full_stops = {text for text, valid in differing.items() if valid}  # NFKC or IDNA would make them dots
    assert agreeing == 76
    assert all(set(text) & set("。．｡") for text in other_full_stops)
    assert (
        len(differing) - len(other_full_stops) == 2
    )  # digits before a label that is read from the right; 255 characters


def test_the_dot_atom_is_that_of_the_library() -> None:
    characters = [chr(code) for code in range(0x80)]
    by_library = [bool(rfc_constants.ATEXT_RE.fullmatch(character)) and character != "." for character in characters]
    assert matches([f"{character}@b.c" for character in characters], is_email_address) == by_library
    assert (LONGEST_EMAIL, LONGEST_LOCAL_PART) == (
        rfc_constants.EMAIL_MAX_LENGTH,
        rfc_constants.LOCAL_PART_MAX_LENGTH,
    )


@settings(max_examples=30, derandomize=True, deadline=None, database=None)
@given(st.lists(st.from_regex(rfc_constants.DOT_ATOM_TEXT, fullmatch=True), min_size=5, max_size=5))
def test_every_dot_atom_of_the_library_is_a_local_part(local_parts: list[str]) -> None:
    assert all(matches([f"{text}@example.com" for text in local_parts], is_email_address))


@settings(max_examples=60, derandomize=True, deadline=None, database=None)
@given(st.lists(st.one_of(emails, st.text(max_size=8).map("a@{}".format)), min_size=20, max_size=20))
def test_addresses_match_the_handwritten_grammar(texts: list[str]) -> None:
    assert matches(texts, is_email_address) == [grammars.is_email_address(text) for text in texts]


@settings(max_examples=60, derandomize=True, deadline=None, database=None)
@given(st.lists(st.one_of(pictures, urls(), st.text(max_size=8).map("http://a{}".format)), min_size=20, max_size=20))
def test_uris_match_the_handwritten_grammar(texts: list[str]) -> None:
    assert matches(texts, is_http_uri) == [grammars.is_http_uri(text) for text in texts]


CHARACTERS = [chr(code) for code in range(0x110000) if not 0xD800 <= code <= 0xDFFF]


def test_only_controls_and_the_replacement_character_are_unclean() -> None:
    unclean = [c for c, clean in zip(CHARACTERS, matches(CHARACTERS, is_clean_text), strict=True) if not clean]
    assert unclean == [*(c for c in CHARACTERS if unicodedata.category(c) == "Cc"), "\ufffd"]


def test_white_space_and_format_characters_are_unseen() -> None:
    found = {c for c, unseen in zip(CHARACTERS, matches(CHARACTERS, has_unseen_character), strict=True) if unseen}
    unseen = {c for c in CHARACTERS if unicodedata.category(c) in {"Cf", "Zs", "Zl", "Zp"}}
    controls = {"\x85"}  # white space, too; a text that has it is unclean
    later = {chr(code) for code in range(0x13439, 0x13440)}  # hieroglyphic controls, unknown to this Python's Unicode
    assert {*"\u200b\ufeff\u00ad\u180e\u2060\u202e\U000e0001\U000e0041"} < unseen
    assert found - later == (unseen | controls) - later

r"""E-mail addresses (RFC 5321 `Mailbox`): a dot-atom of ASCII before the `@`, a domain name after it.

One label is a domain name. A label has 1–63 letters, digits and inner hyphens. An internationalised label (U-label)
has 1–59 letters, marks and digits of any script, in either case, and inner hyphens. It has no character that NFKC would
replace (full-width forms, ligatures), and those that RFC 5892 allows in certain contexts only there.

What a pattern cannot check is left to a library, which must find an ASCII form (UTS 46): whether an A-label decodes,
whether a label reads in one direction (RFC 5893), whether a virama precedes a joiner. Left out on purpose, although
RFC 5321 and RFC 6531 allow them: quoted local parts, address literals, non-ASCII local parts. Lengths have rules of
their own.

The patterns are for Rust's engine: linear time, no look-around, `$` is the end of the text.
"""

from functools import lru_cache

import idna
import pandera.polars as pa
import polars as pl

from schemas.codes import ErrorCode
from schemas.formats.text import TextColumns

EMAIL_COLUMNS = r"^(?:email|mfa_factors\[\]\.email\.value|identities\[\]\.email)$"

_ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]"
_LOCAL_PART = rf"{_ATEXT}+(?:\.{_ATEXT}+)*"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"

# RFC 5892: letters, digits and marks but those of its section 2.6, and what only a context allows
_DISALLOWED = r"\x{640}\x{7FA}\x{302E}\x{302F}\x{3031}-\x{3035}\x{303B}"
_EXCEPTIONS = r"\x{6FD}\x{6FE}\x{F0B}\x{3007}\x{30FB}"
_INNER = r"\x{B7}\x{375}\x{5F3}\x{5F4}\x{200C}\x{200D}"
_FIRST = rf"[[\p{{L}}\p{{Nd}}{_EXCEPTIONS}]--[{_DISALLOWED}]]"
_LAST = rf"[[\p{{L}}\p{{M}}\p{{Nd}}{_EXCEPTIONS}\x{{5F3}}\x{{5F4}}]--[{_DISALLOWED}]]"
_U_LABEL = rf"{_FIRST}(?:[[\p{{L}}\p{{M}}\p{{Nd}}{_EXCEPTIONS}{_INNER}-]--[{_DISALLOWED}]]{{0,57}}{_LAST})?"
_KANA_OR_HAN = r"\p{Hiragana}\p{Katakana}\p{Han}"
OUT_OF_CONTEXT = "|".join(
    (
        r"[^lL]\x{B7}|\x{B7}[^lL]",  # middle dot: between two l
        r"\x{375}[^\p{Greek}]",  # keraia: before Greek
        r"[^\p{Hebrew}][\x{5F3}\x{5F4}]",  # geresh, gershayim: after Hebrew
        rf"[.@][^.{_KANA_OR_HAN}]*\x{{30FB}}[^.{_KANA_OR_HAN}]*(?:\.|$)",  # katakana middle dot: with kana or Han
        r"[\x{660}-\x{669}][^.]*[\x{6F0}-\x{6F9}]|[\x{6F0}-\x{6F9}][^.]*[\x{660}-\x{669}]",  # one kind of digits
        r"[^\p{M}\p{Arabic}]\x{200C}|[^\p{M}]\x{200D}",  # joiners: after a virama, or in Arabic script
    )
)

LONGEST_EMAIL = 254  # characters, like every length of the record
LONGEST_LOCAL_PART = 64

A_LABEL = "(?i)[@.]xn--"  # the local part may have it too
MAILBOX = rf"^{_LOCAL_PART}@{_LABEL}(?:\.{_LABEL})*$"
INTERNATIONAL_MAILBOX = rf"^{_LOCAL_PART}@(?:{_LABEL}|{_U_LABEL})(?:\.(?:{_LABEL}|{_U_LABEL}))*$"


class EmailRules(TextColumns):
    """The rules of every column that holds an e-mail address; a model with such a column inherits them."""

    @pa.check(
        EMAIL_COLUMNS,
        regex=True,
        error=ErrorCode.MAX_LENGTH,
        description=f"is {{length}} characters long; at most {LONGEST_EMAIL} are allowed",
    )
    def email_is_at_most_254_characters(cls, data: pa.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(~_is_too_long(pl.col(data.key)))

    @pa.check(
        EMAIL_COLUMNS,
        regex=True,
        error=ErrorCode.MAX_LENGTH,
        description=f"has {{local_length}} characters before the @; at most {LONGEST_LOCAL_PART} are allowed",
    )
    def local_part_is_at_most_64_characters(cls, data: pa.PolarsData) -> pl.LazyFrame:
        email = pl.col(data.key)
        return data.lazyframe.select(~_has_long_local_part(email) | _is_too_long(email))

    @pa.check(EMAIL_COLUMNS, regex=True, error=ErrorCode.FORMAT, description="is not an e-mail address{with_unseen}")
    def email_is_an_address(cls, data: pa.PolarsData) -> pl.LazyFrame:
        email = pl.col(data.key)
        return data.lazyframe.select(is_email_address(email) | has_excess_length(email) | ~cls.is_clean(data.key))


def is_email_address(text: pl.Expr) -> pl.Expr:
    """Return whether the text is an e-mail address, whatever its length."""
    hyphened = pl.when(text.str.contains("--", literal=True)).then(text)  # few are, and all with an A-label
    has_a_label = hyphened.str.contains(A_LABEL).fill_null(value=False)
    return (text.str.contains(MAILBOX) & ~has_a_label) | with_ascii_domain(text).is_not_null()


def with_ascii_domain(text: pl.Expr) -> pl.Expr:
    """Return an address whose domain has an A-label or U-label with the domain in ASCII (UTS 46), otherwise null."""
    return text.map_batches(_with_ascii_domain, return_dtype=pl.String, is_elementwise=True)


def _with_ascii_domain(texts: pl.Series) -> pl.Series:
    suspect = texts.str.contains("--", literal=True) | (texts.str.len_bytes() > texts.str.len_chars())
    if not suspect.any():
        return texts.clear(len(texts))
    other = texts.filter(suspect).unique()
    other = other.filter(other.str.contains(A_LABEL) | (other.str.len_bytes() > other.str.len_chars()))
    different = pl.DataFrame({"text": other}).filter(_is_mailbox(pl.col("text")))
    local_part, domain = different.select(pl.col("text").str.extract_groups("^(.+@)(.+)$").struct.unnest())
    encoded = local_part + pl.Series(map(_encode, domain), dtype=pl.String)
    return texts.replace_strict(different["text"], encoded, default=None, return_dtype=pl.String)


def _is_mailbox(text: pl.Expr) -> pl.Expr:
    """Return whether the text is a mailbox as far as patterns can say."""
    composed, decomposed = (text.str.normalize(form) for form in ("NFKC", "NFKD"))
    stable = (text == composed) | (text == decomposed)
    return text.str.contains(INTERNATIONAL_MAILBOX) & stable & ~text.str.contains(OUT_OF_CONTEXT)


@lru_cache(maxsize=100_000)
def _encode(domain: str) -> str | None:
    try:
        return idna.encode(domain, uts46=True).decode()
    except idna.IDNAError:
        return None


def has_excess_length(text: pl.Expr) -> pl.Expr:
    """Return whether the text, or its local part, is longer than that of an e-mail address may be."""
    return _is_too_long(text) | _has_long_local_part(text)


def _is_too_long(text: pl.Expr) -> pl.Expr:
    return text.str.len_chars() > LONGEST_EMAIL


def _has_long_local_part(text: pl.Expr) -> pl.Expr:
    """Return whether more characters stand before the last @ than a local part may have."""
    return text.str.contains(rf"(?s)^.{{{LONGEST_LOCAL_PART + 1},}}@")

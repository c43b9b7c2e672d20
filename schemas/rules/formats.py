r"""The grammars of texts: sound text, e-mail address, http(s) URI. Which field has which is in the models.

E-mail (RFC 5321 `Mailbox`): a dot-atom of ASCII before the `@`, a domain name after it. One label is a domain name;
labels have 1–63 letters, digits and inner hyphens. An internationalised label (U-label) has 1–59 letters, marks and
digits of any script, in either case, and inner hyphens; nothing that NFKC would replace by something else (full-width
forms, ligatures); and the characters that RFC 5892 allows in a context only there. Not asked, as no pattern can tell:
whether an A-label decodes, a label reads in one direction (RFC 5893), a virama precedes a joiner. Left out on purpose,
though RFC 5321 and RFC 6531 have them: quoted local parts, address literals, non-ASCII local parts. Lengths are rules
of their own.

URI (RFC 3986): scheme http or https in either case, a host that is not empty (name, IPv4, IPv6 or IPvFuture literal),
and optional user information, port, path, query and fragment, all of it ASCII and percent-encoded.

The patterns are for Rust's engine: linear time, no look-around, `$` is the end of the text.
"""

import polars as pl

# C0 controls, and what decoders put where text could not be decoded
UNCLEAN = r"[\x00-\x1f\x{FFFD}]"
UNCLEAN_IN_METADATA = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x{FFFD}]"  # an address or a note there has lines and tabs

_ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]"
_LOCAL_PART = rf"{_ATEXT}+(?:\.{_ATEXT}+)*"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"

# RFC 5892: letters, digits and marks but those of its section 2.6, and what is let in by its context
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

MAILBOX = rf"^{_LOCAL_PART}@{_LABEL}(?:\.{_LABEL})*$"
INTERNATIONAL_MAILBOX = rf"^{_LOCAL_PART}@(?:{_LABEL}|{_U_LABEL})(?:\.(?:{_LABEL}|{_U_LABEL}))*$"

_PERCENT = r"%[0-9A-Fa-f]{2}"
_PLAIN = r"A-Za-z0-9._~!$&'()*+,;=\-"  # unreserved and sub-delims
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4 = rf"{_OCTET}(?:\.{_OCTET}){{3}}"
_H16 = r"[0-9A-Fa-f]{1,4}"
_LS32 = rf"(?:{_H16}:{_H16}|{_IPV4})"
_IPV6 = "|".join(
    (
        rf"(?:{_H16}:){{6}}{_LS32}",
        rf"::(?:{_H16}:){{5}}{_LS32}",
        rf"(?:{_H16})?::(?:{_H16}:){{4}}{_LS32}",
        rf"(?:(?:{_H16}:){{0,1}}{_H16})?::(?:{_H16}:){{3}}{_LS32}",
        rf"(?:(?:{_H16}:){{0,2}}{_H16})?::(?:{_H16}:){{2}}{_LS32}",
        rf"(?:(?:{_H16}:){{0,3}}{_H16})?::{_H16}:{_LS32}",
        rf"(?:(?:{_H16}:){{0,4}}{_H16})?::{_LS32}",
        rf"(?:(?:{_H16}:){{0,5}}{_H16})?::{_H16}",
        rf"(?:(?:{_H16}:){{0,6}}{_H16})?::",
    )
)
_IP_LITERAL = rf"\[(?:{_IPV6}|[vV][0-9A-Fa-f]+\.[{_PLAIN}:]+)\]"
_USER_INFORMATION = rf"(?:[{_PLAIN}:]|{_PERCENT})*@"
_NAME = rf"(?:[{_PLAIN}]|{_PERCENT})+"
_PATH = rf"(?:/(?:[{_PLAIN}:@/]|{_PERCENT})*)?"
_TAIL = rf"(?:[{_PLAIN}:@/?]|{_PERCENT})*"

HTTP_URI = (
    rf"^(?i:https?)://(?:{_USER_INFORMATION})?(?:{_NAME}|{_IP_LITERAL})(?::[0-9]*)?{_PATH}(?:\?{_TAIL})?(?:#{_TAIL})?$"
)


def is_clean_text(text: pl.Expr) -> pl.Expr:
    """Whether the text is free of control characters and of traces of broken encoding."""
    return ~text.str.contains(UNCLEAN)


def is_sound_in_metadata(text: pl.Expr) -> pl.Expr:
    """As `is_clean_text`, but for line breaks and tabs."""
    return ~text.str.contains(UNCLEAN_IN_METADATA)


def is_long_email(text: pl.Expr) -> pl.Expr:
    """Whether the text has more characters than an e-mail address may have."""
    return text.str.len_chars() > LONGEST_EMAIL


def is_long_before_at(text: pl.Expr) -> pl.Expr:
    """Whether the text has more characters before its last @ than the local part of an e-mail address may have."""
    return text.str.contains(rf"(?s)^.{{{LONGEST_LOCAL_PART + 1},}}@")


def where_beyond_ascii(text: pl.Expr) -> pl.Expr:
    """The text where it has a character beyond ASCII, otherwise null: work on nulls costs next to nothing."""
    return pl.when(text.str.len_bytes() > text.str.len_chars()).then(text)


def is_email_address(text: pl.Expr) -> pl.Expr:
    """Whether the text is an e-mail address, its length apart."""
    beyond_ascii = where_beyond_ascii(text)
    composed, decomposed = (beyond_ascii.str.normalize(form) for form in ("NFKC", "NFKD"))
    stable = (beyond_ascii == composed) | (beyond_ascii == decomposed)
    in_context = ~beyond_ascii.str.contains(OUT_OF_CONTEXT)
    international = beyond_ascii.str.contains(INTERNATIONAL_MAILBOX) & stable & in_context
    return text.str.contains(MAILBOX) | international.fill_null(value=False)


def is_http_uri(text: pl.Expr) -> pl.Expr:
    """Whether the text is an absolute http(s) URI."""
    return text.str.contains(HTTP_URI)

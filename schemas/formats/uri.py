"""HTTP URIs (RFC 3986).

The scheme is http or https in either case, the host is not empty (name, IPv4, IPv6 or IPvFuture literal), and there may
be user information, port, path, query and fragment; all of it is ASCII and percent-encoded.

The pattern is for Rust's engine: linear time, no look-around, `$` is the end of the text.
"""

import polars as pl

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


def is_http_uri(text: pl.Expr) -> pl.Expr:
    """Return whether the text is an absolute http or https URI."""
    return text.str.contains(HTTP_URI)

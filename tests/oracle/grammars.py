"""The grammars of the record, written by hand without the patterns of the product."""

import ipaddress
import re
import string
import unicodedata

import idna

ATOM = set(string.ascii_letters + string.digits + "!#$%&'*+-/=?^_`{|}~")
URI_PLAIN = set(string.ascii_letters + string.digits + "-._~!$&'()*+,;=")
EXCEPTIONS = set("\u06fd\u06fe\u0f0b\u3007\u30fb")
INNER = set("\u00b7\u0375\u05f3\u05f4\u200c\u200d")
DISALLOWED = set("\u0640\u07fa\u302e\u302f\u3031\u3032\u3033\u3034\u3035\u303b")


def is_clean_text(text: str) -> bool:
    return not any(unicodedata.category(character) == "Cc" or character == "\ufffd" for character in text)


def is_white_space(character: str) -> bool:
    """Return whether the character has the Unicode property White_Space: controls 1C to 1F do not, as for Python."""
    return character.isspace() and character not in "\x1c\x1d\x1e\x1f"


def is_unseen(character: str) -> bool:
    return is_white_space(character) or unicodedata.category(character) == "Cf"


def without_outer(text: str, *, invisible: str = "") -> str:
    """Return the text without white space, and the given characters, at either end."""
    kept = [
        place for place, character in enumerate(text) if not is_white_space(character) and character not in invisible
    ]
    return text[kept[0] : kept[-1] + 1] if kept else ""


def is_clean_in_metadata(text: str) -> bool:
    return is_clean_text(re.sub("[\t\n\r]", "", text))


def is_email_address(text: str) -> bool:
    """Return whether the text is a dot-atom, an @ and a domain name, of any length."""
    local, at, domain = text.partition("@")
    return bool(at) and is_dot_atom(local) and is_domain(domain)


def is_dot_atom(local: str) -> bool:
    return all(atom and set(atom) <= ATOM for atom in local.split("."))


def is_domain(domain: str) -> bool:
    stable = domain in {unicodedata.normalize("NFKC", domain), unicodedata.normalize("NFKD", domain)}
    labels = domain.split(".")
    if not stable or not all(is_label(label) for label in labels):
        return False
    return all(label.isascii() and label[:4].lower() != "xn--" for label in labels) or ascii_domain(domain) is not None


def ascii_domain(domain: str) -> str | None:
    """Return the domain in ASCII by UTS 46, label by label."""
    try:
        mapped = idna.uts46_remap(domain, std3_rules=False, transitional=False)
        encoded = b".".join(idna.alabel(label) for label in mapped.split("."))
    except idna.IDNAError:
        return None
    return encoded.decode() if len(encoded) <= 253 else None


def email_key(address: str) -> str:
    """Return what two spellings of one mailbox have in common."""
    local, _, domain = address.partition("@")
    is_plain = domain.isascii() and "xn--" not in domain.lower()
    return f"{local.lower()}@{domain.lower() if is_plain else ascii_domain(domain)}"


def is_label(label: str) -> bool:
    if label.isascii():
        allowed = set(string.ascii_letters + string.digits + "-")
        return 1 <= len(label) <= 63 and set(label) <= allowed and "-" not in {label[0], label[-1]}
    return len(label) <= 59 and is_u_label(label)


def is_u_label(label: str) -> bool:
    inner = all(is_letter(c) or is_mark(c) or c in INNER or c == "-" for c in label)
    ends = is_letter(label[0]) and (is_letter(label[-1]) or is_mark(label[-1]) or label[-1] in "\u05f3\u05f4")
    return inner and ends and not set(label) & DISALLOWED and is_in_context(label)


def is_in_context(label: str) -> bool:
    """Return whether characters that RFC 5892 allows in a context have it (joiners: by script, not by joining type)."""
    for before, character, after in zip(" " + label, label, label[1:] + " ", strict=False):
        wanted = {
            "\u00b7": before in "lL" and after in "lL",
            "\u0375": is_of(after, "GREEK"),
            "\u05f3": is_of(before, "HEBREW"),
            "\u05f4": is_of(before, "HEBREW"),
            "\u200c": is_mark(before) or is_of(before, "ARABIC"),
            "\u200d": is_mark(before),
            "\u30fb": any(is_of(c, "HIRAGANA", "KATAKANA LETTER", "CJK UNIFIED") for c in label),
        }
        if not wanted.get(character, True):
            return False
    return not (any("\u0660" <= c <= "\u0669" for c in label) and any("\u06f0" <= c <= "\u06f9" for c in label))


def is_of(character: str, *scripts: str) -> bool:
    return unicodedata.name(character, "").startswith(scripts)


def is_letter(character: str) -> bool:
    return unicodedata.category(character) in {"Lu", "Ll", "Lt", "Lm", "Lo", "Nd"} or character in EXCEPTIONS


def is_mark(character: str) -> bool:
    return unicodedata.category(character) in {"Mn", "Mc", "Me"}


def is_http_uri(text: str) -> bool:
    """Return whether the text is an RFC 3986 URI with a host and scheme http or https."""
    scheme, colon, rest = text.partition("://")
    if not colon or scheme.lower() not in {"http", "https"}:
        return False
    rest, _, fragment = rest.partition("#")
    rest, _, query = rest.partition("?")
    authority, slash, path = rest.partition("/")
    tail = "".join((fragment, "/", query))
    return is_authority(authority) and is_made_of(tail, extra=":@/?") and is_made_of(slash + path, extra=":@/")


def is_authority(authority: str) -> bool:
    user, at, host = authority.rpartition("@")
    if at and not is_made_of(user, extra=":"):
        return False
    if host.startswith("["):
        literal, _, after = host[1:].partition("]")
        return "]" in host and is_ip_literal(literal) and is_port(after)
    name, colon, port = host.partition(":")
    return name != "" and is_made_of(name, extra="") and is_port(colon + port)


def is_port(text: str) -> bool:
    return re.fullmatch(r"(:[0-9]*)?", text) is not None


def is_ip_literal(literal: str) -> bool:
    future = re.fullmatch(r"[vV][0-9A-Fa-f]+\.(.+)", literal)
    if future:
        return set(future[1]) <= URI_PLAIN | {":"}
    try:
        ipaddress.IPv6Address(literal)
    except ValueError:
        return False
    return "%" not in literal


def is_made_of(text: str, *, extra: str) -> bool:
    """Return whether the text consists of plain characters, the extra ones and percent-encoded octets."""
    plain = re.sub("%[0-9A-Fa-f]{2}", "", text, flags=re.ASCII)
    return set(plain) <= URI_PLAIN | set(extra)

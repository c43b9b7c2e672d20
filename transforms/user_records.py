"""Find the records that carry a key of one user, in whatever spelling, and take the user's keys out of other texts.

Values are compared by the keys that a merge compares, field by field: a username never matches a user_id. Which keys
a user has is found in `flows.store.forget`.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from unicodedata import normalize

import polars as pl

from schemas.profiles import HEADER_ALIASES
from transforms.canonical_columns import match_keys
from transforms.field_names import fold_name
from transforms.json.values import has_escape

KINDS = ("email", "username", "user_id")
ERASED = "erased"  # what stands where a key of the user was
INVISIBLE = r"\p{Cf}"
DELIMITERS = r'\s<>()\[\],;:|\\"@'
ADDRESS = re.compile(rf"(?<![^{DELIMITERS}])[^{DELIMITERS}]++@[^{DELIMITERS}?&'/]+")
WRAPPING = "'`/="  # before an address in a text; a mailbox hardly begins with one of them
MEMBER = re.compile(r'"((?:[^"\\]|\\.)*)"\s*:\s*"((?:[^"\\]|\\.)*)"')
CELL_ENDS = re.compile(r'[,;\t|\r\n"]')
ENDINGS = r"\.(?!(?:csv|tsv|json|ndjson|jsonl|parquet|gz|zst|report)\b)"  # after an address: not that of a file
NAMED_USER = r"(?:(?:existing|by|of) user |(?:email|username|user_id) is held by )"  # in messages of `transforms/sql`
NAMING_CODES = ("CONFLICT", "CONFLICT_EMAIL", "CONFLICT_USERNAME", "DUPLICATED_USER")
FOUND = pl.Schema({"record": pl.Int64, "kind": pl.String, "value": pl.String})


@dataclass(frozen=True)
class UserKeys:
    """The keys of one user of a connection, present and former: e-mail addresses and usernames as they are matched."""

    email: frozenset[str] = field(default_factory=frozenset)
    username: frozenset[str] = field(default_factory=frozenset)
    user_id: frozenset[str] = field(default_factory=frozenset)


class _Members(list[tuple[str, object]]):
    """The members of a JSON object, repeated keys included."""


def match_key(kind: str, value: str) -> str:
    """Return the key of a value, as a merge compares it."""
    if kind == "user_id":
        return value
    found: str = pl.DataFrame({"email": [value], "username": [value]}).select(match_keys())[f"{kind}_key"][0]
    return found


def find_records(rows: pl.DataFrame, keys: UserKeys) -> list[int]:
    """Return the records whose text carries a key of the user; `rows` has record and text, which may not be JSON.

    Few rows are looked at closely: those that have the characters of a key, or escapes.
    """
    suspects = rows.filter(_may_carry(pl.col("text"), keys))
    found = [
        (record, kind, value.encode("utf-8", "ignore").decode())  # JSON can hold lone surrogates
        for record, text in zip(suspects["record"], suspects["text"], strict=True)
        for kind, value in _find_values(text)
    ]
    return _keep_matching(pl.DataFrame(found, schema=FOUND, orient="row"), keys)


def match_columns(keys: UserKeys) -> pl.Expr:
    """Return whether a row with canonical keys is one of the user's."""
    columns = {"email_key": keys.email, "username_key": keys.username, "user_id": keys.user_id}
    return pl.any_horizontal(
        pl.col(name).is_in(list(values)).fill_null(value=False) for name, values in columns.items()
    )


def erase_in_name(text: str, keys: UserKeys) -> str:
    """Return the name of a file or a job without the user: addresses inside it, or a key that is the whole name."""
    for key in keys.email:
        text = re.sub(rf"(?<![\w.+]){re.escape(key)}(?!\w|{ENDINGS})", ERASED, text, flags=re.IGNORECASE)
    folder, slash, name = text.rpartition("/")
    stem, dot, ending = name.partition(".")
    if _is_key(name, keys):
        return f"{folder}{slash}{ERASED}"
    return f"{folder}{slash}{ERASED}{dot}{ending}" if stem and _is_key(stem, keys) else text


def pattern_of_messages(keys: UserKeys) -> str:
    """Return a regular expression, for both engines, of the places in messages that name the user by its user_id."""
    return rf"({NAMED_USER})(?:{'|'.join(map(pl.escape_regex, sorted(keys.user_id)))})(, | |$)"


def _may_carry(text: pl.Expr, keys: UserKeys) -> pl.Expr:
    """Return whether the text, folded, has the characters of a key, or of the name before the @ of an address."""
    folded = [match_key("username", value) for value in keys.user_id]
    needles = [*(f"{key.rpartition('@')[0]}@" for key in keys.email), *keys.username, *folded]
    spelled = text.str.replace_all(INVISIBLE, "").str.normalize("NFKC").str.to_lowercase()
    return spelled.str.contains_any([needle for needle in needles if needle]) | has_escape(text)


def _find_values(text: str) -> Iterator[tuple[str, str]]:
    """Yield the values of a record that may be keys, each with its kind."""
    try:
        record = json.loads(text, object_pairs_hook=_Members, parse_int=str, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError):
        record = None
    if isinstance(record, _Members):
        yield from _find_in_members(record)
    else:
        yield from _find_in_raw_text(text)


def _find_in_members(record: _Members) -> Iterator[tuple[str, str]]:
    """Yield the values of the fields that are keys; of a record without an address there, the addresses anywhere."""
    has_address = False
    for name, value in record:
        kind = HEADER_ALIASES.get(fold_name(name), fold_name(name))
        for text in _texts_in(value) if kind in KINDS else ():
            yield kind, text.strip()
            if kind != "user_id":
                yield from (addresses := [*_addresses_in(text)])
                has_address |= bool(addresses) and kind == "email"
    if not has_address:
        yield from (address for text in _texts_in(record) for address in _addresses_in(text))


def _find_in_raw_text(text: str) -> Iterator[tuple[str, str]]:
    """Yield the values of a text that is not JSON: its addresses, the members that can be read, else its cells."""
    for name, value in MEMBER.findall(text):
        kind = HEADER_ALIASES.get(fold_name(name), fold_name(name))
        if kind in KINDS:
            yield kind, _decode(value).strip()
    addresses = [*_addresses_in(_decode(text))]
    yield from addresses
    if not addresses and not text.lstrip().startswith(("{", "[")):
        yield from ((kind, cell.strip()) for cell in CELL_ENDS.split(text) for kind in KINDS)


def _decode(text: str) -> str:
    """Return the text with the escapes of JSON decoded, wherever they are."""
    return re.sub(r"\\u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), text)


def _texts_in(value: object) -> Iterator[str]:
    """Yield the texts and numbers inside a value, keys of objects included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _texts_in(item)


def _addresses_in(text: str) -> Iterator[tuple[str, str]]:
    for found in ADDRESS.findall(normalize("NFKC", text)):
        address = found.rstrip(".")
        yield "email", address
        if address[0] in WRAPPING:
            yield "email", address.lstrip(WRAPPING)


def _keep_matching(found: pl.DataFrame, keys: UserKeys) -> list[int]:
    """Return the records of the values that are keys of the user."""
    visible = pl.col("value").str.replace_all(INVISIBLE, "")
    columns = found.with_columns(email=visible, username=visible).with_columns(match_keys())
    compared = {"email": "email_key", "username": "username_key", "user_id": "value"}
    matches = [
        (pl.col("kind") == kind) & pl.col(column).is_in(list(getattr(keys, kind))) for kind, column in compared.items()
    ]
    return columns.filter(pl.any_horizontal(matches))["record"].unique().sort().to_list()


def _is_key(text: str, keys: UserKeys) -> bool:
    return text in keys.user_id or match_key("username", text) in keys.username

"""Find the records that carry a key of one user, in whatever spelling, and take the user's keys out of other texts.

Values are compared by the keys that a merge compares, field by field: a username never matches a user_id. Which keys
a user has is found in `flows.store.forget`.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from typing import cast
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
FORMATS = "csv|tsv|json|ndjson|jsonl|parquet|gz|zst"
ADDED = "rejects|report|part|partial|tmp|crdownload|filepart|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
ENDINGS = rf"\.(?!(?:{FORMATS}|{ADDED})\b)"  # after an address: not that of a file
NAMED_USER = r"(?:(?:existing|by|of) user |(?:email|username|user_id) is held by )"  # in messages of `transforms/sql`
NAMING_CODES = ("CONFLICT", "CONFLICT_EMAIL", "CONFLICT_USERNAME", "DUPLICATED_USER")
FOUND = pl.Schema({"record": pl.Int64, "kind": pl.String, "value": pl.String})
NOBODY = frozenset[str]()


@dataclass(frozen=True)
class UserKeys:
    """The keys of one user of a connection, present and former: e-mail addresses and usernames as they are matched."""

    email: frozenset[str] = NOBODY
    username: frozenset[str] = NOBODY
    user_id: frozenset[str] = NOBODY
    others: frozenset[str] = NOBODY  # the user_ids of those that have or had one of these keys as well

    @classmethod
    def union(cls, keys: Iterable["UserKeys"]) -> "UserKeys":
        """Return the keys of a user in several connections."""
        return cls(*map(NOBODY.union, *((key.email, key.username, key.user_id, key.others) for key in keys)))


def match_key(kind: str, value: str) -> str:
    """Return the key of a value, as a merge compares it."""
    if kind == "user_id":
        return value
    text = value.encode("utf-8", "replace").decode()  # the name of a file has any bytes
    found: str = pl.DataFrame({"email": [text], "username": [text]}).select(match_keys())[f"{kind}_key"][0]
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


def is_named(data: bytes, keys: UserKeys) -> bool:
    """Return whether the bytes of a text have a key of the user."""
    text = data.decode("utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8", "replace")
    return bool(find_records(pl.DataFrame({"record": [1], "text": [text]}), keys))


def match_columns(keys: UserKeys) -> pl.Expr:
    """Return whether a row with canonical keys is one of the user's."""
    columns = {"email_key": keys.email, "username_key": keys.username, "user_id": keys.user_id}
    found = pl.any_horizontal(_is_in(pl.col(name), values) for name, values in columns.items())
    return found & ~_is_in(pl.col("user_id"), keys.others)


def erase_in_name(text: str, keys: UserKeys, *, of_user: bool) -> str:
    """Return the name of a file or a job without the user: without the address, wherever it is, and if what it names
    has a record of the user (`of_user`), without a key that is the whole name."""
    folded = normalize("NFKC", text)
    for key in sorted({*keys.email, *map(_with_unicode_domain, keys.email)}):
        erased = re.sub(rf"(?<![\w.+]){re.escape(key)}(?!\w|{ENDINGS})", ERASED, folded, flags=re.IGNORECASE)
        folded, text = erased, text if erased == folded else erased
    folder, slash, name = text.rpartition("/")
    stem, dot, ending = name.partition(".")
    for whole, rest in ((name, ""), (stem, f"{dot}{ending}")):
        if of_user and (whole in keys.user_id or match_key("username", whole) in keys.username):
            return f"{folder}{slash}{ERASED}{rest}"
    return text


def _with_unicode_domain(address: str) -> str:
    local, at, domain = address.rpartition("@")
    try:
        return f"{local}{at}{domain.encode().decode('idna')}"
    except UnicodeError:
        return address


def erase_names(names: Mapping[str, object], keys: UserKeys, *, of_user: bool) -> dict[str, object]:
    """Return the names in a JSON object without the user; `of_user`: what they name had a record of the user."""

    def erase(value: object) -> object:
        match value:
            case str():
                return erase_in_name(value, keys, of_user=of_user)
            case list():
                return [*map(erase, value)]
            case dict():
                return {name: erase(item) for name, item in value.items()}
        return value

    return cast("dict[str, object]", erase({**names}))


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
    """Yield the values of a record that may be keys, each with its kind: those of its keys' fields; without any there,
    the addresses anywhere; without any address, the cells of a text that is not JSON."""
    is_json = text.lstrip().startswith(("{", "["))
    record: object = _decode(text)
    members: list[tuple[str, object]] = [(name, _decode(value)) for name, value in MEMBER.findall(text)]
    with suppress(ValueError, RecursionError):
        record = json.loads(text, object_pairs_hook=list, parse_int=str, parse_float=str, parse_constant=str)
        members = [pair for pair in record if isinstance(pair, tuple)] if isinstance(record, list) else []
    is_found = False
    for name, value in members:
        kind = HEADER_ALIASES.get(fold_name(name), fold_name(name))
        for part in _texts_in(value) if kind in KINDS else ():
            addresses = [*_addresses_in(part)] if kind != "user_id" else []
            yield from ((kind, part.strip()), *addresses)
            is_found |= bool(addresses) or kind != "email"
    if not is_found:
        addresses = [address for part in _texts_in(record) for address in _addresses_in(part)]
        cells = () if is_json or addresses else CELL_ENDS.split(text)
        yield from chain(addresses, ((kind, cell.strip()) for cell in cells for kind in KINDS))


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
        (pl.col("kind") == kind) & _is_in(pl.col(column), getattr(keys, kind)) for kind, column in compared.items()
    ]
    of_others = columns.filter(pl.col("kind") == "user_id", _is_in(pl.col("value"), keys.others))
    matching = columns.filter(pl.any_horizontal(matches)).join(of_others, on="record", how="anti")
    return matching["record"].unique().sort().to_list()


def _is_in(column: pl.Expr, values: frozenset[str]) -> pl.Expr:
    return column.is_in(list(values)).fill_null(value=False)

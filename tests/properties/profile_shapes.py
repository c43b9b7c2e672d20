"""Write users in the shape of a profile: the inverse of reading by a mapping, as far as its rules have one.

A rule has none for a value that its pattern would change, its condition refuses or none of its words means. What is
then left out of a record is absent when it is read. Hashes are written only where they stay as they are. That the names
and words of a profile are those of its system does not follow from any of this: the samples hold it.
"""

import json
import re
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import Any

from schemas.fields import JsonType
from schemas.mapping.language import TYPES, Pairs, Password, Rule
from schemas.mapping.language import Mapping as Language
from schemas.mapping.paths import Every, Path, Step, Where

User = Mapping[str, Any]
Placed = tuple[Path, Any]
UNITS = {"epoch": timedelta(seconds=1), "epoch_ms": timedelta(milliseconds=1)}
BEFORE_1970 = timedelta(days=134_774)  # since 1601
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_OF_ALL = (JsonType.STRING, JsonType.OBJECT)  # of several rules, the first with a value counts
SAME_HASH = ("spelled", "named")  # schemes by which bcrypt stays as it is


@dataclass(frozen=True)
class Written:
    """What a record has for a field of a user, and the value that is read from it."""

    values: Sequence[Placed]
    read: Any


@dataclass(frozen=True)
class Shaped:
    """Records in the shape of a profile, and the fields that are to be read from each.

    `said` are the fields that some record has; a field that a record may have from another is missing in its user.
    """

    records: Sequence[Mapping[str, Any]]
    users: Sequence[User]
    said: frozenset[str]


def shape_users(mapping: Language, users: Sequence[User], *, are_rows: bool) -> Shaped:
    """Return the users as records of the profile, or as rows, which all have the same columns."""
    records, read = [list[Placed]() for _ in users], [dict[str, Any]() for _ in users]
    taken, said = list[Path](), set[str]()
    for name, rules in _rules_of(mapping).items():
        free = _list_free(rules, taken)
        if not free or (len(free) < len(rules) and TYPES[name] not in FIRST_OF_ALL):
            continue
        written = [_write_first(name, free, user.get(name)) for user in users]
        paths = {path.text: path for found in written if found for path, _ in found.values}
        nothing = _read_nothing(rules, given=paths if are_rows else ())
        for record, fields, found in zip(records, read, written, strict=True):
            record.extend(found.values if found else ())
            if found or len(free) == len(rules):
                fields[name] = found.read if found else nothing
        taken += paths.values()
        said |= {name} if paths else set()
    return Shaped([_build(mapping, record, is_row=are_rows) for record in records], read, frozenset(said))


def _rules_of(mapping: Language) -> dict[str, Sequence[Rule | Password]]:
    hashes = tuple(password for password in mapping.password if password.scheme in SAME_HASH)
    return {**mapping.fields, **({"password_hash": hashes} if hashes else {})}


def _paths(rule: Rule | Password) -> Iterator[Path]:
    for part in rule.parts.values() if isinstance(rule, Password) else (rule, *(() if rule.at else rule.each.values())):
        yield from part.at


def _list_free(rules: Sequence[Rule | Password], taken: Sequence[Path]) -> list[Rule | Password]:
    """Return the rules before the first that reads what another field has written."""

    def is_free(rule: Rule | Password) -> bool:
        return not any(_covers(path, other) or _covers(other, path) for path in _paths(rule) for other in taken)

    return list(takewhile(is_free, rules))


def _covers(outer: Path, inner: Path) -> bool:
    pairs = zip(outer.steps, inner.steps, strict=False)
    is_around = all(a == b or (a is Every.ITEM and isinstance(b, Where)) for a, b in pairs)
    return is_around and len(outer.steps) <= len(inner.steps)


def _read_nothing(rules: Sequence[Rule | Password], *, given: Container[str]) -> bool | None:
    """Return what is read of a user without the field: an empty cell or array says that there is no value."""
    flags = [rule.at[0] for rule in rules if isinstance(rule, Rule) and rule.present]
    return False if any(path.is_many or path.text in given for path in flags) else None


def _write_first(name: str, rules: Sequence[Rule | Password], value: Any) -> Written | None:
    """Return what the first rule that has a way to say the value writes."""
    if value is None or value == []:
        return None
    if name == "identities" and not any(rule.at for rule in rules if isinstance(rule, Rule)):
        return _write_kinds([rule for rule in rules if isinstance(rule, Rule)], value)
    return next((found for rule in rules if (found := _write(name, rule, value))), None)


def _write(name: str, rule: Rule | Password, value: Any) -> Written | None:
    if isinstance(rule, Password):
        return _write_hash(rule, value)
    if not rule.at or (isinstance(value, list) and not rule.each and len(rule.at) > 1):
        return None
    if rule.each:
        return _write_accounts(rule, value)
    if rule.factor:
        return _write_factors(rule, value)
    return _write_list(rule, value) if isinstance(value, list) else _write_value(name, rule, value)


def _write_value(name: str, rule: Rule, value: Any) -> Written | None:
    """Return one value, changed in the opposite order of reading; of joined paths the first has all of it."""
    path = rule.at[0]
    if rule.present:
        return Written([(path, "1" if value else None)], value)
    raw, read = _write_time(rule.time[0], value) if rule.time else (value, value)
    raw = (not raw) if rule.negate else raw
    if rule.words:
        word = next((word for word, meaning in rule.words.items() if meaning is raw or meaning == raw), None)
        if word is None and not isinstance(value, bool):
            return None
        raw = raw if word is None else _typed(word)
    text = raw if isinstance(raw, str) else json.dumps(raw)
    if (rule.pattern and re.search(rule.pattern, text)) or (rule.fits and not re.search(rule.fits, text)):
        return None
    return Written([(path, raw)], str(read)[:10] if name == "birthdate" else read)


def _typed(word: str) -> Any:
    return json.loads(word) if re.fullmatch("true|false|[0-9]+", word) else word


def _write_time(form: str, value: str) -> tuple[Any, str]:
    """Return a time in a form, and the time that is left of it."""
    moment = datetime.fromisoformat(value).replace(tzinfo=UTC)
    if form == "iso":
        return value, value
    if form in UNITS:
        number = (moment - EPOCH) // UNITS[form]
        return number, (EPOCH + number * UNITS[form]).isoformat()
    if form == "filetime":
        return str((moment - EPOCH + BEFORE_1970) // timedelta(microseconds=1) * 10), value
    written = form.replace("%.f", ".%f")
    text = moment.strftime(written)
    return text, datetime.strptime(text, written).replace(tzinfo=UTC).isoformat()


def _write_list(rule: Rule, value: Sequence[str]) -> Written | None:
    path, items = rule.at[0], [_write_value("", rule, item) for item in value]
    raw = [item.values[0][1] for item in items if item]
    if len(raw) < len(value):
        return None
    if path.is_many:
        return Written([_spread(path, raw)], value)
    if rule.separator:
        is_clear = not any(rule.separator in item for item in raw)
        return Written([(path, rule.separator.join(raw))], value) if is_clear else None
    if rule.words:
        return Written([(path, raw[0])], value) if len(raw) == 1 else None
    return Written([(path, raw)], value)


def _spread(path: Path, values: Sequence[Any]) -> Placed:
    """Return an array with one item for each value, and the path of the array."""
    last = max(place for place, step in enumerate(path.steps) if isinstance(step, (Every, Where)))
    items = [_place(None, path.steps[last + 1 :], value) for value in values]
    where = path.steps[: last + 1] if isinstance(path.steps[last], Where) else path.steps[:last]
    return Path(path.text, where), items


def _write_factors(rule: Rule, value: Sequence[Mapping[str, Any]]) -> Written | None:
    kind = str(rule.factor)
    found = [next(iter(factor[kind].values())) for factor in value if kind in factor]
    if len(found) < len(value) or rule.pattern or (len(found) > 1 and not rule.at[0].is_many):
        return None
    return Written([_spread(rule.at[0], found) if rule.at[0].is_many else (rule.at[0], found[0])], value)


def _write_accounts(rule: Rule, value: Sequence[User]) -> Written | None:
    if not rule.at[0].is_many:  # a cell
        return None
    items = [_write_members(rule, account) for account in value]
    if any(item is None for item in items):
        return None
    known = [{name: member for name, member in account.items() if name in rule.each} for account in value]
    return Written([_spread(rule.at[0], [_put_all({}, item or ()) for item in items])], known)


def _write_members(rule: Rule, account: User) -> list[Placed] | None:
    found = {name: _write("", part, account[name]) for name, part in rule.each.items() if name in account and part.at}
    return [placed for member in found.values() if member for placed in member.values] if all(found.values()) else None


def _write_kinds(rules: Sequence[Rule], value: Sequence[User]) -> Written | None:
    """Return accounts as members of the record, which has one of each kind."""
    placed, known, others = list[Placed](), list[User](), list(value)
    if any(part.pattern for rule in rules for part in rule.each.values()):  # members of one text
        return None
    for rule in rules:
        provider = rule.each["provider"].value
        account = next((account for account in others if provider in (None, account["provider"])), None)
        if account is not None:
            others.remove(account)
            placed += _write_members(rule, account) or ()
            known.append({name: account[name] for name in rule.each if name in account})
    return None if others else Written(placed, known)


def _write_hash(password: Password, value: str) -> Written | None:
    written = _write_value("password_hash", password.parts["value"], value)
    algorithm = password.parts.get("algorithm")
    if written is None:
        return None
    return Written([*written.values, *([(algorithm.at[0], "bcrypt")] if algorithm else ())], value)


def _build(mapping: Language, values: Sequence[Placed], *, is_row: bool) -> dict[str, Any]:
    """Return the record with the values, and what makes it that of a user."""
    record = _put_all({}, values)
    for pairs in mapping.pairs:
        record = _write_pairs(record, pairs)
    record = _place({}, mapping.record.steps, record) if mapping.record and not is_row else record
    return _put_all(record, [(skip.where, skip.only[0]) for skip in mapping.skip if skip.only])


def _put_all(record: dict[str, Any], values: Sequence[Placed]) -> dict[str, Any]:
    for path, value in values:
        record = _place(record, path.steps, value)
    return record


def _place(old: Any, steps: Sequence[Step], value: Any) -> Any:
    """Return what is at the beginning of the steps with the value at their end."""
    if not steps:
        return value
    step, rest = steps[0], steps[1:]
    match step:
        case Where(key, word):
            items = list(old or ())
            if not rest:
                return [*items, *({key: _typed(word), **item} for item in value)]
            place = next((i for i, item in enumerate(items) if item.get(key) == _typed(word)), len(items))
            item = items[place] if place < len(items) else {key: _typed(word)}
            return [*items[:place], _place(item, rest, value), *items[place + 1 :]]
        case Every.ITEM | int():
            first, *others = old or [None]
            return [_place(first, rest, value), *others]
    name = "any" if step is Every.VALUE else str(step)
    return {**(old or {}), name: _place((old or {}).get(name), rest, value)}


def _write_pairs(record: dict[str, Any], pairs: Pairs) -> dict[str, Any]:
    members = record.get(pairs.at.members[0], {})
    items = [_place(_place({}, pairs.name.steps, name), pairs.value.steps, value) for name, value in members.items()]
    return {**record, pairs.at.members[0]: items}

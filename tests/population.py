"""Invented users, some of them faulty, and a reference implementation of an import in plain Python.

The reference implementation works row by row with dictionaries and shares no code with the product.
"""

import json
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

Record = dict[str, object]
Error = tuple[int, str, str]  # record, code, path

UPSERTABLE = ("email_verified", "phone_verified", "given_name", "family_name", "name", "nickname", "picture", "blocked")
FILLED = ("password_hash",)  # only if the user has none
FAULTS: tuple[tuple[Callable[[Record], object], tuple[tuple[str, str], ...]], ...] = (
    (lambda user: user.update(email="no address"), (("FORMAT", "email"),)),
    (lambda user: user.pop("email"), (("OBJECT_REQUIRED", "email"),)),
    (lambda user: user.update(given_name=""), (("MIN_LENGTH", "given_name"),)),
    (lambda user: user.update(family_name="x" * 151), (("MAX_LENGTH", "family_name"),)),
    (lambda user: user.update(blocked="yes"), (("INVALID_TYPE", "blocked"),)),
    (lambda user: user.update(phone_number="030 123"), (("PATTERN", "phone_number"),)),
    (lambda user: user.update(shoe_size=44), (("UNKNOWN_FIELD", "shoe_size"),)),
    (lambda user: user.update(name=7, picture="x"), (("INVALID_TYPE", "name"), ("FORMAT", "picture"))),
)


@dataclass
class ReferenceImport:
    """The users as dictionaries by user_id, with errors and outcomes of the last import."""

    users: dict[str, Record] = field(default_factory=dict)
    errors: list[Error] = field(default_factory=list)
    outcomes: dict[str, int] = field(default_factory=dict)

    def import_users(self, rows: Sequence[tuple[Record, Sequence[tuple[str, str]]]], *, mode: str) -> None:
        """Import records, each with code and path of every error that the rules must find in it."""
        self.errors = []
        self.outcomes = dict.fromkeys(("insert", "update", "unchanged", "refused"), 0)
        holders = {(key, value): user_id for user_id, user in self.users.items() for key, value in keys_of(user)}
        seen: set[tuple[str, str]] = set()  # keys of accepted records
        reached: set[str] = set()  # users that accepted records match
        for number, (record, faults) in enumerate(rows, 1):
            found = [(number, code, path) for code, path in faults]
            if not found:
                repeated = [key for key in keys_of(record) if key in seen]
                found += [(number, "DUPLICATED_USER", key) for key, _ in repeated]
                found += self._conflicts(number, record, holders, reached, mode=mode, repeated=bool(repeated))
            if not found:
                seen |= {*keys_of(record)}
                reached |= {holders[key] for key in keys_of(record) if key in holders}
            self.errors += found
            self._apply(number, record, holders, refused=bool(found))

    def _conflicts(
        self,
        number: int,
        record: Record,
        holders: Mapping[tuple[str, str], str],
        reached: set[str],
        *,
        mode: str,
        repeated: bool,
    ) -> list[Error]:
        held = [(key, holders[key, value]) for key, value in keys_of(record) if (key, value) in holders]
        if mode == "insert":
            codes = {"email": "CONFLICT_EMAIL", "username": "CONFLICT_USERNAME", "user_id": "CONFLICT"}
            return [(number, codes[key], key) for key, _ in held]
        matched = {user_id for _, user_id in held}
        if len(matched) > 1:
            return [(number, "CONFLICT", "")]
        found: list[Error] = []
        if matched:
            (user_id,) = matched
            if user_id in reached and not repeated:
                found.append((number, "DUPLICATED_USER", ""))
        elif mode == "update":
            found.append((number, "NOT_FOUND", ""))
        return found

    def _apply(self, number: int, record: Record, holders: Mapping[tuple[str, str], str], *, refused: bool) -> None:
        if refused:
            self.outcomes["refused"] += 1
            return
        target = next((holders[key] for key in keys_of(record) if key in holders), None)
        if target is None:
            user_id = str(record.get("user_id", f"made-{number}"))
            self.users[user_id] = {"email_verified": False, "phone_verified": False, **record, "user_id": user_id}
            self.outcomes["insert"] += 1
            return
        user = self.users[target]
        changes = {name: record[name] for name in UPSERTABLE if name in record and record[name] != user.get(name)}
        changes |= {name: record[name] for name in FILLED if name in record and name not in user}
        user.update(changes)
        self.outcomes["update" if changes else "unchanged"] += 1


def keys_of(user: Mapping[str, object]) -> list[tuple[str, str]]:
    """Return the keys that identify a user, in the form in which they are compared."""
    folded = [(key, str(user[key]).lower()) for key in ("email", "username") if user.get(key) is not None]
    return folded + ([("user_id", str(user["user_id"]))] if user.get("user_id") is not None else [])


def user(number: int) -> Record:
    """Return an invented user without a fault."""
    return {
        "email": f"User{number}@example.com",
        "username": f"user_{number}",
        "user_id": f"u-{number}",
        "given_name": f"Given{number}",
        "family_name": f"Family{number}",
        "name": f"Given{number} Family{number}",
        "picture": f"https://img.example.com/{number}.png",
        "email_verified": number % 2 == 0,
        "blocked": False,
    }


def population(
    count: int, *, first: int = 0, faulty: float = 0.02, repeated: float = 0.01, seed: int = 1
) -> list[tuple[Record, Sequence[tuple[str, str]]]]:
    """Return `count` users from number `first` on; some are faulty, some repeat a key of an earlier one."""
    chance = random.Random(seed)  # noqa: S311 - invented users
    rows: list[tuple[Record, Sequence[tuple[str, str]]]] = []
    for number in range(first, first + count):
        record = user(number)
        faults: Sequence[tuple[str, str]] = ()
        if chance.random() < faulty:
            break_it, faults = chance.choice(FAULTS)
            break_it(record)
        elif chance.random() < repeated and number > first:
            key = chance.choice(("email", "username", "user_id"))
            record[key] = user(chance.randrange(first, number))[key]
        rows.append((record, faults))
    return rows


def write_ndjson(path: Path, records: Iterable[Record]) -> Path:
    """Write the records to a file, one a line, and return its path."""
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path

"""Records of any shape: known and unknown keys, values that are rarely valid, every character that JSON escapes."""

import json
import random

Json = object

CHARACTERS = [*'ab"\\\n\x00\x7f.[]{}:, /$@-_0', "é", "日", "😀", "\ufffd", "\u2028", "\u200b", "\x9b", "\u00a0"]
NAMES = [
    "value",
    "encoding",
    "hash",
    "key",
    "totp",
    "secret",
    "phone",
    "email",
    "algorithm",
    "salt",
    "password",
    "keylen",
    "cost",
    "identities",
    "position",
]
NUMBERS = [0, 1, -1, 2**31, 2**63, 2**64, -(2**63), 1.5, 1e5, 1e-7, 0.1, 1.0]
WORDS = ["", "md5", "hmac", "hex", "+1", "a@b"]
SEPARATORS = ((", ", ": "), (",", ":"), (" , ", " : "))


def arbitrary_records(count: int, *, seed: int, fields: tuple[str, ...]) -> list[dict[str, Json]]:
    """Return objects with some of the fields and some unknown keys."""
    chance = random.Random(seed)  # noqa: S311 (nothing secret)
    return [
        {
            (chance.choice(fields) if chance.random() < 0.85 else _text(chance)): _value(chance, chance.randrange(4))
            for _ in range(chance.randrange(7))
        }
        for _ in range(count)
    ]


def written(records: list[dict[str, Json]]) -> list[str]:
    """Return the records as JSON, with and without spaces and with and without escapes of non-ASCII characters."""
    return [
        json.dumps(record, ensure_ascii=bool(number % 2), separators=SEPARATORS[number % 3])
        for number, record in enumerate(records)
    ]


def _text(chance: random.Random) -> str:
    return "".join(chance.choices(CHARACTERS, k=chance.randrange(6)))


def _value(chance: random.Random, depth: int) -> Json:
    kind = chance.random()
    if depth == 0 or kind < 0.5:
        return chance.choice([None, True, False, *NUMBERS, *WORDS, _text(chance), _text(chance)])
    if kind < 0.7:
        return [_value(chance, depth - 1) for _ in range(chance.randrange(4))]
    keys = [chance.choice(NAMES) if chance.random() < 0.7 else _text(chance) for _ in range(chance.randrange(4))]
    return {key: _value(chance, depth - 1) for key in keys}

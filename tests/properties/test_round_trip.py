"""Users of the wider record come back equal, whatever format they are written in."""

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter

from flows.settings import Settings
from schemas.fields import FIELDS, LIST_FIELDS, TIME_FIELDS, JsonType
from schemas.job import Mode
from tests.examples import BCRYPT
from tests.flows.importing import import_file, read_users

User = Mapping[str, object]
WORDS = (
    "Ada",
    "O'Neill",
    "Đorđević",
    "山田",
    'a "b"',
    "back\\slash",
    "semi;colon",
    "pi|pe",
    "00123",
    "null",
    "=1+1",
    "é, è",
)
ITEMS = ("admin", "editor", "re,view", 'q"uote', "ünïcode", "[x", "back\\slash", "semi;colon")
STRUCT = pa.struct([("provider", pa.string()), ("user_id", pa.string()), ("email", pa.string())])
TYPES = {
    **dict.fromkeys(LIST_FIELDS, pa.list_(pa.string())),
    **dict.fromkeys(TIME_FIELDS, pa.timestamp("ms", tz="Europe/Berlin")),
    "identities": pa.list_(STRUCT),
    "birthdate": pa.date32(),
}


def generate_users(count: int) -> list[User]:
    """Return users that each have some of the fields."""
    dice = Random(7)  # noqa: S311 - repeatable
    return [_generate_user(dice, number) for number in range(count)]


def _generate_user(dice: Random, number: int) -> User:
    words = ("given_name", "family_name", "name", "nickname", "middle_name", "source_id")
    values: dict[str, object] = {name: dice.choice(WORDS[:-3] if name == "source_id" else WORDS) for name in words}
    values |= {name: dice.random() < 0.5 for name in ("email_verified", "phone_verified", "blocked")}
    values |= {"username": f"user.{number}", "phone_number": f"+4930{number}"}
    values |= {"picture": f"https://img.example.com/{number}.png", "password_hash": BCRYPT}
    values |= {name: {"a": [1, {"b": 1.5}], "word": dice.choice(WORDS)} for name in ("app_metadata", "user_metadata")}
    values |= {"mfa_factors": [{"phone": {"value": "+491"}}], "locale": dice.choice(("de", "pt-BR", "zh-Hant-TW"))}
    values |= {"zoneinfo": dice.choice(("Europe/Berlin", "UTC", "America/Argentina/Ushuaia"))}
    values |= {"birthdate": str(date(1950, 1, 1) + timedelta(days=dice.randrange(20_000)))}
    values |= {name: _time(dice) for name in TIME_FIELDS}
    values |= {name: dice.sample(ITEMS, dice.randrange(4)) for name in LIST_FIELDS}
    values |= {"identities": [_identity(dice, place) for place in range(dice.randrange(3))]}
    keys = {"email": f"user{number}@example.com", "user_id": f"u|{number}"}
    return keys | {name: value for name, value in values.items() if dice.random() < 0.7}


def _time(dice: Random) -> str:
    moment = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(milliseconds=dice.randrange(10**11))
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def _identity(dice: Random, place: int) -> User:
    email = {"email": f"a{place}@example.net"} if dice.random() < 0.5 else {}
    return {"provider": dice.choice(("google", "entra", "açaí")), "user_id": f"00{place}", **email}


def write_json(path: Path, users: Sequence[User]) -> None:
    path.write_text(json.dumps(users, ensure_ascii=False, indent=1), encoding="utf-8")


def write_ndjson(path: Path, users: Sequence[User]) -> None:
    lines = (json.dumps(user, ensure_ascii=False, separators=(",", ":")) for user in users)
    path.write_text("\n".join(lines), encoding="utf-8")


def write_csv(path: Path, users: Sequence[User]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.DictWriter(file, [field.name for field in FIELDS])
        rows.writeheader()
        rows.writerows(
            {name: value if isinstance(value, str) else json.dumps(value) for name, value in user.items()}
            for user in users
        )


def write_workbook(path: Path, users: Sequence[User]) -> None:
    with xlsxwriter.Workbook(path) as workbook:
        sheet = workbook.add_worksheet()
        for column, field in enumerate(FIELDS):
            sheet.write_string(0, column, field.name)
            for row, value in enumerate((user.get(field.name) for user in users), start=1):
                if value is not None:
                    sheet.write_string(row, column, value if isinstance(value, str) else json.dumps(value))


def write_parquet(path: Path, users: Sequence[User]) -> None:
    columns = {field.name: [_typed(field.name, user.get(field.name)) for user in users] for field in FIELDS}
    types = {field.name: _type_of(field.name, field.type) for field in FIELDS}
    pq.write_table(pa.table({name: pa.array(values, types[name]) for name, values in columns.items()}), path)


def _type_of(name: str, kind: JsonType) -> "pa.DataType":
    return TYPES.get(name, pa.bool_() if kind is JsonType.BOOLEAN else pa.string())


def _typed(name: str, value: object) -> object:
    if value is None or name in {*LIST_FIELDS, "identities"}:
        return value
    if name == "birthdate":
        return date.fromisoformat(str(value))
    if name in TIME_FIELDS:
        return datetime.fromisoformat(str(value))
    return json.dumps(value) if isinstance(value, dict | list) else value


def stored_users(settings: Settings) -> list[User]:
    """Return the users with the fields that they have."""
    nested = {field.name for field in FIELDS if field.type in (JsonType.OBJECT, JsonType.ARRAY)}
    return [
        {
            field.name: json.loads(str(user[field.name])) if field.name in nested else user[field.name]
            for field in FIELDS
            if user[field.name] is not None
        }
        for user in sorted(read_users(settings), key=lambda user: int(str(user["email"])[4:].partition("@")[0]))
    ]


@pytest.mark.parametrize(
    ("ending", "write"),
    [
        ("json", write_json),
        ("ndjson", write_ndjson),
        ("csv", write_csv),
        ("parquet", write_parquet),
        ("xlsx", write_workbook),
    ],
)
def test_users_of_the_wider_record_come_back_equal(
    tmp_path: Path, ending: str, write: Callable[[Path, Sequence[User]], None]
) -> None:
    users, settings = generate_users(100), Settings(database=tmp_path / "users.duckdb")
    write(tmp_path / f"users.{ending}", users)
    summary = import_file(settings, tmp_path / f"users.{ending}", Mode.INSERT)
    assert (summary.inserted, summary.failed) == (100, 0)
    assert stored_users(settings) == [{"email_verified": False, "phone_verified": False, **user} for user in users]

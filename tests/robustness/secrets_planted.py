"""Good, bad and broken users whose secrets are unique markers, and the search for those markers."""

import json
import secrets
import string
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import polars as pl

Record = dict[str, object]

BASE32 = string.ascii_uppercase + "234567"
# Parts of a job folder that hold data of the file, for the merge and for `jobs rejects`; only the owner can read them.
PRIVATE_PARTS = ("accepted-", "refused-", "originals-", "updates.parquet", "stdin", "spooled-", "traceback.txt")


@dataclass
class Planted:
    """The markers in use, each with what it stands for."""

    markers: dict[str, str] = field(default_factory=dict)

    def word(self, what: str) -> str:
        """Return a marker of letters and digits."""
        return self._add("Leak" + secrets.token_hex(14), what)

    def hex(self, what: str) -> str:
        """Return a marker in the form of a digest of 16 bytes."""
        return self._add(secrets.token_hex(16), what)

    def base32(self, what: str) -> str:
        """Return a marker in the form of a TOTP secret."""
        return self._add("".join(secrets.choice(BASE32) for _ in range(32)), what)

    def bcrypt(self, what: str) -> str:
        """Return a bcrypt hash that ends in a marker."""
        return "$2b$10$" + self._add("Leaky" + secrets.token_hex(24), what)

    def _add(self, marker: str, what: str) -> str:
        self.markers[marker] = what
        return marker


def _hmac(planted: Planted, what: str) -> Record:
    key = {"value": planted.word(f"{what}: hash.key.value")}
    return {"algorithm": "hmac", "hash": {"value": planted.hex(what), "encoding": "hex", "digest": "md5", "key": key}}


def _salted(planted: Planted, what: str) -> Record:
    salt = {"value": planted.word(f"{what}: salt.value")}
    return {"algorithm": "md5", "hash": {"value": planted.hex(f"{what}: hash.value"), "encoding": "hex"}, "salt": salt}


def _argon2(planted: Planted, what: str) -> Record:
    value = f"$argon2id$v=19$m=65536,t=3,p=4${planted.word(what)}$aGFzaGhhc2g"
    return {"algorithm": "argon2", "hash": {"value": value, "encoding": "utf8"}}


def _totp(planted: Planted, what: str) -> Record:
    return {"totp": {"secret": planted.base32(what)}}


SECRET_PARTS: Sequence[Callable[[Planted, str], Record]] = (
    lambda p, what: {"password_hash": p.bcrypt(f"{what}: password_hash")},
    lambda p, what: {"custom_password_hash": _hmac(p, f"{what}: hmac")},
    lambda p, what: {"custom_password_hash": _salted(p, f"{what}: md5")},
    lambda p, what: {"custom_password_hash": _argon2(p, f"{what}: argon2")},
    lambda p, what: {"mfa_factors": [_totp(p, f"{what}: totp.secret")]},
)
BROKEN_SECRETS: Sequence[Callable[[Planted], Record]] = (
    lambda p: {"password_hash": p.word("password_hash that is not bcrypt")},
    lambda p: {"password_hash": [p.word("password_hash in an array")]},
    lambda p: {"password_hash": {"hash": p.word("password_hash in an object")}},
    lambda p: {"password_hash": p.bcrypt("both hashes"), "custom_password_hash": _hmac(p, "both hashes")},
    lambda p: {"custom_password_hash": p.word("custom_password_hash as a text")},
    lambda p: {"custom_password_hash": {**_salted(p, "unknown algorithm"), "algorithm": p.word("algorithm")}},
    lambda p: {
        "custom_password_hash": {"algorithm": "sha512", "hash": {"value": p.word("wrong form"), "encoding": "hex"}}
    },
    lambda p: {"custom_password_hash": {**_hmac(p, "with a pepper"), "pepper": p.word("unknown key in a hash")}},
    lambda p: {"custom_password_hash": {"algorithm": "md5", "hash": p.word("hash as a text")}},
    lambda p: {"custom_password_hash": {**_argon2(p, "argon2 with salt"), "salt": {"value": p.word("salt")}}},
    lambda p: {"custom_password_hash": {**_salted(p, "cost"), "cost": p.word("cost")}},
    lambda p: {"mfa_factors": [{"totp": {"secret": p.word("totp.secret that is not base32")}}]},
    lambda p: {"mfa_factors": p.word("mfa_factors as a text")},
    lambda p: {"mfa_factors": [_totp(p, "eleven factors") for _ in range(11)]},
    lambda p: {"mfa_factors": [{**_totp(p, "two kinds"), "email": {"value": "x@x.example"}}]},
    lambda p: {
        "mfa_factors": [{"totp": {"secret": p.base32("unknown kind"), "pin": p.word("unknown key of a factor")}}]
    },
    lambda p: {"password": p.word("password in clear")},
    lambda p: {"legacyHash": {"value": p.word("unknown key with an object")}},
)
BREAKS: Sequence[Callable[[Record], object]] = (
    lambda user: user.update(email="no address"),
    lambda user: user.pop("email"),
    lambda user: user.update(given_name="x" * 200, shoe_size=44),
)


def planted_users(planted: Planted) -> list[Record]:
    """Return good users, users with another fault, users with a faulty secret, and users that the plan refuses."""
    records: list[Record] = []
    for number, part in enumerate(SECRET_PARTS):
        records.append({**_user(f"good{number}"), **part(planted, "good row")})
        for kind, break_it in enumerate(BREAKS):
            bad: Record = {**_user(f"bad{number}-{kind}"), **part(planted, "bad row")}
            break_it(bad)
            records.append(bad)
        records.append({**_user(f"good{number}"), **part(planted, "repeated row")})
    records += [{**_user(f"broken{number}"), **part(planted)} for number, part in enumerate(BROKEN_SECRETS)]
    return records


def _user(name: str) -> Record:
    return {"email": f"{name}@x.example", "user_id": f"u-{name}"}


def changed(planted: Planted, records: Sequence[Record]) -> list[Record]:
    """Return the good users with new secrets, for an upsert."""
    good = [record for record in records if str(record.get("user_id")).startswith("u-good")][::2]
    parts = [part(planted, "changed row") for part in SECRET_PARTS]
    return [{"email": record["email"], **part} for record, part in zip(good, parts, strict=True)]


def broken_lines(planted: Planted) -> list[str]:
    """Return lines of NDJSON that are not valid records."""
    whole = json.dumps({**_user("cut"), **_secret(planted, "cut off")})
    return [
        whole[:-3],
        whole + whole[1:],
        whole.replace("{", "{,", 1),
        json.dumps([planted.word("an array")]),
        json.dumps(planted.word("a text")),
        planted.word("not JSON at all"),
        whole[:-1] + ', "email": "twice@x.example"}',
        whole[:-1] + ', "name": "\ud800"}'.encode("unicode-escape").decode().replace("\\\\", "\\"),
        json.dumps({**_user("deep"), "credentials": _nested(planted.word("far below"))}),
    ]


def _secret(planted: Planted, what: str) -> Record:
    return {"custom_password_hash": _salted(planted, what), "password": planted.word(f"{what}: password")}


def _nested(value: object) -> object:
    for _ in range(200):
        value = {"a": value}
    return value


COLUMNS = ("email", "user_id", "given_name", "email_verified", "password_hash", "custom_password_hash", "mfa_factors")
MORE_COLUMNS = ("password", "legacyHash", "shoe_size")


def _cells(record: Record) -> list[str | None]:
    values = [record.get(column) for column in (*COLUMNS, *MORE_COLUMNS)]
    return [None if v is None else v if isinstance(v, str) else json.dumps(v) for v in values]


def write_ndjson(folder: Path, records: Sequence[Record], planted: Planted) -> Path:
    path = folder / "users.ndjson"
    path.write_text("".join(f"{line}\n" for line in [*map(json.dumps, records), *broken_lines(planted)]))
    return path


def write_json(folder: Path, records: Sequence[Record], planted: Planted) -> Path:
    path = folder / "users.json"
    path.write_text(json.dumps([*records, planted.word("a text"), [planted.word("an array")]]))
    return path


def write_csv(folder: Path, records: Sequence[Record], planted: Planted) -> Path:
    path = folder / "users.csv"
    frame = pl.DataFrame([_cells(r) for r in records], schema=[*COLUMNS, *MORE_COLUMNS], orient="row")
    frame.write_csv(path)
    short, long = planted.word("short row"), planted.word("long row")
    with path.open("a") as file:
        file.write(f"{short},u-short\nlong@x.example,u-long,,,,,,{long},,,,{planted.word('cell too many')}\n")
    return path


def write_parquet(folder: Path, records: Sequence[Record], _planted: Planted) -> Path:
    path = folder / "users.parquet"
    schema = dict.fromkeys((*COLUMNS, *MORE_COLUMNS), pl.String)
    pl.DataFrame([_cells(r) for r in records], schema=schema, orient="row").write_parquet(path)
    return path


WRITERS = {"ndjson": write_ndjson, "json": write_json, "csv": write_csv, "parquet": write_parquet}


def hits(planted: Planted, where: str, content: bytes) -> Iterator[str]:
    """Yield the markers in the bytes."""
    text = content.decode("utf-8", "replace").lower()
    for marker, what in planted.markers.items():
        if marker.lower() in text:
            yield f"{what} in {where}"


def hits_in_files(planted: Planted, folder: Path, *, known: Sequence[Path]) -> Iterator[str]:
    """Yield the markers in the files below the folder, except known files, databases and private parts of jobs."""
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and path not in known):
        if path.parent.parent.name == "jobs" and path.name.startswith(PRIVATE_PARTS):
            continue
        if path.suffix == ".parquet":
            yield from hits(planted, str(path), pl.read_parquet(path, glob=False).write_json().encode())
        if path.suffix != ".duckdb":
            yield from hits(planted, str(path), path.read_bytes())


def hits_in_database(planted: Planted, connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """Yield the markers in every table and view, except the users and the logged rows."""
    tables = connection.execute("select table_name from information_schema.tables where table_catalog = 'store'")
    for (table,) in tables.fetchall():
        if table in ("users", "user_changes"):
            continue
        yield from hits(planted, f"table {table}", repr(connection.execute(f'from "{table}"').fetchall()).encode())
    rest = "select * exclude (row_before) from user_changes"
    yield from hits(planted, "user_changes", repr(connection.execute(rest).fetchall()).encode())


def refused(planted: Planted) -> Planted:
    """Return the markers of refused rows: not even the bytes of the database file may contain them."""
    kept = {"good row", "changed row"}
    return Planted({marker: what for marker, what in planted.markers.items() if what.split(":")[0] not in kept})

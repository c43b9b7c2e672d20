"""Declare the tools that are compared: a registry with an entry per tool, whose script is a module of this package.

Each script runs as `python -m … FILE --database PATH --mode insert|upsert`. Nothing is imported here that may not be
installed.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

_HERE = "tests.benchmarks.tools"
_DIGEST = """
select user_id, hash(email, username, phone_number, email_verified, given_name, family_name, name, nickname, picture,
    password_hash, json(app_metadata)::varchar, json(user_metadata)::varchar) as digest
"""


@dataclass(frozen=True)
class Layout:
    """How a tool stores users: the SQL that builds its table from the product's database `base`, and that reads it."""

    name: str
    build: str = ""
    users: str = ""
    refused: str = ""  # selects the numbers of the refused records; empty if the tool does not store them


OURS = Layout(
    name="ours",
    users=f"{_DIGEST} from users",
    refused="select distinct record from import_errors where severity = 'error'",
)
PLAIN = Layout(
    name="plain",
    build="""
        create table users as
        select user_id, email, coalesce(email_folded, email) as email_key, username,
            coalesce(username_folded, username) as username_key, phone_number, email_verified, phone_verified,
            given_name, family_name, name, nickname, picture, blocked, password_hash, app_metadata, user_metadata
        from base.users
    """,
    users=f"{_DIGEST} from users",
    refused="select distinct record from rejects",
)
DLT = Layout(
    name="dlt",
    build="""
        create schema imported;
        create table imported.users as
        select user_id, email, coalesce(email_folded, email) as email_key, username, phone_number, email_verified,
            phone_verified,
            given_name, family_name, name, nickname, picture, blocked, password_hash, app_metadata, user_metadata,
            0::bigint as record, '0' as _dlt_load_id, md5(user_id)[:14] as _dlt_id
        from base.users
    """,
    users=f"{_DIGEST} from imported.users",
)
UNCHECKED = Layout(name="unchecked")


@dataclass(frozen=True, kw_only=True)
class Tool:
    """One way to import the users, as a command."""

    name: str
    module: str
    layout: Layout
    options: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    needs: tuple[str, ...] = ()  # packages that the extra `bench` installs
    not_reported: tuple[str, ...] = ()

    @property
    def missing(self) -> tuple[str, ...]:
        """Return the required packages that are not installed."""
        return tuple(package for package in self.needs if find_spec(package) is None)

    def command(self, file: Path, *, database: Path, mode: str) -> Sequence[str]:
        """Return the command that runs the tool."""
        given = (str(file), "--database", str(database), "--mode", mode)
        return (sys.executable, "-m", self.module, *given, *self.options)


_AS_TEXT = (
    "null, a number for a text, a text for a flag and an unknown field: they are accepted",
    "a key that an object has twice",
    "a malformed line or one that is not an object: it fails the whole file",
    "line numbers, after a blank line",
    "a reserved key only at the top level: a nested one is refused, too",
    "which part of an object is wrong, and which earlier record is repeated",
)

TOOLS = {
    "floor": Tool(
        name="floor: DuckDB CTAS, unchecked",
        module=f"{_HERE}.floor",
        layout=UNCHECKED,
        not_reported=("anything: it copies the file",),
    ),
    "ours": Tool(name="ours", module="flows.import_users", layout=OURS, options=("--direct", "--json")),
    "pandera": Tool(
        name="stock Pandera + MERGE",
        module=f"{_HERE}.stock_pandera",
        layout=PLAIN,
        not_reported=_AS_TEXT,
    ),
    "dataframely": Tool(
        name="dataframely + DuckDB",
        module=f"{_HERE}.dataframely_duckdb",
        layout=PLAIN,
        needs=("dataframely",),
        not_reported=(*_AS_TEXT, "the field of a custom rule"),
    ),
    "pydantic": Tool(
        name="pandas + pydantic",
        module=f"{_HERE}.pandas_pydantic",
        layout=PLAIN,
        needs=("pandas", "pydantic"),
        not_reported=(
            "null: it counts as absent",
            "a key that an object has twice",
            "which part of an object is wrong, and which earlier record is repeated",
        ),
    ),
    "dlt": Tool(
        name="dlt",
        module=f"{_HERE}.dlt_merge",
        layout=DLT,
        needs=("dlt", "pydantic"),
        not_reported=(
            "which records it refused, and why: they are dropped",
            "a malformed line: it fails the whole file",
            "null: it counts as absent; a key that an object has twice",
            "repeated usernames and user_ids: it supports one key",
            "absent values, keys and phone numbers: they overwrite",
        ),
    ),
}

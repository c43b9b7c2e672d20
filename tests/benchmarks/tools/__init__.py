"""The tools that are compared: a registry with one line per tool, a module of this package for each.

The modules are scripts, each `python -m … FILE --database PATH --mode insert|upsert`; nothing is imported here that
would have to be installed.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

_HERE = "tests.benchmarks.tools"
_DIGEST = """
select user_id, hash(email, username, phone_number, email_verified, given_name, family_name, name, nickname, picture,
    password_hash, json(app_metadata)::varchar, json(user_metadata)::varchar) as digest
"""


@dataclass(frozen=True)
class Layout:
    """How a tool keeps its users: what makes the table of a product's database at `base`, and what reads it."""

    name: str
    build: str = ""
    users: str = ""
    refused: str = ""  # the numbers of the refused records; empty where the tool keeps none


OURS = Layout(
    name="ours",
    users=f"{_DIGEST} from users",
    refused="select distinct record from import_errors where severity = 'error'",
)
PLAIN = Layout(
    name="plain",
    build="""
        create table users as
        select user_id, email, email_key, username, username_key, phone_number, email_verified, phone_verified,
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
        select user_id, email, email_key, username, phone_number, email_verified, phone_verified,
            given_name, family_name, name, nickname, picture, blocked, password_hash, app_metadata, user_metadata,
            0::bigint as record, '0' as _dlt_load_id, md5(user_id)[:14] as _dlt_id
        from base.users
    """,
    users=f"{_DIGEST} from imported.users",
)
UNCHECKED = Layout(name="unchecked")


@dataclass(frozen=True, kw_only=True)
class Tool:
    """One way of doing the task, as a command."""

    name: str
    module: str
    layout: Layout
    options: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()  # packages that the extra `bench` installs
    cannot_say: tuple[str, ...] = ()

    @property
    def missing(self) -> tuple[str, ...]:
        """The packages it needs that are not installed."""
        return tuple(package for package in self.needs if find_spec(package) is None)

    def command(self, file: Path, *, database: Path, mode: str) -> Sequence[str]:
        """What runs it."""
        given = (str(file), "--database", str(database), "--mode", mode)
        return (sys.executable, "-m", self.module, *given, *self.options)


_AS_TEXT = (
    "null, a number for a text, a text for a flag and an unknown field: they pass",
    "a key that an object has twice",
    "a malformed line or one that is no object: it fails the whole file",
    "line numbers, after a blank line",
    "a reserved key only at the top: one further in is refused, too",
    "which part of an object, which earlier record is repeated",
)

TOOLS = {
    "floor": Tool(
        name="floor: DuckDB CTAS, unchecked",
        module=f"{_HERE}.floor",
        layout=UNCHECKED,
        cannot_say=("anything: it copies the file",),
    ),
    "ours": Tool(name="ours", module="flows.import_users", layout=OURS, options=("--direct", "--json")),
    "pandera": Tool(
        name="stock Pandera + MERGE",
        module=f"{_HERE}.stock_pandera",
        layout=PLAIN,
        cannot_say=_AS_TEXT,
    ),
    "dataframely": Tool(
        name="dataframely + DuckDB",
        module=f"{_HERE}.dataframely_duckdb",
        layout=PLAIN,
        needs=("dataframely",),
        cannot_say=(*_AS_TEXT, "the field of a rule of one's own"),
    ),
    "pydantic": Tool(
        name="pandas + pydantic",
        module=f"{_HERE}.pandas_pydantic",
        layout=PLAIN,
        needs=("pandas", "pydantic"),
        cannot_say=(
            "null: it passes for absent",
            "a key that an object has twice",
            "which part of an object, which earlier record is repeated",
        ),
    ),
    "dlt": Tool(
        name="dlt",
        module=f"{_HERE}.dlt_merge",
        layout=DLT,
        needs=("dlt", "pydantic"),
        cannot_say=(
            "which records it refused, and why: they are dropped",
            "a malformed line: it fails the whole file",
            "null: it passes for absent; a key that an object has twice",
            "repeated usernames and user_ids: it knows one key",
            "absent values, keys and phone numbers: they overwrite",
        ),
    ),
}

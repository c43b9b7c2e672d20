"""`python -m flows.connections`: list connections, show and change their rules for usernames; parse and print only."""

import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from flows.import_users.arguments import NO_DEFAULT, command_group
from flows.import_users.cli import Database, Json, read_settings
from flows.report.command_line import UsageError, run
from flows.report.command_line import main as run_app
from flows.report.printing import print_json
from schemas.connection import ConnectionSettings

if TYPE_CHECKING:
    from flows.store.database import Store


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class UsernameRules:
    """What a command sets; None leaves it as it is."""

    username_required: Annotated[
        bool | None, Parameter(negative="--no-username-required", help="Every user must have one."), NO_DEFAULT
    ] = None
    username_min_length: Annotated[int | None, Parameter(metavar="N", show_default=lambda _: 1)] = None
    username_max_length: Annotated[int | None, Parameter(metavar="N", show_default=lambda _: 128)] = None
    username_pattern: Annotated[
        str | None, Parameter(metavar="REGEX", help="A Rust regular expression, anchored as you write it."), NO_DEFAULT
    ] = None

    def applied_to(self, settings: ConnectionSettings) -> ConnectionSettings:
        """Return the settings with what the command sets."""
        return replace(settings, **{name: value for name, value in asdict(self).items() if value is not None})


NO_RULES = UsernameRules()
Connection = Annotated[str, Parameter(metavar="ID", help="The connection's name.")]

app = command_group("python -m flows.connections", "The connections, within each of which users are unique.")
main = partial(run_app, app)


@app.command(name="list")
def list_connections(*, database: Database = None, json: Json = False) -> None:
    """List every connection."""
    from flows.store import connections

    _print(connections.list_connections(_store(database)), as_json=json)


@app.command
def show(connection: Connection, /, *, database: Database = None, json: Json = False) -> None:
    """Show one connection."""
    from flows.store import connections

    _print([connections.find_connection(_store(database), connection)], as_json=json)


@app.command
def add(
    connection: Connection,
    /,
    *,
    rules: UsernameRules = NO_RULES,
    database: Database = None,
    json: Json = False,
) -> None:
    """Create a connection."""
    from flows.store import connections

    settings = rules.applied_to(ConnectionSettings(connection=connection))
    store = _store(database, create=True)
    _check(settings)
    if not connections.add_connection(store, settings):
        raise UsageError(f"there is already a connection {connection}; change it with `set`")
    _print([settings], as_json=json)


@app.command(name="set")
def set_rules(
    connection: Connection,
    /,
    *,
    rules: UsernameRules = NO_RULES,
    database: Database = None,
    json: Json = False,
) -> None:
    """Change what a connection requires of usernames."""
    from flows.store import connections

    store = _store(database)
    settings = rules.applied_to(connections.find_connection(store, connection))
    _check(settings)
    connections.update_connection(store, settings)
    _print([settings], as_json=json)


def _store(database: Path | None, *, create: bool = False) -> "Store":
    from flows.store.database import Store

    store = Store(read_settings(database))
    if not create:
        store.require_database()
    store.prepare()
    return store


def _check(settings: ConnectionSettings) -> None:
    from flows.store.connections import find_problem

    if why := find_problem(settings):
        raise UsageError(why)


def _print(connections: Iterable[ConnectionSettings], *, as_json: bool) -> None:
    if as_json:
        print_json([asdict(settings) for settings in connections])
        return
    for settings in connections:
        required = "required" if settings.username_required else "optional"
        lengths = f"{settings.username_min_length}–{settings.username_max_length} characters"
        sys.stdout.write(f"{settings.connection}: username {required}, {lengths}, {settings.username_pattern}\n")


if __name__ == "__main__":
    run("flows.connections")

"""`python -m flows.connections`: which connections there are, what each asks of usernames; parses and prints only."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from flows.import_users.cli import Parser, add_database, ended
from flows.settings import Settings, settings_from
from schemas.faults import ExitCode

if TYPE_CHECKING:
    from flows.store.database import Store
    from schemas.connection import ConnectionSettings


def parser() -> argparse.ArgumentParser:
    """The parser of the connections' command line."""
    parse = Parser(prog="python -m flows.connections", description="The spaces within which users are unique.")
    commands = parse.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=Parser)
    for name, text in (
        ("list", "every connection"),
        ("show", "one connection"),
        ("add", "create a connection"),
        ("set", "change what a connection asks of usernames"),
    ):
        command = commands.add_parser(name, help=text, description=text)
        add_database(command)
        command.add_argument("--json", action="store_true", help="print one JSON document")
        if name != "list":
            command.add_argument("connection", metavar="ID", help="the connection's name")
        if name in ("add", "set"):
            _add_username_rules(command)
    return parse


def _add_username_rules(parse: argparse.ArgumentParser) -> None:
    parse.add_argument("--username-required", action=argparse.BooleanOptionalAction, help="every user must have one")
    parse.add_argument("--username-min-length", type=int, metavar="N", help="1 unless set")
    parse.add_argument("--username-max-length", type=int, metavar="N", help="128 unless set")
    parse.add_argument(
        "--username-pattern", metavar="REGEX", help="a Rust regular expression, anchored as you write it"
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that the arguments ask for; the exit code."""
    arguments = parser().parse_args(argv)
    return ended(lambda: _run(arguments, settings_from(os.environ, database=arguments.database)))


def _run(arguments: argparse.Namespace, settings: Settings) -> int:
    from flows.store import connections as records
    from flows.store.database import Store
    from schemas.connection import ConnectionSettings

    store = Store(settings)
    if arguments.command == "add":
        store.prepare()
        return _add(
            store, _changed(ConnectionSettings(connection=arguments.connection), arguments), json=arguments.json
        )
    store.require_database()
    store.prepare()
    if arguments.command == "set":
        return _set(
            store, _changed(records.find_connection(store, arguments.connection), arguments), json=arguments.json
        )
    if arguments.command == "show":
        return _print([records.find_connection(store, arguments.connection)], json_document=arguments.json)
    return _print(records.list_connections(store), json_document=arguments.json)


def _add(store: "Store", settings: "ConnectionSettings", *, json: bool) -> int:
    from flows.store import connections as records

    why = records.find_problem(settings)
    if why is None and not records.add_connection(store, settings):
        why = f"there is already a connection {settings.connection}; change it with `set`"
    return _refuse(why) if why else _print([settings], json_document=json)


def _set(store: "Store", settings: "ConnectionSettings", *, json: bool) -> int:
    from flows.store import connections as records

    why = records.find_problem(settings)
    if why:
        return _refuse(why)
    records.update_connection(store, settings)
    return _print([settings], json_document=json)


def _changed(settings: "ConnectionSettings", arguments: argparse.Namespace) -> "ConnectionSettings":
    """The settings with what the arguments say."""
    said = {name: getattr(arguments, name) for name in asdict(settings) if getattr(arguments, name) is not None}
    return replace(settings, **said)


def _refuse(why: str) -> int:
    sys.stderr.write(f"{why}\n")
    return ExitCode.USAGE


def _print(connections: "Sequence[ConnectionSettings]", *, json_document: bool) -> int:
    if json_document:
        sys.stdout.write(json.dumps([asdict(settings) for settings in connections], ensure_ascii=False) + "\n")
        return ExitCode.ALL_ROWS_IN
    for settings in connections:
        required = "required" if settings.username_required else "optional"
        lengths = f"{settings.username_min_length}–{settings.username_max_length} characters"
        sys.stdout.write(f"{settings.connection}: username {required}, {lengths}, {settings.username_pattern}\n")
    return ExitCode.ALL_ROWS_IN


if __name__ == "__main__":
    raise SystemExit(main())

"""`python -m flows.connections`: list connections, show and change their rules; parse and print only."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter, Token

from flows.import_users.arguments import command_group, count_in, parse_path, parse_text
from flows.import_users.cli import COMMON, Common
from flows.readers.limits import Range
from flows.report.command_line import UsageError, run
from schemas.connection import ConnectionSettings, RequiredField
from schemas.options import MOST_CHARACTERS_OF_CONNECTION, NOT_ON_ONE_LINE

if TYPE_CHECKING:
    from flows.settings import Settings
    from flows.store.database import Store

LENGTHS = Range(1, 255)  # of a username, in characters


def parse_pattern(_type: object, tokens: Sequence[Token]) -> str:
    """Return a regular expression, which must neither be empty nor contain bytes that are not UTF-8."""
    text = tokens[-1].value
    if not text or NOT_ON_ONE_LINE.search(text):
        raise ValueError("a pattern must not be empty, nor contain line breaks or bytes that are not UTF-8")
    return text


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class ConnectionRules:
    """The rules and the mapping that a command sets; None keeps the present one."""

    mapping: Annotated[
        Path | None,
        Parameter(metavar="FILE.toml", help="How its files are read; the mapping is kept.", converter=parse_path),
    ] = None
    no_mapping: Annotated[bool, Parameter(help="Forget the mapping.")] = False

    required: Annotated[
        RequiredField | None,
        Parameter(
            show_default="email",
            help="Which field every user must have. A user has email, username or user_id, too, to be matched by.",
        ),
    ] = None
    username_required: Annotated[
        bool | None, Parameter(negative="--no-username-required", help="Every user must have a username.")
    ] = None
    username_min_length: Annotated[int | None, Parameter(metavar="N", show_default="1"), count_in(LENGTHS)] = None
    username_max_length: Annotated[int | None, Parameter(metavar="N", show_default="128"), count_in(LENGTHS)] = None
    username_pattern: Annotated[
        str | None,
        Parameter(
            metavar="REGEX", help="A Rust regular expression, anchored as you write it.", converter=parse_pattern
        ),
    ] = None

    def applied_to(self, connection: ConnectionSettings, *, settings: "Settings") -> ConnectionSettings:
        """Return the connection with what the command sets, or raise `UsageError` if that cannot be used."""
        from flows.store.connections import find_problem

        given = {name: value for name, value in asdict(self).items() if value is not None}
        if given.pop("no_mapping") or self.mapping:
            given["mapping"] = "" if self.mapping is None else _read_mapping(self.mapping, settings)
        connection = replace(connection, **given)
        if why := find_problem(connection):
            raise UsageError(why)
        return connection


NO_RULES = ConnectionRules()


def _read_mapping(path: Path, settings: "Settings") -> str:
    """Return the text of a mapping; raise `Fault` with all that is wrong with it."""
    from flows.pipeline.instructions.mapping_file import parse_mapping_text, read_mapping_text

    text, name = read_mapping_text(str(path), settings=settings)
    parse_mapping_text(text, name=name)
    return text


def parse_new_name(kind: object, tokens: Sequence[Token]) -> str:
    """Return the name of a connection as imports can name it."""
    text = parse_text(kind, tokens)
    if len(text) > MOST_CHARACTERS_OF_CONNECTION:
        raise ValueError(f"must have at most {MOST_CHARACTERS_OF_CONNECTION} characters, not {len(text)}")
    return text


Connection = Annotated[str, Parameter(metavar="ID", help="The connection's name.", converter=parse_text)]
NewConnection = Annotated[str, Parameter(metavar="ID", help="The connection's name.", converter=parse_new_name)]

app = command_group("python -m flows.connections", "The connections, within each of which users are unique.")


@app.command(name="list")
def list_connections(*, common: Common = COMMON) -> None:
    """List every connection."""
    from flows.store import connections

    _print(connections.list_connections(_prepared(common.find_store())), common)


@app.command
def show(connection: Connection, /, *, common: Common = COMMON) -> None:
    """Show one connection."""
    from flows.store import connections

    _print([connections.find_connection(_prepared(common.find_store()), connection)], common)


@app.command
def add(connection: NewConnection, /, *, rules: ConnectionRules = NO_RULES, common: Common = COMMON) -> None:
    """Create a connection."""
    from flows.store import connections
    from flows.store.database import Store

    store = _prepared(Store(common.settings))
    settings = rules.applied_to(ConnectionSettings(connection=connection), settings=common.settings)
    if not connections.add_connection(store, settings):
        raise UsageError(f"there is already a connection {connection}; change it with `set`")
    _print([settings], common)


@app.command(name="set")
def set_rules(connection: Connection, /, *, rules: ConnectionRules = NO_RULES, common: Common = COMMON) -> None:
    """Change what a connection requires of users."""
    from flows.store import connections

    store = _prepared(common.find_store())
    settings = rules.applied_to(connections.find_connection(store, connection), settings=common.settings)
    connections.update_connection(store, settings)
    _print([settings], common)


def _prepared(store: "Store") -> "Store":
    store.prepare()
    return store


def _print(connections: Sequence[ConnectionSettings], common: Common) -> None:
    lines = (
        f"{settings.connection}: {settings.required} required{_describe_username(settings)},"
        f" {settings.username_min_length}–{settings.username_max_length} characters, {settings.username_pattern}"
        f"{'; with a mapping' if settings.mapping else ''}\n"
        for settings in connections
    )
    common.print([asdict(settings) for settings in connections], "".join(lines))


def _describe_username(settings: ConnectionSettings) -> str:
    if settings.required == "username":
        return ""
    return f"; username {'required' if settings.username_required else 'optional'}"


if __name__ == "__main__":
    run("flows.connections")

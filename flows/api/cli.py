"""`user-import serve` and `user-import tokens`; parse and print only."""

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal, get_args

from cyclopts import Parameter, Token

from flows.api import stage
from flows.import_users.arguments import command_group, count_in, parse_path, parse_period, parse_text
from flows.import_users.cli import COMMON, Common, usable_environment
from flows.readers.limits import Range
from flows.report.command_line import UsageError
from flows.report.printing import print_table

Scope = Literal["create:users", "read:users", "run-import"]  # as in `flows.api.guard.tokens`, which loads more
PORT = 8080
SIZE = re.compile(r"([0-9]{1,12})(B|KB|MB|GB|TB)?")
UNITS = {None: 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}

app = command_group("python -m flows.api", "The HTTP face: its server and its tokens.")
tokens = command_group("tokens", "Who may call the HTTP face, and what for.")
app.command(tokens, name="tokens")
app.command(stage.app, name="stage")


def parse_size(_type: object, given: Sequence[Token]) -> int:
    """Return a number of bytes that an argument says, such as 500KB."""
    found = SIZE.fullmatch(given[-1].value.upper())
    if found is None:
        raise ValueError(f"{given[-1].value!r} is not a size such as 500KB or 2GB")
    return int(found[1]) * UNITS[found[2]]


def parse_scopes(_type: object, given: Sequence[Token]) -> tuple[str, ...]:
    """Return the scopes that one or several arguments list, with commas between them."""
    names = tuple(name.strip() for token in given for name in token.value.split(","))
    known = get_args(Scope)
    for name in names:
        if name not in known:
            raise ValueError(f"{name!r} is not a scope; there are {', '.join(known)}")
    return names


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Limits:
    """What clients may do, as options; the fields are those of `flows.api.app.ServerSettings`."""

    max_upload_bytes: Annotated[
        int | None,
        Parameter("--max-upload", metavar="SIZE", help="Of a file of users.", converter=parse_size, show_default="any"),
    ] = None
    max_body_bytes: Annotated[
        int,
        Parameter("--max-body", metavar="SIZE", help="Of any other call.", converter=parse_size, show_default="64MB"),
    ] = 64_000_000
    body_seconds: Annotated[int, count_in(Range(1, 3600)), Parameter(help="How long a body may pause.")] = 30
    header_seconds: Annotated[int, count_in(Range(1, 3600)), Parameter(help="How long the headers may take.")] = 15
    max_connections: Annotated[int, count_in(Range(1, 100_000)), Parameter(help="Connections at once.")] = 1000
    rate: Annotated[int, count_in(Range(1, 100_000)), Parameter(help="Calls of a token per second.")] = 50
    burst: Annotated[int, count_in(Range(1, 100_000)), Parameter(help="Calls of a token at once.")] = 200
    auth0_active_jobs: Annotated[
        int | None,
        count_in(Range(1, 10_000)),
        Parameter(help="Jobs by Auth0's call at once; more are answered with 429.", show_default="as many as run"),
    ] = None
    auth0_retention: Annotated[
        bool, Parameter(help="Auth0's calls show jobs as expired after two hours, and not at all after a day.")
    ] = False
    fullstory_active_jobs: Annotated[
        int, count_in(Range(1, 10_000)), Parameter(help="Jobs by FullStory's call at once; more are answered with 429.")
    ] = 100
    max_users_per_batch: Annotated[
        int | None,
        count_in(Range(1, 10**9)),
        Parameter(help="Users in FullStory's call, which took 50,000 there.", show_default="any"),
    ] = None


NO_LIMITS = Limits()


@app.command
def serve(
    *,
    host: Annotated[str, Parameter(help="The address to listen on.", converter=parse_text)] = "127.0.0.1",
    port: Annotated[int, count_in(Range(0, 65535)), Parameter(help="The port; 0 for any that is free.")] = PORT,
    tls_cert: Annotated[
        Path | None, Parameter(metavar="FILE", help="The certificate with its chain (PEM).", converter=parse_path)
    ] = None,
    tls_key: Annotated[Path | None, Parameter(metavar="FILE", help="Its key (PEM).", converter=parse_path)] = None,
    behind_proxy: Annotated[bool, Parameter(help="A proxy has TLS and says who calls.")] = False,
    limits: Limits = NO_LIMITS,
    common: Common = COMMON,
) -> None:
    """Serve the calls of Auth0, FullStory, Rocket.Chat and Liferay, our own, and a page for people."""
    if tls_key and not tls_cert:
        raise UsageError("--tls-key needs --tls-cert")
    if not (tls_cert or behind_proxy or _is_loopback(host)):
        raise UsageError(f"{host} can be reached by others: add --tls-cert and --tls-key, or --behind-proxy")
    with usable_environment():
        settings = common.settings
    from flows.api.app import ServerSettings, create_app
    from flows.api.guard.tokens import TokenFile
    from flows.api.server import run_server
    from flows.store.database import Store

    Store(settings).prepare()
    known = TokenFile.of(settings).list()

    def say_ready(at: int) -> None:
        shown = f"[{host}]" if ":" in host else host
        sys.stderr.write(
            f"listening on {'https' if tls_cert else 'http'}://{shown}:{at} (Ctrl-C ends it; jobs go on)\n"
        )
        if not any(token.is_valid for token in known):
            sys.stderr.write("there is no token yet: `user-import tokens add NAME --scope create:users,read:users`\n")

    server = ServerSettings(
        **{field.name: getattr(limits, field.name) for field in fields(Limits)},
        has_open_metrics=_is_loopback(host) and not behind_proxy,
    )
    run_server(
        create_app(settings, server),
        host=host,
        port=port,
        cert=tls_cert,
        key=tls_key,
        behind_proxy=behind_proxy,
        server=server,
        on_ready=say_ready,
    )


@tokens.command
def add(
    name: Annotated[str, Parameter(metavar="NAME", help="Who has it.", converter=parse_text)],
    /,
    *,
    scope: Annotated[
        tuple[Scope, ...],
        Parameter(
            metavar="SCOPES",
            help=f"What it is for: {', '.join(get_args(Scope))}.",
            converter=parse_scopes,
            n_tokens=1,
            negative_iterable=(),
        ),
    ],
    connection: Annotated[
        tuple[str, ...],
        Parameter(metavar="ID", help="A connection that it is for.", show_default="every one", negative_iterable=()),
    ] = (),
    expires: Annotated[
        timedelta | None,
        Parameter(metavar="PERIOD", help="Until when, such as 90d.", converter=parse_period, show_default="never"),
    ] = None,
    common: Common = COMMON,
) -> None:
    """Add a token and show it, this once."""
    from flows.api.guard.tokens import TokenFile

    until = datetime.now(UTC) + expires if expires else None
    expires_at = until.isoformat(timespec="seconds").replace("+00:00", "Z") if until else None
    try:
        text = TokenFile.of(common.settings).add(
            name, scopes=scope, connections=connection or None, expires_at=expires_at
        )
    except ValueError as error:
        raise UsageError(str(error)) from None
    common.print({"name": name, "token": text, "expires_at": expires_at}, f"{text}\n")
    if not common.json:
        sys.stderr.write(f"this is the token of {name}; it is not shown again\n")


@tokens.command(name="list")
def list_tokens(*, common: Common = COMMON) -> None:
    """List the tokens: what they are for, not their text."""
    from flows.api.guard.tokens import TokenFile

    found = [token.to_dict() for token in TokenFile.of(common.settings).list()]
    if common.json:
        common.print(found, "")
        return
    columns = ("name", "scopes", "connections", "created_at", "expires_at", "revoked_at")
    print_table(columns, [tuple(_cell(token[column]) for column in columns) for token in found])


@tokens.command
def revoke(
    name: Annotated[str, Parameter(metavar="NAME", help="Whose it is.", converter=parse_text)],
    /,
    *,
    common: Common = COMMON,
) -> None:
    """Revoke a token, from the next call on."""
    from flows.api.guard.tokens import TokenFile

    if not TokenFile.of(common.settings).revoke(name):
        raise UsageError(f"there is no valid token {name}; see `user-import tokens list`")
    common.print({"name": name, "revoked": True}, f"the token {name} is revoked\n")


def _cell(value: object) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value))
    return "" if value is None else str(value)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

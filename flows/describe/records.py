"""`user-import schema` and `user-import template`: the record as JSON Schema, and files to begin with."""

import json
from typing import Annotated, Literal

from cyclopts import Parameter

from flows.import_users.arguments import parse_text
from flows.import_users.cli import COMMON, Common

Connection = Annotated[
    str | None,
    Parameter(
        metavar="ID",
        help="The connection whose rules the schema has.",
        show_default="rules of a new one",
        converter=parse_text,
    ),
]


def schema(*, connection: Connection = None, common: Common = COMMON) -> None:
    """Print the record as JSON Schema (2020-12)."""
    from schemas.connection import ConnectionSettings
    from schemas.json_schema import record_schema

    settings = ConnectionSettings()
    if connection is not None:
        from flows.store.connections import find_connection

        store = common.find_store()
        store.prepare()
        settings = find_connection(store, connection)
    document = record_schema(settings)
    common.print(document, json.dumps(document, indent=2) + "\n")


def template(
    form: Annotated[Literal["csv", "json"], Parameter(metavar="FORMAT", help="What to print.")],
    /,
    *,
    common: Common = COMMON,
) -> None:
    """Print a file to begin with: the header of a CSV file, or a JSON file with one record that has every field."""
    from schemas.example import EXAMPLE
    from schemas.fields import FIELD_NAMES

    if form == "csv":
        common.print({"columns": FIELD_NAMES}, ",".join(FIELD_NAMES) + "\n")
    else:
        common.print([EXAMPLE], json.dumps([EXAMPLE], indent=2) + "\n")

"""Load with dlt as its documentation shows it: a resource with a Pydantic model as columns, merged by primary key."""

import json
import os
from collections.abc import Iterator
from itertools import islice
from tempfile import TemporaryDirectory

import dlt

from tests.benchmarks.tools.arguments import Arguments, parse_arguments
from tests.benchmarks.tools.pydantic_user import User

BATCH = 10_000


class Row(User):
    """A user with the merge key, and the record number that decides between two users with the same key."""

    record: int
    email_key: str


def run(arguments: Arguments) -> None:
    """Load the file; a record that the model refuses is dropped."""
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"

    @dlt.resource(
        name="users",
        columns=Row,
        write_disposition={
            "disposition": "merge",
            "strategy": "delete-insert" if arguments.mode == "upsert" else "insert-only",
        },
        primary_key="email_key",
        schema_contract={"tables": "evolve", "columns": "discard_row", "data_type": "discard_row"},
    )
    def users() -> Iterator[list[dict[str, object]]]:
        with arguments.file.open("rb") as file:
            numbered = enumerate(file, 1)
            while batch := [add_key(json.loads(line), record) for record, line in islice(numbered, BATCH)]:
                yield batch

    users.apply_hints(columns={"record": {"dedup_sort": "asc"}})
    with TemporaryDirectory(dir=arguments.database.parent) as folder:
        pipeline = dlt.pipeline(
            "import_users",
            pipelines_dir=folder,
            destination=dlt.destinations.duckdb(str(arguments.database)),
            dataset_name="imported",
        )
        pipeline.run(users, loader_file_format="parquet")


def add_key(user: dict[str, object], record: int) -> dict[str, object]:
    """Return the user with its number and key."""
    return {**user, "record": record, "email_key": str(user.get("email")).lower()}


if __name__ == "__main__":
    run(parse_arguments())

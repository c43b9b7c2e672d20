"""dlt as its documentation shows it: a resource with a Pydantic model as its columns, merged by primary key."""

import json
import os
from collections.abc import Iterator
from itertools import islice
from tempfile import TemporaryDirectory

import dlt

from tests.benchmarks.tools.arguments import Arguments, parsed
from tests.benchmarks.tools.pydantic_user import User

BATCH = 10_000


class Row(User):
    """A user with the key that is merged by, and what decides between two that have the same."""

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
            while batch := [keyed(json.loads(line), record) for record, line in islice(numbered, BATCH)]:
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


def keyed(user: dict[str, object], record: int) -> dict[str, object]:
    """The user with its number and key."""
    return {**user, "record": record, "email_key": str(user.get("email")).lower()}


if __name__ == "__main__":
    run(parsed())

"""Validate line by line with a Pydantic model, then load with pandas and DuckDB."""

import json

import pandas as pd
from pydantic import ValidationError

from tests.benchmarks.tools.arguments import Arguments, parse_arguments
from tests.benchmarks.tools.merging import merge
from tests.benchmarks.tools.pydantic_user import User

Reject = tuple[int, str | None, str]


def run(arguments: Arguments) -> None:
    """Validate the file and merge what is valid."""
    users: list[dict[str, object]] = []
    rejects: list[Reject] = []
    seen: set[tuple[str, str]] = set()
    with arguments.file.open("rb") as file:
        for record, line in enumerate(file, 1):
            try:
                user = User.model_validate_json(line)
            except ValidationError as error:
                rejects += [
                    (record, ".".join(map(str, fault["loc"])), fault["msg"])
                    for fault in error.errors(include_url=False)
                ]
                continue
            keys = get_keys(user)
            rejects += [(record, key, "repeated") for key, value in keys.items() if (key, value) in seen]
            if seen.isdisjoint(keys.items()):
                users.append(make_row(record, user))
            seen.update(keys.items())
    valid = pd.DataFrame(users, columns=["record", *User.model_fields, "email_key", "username_key"])
    columns = ["record", "column", "reason"]
    merge(arguments.database, valid, pd.DataFrame(rejects, columns=columns), mode=arguments.mode)


def get_keys(user: User) -> dict[str, str]:
    """Return the user's keys as they are compared."""
    keys = {"email": user.email.lower()}
    if user.username is not None:
        keys["username"] = user.username.lower()
    if user.user_id is not None:
        keys["user_id"] = user.user_id
    return keys


def make_row(record: int, user: User) -> dict[str, object]:
    """Return the user as a row of the table."""
    return {
        **user.model_dump(),
        "record": record,
        "app_metadata": json.dumps(user.app_metadata) if user.app_metadata is not None else None,
        "user_metadata": json.dumps(user.user_metadata) if user.user_metadata is not None else None,
        "email_key": user.email.lower(),
        "username_key": user.username.lower() if user.username is not None else None,
    }


if __name__ == "__main__":
    run(parse_arguments())

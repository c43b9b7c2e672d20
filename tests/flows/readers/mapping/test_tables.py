"""A table of another system is recognised in every format of tables."""

from pathlib import Path

import polars as pl
import pytest

from flows.settings import Settings
from schemas.job import Mode
from tests.flows.importing import import_file, read_users

GOOGLE = pl.DataFrame(
    {
        "First Name [Required]": ["Gil"],
        "Last Name [Required]": ["Wu"],
        "Email Address [Required]": ["gil@example.com"],
        "Status [READ ONLY]": ["Suspended"],
        "Org Unit Path [Required]": ["/Sales"],
        "Department": ["R&D"],
    }
)


@pytest.mark.parametrize("ending", ["csv", "parquet", "xlsx"])
def test_a_table_is_recognised_in_every_format(settings: Settings, tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"users.{ending}"
    match ending:
        case "csv":
            GOOGLE.write_csv(path)
        case "parquet":
            GOOGLE.write_parquet(path)
        case _:
            GOOGLE.write_excel(path)
    summary = import_file(settings, path, Mode.INSERT)
    assert (summary.profile, summary.inserted) == ("google-workspace", 1)
    (user,) = read_users(settings)
    assert (user["email"], user["given_name"], user["blocked"]) == ("gil@example.com", "Gil", True)
    assert (
        user["user_metadata"]
        == '{"google":{"Org Unit Path [Required]":"/Sales","Department":"R&D","Status [READ ONLY]":"Suspended"}}'
    )


@pytest.mark.parametrize("ending", ["parquet", "xlsx"])
def test_a_table_in_our_own_format_stays_one(settings: Settings, tmp_path: Path, ending: str) -> None:
    frame = pl.DataFrame({"E-Mail": ["ada@example.com"], "Vorname": ["Ada"]})
    path = tmp_path / f"users.{ending}"
    (frame.write_parquet if ending == "parquet" else frame.write_excel)(path)
    summary = import_file(settings, path, Mode.INSERT)
    assert (summary.profile, summary.inserted) == ("csv", 1)
    assert [user["given_name"] for user in read_users(settings)] == ["Ada"]

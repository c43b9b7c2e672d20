"""Times of other systems become RFC 3339, dates ISO 8601; what is not such a time stays for the rules to refuse."""

import polars as pl
import pytest

from transforms.mapping.times import write_date, write_time

BERLIN = "Europe/Berlin"


@pytest.mark.parametrize(
    ("text", "forms", "zone", "expected"),
    [
        ("2020-01-02T03:04:05Z", ["iso"], "UTC", "2020-01-02T03:04:05Z"),
        ("2020-01-02t03:04:05z", ["iso"], "UTC", "2020-01-02T03:04:05Z"),
        ("2020-01-02 03:04", ["iso"], "UTC", "2020-01-02T03:04:00Z"),
        ("2020-01-02", ["iso"], "UTC", "2020-01-02T00:00:00Z"),
        (" 2020-01-02 03:04:05 UTC ", ["iso"], BERLIN, "2020-01-02T03:04:05Z"),
        ("2020-01-02T03:04:05.120+05", ["iso"], "UTC", "2020-01-02T03:04:05.120+05:00"),
        ("2020-01-02T03:04:05-0530", ["iso"], BERLIN, "2020-01-02T03:04:05-05:30"),
        ("2020-07-02 03:04:05.25", ["iso"], BERLIN, "2020-07-02T01:04:05.25Z"),
        ("2020-10-25 02:30", ["iso"], BERLIN, "2020-10-25T00:30:00Z"),
        ("2020-03-29 02:30", ["iso"], BERLIN, "2020-03-29 02:30"),
        ("1700000000", ["epoch"], "UTC", "2023-11-14T22:13:20Z"),
        ("1700000000.5", ["epoch"], "UTC", "2023-11-14T22:13:20.5Z"),
        ("1.7e9", ["epoch"], "UTC", "2023-11-14T22:13:20Z"),
        ("1700000000000", ["epoch_ms"], "UTC", "2023-11-14T22:13:20Z"),
        ("1700000000123", ["epoch_ms"], BERLIN, "2023-11-14T22:13:20.123Z"),
        ("1700000000000", ["epoch"], "UTC", "1700000000000"),
        ("0", ["epoch"], "UTC", None),
        ("133444736000000000", ["filetime"], "UTC", "2023-11-14T22:13:20Z"),
        ("133444736001234567", ["filetime"], BERLIN, "2023-11-14T22:13:20.123456Z"),
        ("0", ["filetime"], "UTC", None),
        ("9223372036854775807", ["filetime", "iso"], "UTC", None),
        ("1700000000", ["filetime"], "UTC", "1700000000"),
        ("2020-01-02", ["filetime", "iso"], "UTC", "2020-01-02T00:00:00Z"),
        ("0", ["iso"], "UTC", "0"),
        ("-5", ["epoch"], "UTC", "-5"),
        ("soon", ["epoch", "iso", "%d/%m/%Y"], "UTC", "soon"),
        ("1700000000", ["iso", "epoch"], "UTC", "2023-11-14T22:13:20Z"),
        ("31/12/2020", ["%m/%d/%Y", "%d/%m/%Y"], "UTC", "2020-12-31T00:00:00Z"),
        ("12/31/20 11:05 PM", ["%m/%d/%y %I:%M %p"], BERLIN, "2020-12-31T22:05:00Z"),
        ("2020-01-02 03:04:05.25", ["%Y-%m-%d %H:%M:%S.%f"], "UTC", "2020-01-02T03:04:05.25Z"),
        ("2020-01-02T03:04:05+0200", ["%Y-%m-%dT%H:%M:%S%z"], BERLIN, "2020-01-02T01:04:05Z"),
        ("Thu Jan  2 03:04:05 2020", ["%c"], "UTC", "2020-01-02T03:04:05Z"),
        (None, ["iso", "epoch", "%d/%m/%Y"], BERLIN, None),
    ],
)
def test_a_time_is_written(text: str | None, forms: list[str], zone: str, expected: str | None) -> None:
    frame = pl.DataFrame({"text": [text]}, schema={"text": pl.String})
    assert frame.select(write_time(pl.col("text"), forms, zone)).item() == expected


@pytest.mark.parametrize(
    ("text", "forms", "expected"),
    [
        ("2020-01-02", ["iso"], "2020-01-02"),
        ("2020-01-02T23:59:59-08:00", ["iso"], "2020-01-02"),
        ("31/12/2020", ["%d/%m/%Y"], "2020-12-31"),
        ("12/31/1985", ["%d/%m/%Y", "%m/%d/%Y"], "1985-12-31"),
        ("1 Jan 2020", ["%d %b %Y"], "2020-01-01"),
        ("1700000000", ["epoch"], "2023-11-14"),
        ("1700000000000", ["epoch_ms", "iso"], "2023-11-14"),
        ("2020-01-02", ["epoch_ms", "iso"], "2020-01-02"),
        ("0", ["epoch"], None),
        ("unknown", ["iso", "epoch", "%d/%m/%Y"], "unknown"),
        (None, ["iso"], None),
    ],
)
def test_a_date_is_written(text: str | None, forms: list[str], expected: str | None) -> None:
    frame = pl.DataFrame({"text": [text]}, schema={"text": pl.String})
    assert frame.select(write_date(pl.col("text"), forms, "UTC")).item() == expected

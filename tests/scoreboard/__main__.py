"""Prints what came of the files of folders, and what is not as it must be. Exit code 1 when anything is not."""

import argparse
import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.scoreboard.expectations import Expected
from tests.scoreboard.processes import trips
from tests.scoreboard.scorers import SCORERS
from tests.scoreboard.trips import Trip

HEAD = ("corpus", "how", "tasks", "read", "rows", "row errors", "refused", "crashed", "slow", "altered", "wrong", "MB")


def main() -> int:
    """Score the folders of the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.scoreboard", description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--score", choices=SCORERS, help="how to score; by default as the folder's name says")
    arguments = parser.parse_args()
    print(" | ".join(HEAD))
    return max(_score(folder, arguments.score) for folder in arguments.folders)


def _score(folder: Path, kind: str | None) -> int:
    scorer = SCORERS[kind or (folder.name if folder.name in SCORERS else "whatever")]
    with TemporaryDirectory() as scratch:
        expected = list(scorer(folder, Path(scratch)))
        results = list(zip(expected, trips(item.task for item in expected), strict=True))
    wrong = 0
    for label in dict.fromkeys(item.label for item in expected):
        wrong += _print(folder.name, label, [(item, trip) for item, trip in results if item.label == label])
    return int(wrong > 0)


def _print(name: str, label: str, results: list[tuple[Expected, Trip]]) -> int:
    faults = [(item, trip, fault) for item, trip in results if (fault := _fault(item, trip))]
    statuses = Counter(trip.status for _, trip in results)
    refused = Counter(trip.code for _, trip in results if trip.status == "refused")
    errors = sum((Counter(trip.row_errors) for _, trip in results), Counter[str]())
    cells = (
        name,
        label,
        len(results),
        statuses["read"],
        sum(trip.rows for _, trip in results),
        _counts(errors),
        _counts(refused),
        statuses["crashed"],
        statuses["slow"],
        sum(trip.altered for _, trip in results),
        len(faults),
        max((trip.megabytes for _, trip in results), default=0),
    )
    print(" | ".join(map(str, cells)))
    for item, trip, fault in faults:
        print(f"    {item.task.path}: {fault} {trip.message}")
    return len(faults)


def _fault(item: Expected, trip: Trip) -> str:
    return item.judge(trip) or (f"{trip.altered} records altered" if trip.altered else "")


def _counts(counts: Counter[str]) -> str:
    return (
        f"{counts.total()} ({', '.join(f'{code} {count}' for code, count in counts.most_common())})" if counts else "0"
    )


if __name__ == "__main__":
    sys.exit(main())

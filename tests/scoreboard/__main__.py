"""Print the results of the files of folders, and those that are wrong. The exit code is 1 if any is."""

import argparse
import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.scoreboard.expectations import Expected
from tests.scoreboard.processes import run_tasks
from tests.scoreboard.scorers import SCORERS
from tests.scoreboard.tasks import Result

HEAD = ("corpus", "how", "tasks", "read", "rows", "row errors", "refused", "crashed", "slow", "altered", "wrong", "MB")


def main() -> int:
    """Score the folders of the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.scoreboard", description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--score", choices=SCORERS, help="how to score the files (default: by the name of the folder)")
    arguments = parser.parse_args()
    print(" | ".join(HEAD))
    return max(_score(folder, arguments.score) for folder in arguments.folders)


def _score(folder: Path, kind: str | None) -> int:
    scorer = SCORERS[kind or (folder.name if folder.name in SCORERS else "whatever")]
    with TemporaryDirectory() as scratch:
        expected = list(scorer(folder, Path(scratch)))
        results = list(zip(expected, run_tasks(item.task for item in expected), strict=True))
    wrong = 0
    for label in dict.fromkeys(item.label for item in expected):
        wrong += _print(folder.name, label, [(item, result) for item, result in results if item.label == label])
    return int(wrong > 0)


def _print(name: str, label: str, results: list[tuple[Expected, Result]]) -> int:
    faults = [(item, result, fault) for item, result in results if (fault := _find_fault(item, result))]
    statuses = Counter(result.status for _, result in results)
    refused = Counter(result.code for _, result in results if result.status == "refused")
    errors = sum((Counter(result.row_errors) for _, result in results), Counter[str]())
    cells = (
        name,
        label,
        len(results),
        statuses["read"],
        sum(result.rows for _, result in results),
        _format_counts(errors),
        _format_counts(refused),
        statuses["crashed"],
        statuses["slow"],
        sum(result.altered for _, result in results),
        len(faults),
        max((result.megabytes for _, result in results), default=0),
    )
    print(" | ".join(map(str, cells)))
    for item, result, fault in faults:
        print(f"    {item.task.path}: {fault} {result.message}")
    return len(faults)


def _find_fault(item: Expected, result: Result) -> str:
    return item.check(result) or (f"{result.altered} records altered" if result.altered else "")


def _format_counts(counts: Counter[str]) -> str:
    return (
        f"{counts.total()} ({', '.join(f'{code} {count}' for code, count in counts.most_common())})" if counts else "0"
    )


if __name__ == "__main__":
    sys.exit(main())

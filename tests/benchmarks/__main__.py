"""Measures this import beside the tools that one would script instead, and writes a table and a plot."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

from tests.benchmarks.report import is_disturbed, markdown
from tests.benchmarks.rounds import Played, play
from tests.benchmarks.scenarios import SCENARIOS, SMALL, Sizes
from tests.benchmarks.tools import TOOLS

ALWAYS = ("floor", "ours")
EPILOG = """The files and databases that runs begin with are kept in FOLDER/material (remove it
when the tables of the product have changed); results go to FOLDER/results.
At full size that takes some 20 GB of disk. Tools whose packages are not installed are named and left out."""


def main() -> int:
    """Run the scenarios of the command line."""
    parser = _parser()
    arguments = parser.parse_args()
    if arguments.existing < max(arguments.users, SMALL):
        parser.error(f"--existing must be at least {SMALL} and at least --users")
    tools = [name for name in TOOLS if name in ALWAYS or name in arguments.tools]
    absent = [TOOLS[name] for name in tools if TOOLS[name].missing]
    sizes = Sizes(
        users=arguments.users,
        existing=arguments.existing,
        faulty=arguments.faulty,
        tools=tuple(name for name in tools if TOOLS[name] not in absent),
    )
    for tool in absent:
        sys.stderr.write(f"not installed, left out: {tool.name} ({', '.join(tool.missing)})\n")
    results = arguments.folder / "results" / f"{datetime.now(UTC):%Y-%m-%dT%H%M%SZ}"
    played: list[Played] = []
    for name in [name for name in SCENARIOS if name in arguments.scenario]:
        played.append(play(name, SCENARIOS[name], sizes=sizes, rounds=arguments.runs, folder=arguments.folder))
        text = markdown(played, sizes=sizes, rounds=arguments.runs, absent=absent)
        _write(text, played, results, sizes)  # what is measured is kept, whatever comes after
    print(text)
    sys.stderr.write(f"written to {results}\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--users", type=int, default=1_000_000, help="users in a file (default: %(default)s)")
    add("--existing", type=int, default=5_000_000, help="users in the table to upsert into (default: %(default)s)")
    add("--faulty", type=float, default=0.02, help="share of faulty rows (default: %(default)s)")
    add("--runs", type=int, default=5, help="rounds in which every tool has its turn (default: %(default)s)")
    add(
        "--tools",
        nargs="+",
        choices=TOOLS,
        default=list(TOOLS),
        metavar="TOOL",
        help=f"beside {' and '.join(ALWAYS)}: {', '.join(name for name in TOOLS if name not in ALWAYS)} (default: all)",
    )
    add(
        "--scenario",
        nargs="+",
        choices=SCENARIOS,
        default=list(SCENARIOS),
        metavar="NAME",
        help=f"{', '.join(SCENARIOS)} (default: all)",
    )
    add("--folder", type=Path, default=Path("data/benchmarks"), help="for everything made (default: %(default)s)")
    return parser


def _write(text: str, played: Sequence[Played], folder: Path, sizes: Sizes) -> None:
    """Keep the table, every single measurement and the plot."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.md").write_text(text, encoding="utf-8")
    (folder / "measurements.json").write_text(
        json.dumps([_measured(one) for one in played], indent=1), encoding="utf-8"
    )
    if find_spec("matplotlib") is None:
        sys.stderr.write("no plot: matplotlib is not installed\n")
        return
    from tests.benchmarks.plot import draw  # noqa: PLC0415 - optional

    disturbed = ". NOT A QUIET MACHINE" if any(is_disturbed(one) for one in played) else ""
    title = f"{sizes.users:,} users, start-up included. * its verdict differs, see the table{disturbed}"
    draw(played, folder=folder, title=title)


def _measured(played: Played) -> dict[str, object]:
    runs = [
        {
            "run": one.run.label,
            "verdict": one.verdict,
            "lock_seconds": one.lock_seconds,
            "taken": [*map(asdict, one.taken)],
        }
        for one in played.contestants
    ]
    return {"scenario": played.name, "runs": runs}


if __name__ == "__main__":
    sys.exit(main())

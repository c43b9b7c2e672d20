"""Measures this import beside the tools that one would script instead, and writes a table and a plot."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

from tests.benchmarks.report import markdown
from tests.benchmarks.rounds import Played, play
from tests.benchmarks.scenarios import SCENARIOS, Sizes
from tests.benchmarks.tools import TOOLS

ALWAYS = ("floor", "ours")
EPILOG = """The files and databases that runs begin with are kept in FOLDER/material; results go to FOLDER/results.
At full size that takes some 20 GB of disk. Tools whose packages are not installed are named and left out."""


def main() -> int:
    """Run the scenarios of the command line."""
    arguments = _parser().parse_args()
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
    played = [
        play(name, SCENARIOS[name], sizes=sizes, rounds=arguments.runs, folder=arguments.folder)
        for name in SCENARIOS
        if name in arguments.scenario
    ]
    text = markdown(played, sizes=sizes, rounds=arguments.runs, absent=absent)
    print(text)
    _write(text, played, arguments.folder / "results" / f"{datetime.now(UTC):%Y-%m-%dT%H%M%SZ}", sizes)
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
    folder.mkdir(parents=True)
    (folder / "results.md").write_text(text, encoding="utf-8")
    (folder / "measurements.json").write_text(
        json.dumps([_measured(one) for one in played], indent=1), encoding="utf-8"
    )
    if find_spec("matplotlib") is None:
        sys.stderr.write("no plot: matplotlib is not installed\n")
        return
    from tests.benchmarks.plot import draw  # noqa: PLC0415 - optional

    draw(played, folder=folder, title=f"{sizes.users:,} users, start-up included. * its verdict differs, see the table")
    sys.stderr.write(f"written to {folder}\n")


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

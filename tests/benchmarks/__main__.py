"""Measure this import and the scripts with other tools, and write a table and a plot."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

from tests.benchmarks.report import format_results, is_disturbed, summarise
from tests.benchmarks.rounds import ScenarioResult, run_scenario
from tests.benchmarks.scenarios import SCENARIOS, SMALL, Sizes
from tests.benchmarks.tools import TOOLS

ALWAYS = ("floor", "ours")
EPILOG = """The input files and databases are kept in FOLDER/material (remove it when the tables of the product have
changed); results are written to FOLDER/results. At full size they take about 20 GB of disk space.
Tools whose packages are not installed are listed and skipped."""


def main() -> int:
    """Run the scenarios that the command line names."""
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
        sys.stderr.write(f"not installed, skipped: {tool.name} ({', '.join(tool.missing)})\n")
    folder = arguments.folder / "results" / f"{datetime.now(UTC):%Y-%m-%dT%H%M%SZ}"
    results: list[ScenarioResult] = []
    for name in [name for name in SCENARIOS if name in arguments.scenario]:
        results.append(run_scenario(name, SCENARIOS[name], sizes=sizes, rounds=arguments.runs, folder=arguments.folder))
        text = format_results(results, sizes=sizes, rounds=arguments.runs, absent=absent)
        _write(text, results, folder, sizes)  # after each scenario: a later one may fail
        if arguments.json:
            summary = summarise(results, sizes=sizes, rounds=arguments.runs)
            arguments.json.write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    print(text)
    sys.stderr.write(f"written to {folder}\n")
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
    add("--runs", type=int, default=5, help="rounds, in each of which every tool runs once (default: %(default)s)")
    add(
        "--tools",
        nargs="+",
        choices=TOOLS,
        default=list(TOOLS),
        metavar="TOOL",
        help=f"with {' and '.join(ALWAYS)}: {', '.join(name for name in TOOLS if name not in ALWAYS)} (default: all)",
    )
    add(
        "--scenario",
        nargs="+",
        choices=SCENARIOS,
        default=list(SCENARIOS),
        metavar="NAME",
        help=f"{', '.join(SCENARIOS)} (default: all)",
    )
    add(
        "--folder",
        type=Path,
        default=Path("data/benchmarks"),
        help="folder for inputs and results (default: %(default)s)",
    )
    add("--json", type=Path, metavar="FILE", help="also write medians and ratios of all runs as JSON to this file")
    return parser


def _write(text: str, results: Sequence[ScenarioResult], folder: Path, sizes: Sizes) -> None:
    """Write the table, every single measurement and the plot."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.md").write_text(text, encoding="utf-8")
    (folder / "measurements.json").write_text(
        json.dumps([_to_document(result) for result in results], indent=1), encoding="utf-8"
    )
    if find_spec("matplotlib") is None:
        sys.stderr.write("no plot: matplotlib is not installed\n")
        return
    from tests.benchmarks.plot import draw  # noqa: PLC0415 - optional

    disturbed = ". NOT A QUIET MACHINE" if any(is_disturbed(result) for result in results) else ""
    title = f"{sizes.users:,} users, start-up included. * its results differ, see the table{disturbed}"
    draw(results, folder=folder, title=title)


def _to_document(result: ScenarioResult) -> dict[str, object]:
    runs = [
        {
            "run": series.run.label,
            "verdict": series.comparison,
            "lock_seconds": series.lock_seconds,
            "taken": [*map(asdict, series.measurements)],
        }
        for series in result.series
    ]
    return {"scenario": result.name, "runs": runs}


if __name__ == "__main__":
    sys.exit(main())

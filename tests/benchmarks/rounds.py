"""Run a scenario round by round, and collect the measurements of each run and how its results differ from ours."""

import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from tests.benchmarks import comparison
from tests.benchmarks.material import Material
from tests.benchmarks.processes import Measurement, ToolFailedError, run_tool
from tests.benchmarks.scenarios import Run, Scenario, Sizes
from tests.benchmarks.tools import OURS


@dataclass
class Series:
    """One run of a scenario over all rounds."""

    run: Run
    measurements: list[Measurement] = field(default_factory=list)
    lock_seconds: list[float] = field(default_factory=list)
    comparison: str = ""  # with our results


@dataclass(frozen=True)
class ScenarioResult:
    """A scenario with the series of its runs."""

    name: str
    scenario: Scenario
    series: Sequence[Series]

    def find_series(self, name: str) -> Series | None:
        """Return the series of a tool that completed all rounds."""
        return next((one for one in self.series if one.run.tool.name == name and one.measurements), None)


@dataclass
class _Reference:
    """Our results for the file, with which those of the other tools are compared."""

    ours: comparison.Result | None = None
    codes: pl.DataFrame | None = None

    def compare(self, run: Run, database: Path, file: Path) -> str:
        """Return how the results of the run differ from ours."""
        result = comparison.read_result(database, run.tool.layout)
        if result is None:
            return "unchecked"
        if run.tool.layout is OURS:
            self.ours, self.codes = result, None if run.variant else comparison.read_codes(database, file)
            return f"{result.refused.height:,} refused" if result.refused is not None else ""
        assert self.ours is not None
        assert self.codes is not None
        differences = comparison.describe_differences(result, self.ours, self.codes)
        return f"differs: {differences}" if differences else "the same"


def run_scenario(name: str, scenario: Scenario, *, sizes: Sizes, rounds: int, folder: Path) -> ScenarioResult:
    """Run the scenario for so many rounds; a tool that fails is skipped from then on."""
    series = [Series(run) for run in scenario.runs(sizes)]
    material = Material(folder / "material")
    reference = _Reference()
    for one in series:  # before the first round: making these does not count as the time of any run
        material.get_file(one.run)
        material.get_database(one.run)
    for number in range(rounds):
        for one in _get_remaining(series, number):
            _run_once(one, material, folder=folder / "run", reference=reference if number == 0 else None)
            sys.stderr.write(f"{name}, round {number + 1} of {rounds}: {one.run.label}: {_format_last(one)}\n")
    return ScenarioResult(name, scenario, series)


def _get_remaining(series: Sequence[Series], number: int) -> Iterator[Series]:
    return (one for one in series if len(one.measurements) == number)


def _run_once(series: Series, material: Material, *, folder: Path, reference: _Reference | None) -> None:
    """Run it once; in the first round its results are compared before its time counts."""
    run = series.run
    file, base = material.get_file(run), material.get_database(run)
    database = folder / "users.duckdb"
    try:
        measurement = run_tool(run.tool, file, database=database, mode=run.mode, base=base)
    except ToolFailedError as failed:
        if run.tool.layout is OURS:
            raise  # there is nothing to compare with
        series.comparison = f"failed: {str(failed).strip().splitlines()[-1]}"
        series.measurements.clear()
        return
    if reference:
        series.comparison = reference.compare(run, database, file)
    if run.tool.layout is OURS:
        seconds = comparison.read_lock_seconds(database)
        series.lock_seconds += [] if seconds is None else [seconds]
    series.measurements.append(measurement)
    shutil.rmtree(folder)


def _format_last(series: Series) -> str:
    if not series.measurements:
        return series.comparison
    return f"{series.measurements[-1].wall_seconds:.2f} s, {series.comparison}"

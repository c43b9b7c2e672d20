"""Format the results as Markdown: one table per scenario, and what each tool does not report."""

import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from statistics import median

from tests.benchmarks.rounds import ScenarioResult, Series
from tests.benchmarks.scenarios import Sizes
from tests.benchmarks.tools import TOOLS, Tool

FLOOR, OURS = TOOLS["floor"].name, TOOLS["ours"].name
QUIET = 0.05  # the share of the processors that other processes may use
MEASURED = ("wall_seconds", "cpu_seconds", "peak_bytes")
PACKAGES = ("duckdb", "polars", "pandera", "dataframely", "pydantic", "pandas", "dlt")


def get_ratios(series: Series, other: Series | None) -> list[float]:
    """Return the time of a run divided by that of the other, per round."""
    return [] if other is None else get_all_ratios(series, other)["wall_seconds"]


def get_all_ratios(series: Series, other: Series) -> dict[str, list[float]]:
    """Return time, CPU time and memory of a run divided by those of the other, per round."""
    pairs = [*zip(series.measurements, other.measurements, strict=False)]
    return {name: [getattr(one, name) / getattr(base, name) for one, base in pairs] for name in MEASURED}


def summarise(results: Sequence[ScenarioResult], *, sizes: Sizes, rounds: int) -> dict[str, object]:
    """Return the medians of all runs, and of their ratios to the other runs of the scenario, as JSON values."""
    return {
        "users": sizes.users,
        "existing": sizes.existing,
        "faulty": sizes.faulty,
        "rounds": rounds,
        "python": platform.python_version(),
        "cpus": os.cpu_count(),
        "versions": {package: found for package in PACKAGES if (found := _get_version(package))},
        "disturbed": [result.name for result in results if is_disturbed(result)],
        "scenarios": {result.name: [_summarise_run(one, result) for one in result.series] for result in results},
    }


def _summarise_run(series: Series, result: ScenarioResult) -> dict[str, object]:
    others = [other for other in result.series if other is not series and other.measurements]
    return {
        "run": series.run.label,
        "results": series.comparison,
        **_medians(
            {name: [getattr(run, name) for run in series.measurements] for name in get_all_ratios(series, series)}
        ),
        "ratios": {other.run.label: _medians(get_all_ratios(series, other)) for other in others},
    }


def _medians(values: Mapping[str, Sequence[float]]) -> dict[str, float]:
    return {name: round(median(numbers), 3) for name, numbers in values.items() if numbers}


def format_results(results: Sequence[ScenarioResult], *, sizes: Sizes, rounds: int, absent: Sequence[Tool]) -> str:
    """Return the whole report."""
    parts = [_format_head(sizes, rounds), *(_format_scenario(one) for one in results), _format_gaps(sizes.chosen)]
    if absent:
        parts.append("\n".join(_format_absence(tool) for tool in absent))
    return "\n\n".join(parts) + "\n"


def _format_absence(tool: Tool) -> str:
    return f"Not run: {tool.name}, as {' and '.join(tool.missing)} is not installed (`pip install -e '.[bench]'`)."


def _format_head(sizes: Sizes, rounds: int) -> str:
    versions = ", ".join(f"{package} {found}" for package in PACKAGES if (found := _get_version(package)))
    return (
        f"{sizes.users:,} users in a file, {sizes.existing:,} in the table to upsert into, {sizes.faulty:.0%} of the "
        f"rows faulty unless stated otherwise; medians of {rounds} rounds, minimum and maximum in brackets; "
        "ratios within a round.\n"
        f"Python {platform.python_version()}, {versions}; {os.cpu_count()} CPUs."
    )


def _get_version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _format_scenario(result: ScenarioResult) -> str:
    rows = _format_comparison(result) if result.scenario.all_tools else _format_against_last(result)
    lines = [f"## {result.scenario.title}", "", *rows, *_format_disturbance(result)]
    for one in result.series:
        if one.lock_seconds and one.measurements:
            pairs = zip(one.lock_seconds, one.measurements, strict=False)
            share = median(lock / run.wall_seconds for lock, run in pairs)
            seconds = median(one.lock_seconds)
            lines += ["", f"{one.run.label}: the write lock is held for {seconds:.2f} s, {share:.0%} of the run."]
    return "\n".join(lines)


def is_disturbed(result: ScenarioResult) -> bool:
    """Return whether other processes used so much time that the figures are unreliable."""
    return max(_get_others_shares(result), default=0) > QUIET


def _get_others_shares(result: ScenarioResult) -> list[float]:
    return [run.others_share for one in result.series for run in one.measurements]


def _format_disturbance(result: ScenarioResult) -> Iterator[str]:
    if is_disturbed(result):
        shares = _get_others_shares(result)
        yield ""
        yield (
            f"**Not a quiet machine**: other processes used {median(shares):.0%} of the processors during the runs, "
            f"{max(shares):.0%} during one. Do not quote these figures."
        )


def _format_comparison(result: ScenarioResult) -> Iterator[str]:
    floor, ours = result.find_series(FLOOR), result.find_series(OURS)
    yield "| tool | seconds | CPU seconds | peak MB | users/s | × floor | × ours | results |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |"
    for one in result.series:
        ratios = (_format_spread(get_ratios(one, floor)), _format_spread(get_ratios(one, ours)))
        yield f"| {' | '.join((one.run.label, *_format_figures(one), *ratios, one.comparison))} |"


def _format_against_last(result: ScenarioResult) -> Iterator[str]:
    yield "| run | seconds | CPU seconds | peak MB | users/s |"
    yield "| --- | ---: | ---: | ---: | ---: |"
    for one in result.series:
        yield f"| {' | '.join((one.run.label, *_format_figures(one)))} |"
    *others, base = result.series
    for one in others:
        pairs = [*zip(one.measurements, base.measurements, strict=False)]
        difference = [run.wall_seconds - other.wall_seconds for run, other in pairs]
        time, cpu, memory = (_format_spread(ratios) for ratios in get_all_ratios(one, base).values())
        yield ""
        yield (
            f"{one.run.label}: {time} times the time, {cpu} times the CPU time and {memory} times the memory of "
            f"{base.run.label}, and {_format_spread(difference)} seconds more."
        )


def _format_figures(series: Series) -> Sequence[str]:
    runs = series.measurements
    if not runs:
        return ("–",) * 4
    seconds = median(run.wall_seconds for run in runs)
    return (
        _format_spread([run.wall_seconds for run in runs]),
        f"{median(run.cpu_seconds for run in runs):.2f}",
        f"{median(run.peak_bytes for run in runs) / 1e6:,.0f}",
        f"{series.run.users / seconds:,.0f}",
    )


def _format_spread(values: Sequence[float]) -> str:
    if not values:
        return "–"
    return f"{median(values):.2f}" + (f" ({min(values):.2f}–{max(values):.2f})" if len(values) > 1 else "")


def _format_gaps(tools: Sequence[Tool]) -> str:
    lines = [f"| {tool.name} | {'; '.join(tool.not_reported)} |" for tool in tools if tool.not_reported]
    return "\n".join(["## What a tool does not report", "", "| tool | |", "| --- | --- |", *lines])

"""The results as Markdown: one table per scenario, and what each tool cannot say."""

import os
import platform
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from statistics import median

from tests.benchmarks.rounds import Contestant, Played
from tests.benchmarks.scenarios import Sizes
from tests.benchmarks.tools import TOOLS, Tool

FLOOR, OURS = TOOLS["floor"].name, TOOLS["ours"].name
QUIET = 0.05  # of the processors, that others may use
PACKAGES = ("duckdb", "polars", "pandera", "dataframely", "pydantic", "pandas", "dlt")


def ratios(one: Contestant, other: Contestant | None) -> list[float]:
    """The run's time over the other's, round by round."""
    if other is None:
        return []
    return [mine.wall_seconds / its.wall_seconds for mine, its in zip(one.taken, other.taken, strict=False)]


def markdown(played: Sequence[Played], *, sizes: Sizes, rounds: int, absent: Sequence[Tool]) -> str:
    """All of it."""
    parts = [_head(sizes, rounds), *(_scenario(one) for one in played), _silences(sizes.chosen)]
    if absent:
        parts.append("\n".join(_absence(tool) for tool in absent))
    return "\n\n".join(parts) + "\n"


def _absence(tool: Tool) -> str:
    return f"Not run: {tool.name}, as {' and '.join(tool.missing)} is not installed (`pip install -e '.[bench]'`)."


def _head(sizes: Sizes, rounds: int) -> str:
    versions = ", ".join(f"{package} {found}" for package in PACKAGES if (found := _version(package)))
    return (
        f"{sizes.users:,} users in a file, {sizes.existing:,} in the table to upsert into, {sizes.faulty:.0%} of the "
        f"rows faulty unless said otherwise; medians of {rounds} rounds, least and most in brackets; ratios within a "
        "round.\n"
        f"Python {platform.python_version()}, {versions}; {os.cpu_count()} CPUs."
    )


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _scenario(played: Played) -> str:
    rows = _compared(played) if played.scenario.all_tools else _alone(played)
    lines = [f"## {played.scenario.title}", "", *rows, *_disturbed(played)]
    for one in played.contestants:
        if one.lock_seconds and one.taken:
            share = median(lock / run.wall_seconds for lock, run in zip(one.lock_seconds, one.taken, strict=False))
            seconds = median(one.lock_seconds)
            lines += ["", f"{one.run.label}: the write lock is held for {seconds:.2f} s, {share:.0%} of the run."]
    return "\n".join(lines)


def is_disturbed(played: Played) -> bool:
    """Whether others worked meanwhile, so that the figures say little."""
    return max(_others(played), default=0) > QUIET


def _others(played: Played) -> list[float]:
    return [run.others_share for one in played.contestants for run in one.taken]


def _disturbed(played: Played) -> Iterator[str]:
    if is_disturbed(played):
        shares = _others(played)
        yield ""
        yield (
            f"**Not a quiet machine**: other processes used {median(shares):.0%} of the processors during the runs, "
            f"{max(shares):.0%} during one. Do not quote these figures."
        )


def _compared(played: Played) -> Iterator[str]:
    floor, ours = played.of(FLOOR), played.of(OURS)
    yield "| tool | seconds | CPU seconds | peak MB | users/s | × floor | × ours | verdict |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |"
    for one in played.contestants:
        cells = (one.run.label, *_figures(one), _spread(ratios(one, floor)), _spread(ratios(one, ours)), one.verdict)
        yield f"| {' | '.join(cells)} |"


def _alone(played: Played) -> Iterator[str]:
    yield "| run | seconds | CPU seconds | peak MB | users/s |"
    yield "| --- | ---: | ---: | ---: | ---: |"
    for one in played.contestants:
        yield f"| {' | '.join((one.run.label, *_figures(one)))} |"
    first, second = played.contestants
    if not (first.taken and second.taken):
        return
    pairs = list(zip(first.taken, second.taken, strict=False))
    memory = [mine.peak_bytes / its.peak_bytes for mine, its in pairs]
    beyond = [mine.wall_seconds - its.wall_seconds for mine, its in pairs]
    yield ""
    yield (
        f"The first takes {_spread(ratios(first, second))} times the time of the second and {_spread(memory)} times "
        f"its memory; {_spread(beyond)} seconds more."
    )


def _figures(one: Contestant) -> Sequence[str]:
    if not one.taken:
        return ("–",) * 4
    seconds = median(run.wall_seconds for run in one.taken)
    return (
        _spread([run.wall_seconds for run in one.taken]),
        f"{median(run.cpu_seconds for run in one.taken):.2f}",
        f"{median(run.peak_bytes for run in one.taken) / 1e6:,.0f}",
        f"{one.run.users / seconds:,.0f}",
    )


def _spread(values: Sequence[float]) -> str:
    if not values:
        return "–"
    return f"{median(values):.2f}" + (f" ({min(values):.2f}–{max(values):.2f})" if len(values) > 1 else "")


def _silences(tools: Sequence[Tool]) -> str:
    lines = [f"| {tool.name} | {'; '.join(tool.cannot_say)} |" for tool in tools if tool.cannot_say]
    return "\n".join(["## What a tool cannot say", "", "| tool | |", "| --- | --- |", *lines])

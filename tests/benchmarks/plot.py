"""Draw the scenarios that compare tools: the time of each as a multiple of the floor's, and its peak memory."""

from collections.abc import Sequence
from pathlib import Path
from statistics import median

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from tests.benchmarks.report import FLOOR, OURS, get_ratios
from tests.benchmarks.rounds import ScenarioResult, Series

COLOURS = {OURS: "#1b6ca8", FLOOR: "#c9c9c9"}
OTHERS = "#8d99a6"


def draw(results: Sequence[ScenarioResult], *, folder: Path, title: str) -> list[Path]:
    """Write one picture as SVG and PNG and return their paths; none if no scenario compares tools."""
    shown = [one for one in results if one.scenario.all_tools and one.find_series(FLOOR) and one.find_series(OURS)]
    if not shown:
        return []
    most = max(len(one.series) for one in shown)
    figure = Figure(
        figsize=(11, len(shown) * (0.3 * most + 0.7) + 0.5), layout=ConstrainedLayoutEngine(h_pad=0.12, w_pad=0.08)
    )
    grid = figure.subplots(len(shown), 2, squeeze=False, sharex="col", width_ratios=(3, 2))
    for (times, memory), one in zip(grid, shown, strict=True):
        _draw_panel(one, times, memory)
    figure.suptitle(title, x=0.01, ha="left", fontsize=11)
    paths = [folder / "ratios.svg", folder / "ratios.png"]
    for path in paths:
        figure.savefig(path, dpi=130)
    return paths


def _draw_panel(result: ScenarioResult, times: Axes, memory: Axes) -> None:
    series = [one for one in result.series if one.measurements]
    floor = result.find_series(FLOOR)
    names = [one.run.label + ("*" if one.comparison.startswith("differs") else "") for one in series]
    over_floor = [median(get_ratios(one, floor)) for one in series]
    megabytes = [median(run.peak_bytes for run in one.measurements) / 1e6 for one in series]
    seconds = [median(run.wall_seconds for run in one.measurements) for one in series]
    labels = [f"× {ratio:.1f}  ({second:.1f} s)" for ratio, second in zip(over_floor, seconds, strict=True)]
    _draw_bars(times, names, over_floor, labels, series)
    _draw_bars(memory, names, megabytes, [f"{size:,.0f}" for size in megabytes], series)
    memory.set_yticklabels([])
    times.set_title(f"{result.scenario.title}: time, × floor", loc="left", fontsize=9.5)
    memory.set_title("peak memory, MB", loc="left", fontsize=9.5)


def _draw_bars(
    axes: Axes, names: Sequence[str], values: Sequence[float], labels: Sequence[str], series: Sequence[Series]
) -> None:
    colours = [COLOURS.get(one.run.tool.name, OTHERS) for one in series]
    bars = axes.barh(range(len(names)), values, color=colours, height=0.72)
    axes.bar_label(bars, labels=labels, padding=4, fontsize=8.5)
    axes.set_yticks(range(len(names)), names, fontsize=9)
    axes.invert_yaxis()
    axes.set_xlim(0, max(axes.get_xlim()[1], max(values) * 1.3))  # shared by the column
    axes.set_xticks([])
    axes.tick_params(length=0)
    axes.spines[["top", "right", "bottom"]].set_visible(False)

"""Draws the scenarios in which tools compete: how many times the floor's time each takes, and its peak memory."""

from collections.abc import Sequence
from pathlib import Path
from statistics import median

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from tests.benchmarks.report import FLOOR, OURS, ratios
from tests.benchmarks.rounds import Contestant, Played

COLOURS = {OURS: "#1b6ca8", FLOOR: "#c9c9c9"}
OTHERS = "#8d99a6"


def draw(played: Sequence[Played], *, folder: Path, title: str) -> list[Path]:
    """The pictures written: one as SVG, one as PNG; none when no scenario has several tools."""
    shown = [one for one in played if one.scenario.all_tools and one.of(FLOOR) and one.of(OURS)]
    if not shown:
        return []
    most = max(len(one.contestants) for one in shown)
    figure = Figure(
        figsize=(11, len(shown) * (0.3 * most + 0.7) + 0.5), layout=ConstrainedLayoutEngine(h_pad=0.12, w_pad=0.08)
    )
    grid = figure.subplots(len(shown), 2, squeeze=False, sharex="col", width_ratios=(3, 2))
    for (times, memory), one in zip(grid, shown, strict=True):
        _panel(one, times, memory)
    figure.suptitle(title, x=0.01, ha="left", fontsize=11)
    paths = [folder / "ratios.svg", folder / "ratios.png"]
    for path in paths:
        figure.savefig(path, dpi=130)
    return paths


def _panel(played: Played, times: Axes, memory: Axes) -> None:
    contestants = [one for one in played.contestants if one.taken]
    floor = played.of(FLOOR)
    names = [one.run.label + ("*" if one.verdict.startswith("differs") else "") for one in contestants]
    over_floor = [median(ratios(one, floor)) for one in contestants]
    megabytes = [median(run.peak_bytes for run in one.taken) / 1e6 for one in contestants]
    seconds = [median(run.wall_seconds for run in one.taken) for one in contestants]
    told = [f"× {ratio:.1f}  ({second:.1f} s)" for ratio, second in zip(over_floor, seconds, strict=True)]
    _bars(times, names, over_floor, told, contestants)
    _bars(memory, names, megabytes, [f"{size:,.0f}" for size in megabytes], contestants)
    memory.set_yticklabels([])
    times.set_title(f"{played.scenario.title}: time, × floor", loc="left", fontsize=9.5)
    memory.set_title("peak memory, MB", loc="left", fontsize=9.5)


def _bars(
    axes: Axes, names: Sequence[str], values: Sequence[float], told: Sequence[str], contestants: Sequence[Contestant]
) -> None:
    colours = [COLOURS.get(one.run.tool.name, OTHERS) for one in contestants]
    bars = axes.barh(range(len(names)), values, color=colours, height=0.72)
    axes.bar_label(bars, labels=told, padding=4, fontsize=8.5)
    axes.set_yticks(range(len(names)), names, fontsize=9)
    axes.invert_yaxis()
    axes.set_xlim(0, max(axes.get_xlim()[1], max(values) * 1.3))  # shared by the column
    axes.set_xticks([])
    axes.tick_params(length=0)
    axes.spines[["top", "right", "bottom"]].set_visible(False)

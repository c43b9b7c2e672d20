"""Draw a horizontal bar chart as SVG, and embed an SVG picture in Markdown."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

# pixels
WIDTH = 640
BAR_HEIGHT = 18
ROW_HEIGHT = 26
LABEL_WIDTH = 210  # left of the bars
COUNT_WIDTH = 90  # right of the bars


@dataclass(frozen=True)
class Bar:
    """One bar: its label, its length as a count, its colour."""

    label: str
    count: int
    colour: str


def draw_bars(bars: Sequence[Bar], *, title: str) -> str:
    """Return the bars one below another as SVG, scaled so that the longest takes the whole width."""
    longest = max((bar.count for bar in bars), default=0) or 1
    height = 34 + ROW_HEIGHT * len(bars)
    rows = "".join(_draw_row(bar, top=30 + ROW_HEIGHT * index, longest=longest) for index, bar in enumerate(bars))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="13">'
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>'
        f'<text x="8" y="18" font-weight="bold" fill="#1f2937">{escape(title)}</text>{rows}</svg>'
    )


def embed_in_markdown(svg: str, *, alternative: str) -> str:
    """Return the picture as a Markdown image with a data URL; Prefect's pages drop a bare `<svg>`."""
    data = base64.b64encode(svg.encode()).decode()
    return f"![{alternative}](data:image/svg+xml;base64,{data})"


def _draw_row(bar: Bar, *, top: int, longest: int) -> str:
    width = max(round((WIDTH - LABEL_WIDTH - COUNT_WIDTH) * bar.count / longest), 1 if bar.count else 0)
    baseline = top + 14
    return (
        f'<text x="{LABEL_WIDTH - 8}" y="{baseline}" text-anchor="end" fill="#374151">{escape(bar.label)}</text>'
        f'<rect x="{LABEL_WIDTH}" y="{top}" width="{width}" height="{BAR_HEIGHT}" rx="2" fill="{bar.colour}"/>'
        f'<text x="{LABEL_WIDTH + width + 6}" y="{baseline}" fill="#374151">{bar.count:,}</text>'
    )

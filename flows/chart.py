"""A bar chart as SVG text, and as an image inside Markdown. What is drawn is the caller's."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH = 640
BAR = 18
STEP = 26
LABEL = 210  # pixels left of the bars
NUMBER = 90  # pixels right of them


@dataclass(frozen=True)
class Bar:
    """One bar: its label, its length as a count, its colour."""

    label: str
    count: int
    colour: str


def bar_chart(bars: Sequence[Bar], *, title: str) -> str:
    """The bars below one another, the longest as long as there is room."""
    longest = max((bar.count for bar in bars), default=0) or 1
    height = 34 + STEP * len(bars)
    rows = "".join(_row(bar, top=30 + STEP * index, longest=longest) for index, bar in enumerate(bars))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="13">'
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>'
        f'<text x="8" y="18" font-weight="bold" fill="#1f2937">{escape(title)}</text>{rows}</svg>'
    )


def as_markdown_image(svg: str, *, alternative: str) -> str:
    """The picture as Markdown that needs no other file; Prefect's pages drop a bare `<svg>`."""
    data = base64.b64encode(svg.encode()).decode()
    return f"![{alternative}](data:image/svg+xml;base64,{data})"


def _row(bar: Bar, *, top: int, longest: int) -> str:
    room = WIDTH - LABEL - NUMBER
    length = max(round(room * bar.count / longest), 1 if bar.count else 0)
    middle = top + 14
    return (
        f'<text x="{LABEL - 8}" y="{middle}" text-anchor="end" fill="#374151">{escape(bar.label)}</text>'
        f'<rect x="{LABEL}" y="{top}" width="{length}" height="{BAR}" rx="2" fill="{bar.colour}"/>'
        f'<text x="{LABEL + length + 6}" y="{middle}" fill="#374151">{bar.count:,}</text>'
    )

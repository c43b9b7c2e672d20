"""The bar chart is well-formed SVG for any label."""

import base64
import re
from xml.etree import ElementTree as ET

from inline_snapshot import snapshot

from flows.report.chart import Bar, draw_bars, embed_in_markdown

SVG = "{http://www.w3.org/2000/svg}"


def parse(svg: str) -> ET.Element:
    return ET.fromstring(svg)  # noqa: S314 - our own text


def test_longest_bar_takes_the_whole_width_and_the_others_their_share() -> None:
    svg = parse(draw_bars([Bar("a", 4, "#000"), Bar("b", 1, "#000"), Bar("c", 0, "#000")], title="t"))
    widths = [int(rectangle.attrib["width"]) for rectangle in svg.iter(f"{SVG}rect")][1:]
    assert widths == [340, 85, 0]


def test_labels_are_escaped() -> None:
    svg = parse(draw_bars([Bar("<script>", 1, "#000")], title="a & b"))
    assert [text.text for text in svg.iter(f"{SVG}text")] == ["a & b", "<script>", "1"]


def test_chart_without_bars_is_valid() -> None:
    assert parse(draw_bars([], title="none")).tag == f"{SVG}svg"


def test_markdown_image_contains_the_whole_picture() -> None:
    svg = draw_bars([Bar("a", 1, "#000")], title="t")
    found = re.fullmatch(
        r"!\[x\]\(data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)\)", embed_in_markdown(svg, alternative="x")
    )
    assert found
    assert base64.b64decode(found[1]).decode() == svg


def test_chart_of_two_bars() -> None:
    svg = draw_bars([Bar("inserted", 1_200, "#16a34a"), Bar("failed", 3, "#dc2626")], title="Rows by outcome")
    assert svg.replace("><", ">\n<").replace(" viewBox", "\nviewBox") == snapshot("""\
<svg xmlns="http://www.w3.org/2000/svg" width="640" height="86"
viewBox="0 0 640 86" font-family="sans-serif" font-size="13">
<rect width="640" height="86" fill="#ffffff"/>
<text x="8" y="18" font-weight="bold" fill="#1f2937">Rows by outcome</text>
<text x="202" y="44" text-anchor="end" fill="#374151">inserted</text>
<rect x="210" y="30" width="340" height="18" rx="2" fill="#16a34a"/>
<text x="556" y="44" fill="#374151">1,200</text>
<text x="202" y="70" text-anchor="end" fill="#374151">failed</text>
<rect x="210" y="56" width="1" height="18" rx="2" fill="#dc2626"/>
<text x="217" y="70" fill="#374151">3</text>
</svg>\
""")

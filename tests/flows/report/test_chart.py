"""The bar chart is well-formed SVG whatever the labels hold."""

import base64
import re
from xml.etree import ElementTree as ET

from flows.report.chart import Bar, draw_bars, embed_in_markdown

SVG = "{http://www.w3.org/2000/svg}"


def parsed(svg: str) -> ET.Element:
    return ET.fromstring(svg)  # noqa: S314 - our own text


def test_the_longest_bar_takes_all_the_room_and_the_others_their_share() -> None:
    svg = parsed(draw_bars([Bar("a", 4, "#000"), Bar("b", 1, "#000"), Bar("c", 0, "#000")], title="t"))
    widths = [int(rectangle.attrib["width"]) for rectangle in svg.iter(f"{SVG}rect")][1:]
    assert widths == [340, 85, 0]


def test_labels_are_text_and_never_markup() -> None:
    svg = parsed(draw_bars([Bar("<script>", 1, "#000")], title="a & b"))
    assert [text.text for text in svg.iter(f"{SVG}text")] == ["a & b", "<script>", "1"]


def test_a_chart_without_bars_is_still_a_picture() -> None:
    assert parsed(draw_bars([], title="none")).tag == f"{SVG}svg"


def test_the_markdown_image_holds_the_whole_picture() -> None:
    svg = draw_bars([Bar("a", 1, "#000")], title="t")
    found = re.fullmatch(
        r"!\[x\]\(data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)\)", embed_in_markdown(svg, alternative="x")
    )
    assert found
    assert base64.b64decode(found[1]).decode() == svg

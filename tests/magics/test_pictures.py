"""The pictures are well-formed, whole, and say in words what they draw."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import pytest

from pixi_magics.display import Bundle
from pixi_magics.pictures import graph_bundle, size_bundle

SVG = "{http://www.w3.org/2000/svg}"
BAD = '"><script>alert(1)</script>&'


def package(name: str, below: str = "", **more: Any) -> dict[str, Any]:
    return {"name": name, "version": "1.0", "kind": "conda", "below": below.split(), **more}


def weight(name: str, own: int | None, freed: int | None, *companions: str) -> dict[str, Any]:
    return package(name, installed_bytes=own, freed_bytes=freed, companions=list(companions))


def drawing(bundle: Bundle) -> ElementTree.Element:
    """The SVG of a bundle, which must be well-formed as a whole."""
    found = ElementTree.fromstring(bundle["text/html"]).find(f"{SVG}svg")
    assert found is not None
    return found


def told(svg: ElementTree.Element) -> list[str]:
    """What a screen reader reads of each part; the title that a pointer shows is the same."""
    items = [group for group in svg.iter(f"{SVG}g") if group.get("role") == "listitem"]
    assert [group.get("aria-label") for group in items] == [group.findtext(f"{SVG}title") for group in items]
    return [str(group.get("aria-label")) for group in items]


def left_edges(svg: ElementTree.Element) -> dict[str, float]:
    found = {}
    for group in svg.iter(f"{SVG}g"):
        frame = group.find(f"{SVG}rect")
        assert frame is not None
        found[str(group.findtext(f"{SVG}text"))] = float(frame.get("x", ""))
    return found


def test_a_graph_has_every_package_and_every_edge() -> None:
    packages = [package("a", "b c"), package("b", "c"), package("c", "a"), package("lone", kind="pypi")]
    bundle = graph_bundle(packages, ["├── a", "└── lone"])
    svg = drawing(bundle)
    assert sorted(told(svg)) == [
        "a 1.0 (conda), needs b, c",
        "b 1.0 (conda), needs c",
        "c 1.0 (conda), needs a",
        "lone 1.0 (pypi)",
    ]
    assert len(list(svg.iter(f"{SVG}path"))) == 4
    assert bundle["text/plain"] == "├── a\n└── lone"
    assert svg.get("aria-label") == svg.findtext(f"{SVG}title") == "What needs what: 4 packages"


@pytest.mark.parametrize(
    ("edges", "columns"),
    [
        ({"a": "b", "b": "c", "c": ""}, ["a", "b", "c"]),
        ({"c": "", "b": "c", "a": "b c"}, ["a", "bc"]),  # whatever the order of the list
        ({"a": "b", "b": "a"}, ["a", "b"]),
        ({"r": "b", "b": "a", "a": "b"}, ["r", "b", "a"]),
        ({"a": "a"}, ["a"]),
    ],
)
def test_columns_are_steps(edges: dict[str, str], columns: list[str]) -> None:
    where = left_edges(drawing(graph_bundle([package(name, below) for name, below in edges.items()], [])))
    assert ["".join(sorted(n for n in where if where[n] == x)) for x in sorted(set(where.values()))] == columns


def test_two_thousand_packages_in_a_chain() -> None:
    packages = [package(f"p{n}", f"p{n + 1}" if n < 1999 else "") for n in range(2000)]
    assert len(told(drawing(graph_bundle(packages, [])))) == 2000


def test_sizes_are_drawn_to_scale() -> None:
    rows = [weight("heavy", 3000, 4000, "light"), weight("light", 1000, 1000), weight("absent", None, None)]
    svg = drawing(size_bundle(rows, "default", ["the text"]))
    bars = [float(bar.get("width", "")) for bar in svg.iter(f"{SVG}rect")]
    assert bars == [360.0, 270.0, 90.0, 90.0]
    assert told(svg) == ["heavy 1.0: 3.0 kB (4.0 kB with 1 that only it needs)", "light 1.0: 1.0 kB"]
    assert svg.get("aria-label") == (
        "Sizes of 3 packages in environment default: 4.0 kB (the picture has the 2 largest)"
    )


def test_nothing_can_be_drawn() -> None:
    assert told(drawing(graph_bundle([], []))) == told(drawing(size_bundle([], "default", []))) == []


@pytest.mark.parametrize("draw", [graph_bundle, lambda rows, lines: size_bundle(rows, BAD, lines)])
def test_names_from_outside_are_text(draw: Any) -> None:
    rows = [weight(BAD, 0, 0), {**weight("other", 1, 1), "version": BAD, "kind": BAD}]
    shown = draw(rows, [BAD])["text/html"]
    assert "<script" not in shown
    assert "".join(ElementTree.fromstring(shown).itertext()).count(BAD) >= 3

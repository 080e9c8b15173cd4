"""Pictures as inline SVG: what needs what, and what weighs how much. Each stands beside its text, which terminals
show and which a reader finds below the picture. Colours are those of Jupyter's theme, with a readable pair where there
is none (a converted page). Whatever came from package metadata is text, never markup.
"""

import html
from typing import Any, Dict, List, Mapping, Sequence, Tuple

from .display import Bundle, count_text, size_text

_ROW = 22
_LETTER = 7.0
"""Pixels of a row, and of a letter of the fixed-width font; boxes are as wide as their text."""
_GAP = 60
_MARGIN = 12
_MOST_BARS = 40
_BAR_WIDTH = 360

_STYLE = (
    "font: 12px var(--jp-code-font-family, monospace); max-width: 100%; height: auto; "
    "background: var(--jp-layout-color1, #ffffff); color: var(--jp-ui-font-color1, #1f1f1f)"
)
_CONDA = "var(--jp-brand-color1, #1565c0)"
_PYPI = "var(--jp-warn-color1, #b36200)"
_EDGE = "var(--jp-ui-font-color2, #616161)"


def graph_bundle(packages: Sequence[Mapping[str, Any]], lines: Sequence[str]) -> Bundle:
    """What needs what: a column for each step away from the first packages. `packages` have `name`, `version`, `kind`
    and `below` (names in the same list); `lines` are the tree as text.
    """
    columns = _columns(packages)
    places, width, height = _places(columns)
    known = {str(package["name"]): package for package in packages}
    edges = [_edge(places[name], places[str(other)]) for name in known for other in known[name]["below"]]
    boxes = [_box(known[name], place) for name, place in places.items()]
    title = "What needs what: " + count_text(len(packages))
    return _bundle(title, width, height, [*edges, *boxes], lines)


def size_bundle(packages: Sequence[Mapping[str, Any]], environment: str, lines: Sequence[str]) -> Bundle:
    """What weighs how much: a bar for each of the heaviest packages, its own bytes in full colour, what would go with
    it in a paler one. `packages` are the rows of `pixi size --json`, the heaviest first.
    """
    shown = [package for package in packages if package["installed_bytes"] is not None][:_MOST_BARS]
    longest = max([int(package["freed_bytes"]) for package in shown] or [1]) or 1
    label = max([len(str(package["name"])) for package in shown] or [0]) * _LETTER + 2 * _MARGIN
    parts = [_bar(package, row, label, longest) for row, package in enumerate(shown)]
    total = size_text(sum(int(package["installed_bytes"] or 0) for package in packages))
    title = "Sizes of %s in environment %s: %s" % (count_text(len(packages)), environment, total)
    if len(shown) < len(packages):
        title += " (the picture has the %d largest)" % len(shown)
    return _bundle(title, label + _BAR_WIDTH + 260, len(shown) * _ROW + 2 * _MARGIN, parts, lines)


def _bundle(title: str, width: float, height: float, parts: Sequence[str], lines: Sequence[str]) -> Bundle:
    text = "\n".join(lines)
    drawing = '<svg xmlns="http://www.w3.org/2000/svg" role="list" aria-label="%s" width="%d" height="%d" ' % (
        html.escape(title),
        width,
        height,
    )
    drawing += 'viewBox="0 0 %d %d" style="%s"><title>%s</title>%s</svg>' % (
        width,
        height,
        _STYLE,
        html.escape(title),
        "".join(parts),
    )
    twin = "<details><summary>as text</summary><pre>%s</pre></details>" % html.escape(text)
    shown = "<figure><figcaption>%s</figcaption>%s%s</figure>" % (html.escape(title), drawing, twin)
    return {"text/plain": text, "text/html": shown}


def _columns(packages: Sequence[Mapping[str, Any]]) -> List[List[str]]:
    """Names by the fewest steps from a package that nobody in the list needs; of a cycle that nobody needs, from its
    first package.
    """
    below = {str(package["name"]): [str(other) for other in package["below"]] for package in packages}
    needed = {other for others in below.values() for other in others}
    placed: Dict[str, int] = {}
    for start in [*(name for name in below if name not in needed), *below]:
        if start in placed:
            continue
        placed[start] = 0
        waiting = [start]
        for name in waiting:  # breadth first: the list grows while it is walked
            for other in below[name]:
                if other not in placed or placed[other] > placed[name] + 1:
                    placed[other] = placed[name] + 1
                    waiting.append(other)
    columns: List[List[str]] = [[] for _ in range(max(placed.values(), default=-1) + 1)]
    for name in placed:
        columns[placed[name]].append(name)
    return columns


Place = Tuple[float, float, float]
"""Left edge, middle of the height, width of a box."""


def _places(columns: Sequence[Sequence[str]]) -> Tuple[Dict[str, Place], float, float]:
    """Where each box is, and how wide and high all is."""
    places: Dict[str, Place] = {}
    left: float = _MARGIN
    for names in columns:
        width = max(len(name) for name in names) * _LETTER + _MARGIN
        for row, name in enumerate(names):
            places[name] = (left, _MARGIN + _ROW * (row + 0.5), width)
        left += width + _GAP
    height = max([len(names) for names in columns] or [0]) * _ROW + 2 * _MARGIN
    return places, max(left - _GAP + _MARGIN, 2 * _MARGIN), height


def _edge(start: Place, end: Place) -> str:
    x1, y1 = start[0] + start[2], start[1]
    x2, y2 = end[0], end[1]
    bend = _GAP / 2.0
    return (
        '<path aria-hidden="true" fill="none" style="stroke: %s" stroke-opacity="0.6" d="M%g %g C%g %g %g %g %g %g"/>'
        % (_EDGE, x1, y1, x1 + bend, y1, x2 - bend, y2, x2, y2)
    )


def _box(package: Mapping[str, Any], place: Place) -> str:
    left, middle, width = place
    name = str(package["name"])
    told = "%s %s (%s)" % (name, package["version"], package["kind"])
    told += ", needs %s" % ", ".join(str(other) for other in package["below"]) if package["below"] else ""
    frame = '<rect x="%g" y="%g" width="%g" height="%d" rx="3" fill="none" style="stroke: %s"/>' % (
        left,
        middle - _ROW / 2.0 + 2,
        width,
        _ROW - 4,
        _PYPI if package["kind"] == "pypi" else _CONDA,
    )
    return _item(told, frame + _text(left + _MARGIN / 2.0, middle, name))


def _bar(package: Mapping[str, Any], row: int, label: float, longest: int) -> str:
    own, freed = int(package["installed_bytes"]), int(package["freed_bytes"])
    middle = _MARGIN + _ROW * (row + 0.5)
    color = _PYPI if package["kind"] == "pypi" else _CONDA
    others = len(package["companions"])
    value = size_text(own)
    value += " (%s with %d that only it needs)" % (size_text(freed), others) if others else ""
    bars = "".join(
        '<rect x="%g" y="%g" width="%g" height="%d" style="fill: %s" fill-opacity="%g"/>'
        % (label, middle - _ROW / 2.0 + 4, _BAR_WIDTH * amount / float(longest), _ROW - 8, color, opacity)
        for amount, opacity in ((freed, 0.35), (own, 1.0))
    )
    name = str(package["name"])
    end = label + _BAR_WIDTH * freed / float(longest) + _MARGIN / 2.0
    told = "%s %s: %s" % (name, package["version"], value)
    return _item(told, _text(_MARGIN, middle, name) + bars + _text(end, middle, size_text(freed)))


def _item(told: str, drawn: str) -> str:
    """A part of the picture that a screen reader reads as one line, and a pointer shows."""
    words = html.escape(told)
    return '<g role="listitem" aria-label="%s"><title>%s</title>%s</g>' % (words, words, drawn)


def _text(x: float, middle: float, words: str) -> str:
    return '<text x="%g" y="%g" fill="currentColor">%s</text>' % (x, middle + 4, html.escape(words))

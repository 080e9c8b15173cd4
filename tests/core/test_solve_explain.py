"""The stories told where there is no solution."""

from __future__ import annotations

import json
from xml.etree.ElementTree import fromstring

import pytest

from pixi_core.errors import Unsatisfiable
from pixi_core.model.exclude_newer import ExcludeNewer
from pixi_core.model.platform import VirtualPackage
from pixi_core.solve import SolveRequest, solve
from pixi_core.solve.story import Line, Story
from pixi_core.solve.story_html import html

from .solve_support import OTHER, record, source, specs

PANDAS = [
    *(record(f"pandas {v}", ["numpy >=1.26", "python >=3.9"]) for v in ("2.1.4", "2.2.0", "2.2.1")),
    record("numpy 1.19"),
    record("numpy 1.26"),
    record("numpy 2.0"),
    record("python 3.12"),
    record("scipy 1", ["numpy"]),
]


def failure(request: SolveRequest, *records: object) -> Unsatisfiable:
    with pytest.raises(Unsatisfiable) as raised:
        solve(request, source(*records))  # type: ignore[arg-type]  # objects of parametrize
    return raised.value


def test_names_only_the_roots_that_matter() -> None:
    error = failure(SolveRequest(specs=specs("python", "scipy", "pandas >=2.1", "numpy <1.20")), *PANDAS)
    assert error.message == "pandas >=2.1 and numpy <1.20 cannot be installed together"
    assert error.story == (
        "  • you ask for pandas >=2.1",
        "  • you ask for numpy <1.20",
        "  └─ pandas 2.1.4 … 2.2.1 requires numpy >=1.26",
    )
    assert error.hints == ("loosen numpy <1.20 (numpy 2.0 would do)",)


@pytest.mark.parametrize(
    ("request_", "expected", "hint"),
    [
        (
            SolveRequest(specs=specs("pandsa")),
            "pandsa, but no package of that name is in forge, other",
            "did you mean `pandas` instead of `pandsa`?",
        ),
        (SolveRequest(specs=specs("numpy >=3")), "numpy >=3, but in forge there is only 1.19 … 2.0", "loosen"),
        (
            SolveRequest(specs=specs("gpu"), virtual_packages=(VirtualPackage("__cuda", "11"),)),
            "gpu 1 requires __cuda >=12, but the platform has __cuda 11",
            "",
        ),
        (SolveRequest(specs=specs("gpu")), "gpu 1 requires __cuda >=12, but the platform has no __cuda", ""),
        (
            SolveRequest(specs=specs("new"), exclude_newer=ExcludeNewer(5)),
            "new, but what fits is newer than exclude-newer allows",
            "",
        ),
        (
            SolveRequest(specs=specs("forge::elsewhere")),
            "elsewhere, but no package of that name",
            "`elsewhere` is in other",
        ),
    ],
)
def test_says_why_nothing_fits(request_: SolveRequest, expected: str, hint: str) -> None:
    extra = [record("gpu 1", ["__cuda >=12"]), record("new 1", timestamp=9), record("elsewhere 1", channel=OTHER)]
    error = failure(request_, *PANDAS, *extra)
    assert expected in str(error)
    assert any(hint in given for given in error.hints) or not hint


def test_follows_a_chain() -> None:
    error = failure(
        SolveRequest(specs=specs("app", "tool")),
        record("app 1", ["middle"]),
        record("middle 1", ["base <2"]),
        record("middle 2", ["base <2"]),
        record("tool 1", ["base >=2"]),
        record("base 1"),
        record("base 2"),
    )
    assert error.story == (
        "  • you ask for app",
        "  • you ask for tool",
        "  └─ app 1 requires middle",
        "  └─ tool 1 requires base >=2",
        "  └─ middle 1 … 2 requires base <2",
    )


def test_constraints_have_their_say() -> None:
    error = failure(
        SolveRequest(specs=specs("a", "b")), record("a 1", constrains=["b <2"]), record("b 2"), record("b 3")
    )
    assert "  └─ a 1 works only with b <2" in error.story
    error = failure(SolveRequest(specs=specs("b"), constraints=specs("b <2")), record("b 2"))
    assert error.story == ("  • you ask for b", "  • you allow only b <2, but in forge there is only 2")


def test_the_story_is_data_text_and_html() -> None:
    numpys = [record(f"numpy {v} py{py}_0", [f"python {py}.*"]) for v, py in (("1", 1), ("2", 2), ("2.1", 3))]
    pythons = [record(f"python {v}.0") for v in (1, 2, 3, 9)]
    error = failure(SolveRequest(specs=specs("python 9.*", "numpy <3")), *numpys, *pythons)
    story = error.explanation
    assert isinstance(story, Story)
    assert story.text() == error.story
    assert error.story[2] == "  └─ numpy 1 … 2.1 requires python 1.* or 2.* or 3.*"
    data = json.loads(json.dumps(story.to_json()))
    assert data["loosen"] == ["python 9.*"]
    assert data["lines"][2] == {
        "kind": "requires",
        "package": "numpy",
        "versions": "1 … 2.1",
        "target": "python",
        "wanted": ["1.*", "2.*", "3.*"],
        "note": "",
    }
    page = fromstring(html(story))  # well-formed: it is XML, too
    assert "numpy <3" in [element.text for element in page.iter("code")]
    assert "python 9.* (python 3.0 would do)" in "".join(page.itertext())


def test_html_is_escaped() -> None:
    line = Line("root", "", "", "<b>", (">1 & <2",), ', "quoted"')
    page = html(Story((), (line,), (), ("<script>",)))
    assert "<b>" not in page
    assert "<script>" not in page
    assert '<b> >1 & <2, "quoted"' in "".join(fromstring(page).itertext())


def test_being_told_to_stop_while_explaining_still_gives_the_verdict() -> None:
    """The conflict is found before anybody is asked; the story is then told without being made smaller."""
    error: Unsatisfiable | None = None
    request = SolveRequest(specs=specs("python", "scipy", "pandas >=2.1", "numpy <1.20"))
    try:
        solve(request, source(*PANDAS), should_stop=lambda: True)
    except Unsatisfiable as raised:
        error = raised
    assert error is not None
    assert "pandas >=2.1" in error.message

"""Why there is no solution, as data (`explain` makes it), and as text. `story_html` writes it for a browser."""

from __future__ import annotations

from ..errors import Unsatisfiable
from ..value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..model.match_spec import MatchSpec

_MOST_ALTERNATIVES = 5


class Line(Value):
    """One fact: `package` in `versions` (compressed) requires, or is constrained to, one of `wanted` of `target`.

    `kind`: "root" (asked for), "limit" (a constraint of the request), "requires" or "constrains"; `note` says why
    nothing fits.
    """

    kind: str
    package: str
    versions: str
    target: str
    wanted: tuple[str, ...]
    note: str = ""

    def __str__(self) -> str:
        what = f"{self.target} {self.alternatives()}".strip()
        if self.kind == "root":
            return f"you ask for {what}{self.note}"
        if self.kind == "limit":
            return f"you allow only {what}{self.note}"
        verb = "requires" if self.kind == "requires" else "works only with"
        return f"{self.package} {self.versions} {verb} {what}{self.note}".replace("  ", " ")

    def alternatives(self) -> str:
        """What would do, a few of many."""
        shown = [text or "*" for text in self.wanted] if len(self.wanted) > 1 else list(self.wanted)
        if len(shown) > _MOST_ALTERNATIVES:
            rest = len(shown) - _MOST_ALTERNATIVES + 1
            shown = [*shown[: _MOST_ALTERNATIVES - 1], f"{rest} others"]
        return " or ".join(shown)

    def to_json(self) -> dict[str, Any]:
        """Every field, alternatives in full."""
        return {field: getattr(self, field) for field in type(self).__fields__} | {"wanted": list(self.wanted)}


class Story(Value):
    """The explanation. `roots` are the specs that cannot be had together: taking any one away would do. `loosen` are
    those of them that ask for particular versions or builds; `hints` say in sentences what would help.
    """

    roots: tuple[MatchSpec, ...]
    lines: tuple[Line, ...]
    loosen: tuple[MatchSpec, ...] = ()
    hints: tuple[str, ...] = ()

    @property
    def headline(self) -> str:
        """One sentence."""
        names = " and ".join(str(spec) for spec in self.roots)
        verb = "cannot be installed together" if len(self.roots) > 1 else "cannot be installed"
        return f"{names or 'the request'} {verb}"

    def text(self) -> tuple[str, ...]:
        """One sentence a line, what was asked for before what follows from it."""
        return tuple(f"  {'•' if line.kind in ('root', 'limit') else '└─'} {line}" for line in self.lines)

    def to_json(self) -> dict[str, Any]:
        """The whole story in JSON's types."""
        return {
            "headline": self.headline,
            "roots": [str(spec) for spec in self.roots],
            "lines": [line.to_json() for line in self.lines],
            "loosen": [str(spec) for spec in self.loosen],
            "hints": list(self.hints),
        }

    def as_error(self) -> Unsatisfiable:
        """The error to raise."""
        return Unsatisfiable(self.headline, story=self.text(), hints=self.hints, explanation=self)

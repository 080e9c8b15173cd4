"""A story of `story` for a browser: one element, no style of its own beyond structure, everything escaped."""

from __future__ import annotations

from html import escape

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from .story import Line, Story


def html(story: Story) -> str:
    """A `<section>`: the headline, what was asked for with what follows from it beneath, what would help."""
    asked = [line for line in story.lines if line.kind in ("root", "limit")]
    follows = [line for line in story.lines if line.kind not in ("root", "limit")]
    parts = [
        f"<p><strong>{escape(story.headline)}</strong></p>",
        _list(map(_line, asked)),
    ]
    if follows:
        parts.append(f'<details open="open"><summary>because</summary>{_list(map(_line, follows))}</details>')
    if story.hints:
        parts.append(f"<p>What would help:</p>{_list(map(escape, story.hints))}")
    return f'<section class="pixi-story">{"".join(parts)}</section>'


def _line(line: Line) -> str:
    """A fact, with its package and what it asks for set apart; all alternatives are in the tooltip."""
    wanted = escape(f"{line.target} {line.alternatives()}".strip())
    every = escape(", ".join(f"{line.target} {text}".strip() for text in line.wanted), quote=True)
    asked = f'<code title="{every}">{wanted}</code>{escape(line.note)}'
    if line.kind == "root":
        return f"you ask for {asked}"
    if line.kind == "limit":
        return f"you allow only {asked}"
    verb = "requires" if line.kind == "requires" else "works only with"
    return f"<code>{escape(f'{line.package} {line.versions}'.strip())}</code> {verb} {asked}"


def _list(items: Iterable[str]) -> str:
    return f"<ul>{''.join(f'<li>{item}</li>' for item in items)}</ul>"

"""Did you mean …? One measure of nearness and one wording for every name that is not known."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_NEARNESS = 0.6
"""Of 1, which is the same name: a letter more, less or another in a short word, a few in a long one."""
_MUCH_NEARER = 0.1
"""Where one name is so much nearer than others, it was meant."""


def near(name: str, known: Iterable[str], *, most: int = 3, nearness: float = _NEARNESS) -> list[str]:
    """The known names that are nearest to one that is not, the best first."""
    from difflib import get_close_matches  # lazy: most names are right

    return get_close_matches(name, sorted(known), n=most, cutoff=nearness)


def did_you_mean(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """The hint ``did you mean `a`, `b`?``; `otherwise` where nothing is near."""
    from difflib import SequenceMatcher

    found = near(name, known)
    likeness = [SequenceMatcher(None, one, name).ratio() for one in found]
    found = [one for one, like in zip(found, likeness, strict=True) if like > likeness[0] - _MUCH_NEARER]
    return f"did you mean {', '.join(f'`{one}`' for one in found)}?" if found else otherwise


def hints(name: str, known: Iterable[str]) -> list[str]:
    """The same as the hints of an error: one, or none."""
    return list(filter(None, [did_you_mean(name, known)]))

"""Mirrors: other places for what a URL names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def candidates(url: str, mirrors: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """The URLs to try, in order: the replacements for the longest configured prefix, or the URL itself. A prefix ends
    where a path segment ends. To fall back on the original it is listed among its own mirrors.
    """
    best = max((prefix for prefix in mirrors if _starts(url, prefix)), key=len, default=None)
    if best is None or not mirrors[best]:
        return (url,)
    rest = url[len(best.rstrip("/")) :].lstrip("/")
    return tuple(f"{mirror.rstrip('/')}/{rest}" for mirror in mirrors[best])


def _starts(url: str, prefix: str) -> bool:
    bare = prefix.rstrip("/")
    return url == bare or url.startswith(bare + "/")

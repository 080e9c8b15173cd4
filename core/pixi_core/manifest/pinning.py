"""Which range `add` writes for the versions that were solved (`pinning-strategy`)."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import SpecError
from ..model.version import Version, parse_version

BY_MINOR = frozenset(["python", "rust", "julia", "gcc", "gxx", "gfortran", "nodejs", "deno", "r", "r-base", "perl"])
"""Packages whose minor versions break things: `minor` where no strategy is configured."""


def pin(name: str, versions: Sequence[str], *, strategy: str | None = None) -> str:
    """The version spec for a package that was solved to `versions` (of all environments and platforms).

    `semver` (default) stays below the next version that may break: `>=1.2.3,<2`, `>=0.2.3,<0.3`. A version that is
    none gives `*`.
    """
    chosen = strategy or ("minor" if name in BY_MINOR else "semver")
    if chosen == "no-pin" or not versions:
        return "*"
    if chosen == "exact-version":
        return "|".join(f"=={version}" for version in dict.fromkeys(versions))
    try:
        parsed = sorted(parse_version(version) for version in versions)
    except SpecError:
        return "*"
    low, high = parsed[0], parsed[-1]
    if chosen == "latest-up":
        return f">={low}"
    return f">={low},<{_bound(high, chosen)}"


def _bound(high: Version, strategy: str) -> Version:
    """The first version that is not wanted any more."""
    plain = high.without_local()
    if strategy == "major":
        return plain.with_segments(1).bump_last()
    if strategy == "minor":
        return plain.with_segments(2).bump_last()
    segments = plain.segments()
    kept = next((i for i, segment in enumerate(segments) if any(part for part in segment)), len(segments) - 1)
    return plain.with_segments(kept + 1).bump_last()

"""PEP 440 versions and specifiers, read once and remembered: the innermost loop of a resolution.

`packaging` does the reading. What is added is the memory, and a form of specifiers that compares version keys
directly, because a resolution asks the same few thousand questions again and again.
"""

from __future__ import annotations

from functools import lru_cache

from packaging.specifiers import Specifier, SpecifierSet
from packaging.version import Version

from ..errors import SpecError

__all__ = ["Version", "contains", "parse_version", "pinned_version", "specifier_set", "try_version"]


@lru_cache(maxsize=65536)
def try_version(text: str) -> Version | None:
    """The version, None where the text is none (old projects have such files)."""
    try:
        return Version(text)
    except ValueError:  # `InvalidVersion`, or a number with more digits than Python converts
        return None


def parse_version(text: str) -> Version:
    """The version. Raises `SpecError`."""
    found = try_version(text)
    if found is None:
        raise SpecError(f"'{text}' is not a version (PEP 440)", source=text)
    return found


@lru_cache(maxsize=16384)
def specifier_set(text: str) -> SpecifierSet:
    """The parsed specifier. Raises `SpecError`."""
    try:
        return SpecifierSet(text)
    except ValueError:  # `InvalidSpecifier`, or a number without end
        raise SpecError(f"'{text}' is not a version specifier (PEP 440)", source=text) from None


@lru_cache(maxsize=262144)
def contains(specifier: str, version: Version) -> bool:
    """Whether a version lies in a specifier; whether pre-releases are wanted is decided elsewhere."""
    return not specifier or specifier_set(specifier).contains(version, prereleases=True)


@lru_cache(maxsize=16384)
def mentions_prerelease(specifier: str) -> bool:
    """Whether a clause names a pre-release (`>=2.0rc1`), which asks for them explicitly."""
    if not specifier:
        return False
    return any(_clause_is_prerelease(clause) for clause in specifier_set(specifier))


def _clause_is_prerelease(clause: Specifier) -> bool:
    found = try_version(clause.version.removesuffix(".*"))
    return clause.operator != "!=" and found is not None and found.is_prerelease


@lru_cache(maxsize=16384)
def pinned_version(specifier: str) -> str | None:
    """The one version text that a specifier names by `==` or `===`, None where it leaves a choice."""
    for clause in specifier.split(","):
        if clause.startswith("==") and not clause.endswith(".*"):
            return clause.lstrip("=")
    return None

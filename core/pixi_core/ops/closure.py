"""Which of the packages of one solution an environment needs: what can be reached from its own requirements.

The members of a solve group share one solution; each installs its part of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..names import pypi_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ..model.pypi_requirement import PypiRequirement
    from ..model.record import PypiRecord, RepoDataRecord


def reachable_conda(roots: Iterable[str], records: Iterable[RepoDataRecord]) -> list[RepoDataRecord]:
    """The records that the packages named `roots` need, directly or not, in the order given."""
    records = list(records)
    by_name = {record.name: record for record in records}
    seen: set[str] = set()
    waiting = [name for name in roots if name in by_name]
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        record = by_name[name]
        needed = [*record.depends, *(spec for group in record.extra_depends.values() for spec in group)]
        waiting += [other for spec in needed if (other := dependency_name(spec)) in by_name]
    return [record for record in records if record.name in seen]


def dependency_name(spec: str) -> str:
    """The package name of a dependency string of a record (`numpy >=1.26`, `conda-forge::numpy[version=…]`)."""
    spec = spec.rpartition("::")[2] if "::" in spec else spec
    end = next((i for i, c in enumerate(spec) if c in " =<>!~[;"), len(spec))
    return spec[:end].lower()


def reachable_pypi(
    roots: Iterable[PypiRequirement],
    records: Iterable[PypiRecord],
    dependencies: Callable[[PypiRecord, frozenset[str]], Iterable[tuple[str, frozenset[str]]]],
) -> tuple[list[PypiRecord], frozenset[str]]:
    """The PyPI records that the requirements need, directly or not, in the order given; and the names of projects that
    are needed and not among them (conda may bring those).

    `dependencies(record, extras)` gives the names and extras that a record asks for on the target platform.
    """
    records = list(records)
    by_name: Mapping[str, PypiRecord] = {pypi_name(record.name): record for record in records}
    extras: dict[str, set[str]] = {}
    elsewhere: set[str] = set()
    waiting = [(str(root.name), frozenset(root.extras)) for root in roots]
    while waiting:
        name, wanted = waiting.pop()
        if name not in by_name:
            elsewhere.add(name)
            continue
        known = extras.get(name)
        if known is not None and wanted <= known:
            continue
        extras[name] = (known or set()) | wanted
        waiting += dependencies(by_name[name], frozenset(extras[name]))
    return [record for record in records if pypi_name(record.name) in extras], frozenset(elsewhere)

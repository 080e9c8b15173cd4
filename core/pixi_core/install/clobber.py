"""Who owns a path that several packages bring, decided by the set of packages alone, not by the order they came in.

A distribution from PyPI wins over a conda package (it is installed after), the alphabetically first of several
distributions over the others. Among conda packages one that depends on another wins over it, and the alphabetically
first of unrelated ones; so does rattler. A conda file that loses lies at `__clobbers__/<package>/<path>`, with
`original_path` in its record, and moves to its place when the winner leaves.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence

from ..model.record import RepoDataRecord

CLOBBERS = "__clobbers__"


def conda_priority(records: Iterable[RepoDataRecord]) -> list[str]:
    """Package names, the one whose files win first: dependents before what they depend on, else by name."""
    needs = {
        record.name: {dependency.split(None, 1)[0].split("[", 1)[0].lower() for dependency in record.depends}
        for record in records
    }
    dependents = dict.fromkeys(needs, 0)
    for name, wanted in needs.items():
        for other in wanted:
            if other in dependents and other != name:
                dependents[other] += 1
    ready = [name for name, count in dependents.items() if count == 0]
    heapq.heapify(ready)
    order: list[str] = []
    seen: set[str] = set()
    while len(order) < len(needs):
        if not ready:
            # a cycle: break it at the first name
            heapq.heappush(ready, min(name for name in needs if name not in seen))
        name = heapq.heappop(ready)
        if name in seen:
            continue
        seen.add(name)
        order.append(name)
        for other in needs[name]:
            if other in dependents and other not in seen:
                dependents[other] -= 1
                if dependents[other] == 0:
                    heapq.heappush(ready, other)
    return order


def losers(claims: Sequence[tuple[str, Iterable[str]]], *, folds_case: bool = False) -> dict[str, dict[str, str]]:
    """For each claimant the paths it loses, with the name of who wins. `claims` come in order of priority. With
    `folds_case`, names that differ in case alone are one file, as on macOS, Windows and disks of theirs.
    """
    owner: dict[str, str] = {}
    lost: dict[str, dict[str, str]] = {}
    for claimant, paths in claims:
        for path in paths:
            winner = owner.setdefault(path.casefold() if folds_case else path, claimant)
            if winner != claimant:
                lost.setdefault(claimant, {})[path] = winner
    return lost


def aside(package: str, path: str) -> str:
    """Where a losing file of a package lies."""
    return f"{CLOBBERS}/{package}/{path}"


def warnings(lost: Mapping[str, Mapping[str, str]], labels: Mapping[str, str]) -> list[str]:
    """One sentence for each pair of packages that want the same files."""
    pairs: dict[tuple[str, str], list[str]] = {}
    for loser, paths in lost.items():
        for path, winner in paths.items():
            pairs.setdefault((winner, loser), []).append(path)
    return [
        f"{labels.get(winner, winner)} and {labels.get(loser, loser)} both bring {_some(paths)}; "
        f"the files of {labels.get(winner, winner)} are used"
        for (winner, loser), paths in sorted(pairs.items())
    ]


def _some(paths: Sequence[str]) -> str:
    shown = ", ".join(sorted(paths)[:3])
    return shown if len(paths) <= 3 else f"{shown} and {len(paths) - 3} more"

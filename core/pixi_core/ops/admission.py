"""May this be solved, may this be installed? The questions to the machine's policy (`pixi_core.policy`), which every
way to an environment asks at the same two places.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..names import pypi_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ..install.plan import Plan
    from ..lock.model import LockFile
    from ..model.record import PypiRecord, RepoDataRecord
    from ..workspace import Services
    from .fetching import Fetched

_SHOWN = 5
"""How many packages a preview names."""


def admit_lock(services: Services, lock: LockFile) -> None:
    """A lock file was solved, and would be written. Raises `PolicyRefused`."""
    for environment, locked in lock.environments.items():
        for platform in locked.packages:
            conda, pypi = lock.for_platform(environment, platform)
            services.policy.admit((*conda, *pypi))


def admit(
    services: Services, conda: Sequence[RepoDataRecord], pypi: Sequence[PypiRecord], *, whole: bool = True
) -> None:
    """An environment of these packages would be installed, or is there and would be used. Archives alone may already
    be too much: then nothing is fetched. Raises `PolicyRefused`.
    """
    policy = services.policy
    policy.admit((*conda, *pypi), whole=whole)
    if policy.limits_size:
        sizes = {record.name: record.size or 0 for record in conda} | {r.name: r.size or 0 for r in pypi}
        policy.admit_size(sum(sizes.values()), lambda: f"packed: {_preview(sizes)}")


def admit_size(services: Services, plan: Plan, fetched: Fetched) -> None:
    """What a plan needs lies in the caches, so that the size of the environment is known: the files of its packages,
    however they are put in place. Raises `PolicyRefused`.
    """
    policy = services.policy
    if not policy.limits_size:
        return
    fresh = {record.name: _bytes(fetched.package(record).files) for record in plan.conda_to_link}
    fresh |= {record.name: _bytes(fetched.wheel(record).files) for record in plan.pypi_to_link}
    kept = _kept(plan)
    written = f"{sum(fresh.values()):,} of them to be written"
    policy.admit_size(sum(kept.values()) + sum(fresh.values()), lambda: f"{written}; {_preview({**kept, **fresh})}")


def _bytes(files: Iterable[tuple[str, str, int, bool]]) -> int:
    return sum(size for _, _, size, _ in files)


def _kept(plan: Plan) -> dict[str, int]:
    """The bytes of the packages that stay in the prefix as they are, by name."""
    if plan.state is None:
        return {}
    conda = {record.name for record in plan.wanted_conda} - {record.name for record in plan.conda_to_link}
    pypi = {pypi_name(r.name) for r in plan.wanted_pypi} - {pypi_name(r.name) for r in plan.pypi_to_link}
    from ..install.prefix import installed_bytes  # lazy: most machines limit no size

    kept = plan.state.replace(
        conda={name: package for name, package in plan.state.conda.items() if name in conda},
        pypi={name: found for name, found in plan.state.pypi.items() if name in pypi},
    )
    return installed_bytes(kept)


def _preview(sizes: dict[str, int]) -> str:
    """The largest packages, with their bytes."""
    largest = sorted(sizes.items(), key=lambda pair: (-pair[1], pair[0]))
    shown = [f"{name} {size:,}" for name, size in largest[:_SHOWN]]
    return ", ".join(shown + ([f"{len(largest) - _SHOWN} more"] if len(largest) > _SHOWN else []))

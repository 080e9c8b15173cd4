"""`pixi workspace platform list`: the declared platforms in their order, and this machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..virtual import detect, host_subdir, select_platform

if TYPE_CHECKING:
    from ..workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformRow:
    """A platform. `virtual_packages` are texts (`__glibc=2.28`); `features` name the platform themselves,
    `declared_inline_in_environments` are environments that do; `environments` are all that are locked for it.
    """

    name: str
    subdir: str
    virtual_packages: tuple[str, ...]
    detected_virtual_packages: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    declared_inline_in_environments: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    is_current: bool = False
    is_autodetected: bool = False

    def to_json(self) -> dict[str, Any]:
        """The keys of `--json`; the two flags only where they hold."""
        row: dict[str, Any] = {
            "name": self.name,
            "subdir": self.subdir,
            "virtual_packages": list(self.virtual_packages),
            "detected_virtual_packages": list(self.detected_virtual_packages),
            "features": list(self.features),
            "declared_inline_in_environments": list(self.declared_inline_in_environments),
            "environments": list(self.environments),
        }
        row |= {"is_current": True} if self.is_current else {}
        return row | ({"is_autodetected": True} if self.is_autodetected else {})


def platform_rows(workspace: Workspace) -> list[PlatformRow]:
    """This machine first, then every platform of the workspace by preference. Raises `ManifestError`."""
    manifest = workspace.manifest
    subdir = host_subdir(workspace.environ)
    found = detect(subdir, workspace.environ)
    detected = tuple(map(str, found))
    current = select_platform(manifest.platforms, found, subdir)
    rows = [PlatformRow(name=subdir, subdir=subdir, virtual_packages=detected, is_autodetected=True)]
    for platform in manifest.platforms:
        inline = [spec for spec in manifest.environments.values() if spec.inline is not None]
        rows.append(
            PlatformRow(
                name=platform.name,
                subdir=platform.subdir,
                virtual_packages=tuple(map(str, platform.virtual_packages)),
                detected_virtual_packages=detected if platform == current else (),
                features=tuple(f.name for f in manifest.features.values() if platform.name in (f.platforms or ())),
                declared_inline_in_environments=tuple(
                    spec.name for spec in inline if spec.inline and platform.name in (spec.inline.platforms or ())
                ),
                environments=tuple(
                    name
                    for name in manifest.environments
                    if any(one.name == platform.name for one in manifest.environment(name).platforms)
                ),
                is_current=platform == current,
            )
        )
    return rows

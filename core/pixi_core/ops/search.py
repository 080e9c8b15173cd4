"""`pixi search`: what channels offer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..model.channel import channel as parse_channel
from ..model.match_spec import MatchSpec, parse_match_spec
from ..model.platform import NOARCH
from ..model.platform import subdir as parse_subdir
from ..model.record import RepoDataRecord, record_to_repodata
from ..model.version import version_key
from ..suggest import near
from ..virtual import host_subdir

if TYPE_CHECKING:
    from pathlib import Path

    from ..model.channel import Channel
    from ..model.platform import Subdir
    from ..workspace import Services, Workspace


@dataclass(frozen=True, slots=True)
class Found:
    """Packages by name, the nearest to what was asked first; the records of each are newest first.

    `more` names packages that match too and were not looked at; `near` names what was probably meant where nothing was
    found.
    """

    packages: dict[str, list[RepoDataRecord]]
    more: tuple[str, ...] = ()
    near: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """`{subdir: [record with url, channel and fn]}`, newest first."""
        found: dict[str, list[dict[str, Any]]] = {}
        for records in self.packages.values():
            for record in records:
                found.setdefault(str(record.subdir), []).append(
                    {
                        **record_to_repodata(record),
                        "url": record.url,
                        "channel": record.channel,
                        "fn": record.file_name,
                    }
                )
        return found


def channels_for(
    workspace: Workspace | None, services: Services, written: Sequence[str], root: Path
) -> tuple[Channel, ...]:
    """The channels to look in: those named, else the workspace's, else the configured ones. Raises `SpecError`."""
    if not written and workspace is not None and workspace.manifest.channels:
        return tuple(entry.channel for entry in workspace.manifest.channels)
    return tuple(parse_channel(text, root=root) for text in written or services.config.default_channels)


def search(
    services: Services,
    text: str,
    channels: Sequence[Channel],
    *,
    platform: str | None = None,
    most_packages: int = 5,
) -> Found:
    """What matches a spec on a platform (default: this machine's) or on none.

    A plain name also finds the names that contain it, when none is exactly that. Raises `SpecError`, `NetworkError`.
    """
    spec = parse_match_spec(text)
    subdirs: list[Subdir] = [parse_subdir(platform) if platform else host_subdir(services.environ)]
    subdirs += [] if subdirs == [NOARCH] else [NOARCH]
    known = services.gateway.names(channels, subdirs)
    names = _names(spec, known)
    if not names and spec.has_exact_name:
        spec = spec.replace(name=f"*{spec.name}*")
        names = _names(spec, known)
    packages: dict[str, list[RepoDataRecord]] = {}
    chosen = names[:most_packages] if most_packages else names
    for name in chosen:
        records = newest_first(services.gateway.search(spec.replace(name=name), channels, subdirs))
        if records:
            packages[name] = records
    found = Found(packages, more=tuple(names[len(chosen) :]))
    return found if packages else replace(found, near=_near(text, known))


def _names(spec: MatchSpec, known: Iterable[str]) -> list[str]:
    """Matching names; those that begin as the pattern does first, short ones before long ones."""
    if spec.name is None:
        return sorted(known)
    plain = spec.name.strip("*")
    return sorted(
        (name for name in known if spec.matches_name(name)),
        key=lambda name: (not name.startswith(plain), len(name), name),
    )


def newest_first(records: Iterable[RepoDataRecord]) -> list[RepoDataRecord]:
    """By version, build number and time."""
    return sorted(records, key=lambda r: (version_key(r.version), r.build_number, r.timestamp or 0), reverse=True)


def _near(text: str, known: Iterable[str]) -> tuple[str, ...]:
    return tuple(near(text.lower(), known, nearness=0.7))

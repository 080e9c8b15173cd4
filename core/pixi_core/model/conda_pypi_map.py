"""What PyPI calls conda packages: `conda-pypi-map` of a workspace, and the names that conda-forge gave to others.

Semantics are pixi's: `false` asks for no mapping at all; a channel maps to `false`, to a location, or to a table with
`location`, `mapping`, `mapping-mode` and `same-name-heuristic`. What is written in the manifest ranks above what stands
at a location, that above the names known here, and those above "same name". Records which state their own purls are
never asked about.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import SpecError
from ..names import PackageName, PypiName, package_name, pypi_name
from ..suggest import did_you_mean
from .channel import Channel
from .purl import SAME_NAME_CHANNEL, purl_for, same_name
from .record import RepoDataRecord

Names = tuple[PypiName, ...]
"""What a conda package is on PyPI; empty: it is known not to be there."""

PROJECT = "project-defined-mapping"
"""pixi's word in a purl for what the workspace says."""

OTHER_NAMES: Mapping[str, tuple[str, ...]] = {
    "airflow": ("apache-airflow",),
    "astropy-base": ("astropy",),
    "brotli-python": ("brotli",),
    "dask-core": ("dask",),
    "docker-py": ("docker",),
    "matplotlib-base": ("matplotlib",),
    "msgpack-python": ("msgpack",),
    "nbconvert-core": ("nbconvert",),
    "py-opencv": ("opencv-python", "opencv-python-headless"),
    "py-xgboost": ("xgboost",),
    "pyarrow-core": ("pyarrow",),
    "pymc-base": ("pymc",),
    "pytables": ("tables",),
    "python-blosc": ("blosc",),
    "python-build": ("build",),
    "python-duckdb": ("duckdb",),
    "python-fastjsonschema": ("fastjsonschema",),
    "python-flatbuffers": ("flatbuffers",),
    "python-graphviz": ("graphviz",),
    "python-kaleido": ("kaleido",),
    "python-lmdb": ("lmdb",),
    "python-tzdata": ("tzdata",),
    "python-xxhash": ("xxhash",),
    "pytorch": ("torch",),
    "pytorch_geometric": ("torch-geometric",),
    "ray-core": ("ray",),
    "redis-py": ("redis",),
    "seaborn-base": ("seaborn",),
    "tensorflow-base": ("tensorflow",),
    "tiledb-py": ("tiledb",),
}
"""Well-known packages of conda-forge whose name is another one on PyPI."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelMap:
    """What a workspace says about one channel. `location` (path or URL) holds a JSON object of names; `replaces` leaves
    out the names known here; `same_name` is None where the default of the channel holds; `off` maps nothing.
    """

    location: str | None = None
    mapping: Mapping[PackageName, Names] = field(default_factory=dict)
    replaces: bool = False
    same_name: bool | None = None
    off: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CondaPypiMap:
    """`channels` is keyed by channel URL; `off` switches every channel off."""

    channels: Mapping[str, ChannelMap] = field(default_factory=dict)
    off: bool = False

    @property
    def locations(self) -> tuple[str, ...]:
        """Every path or URL that must be read, each once."""
        return tuple(dict.fromkeys(entry.location for entry in self.channels.values() if entry.location is not None))

    def with_purls(
        self, records: Iterable[RepoDataRecord], tables: Mapping[str, Mapping[PackageName, Names]]
    ) -> tuple[RepoDataRecord, ...]:
        """The records, each with its purls stated; `tables` holds what was read at the locations."""
        return tuple(r if r.purls is not None else r.replace(purls=self._purls(r, tables)) for r in records)

    def _purls(self, record: RepoDataRecord, tables: Mapping[str, Mapping[PackageName, Names]]) -> tuple[str, ...]:
        url = (record.channel or "").rstrip("/")
        entry = self.channels.get(f"{url}/", ChannelMap())
        if self.off or entry.off:
            return ()
        name = package_name(record.name)
        table = tables.get(entry.location, {}) if entry.location is not None else {}
        stated = entry.mapping.get(name, table.get(name))
        if stated is not None:
            return tuple(purl_for(project, source=PROJECT) for project in stated)
        is_same_name_channel = url.rpartition("/")[2] == SAME_NAME_CHANNEL
        if is_same_name_channel and not entry.replaces and name in OTHER_NAMES:
            return tuple(purl_for(pypi_name(project)) for project in OTHER_NAMES[name])
        guesses = is_same_name_channel if entry.same_name is None else entry.same_name
        guess = same_name(record) if guesses else None
        return () if guess is None else (purl_for(guess),)


# ---------------------------------------------------------------- reading


def map_from_value(value: object, channel: Callable[[str], Channel]) -> CondaPypiMap:
    """`conda-pypi-map` of a manifest; `channel` reads the keys. Raises `SpecError` that names the key."""
    if value is None:
        return CondaPypiMap()
    if value is False:
        return CondaPypiMap(off=True)
    if not isinstance(value, Mapping):
        raise SpecError("`conda-pypi-map` must be false or a table of channels", source="conda-pypi-map")
    return CondaPypiMap(channels={channel(str(key)).url: _channel_map(str(key), entry) for key, entry in value.items()})


_KEYS = ("location", "mapping", "mapping-mode", "same-name-heuristic")


def _channel_map(key: str, value: object) -> ChannelMap:
    if value is False:
        return ChannelMap(off=True)
    if isinstance(value, str):
        return ChannelMap(location=value)
    if not isinstance(value, Mapping):
        raise SpecError(f"`conda-pypi-map.{key}` must be false, a path or URL, or a table", source=key)
    unknown = next((str(name) for name in value if name not in _KEYS), None)
    if unknown is not None:
        raise SpecError(
            f"unknown key `{unknown}` in `conda-pypi-map.{key}`",
            source=unknown,
            hints=[did_you_mean(unknown, _KEYS, f"known keys: {', '.join(_KEYS)}")],
        )
    location, mode, same = value.get("location"), value.get("mapping-mode", "overlay"), value.get("same-name-heuristic")
    if location is not None and not isinstance(location, str):
        raise SpecError(f"`conda-pypi-map.{key}.location` must be a path or URL", source="location")
    if mode not in ("overlay", "replace"):
        raise SpecError(f"`conda-pypi-map.{key}.mapping-mode` must be `overlay` or `replace`", source="mapping-mode")
    if same is not None and not isinstance(same, bool):
        raise SpecError(
            f"`conda-pypi-map.{key}.same-name-heuristic` must be true or false", source="same-name-heuristic"
        )
    mapping = value.get("mapping", {})
    if not isinstance(mapping, Mapping):
        raise SpecError(f"`conda-pypi-map.{key}.mapping` must be a table of package names", source="mapping")
    mapping = read_names(mapping, what=f"`conda-pypi-map.{key}.mapping`")
    return ChannelMap(location=location, mapping=mapping, replaces=mode == "replace", same_name=same)


def read_names(value: Any, *, what: str) -> dict[PackageName, Names]:
    """Conda names with what they are on PyPI: a name, a list of names, or `false` (in JSON: null) for none.

    Raises `SpecError`.
    """
    if not isinstance(value, Mapping):
        raise SpecError(f"{what} must be a table of package names", source=what)
    return {package_name(str(name)): _names(str(name), entry, what) for name, entry in value.items()}


def _names(name: str, value: object, what: str) -> Names:
    if value is None or value is False:
        return ()
    entries = [value] if isinstance(value, str) else value
    if not isinstance(entries, list) or not all(isinstance(entry, str) for entry in entries):
        raise SpecError(f"{what}: `{name}` must be a name, a list of names, or false", source=name)
    return tuple(pypi_name(entry) for entry in entries)

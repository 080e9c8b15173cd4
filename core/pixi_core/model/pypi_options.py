"""How PyPI packages are looked for: pixi's `[pypi-options]` as a value, and how features combine theirs.

The names of options and their choices are pixi's; merging follows its rules for environments made of features.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, TypeVar, cast, get_args

from ..errors import SpecError
from ..names import PypiName, pypi_name
from ..suggest import did_you_mean
from ..value import EMPTY, Value
from .channel import without_credentials
from .package_index import default_index, normalised_index_url
from .pypi_requirement import PypiRequirement, from_table

IndexStrategy = Literal["first-index", "unsafe-first-match", "unsafe-best-match"]
PrereleaseMode = Literal["disallow", "allow", "if-necessary", "explicit", "if-necessary-or-explicit"]
Choice = bool | tuple[PypiName, ...]
"""`true`, `false`, or only these packages (normalised; order kept, since it matters for `no-build-isolation`)."""

DEFAULT_STRATEGY: IndexStrategy = "first-index"
DEFAULT_PRERELEASES: PrereleaseMode = "if-necessary-or-explicit"


class FindLinks(Value):
    """A flat folder or page of distributions; exactly one of `path` (relative to the manifest) and `url` is set."""

    path: str | None = None
    url: str | None = None


class PypiOptions(Value):
    """Options of an environment; None where nothing was said, which `effective_*` turn into the default.

    `exclude_newer` drops files uploaded at or after that moment (UTC); `exclude_newer_packages` overrides it for
    single packages, None meaning no limit.
    """

    index_url: str | None = None
    extra_index_urls: tuple[str, ...] = ()
    find_links: tuple[FindLinks, ...] = ()
    no_build_isolation: Choice = False
    no_build: Choice = False
    no_binary: Choice = False
    index_strategy: IndexStrategy | None = None
    prerelease_mode: PrereleaseMode | None = None
    dependency_overrides: tuple[PypiRequirement, ...] = ()
    skip_wheel_filename_check: bool | None = None
    exclude_newer: datetime | None = None
    exclude_newer_packages: Mapping[PypiName, datetime | None] = EMPTY

    @property
    def effective_index(self) -> str:
        """The main index."""
        return self.index_url or default_index()

    @property
    def effective_strategy(self) -> IndexStrategy:
        """How several indexes are combined."""
        return self.index_strategy or DEFAULT_STRATEGY

    @property
    def effective_prereleases(self) -> PrereleaseMode:
        """When pre-releases are chosen."""
        return self.prerelease_mode or DEFAULT_PRERELEASES

    @property
    def search_order(self) -> tuple[str, ...]:
        """Index URLs in the order in which they are asked: the extra ones first."""
        return tuple(dict.fromkeys((*self.extra_index_urls, self.effective_index)))

    @property
    def lock_indexes(self) -> tuple[str, ...]:
        """Index URLs in the order in which lock files list them: the main one first, credentials left out."""
        return tuple(map(without_credentials, dict.fromkeys((self.effective_index, *self.extra_index_urls))))

    def forbids_build(self, name: PypiName) -> bool:
        """Whether sdists and source trees of a package must not be built."""
        return applies(self.no_build, name)

    def forbids_binary(self, name: PypiName) -> bool:
        """Whether wheels of a package must not be used."""
        return applies(self.no_binary, name)

    def cutoff(self, name: PypiName) -> datetime | None:
        """The moment from which on uploads of a package are ignored."""
        if name in self.exclude_newer_packages:
            return self.exclude_newer_packages[name]
        return self.exclude_newer


def applies(choice: Choice, name: PypiName) -> bool:
    """Whether a `true`/`false`/list option covers a package."""
    return choice if isinstance(choice, bool) else name in choice


# ---------------------------------------------------------------- merging

T = TypeVar("T")


def merge(workspace: PypiOptions, features: tuple[PypiOptions, ...]) -> PypiOptions:
    """The options of an environment: the workspace's as the base, then its features in order.

    Single values of a feature replace the workspace's; two features that disagree are an error. Raises `SpecError`.
    """
    united = PypiOptions()
    for feature in features:
        united = _unite(united, feature)
    base = workspace.replace(
        index_url=None if united.index_url else workspace.index_url,
        index_strategy=None if united.index_strategy else workspace.index_strategy,
        prerelease_mode=None if united.prerelease_mode else workspace.prerelease_mode,
        skip_wheel_filename_check=_first(united.skip_wheel_filename_check, workspace.skip_wheel_filename_check),
    )
    overrides = {r.name: r for r in (*workspace.dependency_overrides, *united.dependency_overrides)}
    return _unite(base, united).replace(
        dependency_overrides=tuple(overrides.values()),
        exclude_newer=united.exclude_newer or workspace.exclude_newer,
        exclude_newer_packages={**workspace.exclude_newer_packages, **united.exclude_newer_packages},
    )


_SINGLE = ("index_url", "index_strategy", "prerelease_mode", "skip_wheel_filename_check")


def _unite(left: PypiOptions, right: PypiOptions) -> PypiOptions:
    for name in _SINGLE:
        one, other = getattr(left, name), getattr(right, name)
        if one is not None and other is not None and one != other:
            key = name.replace("_", "-")
            raise SpecError(
                f"two features disagree about `pypi-options.{key}`: '{one}' and '{other}'",
                hints=["give both features the same value, or set it in the workspace only"],
            )
    overrides = {r.name: r for r in (*right.dependency_overrides, *left.dependency_overrides)}
    return PypiOptions(
        index_url=left.index_url or right.index_url,
        extra_index_urls=tuple(dict.fromkeys((*left.extra_index_urls, *right.extra_index_urls))),
        find_links=tuple(dict.fromkeys((*left.find_links, *right.find_links))),
        no_build_isolation=_widest(left.no_build_isolation, right.no_build_isolation),
        no_build=_widest(left.no_build, right.no_build),
        no_binary=_widest(left.no_binary, right.no_binary),
        index_strategy=left.index_strategy or right.index_strategy,
        prerelease_mode=left.prerelease_mode or right.prerelease_mode,
        dependency_overrides=tuple(overrides.values()),
        skip_wheel_filename_check=_first(left.skip_wheel_filename_check, right.skip_wheel_filename_check),
        exclude_newer=left.exclude_newer or right.exclude_newer,
        exclude_newer_packages={**right.exclude_newer_packages, **left.exclude_newer_packages},
    )


def _first(left: T | None, right: T | None) -> T | None:
    return right if left is None else left


def _widest(left: Choice, right: Choice) -> Choice:
    """`true` covers a list, a list covers `false`, two lists are united."""
    if left is True or right is True:
        return True
    if isinstance(left, tuple) and isinstance(right, tuple):
        return tuple(dict.fromkeys((*left, *right)))
    return left or right


# ---------------------------------------------------------------- from manifest tables

_KEYS = tuple(name.replace("_", "-") for name in PypiOptions.__fields__ if not name.startswith("exclude_newer"))


def options_from_table(table: Mapping[str, object]) -> PypiOptions:
    """Options from a `[pypi-options]` table. Raises `SpecError` naming the key."""
    for key in table:
        if key not in _KEYS:
            hint = did_you_mean(key, _KEYS, f"known keys: {', '.join(_KEYS)}")
            raise SpecError(f"unknown key `{key}` in pypi-options", source=key, hints=[hint])
    index = _text(table, "index-url")
    skip = table.get("skip-wheel-filename-check")
    if skip is not None and not isinstance(skip, bool):
        raise SpecError("`skip-wheel-filename-check` must be true or false", source="skip-wheel-filename-check")
    return PypiOptions(
        index_url=normalised_index_url(index) if index else None,
        extra_index_urls=tuple(normalised_index_url(url) for url in _texts(table, "extra-index-urls")),
        find_links=tuple(_find_links(entry) for entry in _list(table, "find-links")),
        no_build_isolation=_choice(table, "no-build-isolation"),
        no_build=_choice(table, "no-build"),
        no_binary=_choice(table, "no-binary"),
        index_strategy=cast("IndexStrategy | None", _one_of(table, "index-strategy", get_args(IndexStrategy))),
        prerelease_mode=cast("PrereleaseMode | None", _one_of(table, "prerelease-mode", get_args(PrereleaseMode))),
        dependency_overrides=_overrides(table),
        skip_wheel_filename_check=skip,
    )


def _text(table: Mapping[str, object], key: str) -> str | None:
    value = table.get(key)
    if value is None or isinstance(value, str):
        return value
    raise SpecError(f"`{key}` must be a string", source=key)


def _list(table: Mapping[str, object], key: str) -> list[object]:
    value = table.get(key, [])
    if isinstance(value, list):
        return list(value)
    raise SpecError(f"`{key}` must be a list", source=key)


def _texts(table: Mapping[str, object], key: str) -> list[str]:
    items = _list(table, key)
    if all(isinstance(item, str) for item in items):
        return [str(item) for item in items]
    raise SpecError(f"`{key}` must be a list of strings", source=key)


def _choice(table: Mapping[str, object], key: str) -> Choice:
    value = table.get(key, False)
    if isinstance(value, bool):
        return value
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(pypi_name(item) for item in value)
    raise SpecError(f"`{key}` must be true, false or a list of package names", source=key)


def _one_of(table: Mapping[str, object], key: str, choices: tuple[str, ...]) -> str | None:
    value = _text(table, key)
    if value is None or value in choices:
        return value
    hint = did_you_mean(value, choices, f"choose one of: {', '.join(choices)}")
    raise SpecError(f"'{value}' is not a value of `{key}`", source=value, hints=[hint])


def _find_links(entry: object) -> FindLinks:
    if isinstance(entry, Mapping) and len(entry) == 1:
        (key, value), *_ = entry.items()
        if isinstance(value, str) and key == "path":
            return FindLinks(path=value)
        if isinstance(value, str) and key == "url":
            return FindLinks(url=value)
    raise SpecError("an entry of `find-links` must be `{ path = … }` or `{ url = … }`", source="find-links")


def _overrides(table: Mapping[str, object]) -> tuple[PypiRequirement, ...]:
    value = table.get("dependency-overrides", {})
    if not isinstance(value, Mapping):
        raise SpecError("`dependency-overrides` must be a table", source="dependency-overrides")
    return tuple(from_table(str(name), entry) for name, entry in value.items())

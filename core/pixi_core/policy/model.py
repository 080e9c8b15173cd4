"""The rules of a policy as values, and what they refuse. Nothing here asks the machine anything.

A policy is a list of tables, the file's own and those of the groups that apply, which must all agree: so one more table
never allows more.
"""

from __future__ import annotations

from ..errors import Location, PolicyRefused, Refusal, SpecError
from ..model.exclude_newer import ExcludeNewer
from ..model.record import PypiRecord
from ..names import pypi_name
from ..value import EMPTY, Value
from .patterns import covers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from ..errors import PixiError
    from ..model.match_spec import MatchSpec
    from ..model.pypi_options import PypiOptions
    from ..model.record import RepoDataRecord

    Package = RepoDataRecord | PypiRecord


class Rules(Value, kw_only=True):
    """One table. None (and empty) where a key is missing, which then forbids nothing.

    `channels` and `indexes` are address patterns; `exclude_newer` is in ms since 1970, `maximum_size` in bytes; `where`
    tells where each key stands.
    """

    channels: tuple[str, ...] | None = None
    indexes: tuple[str, ...] | None = None
    mirrors: Mapping[str, tuple[str, ...]] = EMPTY
    exclude_newer: int | None = None
    maximum_size: int | None = None
    required: tuple[MatchSpec, ...] = ()
    denied: tuple[MatchSpec, ...] = ()
    locked_only: bool = False
    where: Mapping[str, Location] = EMPTY

    def refusal(self, key: str, value: str, reason: str, hint: str = "") -> Refusal:
        """What a key of this table has against a value."""
        return Refusal(self.where.get(key, Location("")), key, value, reason, hint)


class Policy(Value, kw_only=True):
    """What holds on this machine for this process; without tables everything is allowed. `groups` are those of its
    tables that were applied, `warnings` what people should know about the file.
    """

    path: Path | None = None
    tables: tuple[Rules, ...] = ()
    groups: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    # ---------------------------------------------------------------- before solving

    def require_lock(self, what: str) -> None:
        """Versions are about to be chosen, for `what`. Raises `PolicyRefused` where only locked ones may be used."""
        _raise(
            table.refusal(
                "locked-only",
                what,
                f"versions would have to be chosen for {what}, and only what a lock file says may be installed",
                "use a lock file that satisfies the manifest, made where that is allowed",
            )
            for table in self.tables
            if table.locked_only
        )

    def check_channels(self, urls: Sequence[str]) -> None:
        """Channels are about to be asked. Raises `PolicyRefused`."""
        _raise(refusal for table in self.tables for url in urls for refusal in _address(table, "channels", url))

    def check_indexes(self, urls: Sequence[str]) -> None:
        """PyPI indexes and pages of links are about to be asked. Raises `PolicyRefused`."""
        _raise(refusal for table in self.tables for url in urls for refusal in _address(table, "indexes", url))

    @property
    def cutoff(self) -> int | None:
        """The earliest cut-off, in ms since 1970."""
        return min((table.exclude_newer for table in self.tables if table.exclude_newer is not None), default=None)

    def explain(self, error: PixiError) -> None:
        """Nothing that fits was found: say that the policy leaves something out, where it does."""
        for table in self.tables:
            if table.exclude_newer is not None:
                reason = f"what was made after {_moment(table.exclude_newer)} is left out"
                error.hints = (*error.hints, str(table.refusal("exclude-newer", "", reason)))

    def exclude_newer(self, asked: ExcludeNewer | None) -> ExcludeNewer | None:
        """The cut-offs of a conda solve: those that were asked for, none of them later than the policy's."""
        limit = self.cutoff
        if limit is None:
            return asked
        asked = asked or ExcludeNewer()
        return ExcludeNewer(
            _earlier(asked.cutoff, limit),
            {channel: _earlier(value, limit) for channel, value in asked.channels.items()},
            {package: _earlier(value, limit) for package, value in asked.packages.items()},
        )

    def pypi_options(self, options: PypiOptions) -> PypiOptions:
        """The options of a PyPI resolution, with no cut-off later than the policy's."""
        limit = self.cutoff
        if limit is None:
            return options
        from datetime import UTC, datetime

        moment = datetime.fromtimestamp(limit / 1000, UTC)
        return options.replace(
            exclude_newer=_earlier(options.exclude_newer, moment),
            exclude_newer_packages={
                name: _earlier(value, moment) for name, value in options.exclude_newer_packages.items()
            },
        )

    def mirrors(self, configured: Mapping[str, Sequence[str]]) -> Mapping[str, Sequence[str]]:
        """The mirrors to use: the policy's, where it has any, else the user's, which must lead where the policy lets
        packages come from. Raises `PolicyRefused`.
        """
        own = {prefix: urls for table in self.tables for prefix, urls in table.mirrors.items()}
        if own:
            return own
        _raise(
            table.refusal(key, target, f"the mirror {target} of {prefix} is not where packages may come from")
            for table in self.tables
            for key, patterns in (("channels", table.channels), ("indexes", table.indexes))
            for prefix, targets in configured.items()
            for target in targets
            if patterns is not None and not any(covers(p, target) for p in (*patterns, *_allowed(table)))
        )
        return configured

    # ---------------------------------------------------------------- before installing

    def admit(self, packages: Sequence[Package], *, whole: bool = True) -> None:
        """Packages are about to be locked or installed together; `whole` says that they are all that the environment
        will have. Raises `PolicyRefused` with everything that is against it.
        """
        _raise(refusal for table in self.tables for refusal in _admission(table, packages, whole))

    def admit_size(self, size: int, preview: Callable[[], str]) -> None:
        """An environment of `size` bytes is about to be made; `preview` tells what it takes. Raises `PolicyRefused`."""
        _raise(
            table.refusal(
                "maximum-size",
                str(size),
                f"the environment would have {size:,} bytes, {table.maximum_size:,} are allowed ({preview()})",
                "ask for fewer or smaller packages",
            )
            for table in self.tables
            if table.maximum_size is not None and size > table.maximum_size
        )

    @property
    def limits_size(self) -> bool:
        """Whether anybody wants to know how large an environment becomes."""
        return any(table.maximum_size is not None for table in self.tables)

    # ---------------------------------------------------------------- for people

    def to_json(self) -> dict[str, Any] | None:
        """What holds, for `pixi info` and `pixi status`; None where there is no policy."""
        if self.path is None:
            return None
        return {"path": str(self.path), "groups": list(self.groups), "rules": [_told(table) for table in self.tables]}


NO_POLICY = Policy()


def _raise(refusals: Iterator[Refusal]) -> None:
    found = list(dict.fromkeys(refusals))
    if found:
        raise PolicyRefused(found)


def _earlier(one: Any, limit: Any) -> Any:
    """The earlier of two moments of one kind; None is none."""
    return limit if one is None or one > limit else one


def _allowed(table: Rules) -> tuple[str, ...]:
    return (*(table.channels or ()), *(table.indexes or ()))


def _address(table: Rules, key: str, url: str, what: str = "") -> Iterator[Refusal]:
    """Where something comes from, against the patterns of a key."""
    from ..model.channel import without_credentials

    patterns = table.channels if key == "channels" else table.indexes
    if patterns is None or any(covers(pattern, url) for pattern in patterns):
        return
    shown = without_credentials(url)
    reason = f"{what} comes from {shown}, which is not allowed" if what else f"{shown} is not allowed"
    listed = ", ".join(patterns) or "nothing"
    yield table.refusal(key, shown, reason, f"packages may come from {listed}")


def _admission(table: Rules, packages: Sequence[Package], whole: bool) -> Iterator[Refusal]:
    for package in packages:
        if isinstance(package, PypiRecord):
            if "://" in package.location:
                yield from _address(table, "indexes", package.location, str(package))
        else:
            yield from _address(table, "channels", package.url, f"{package.name} {package.version}")
            if table.exclude_newer is not None and package.timestamp is not None:
                yield from _too_new(table, package, package.timestamp)
        for spec in table.denied:
            if _is(package, spec, otherwise=True):
                shown = f"{package.name} {package.version or '(dynamic)'}"
                reason = f"{shown} is denied (`{spec}`)"
                yield table.refusal("denied", shown, reason, f"do without {package.name}, or with another version")
    for spec in table.required if whole else ():
        if not any(_is(package, spec, otherwise=False) for package in packages):
            hint = f'add it: `pixi add "{spec}"`'
            yield table.refusal("required", str(spec), f"every environment must have `{spec}`", hint)


def _too_new(table: Rules, package: RepoDataRecord, timestamp: int) -> Iterator[Refusal]:
    if table.exclude_newer is not None and timestamp > table.exclude_newer:
        shown = f"{package.name} {package.version}"
        made, limit = _moment(timestamp), _moment(table.exclude_newer)
        reason = f"{shown} was made {made}, after {limit}"
        yield table.refusal("exclude-newer", shown, reason, f"lock an older version: `pixi update {package.name}`")


def _is(package: Package, spec: MatchSpec, *, otherwise: bool) -> bool:
    """Whether a package is one of those that a spec names, of either kind; `otherwise` where its version tells
    nothing.
    """
    if not spec.matches_name(package.name) and not spec.matches_name(str(pypi_name(package.name))):
        return False
    try:
        if not isinstance(package, PypiRecord):
            return spec.replace(name=package.name).matches(package)
        if spec.channel is not None:
            return False
        if package.version is None and spec.version is not None:
            return otherwise
        return spec.version is None or spec.version.matches(package.version or "")
    except SpecError:
        return otherwise


def _moment(milliseconds: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="seconds")


def _told(table: Rules) -> dict[str, Any]:
    """A table as data: only what it says."""
    told: dict[str, Any] = {
        "channels": None if table.channels is None else list(table.channels),
        "indexes": None if table.indexes is None else list(table.indexes),
        "mirrors": {prefix: list(urls) for prefix, urls in table.mirrors.items()} or None,
        "exclude-newer": None if table.exclude_newer is None else _moment(table.exclude_newer),
        "maximum-size": table.maximum_size,
        "required": list(map(str, table.required)) or None,
        "denied": list(map(str, table.denied)) or None,
        "locked-only": table.locked_only or None,
    }
    return {key: value for key, value in told.items() if value is not None}

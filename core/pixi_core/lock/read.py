"""Read `pixi.lock`, versions 4 to 7, into one model.

The formats are described where pixi keeps them (version 7: flat list of records, everything derivable left out;
version 6: packages by subdir and interleaved; versions 4 and 5: `kind`, `url` and every field spelled out).
"""

from __future__ import annotations

import gc
import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path, PurePath
from typing import Any, Self

from ..errors import Issue, Location, LockFileError, SpecError
from ..model.channel import channel as parse_channel
from ..model.channel import file_url
from ..model.digest import Md5, Sha256
from ..model.package_index import default_index
from ..model.platform import SUBDIRS, Platform, Subdir, VirtualPackage
from ..model.record import (
    EXTENSIONS,
    Noarch,
    PypiRecord,
    RepoDataRecord,
    archive_stem,
    derive,
    derived_noarch,
    derived_number,
    milliseconds,
    words,
)
from ..names import pypi_name
from .legacy import explicit
from .model import CURRENT_VERSION, CondaSourceRecord, LockedEnvironment, LockedRecord, LockFile, LockOptions
from .narrow import Declined
from .narrow import parse as narrow_parse

_NULL = "tag:yaml.org,2002:null"
OLDEST_VERSION = 4
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_MD5 = re.compile(r"[0-9a-f]{32}\Z")
_CONFLICT = re.compile(r"^(?:<{7}|>{7}|={7})(?: |$)", re.MULTILINE)
_ALIAS = re.compile(r"p([0-9]{1,9})\Z")
_DEEPEST = 100
"""Levels of lists and mappings; lock files have eight."""
_STRATEGIES = {
    "highest": "highest", "lowest-version": "lowest", "lowest-version-direct": "lowest-direct",
    "lowest": "lowest", "lowest-direct": "lowest-direct",
}  # fmt: skip


class _Wrong(Exception):
    """Something in the document; `near` is a text that stands at the place (empty: it is about the whole)."""

    def __init__(self, message: str, near: str = "") -> None:
        super().__init__(message)
        self.near = near

    def inside(self, place: str) -> Self:
        """The same, near `place` where nothing better is known."""
        self.near = self.near or place
        return self


def read_lock(text: str, *, path: Path | str = "pixi.lock") -> LockFile:
    """The content of a lock file. Raises `LockFileError` with the line where it is known."""
    conflict = _CONFLICT.search(text) if "<<<<<<<" in text or ">>>>>>>" in text else None
    if conflict:
        raise _error("the lock file has unresolved merge conflicts", text, path, conflict.start(), hint=_CONFLICT_HINT)
    # nothing here is garbage before the end, and looking for some takes a third of the time
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        return _read(text, path)
    finally:
        if was_enabled:
            gc.enable()


def _read(text: str, path: Path | str) -> LockFile:
    try:
        document: Any = narrow_parse(text)
    except Declined:
        document = parse_yaml(text, path)
    try:
        return _lock_file(document)
    except _Wrong as wrong:
        raise _error(str(wrong), text, path, max(text.find(wrong.near), 0)) from None
    except SpecError as error:
        raise _error(error.message, text, path, max(text.find(error.source), 0)) from None


_CONFLICT_HINT = (
    "run `pixi lock --resolve-conflict`: what was locked on either side is kept where it still fits; "
    "`pixi diff pixi.lock` compares the sides"
)
_BROKEN_HINT = "restore the file from version control, or delete it and run `pixi lock`"


def _error(message: str, text: str, path: Path | str, offset: int, *, hint: str = _BROKEN_HINT) -> LockFileError:
    line = text.count("\n", 0, offset) + 1 if offset >= 0 else 0
    column = offset - (text.rfind("\n", 0, offset) + 1) + 1 if offset >= 0 else 0
    excerpt = text.split("\n", line)[line - 1][:200] if line else ""
    issue = Issue(message, Location(path, line, column if column <= 200 else 0), excerpt)
    return LockFileError(f"cannot read {path}", issues=[issue], hints=[hint])


def parse_yaml(text: str, path: Path | str) -> Any:
    """Every scalar as text (but for `null` without quotes), nothing constructed, no aliases. Raises `LockFileError`."""
    import yaml

    loader = _yaml_loader()
    depth = 0
    try:
        for event in yaml.parse(text, Loader=loader):
            if isinstance(event, yaml.events.AliasEvent):
                at = event.start_mark.index if event.start_mark is not None else -1
                raise _error("lock files have no aliases", text, path, at)
            depth += isinstance(event, yaml.events.CollectionStartEvent)
            depth -= isinstance(event, yaml.events.CollectionEndEvent)
            if depth > _DEEPEST:
                at = event.start_mark.index if event.start_mark is not None else 0
                raise _error("not valid YAML: nested too deeply", text, path, at)
        return yaml.load(text, Loader=loader)  # noqa: S506  # it constructs text, null, lists and mappings only
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = error.problem or error.context or "not YAML"
        raise _error(f"not valid YAML: {problem}", text, path, mark.index if mark else -1) from None
    except (yaml.YAMLError, ValueError) as error:
        message = str(error).partition("\n")[0]
        raise _error(f"not valid YAML: {message}", text, path, getattr(error, "position", None) or 0) from None


@cache
def _yaml_loader() -> Any:
    """PyYAML's base loader, which also knows what is null: a word without quotes."""
    import yaml

    base: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)

    class Loader(base):  # type: ignore[misc]  # in C where that is there
        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            found = super().construct_mapping(node, deep)
            return {"" if key is None else key: value for key, value in found.items()} if None in found else found

    Loader.add_implicit_resolver(_NULL, re.compile(r"(?:~|null|Null|NULL|)\Z"), ["~", "n", "N", ""])
    Loader.add_constructor(_NULL, lambda *_: None)
    return Loader


# ---------------------------------------------------------------- checked access


def _mapping(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _Wrong(f"{what} must be a mapping")
    return value


def _list(value: Any, what: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise _Wrong(f"{what} must be a list", value if isinstance(value, str) else "")
    return value


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise _Wrong(f"{what} must be a text")
    return value


def _features(value: Any) -> tuple[str, ...]:
    """A list, or a text with blanks or commas."""
    return words(value) if isinstance(value, str) else _texts(value, "`track_features`")


def _texts(value: Any, what: str) -> tuple[str, ...]:
    if value is None:
        return ()
    if type(value) is list and (not value or set(map(type, value)) == {str}):
        return tuple(value)
    raise _Wrong(f"{what} must be a list of texts")


def _optional(fields: Mapping[str, Any], key: str) -> str | None:
    value = fields.get(key)
    if value is None or type(value) is str:
        return value
    raise _Wrong(f"`{key}` must be a text")


def _integer(value: Any, what: str) -> int | None:
    if value is None:
        return None
    try:
        return int(value)
    except (TypeError, ValueError):
        raise _Wrong(f"`{what}` must be a number", str(value)) from None


# ---------------------------------------------------------------- the document


def _lock_file(document: Any) -> LockFile:
    if not isinstance(document, dict):
        raise _Wrong("a lock file is a mapping with `version`, `environments` and `packages`")
    version = _integer(document.get("version"), "version")
    if version is None:
        raise _Wrong("`version` is missing")
    if not OLDEST_VERSION <= version <= CURRENT_VERSION:
        advice = "a newer pixi wrote it" if version > CURRENT_VERSION else "delete it and run `pixi lock`"
        raise _Wrong(
            f"lock file version {version} is not supported ({OLDEST_VERSION} to {CURRENT_VERSION} are): {advice}",
            "version",
        )
    packages = [_mapping(entry, "an entry of `packages`") for entry in _list(document.get("packages"), "packages")]
    if version < 7:
        packages = [explicit(entry, version) for entry in packages]
    records = _records(packages)
    environments = _mapping(document.get("environments") or {}, "environments")
    platforms = _platforms(document, environments, version)
    used: set[int] = set()
    known = {platform.name for platform in platforms}
    locked: dict[str, LockedEnvironment] = {}
    for name, body in environments.items():
        try:
            environment = _environment(name, _mapping(body, name), records, known, used, version)
        except _Wrong as wrong:
            raise wrong.inside(f"{name}:") from None
        locked[_text(name, "an environment name")] = environment
    extra = tuple(record for found in records.values() for _, record in found if id(record) not in used)
    return LockFile(version=version, platforms=platforms, environments=locked, extra_packages=extra)


def _platforms(document: Mapping[str, Any], environments: Mapping[str, Any], version: int) -> tuple[Platform, ...]:
    if version < 7:
        names: dict[str, None] = {}
        for name, body in environments.items():
            names.update(dict.fromkeys(_mapping(_mapping(body, name).get("packages") or {}, "packages")))
        return tuple(Platform.bare(_subdir(name)) for name in names)
    found: list[Platform] = []
    for entry in _list(document.get("platforms"), "platforms"):
        fields = _mapping(entry, "an entry of `platforms`")
        name = _text(fields.get("name"), "the name of a platform")
        if any(platform.name == name for platform in found):
            raise _Wrong(f"the platform '{name}' stands there twice", f"name: {name}")
        virtual = _texts(fields.get("virtual-packages"), "virtual-packages")
        found.append(
            Platform(
                name,
                _subdir(_optional(fields, "subdir") or name),
                tuple(VirtualPackage.parse(package) for package in virtual),
            )
        )
    return tuple(sorted(found, key=_alias_order))


def _alias_order(platform: Platform) -> tuple[int, str]:
    """`p10` behind `p9`: the order in which the manifest declares them."""
    alias = _ALIAS.match(platform.name)
    return (int(alias[1]) if alias else 0, platform.name)


def _subdir(name: Any) -> Subdir:
    if name not in SUBDIRS:
        raise _Wrong(f"'{name}' is not a known platform", str(name))
    return Subdir(name)


Records = dict[tuple[str, str], list[tuple[Mapping[str, Any], LockedRecord]]]
"""By (kind, location) what the file says and the records; several where source packages of version 6 share a place."""
_DISAMBIGUATORS = ("name", "version", "build", "subdir")


def _records(packages: Iterable[Mapping[str, Any]]) -> Records:
    found: Records = {}
    for fields in packages:
        try:
            key, record = _record(fields)
        except (_Wrong, SpecError) as error:
            wrong = error if isinstance(error, _Wrong) else _Wrong(error.message)
            raise wrong.inside(next((v for v in fields.values() if isinstance(v, str)), "packages:")) from None
        known = found.get(key)
        if known is None:
            found[key] = [(fields, record)]
        else:
            _join(known, fields, record)
    return found


def _join(known: list[tuple[Mapping[str, Any], LockedRecord]], fields: Mapping[str, Any], record: LockedRecord) -> None:
    """Add a record to those of its place. Of two entries for one package the first counts, with the purls that only the
    second may know.
    """
    identity = _identity(fields)
    for position, (others, first) in enumerate(known):
        if _identity(others) == identity:
            if isinstance(first, RepoDataRecord) and isinstance(record, RepoDataRecord) and first.purls is None:
                known[position] = (others, first.replace(purls=record.purls))
            return
    known.append((fields, record))


def _identity(fields: Mapping[str, Any]) -> tuple[str | None, ...]:
    """What tells packages at one location apart: four fields, and the variants of a source package."""
    variants = _mapping(fields.get("variants") or {}, "`variants`")
    return (*(_optional(fields, name) for name in _DISAMBIGUATORS), str(sorted(variants.items())) if variants else None)


def _record(fields: Mapping[str, Any]) -> tuple[tuple[str, str], LockedRecord]:
    kind, location = _kind_and_location(fields)
    if kind == "conda_source":
        rest = {key: value for key, value in fields.items() if key != "conda_source"}
        return (kind, location), CondaSourceRecord(location, rest)
    if kind == "pypi":
        return (kind, location), _pypi_record(location, fields)
    if not location.endswith(EXTENSIONS) and archive_stem(location.partition("#")[0].partition("?")[0]) is None:
        rest = {key: value for key, value in fields.items() if key not in ("conda", "kind", "url")}
        return (kind, location), CondaSourceRecord(f"{_text(fields.get('name'), '`name`')} @ {location}", rest)
    return (kind, location), _conda_record(location, fields)


def _kind_and_location(fields: Mapping[str, Any]) -> tuple[str, str]:
    for kind in ("conda", "pypi", "conda_source"):
        if kind in fields:
            return kind, _text(fields[kind], f"`{kind}`")
    kind = _text(fields.get("kind"), "a package needs `conda`, `pypi` or `kind`, which")
    if kind not in ("conda", "pypi"):
        raise _Wrong(f"'{kind}' is not a kind of package", kind)
    return kind, _text(fields.get("url") or fields.get("path"), "`url` of a package")


def _conda_record(location: str, fields: Mapping[str, Any]) -> RepoDataRecord:
    get = fields.get
    said = derive(location)
    name, version, build = get("name", said.name), get("version", said.version), get("build", said.build)
    subdir = get("subdir", said.subdir)
    if not (type(name) is str and type(version) is str and type(build) is str and subdir is not None):
        raise _Wrong("the record lacks name, version, build or subdir, and its location does not say it", location)
    number = get("build_number")
    sha256, md5 = get("sha256"), get("md5")
    if sha256 is not None and not _SHA256.match(_text(sha256, "`sha256`")):
        raise _Wrong(f"'{sha256}' is not a SHA-256 digest", sha256)
    if md5 is not None and not _MD5.match(_text(md5, "`md5`")):
        raise _Wrong(f"'{md5}' is not an MD5 digest", md5)
    timestamp, purls, exports, extra = get("timestamp"), get("purls"), get("run_exports"), get("extra_depends")
    return RepoDataRecord(
        name=name,
        version=version,
        build=build,
        build_number=derived_number(build) if number is None else _integer(number, "build_number") or 0,
        subdir=_subdir(subdir),
        file_name=_optional(fields, "file_name") or said.file_name,
        url=_url_of(location),
        channel=_channel(fields, said.channel),
        noarch=_noarch(get("noarch", derived_noarch(said.subdir or subdir, said.build or build))),
        depends=_texts(get("depends"), "`depends`"),
        constrains=_texts(get("constrains"), "`constrains`"),
        extra_depends=_groups(extra, "extra_depends") if extra else {},
        md5=Md5(md5) if md5 is not None else None,
        sha256=Sha256(sha256) if sha256 is not None else None,
        size=_integer(get("size"), "size"),
        legacy_bz2_md5=get("legacy_bz2_md5"),
        legacy_bz2_size=_integer(get("legacy_bz2_size"), "legacy_bz2_size"),
        license=_optional(fields, "license"),
        license_family=_optional(fields, "license_family"),
        timestamp=None if timestamp is None else milliseconds(_integer(timestamp, "timestamp") or 0),
        track_features=_features(get("track_features")),
        features=_optional(fields, "features"),
        flags=tuple(sorted(_texts(get("flags"), "`flags`"))),
        purls=None if purls is None else tuple(sorted(_texts(purls, "`purls`"))),
        run_exports=None if exports is None else _groups(exports, "run_exports"),
        python_site_packages_path=_optional(fields, "python_site_packages_path"),
    )


def _url_of(location: str) -> str:
    """An absolute path is a package in a folder on this machine."""
    is_path = location.startswith("/") or (location[1:3] in (":\\", ":/") and location[0].isalpha())
    return file_url(PurePath(location)) if is_path else location


def _noarch(value: Any) -> Noarch | None:
    if value in (None, "false"):
        return None
    if value == "python":
        return "python"
    if value in ("generic", "true"):
        return "generic"
    raise _Wrong(f"'{value}' is not a kind of noarch package", str(value))


def _channel(fields: Mapping[str, Any], derived: str | None) -> str | None:
    if "channel" not in fields:
        return derived
    written = _optional(fields, "channel")
    if written is None:
        return None
    return written.rstrip("/") + "/" if "://" in written else parse_channel(written).url


def _groups(value: Any, what: str) -> dict[str, tuple[str, ...]]:
    return {key: _texts(items, f"`{what}.{key}`") for key, items in _mapping(value, f"`{what}`").items()}


def _pypi_record(location: str, fields: Mapping[str, Any]) -> PypiRecord:
    sha256, md5 = _optional(fields, "sha256"), _optional(fields, "md5")
    if sha256 is not None and not _SHA256.match(sha256):
        raise _Wrong(f"'{sha256}' is not a SHA-256 digest", sha256)
    index = _optional(fields, "index")
    if index is None and location.startswith(("http://", "https://")):
        index = default_index()
    return PypiRecord(
        name=pypi_name(_text(fields.get("name"), f"`name` of {location}")),
        version=_optional(fields, "version"),
        location=location,
        sha256=Sha256(sha256) if sha256 else None,
        md5=Md5(md5) if md5 else None,
        index=index,
        requires_dist=_texts(fields.get("requires_dist"), "`requires_dist`"),
        requires_python=_optional(fields, "requires_python"),
    )


# ---------------------------------------------------------------- environments


def _environment(
    name: str, body: Mapping[str, Any], records: Records, platforms: set[str], used: set[int], version: int
) -> LockedEnvironment:
    packages: dict[str, tuple[LockedRecord, ...]] = {}
    for platform, selectors in _mapping(body.get("packages") or {}, f"`packages` of '{name}'").items():
        if platform not in platforms:
            raise _Wrong(f"the environment '{name}' has packages for the undeclared platform '{platform}'", platform)
        chosen = [_selected(_mapping(one, "a selector"), records, name) for one in _list(selectors, "packages")]
        used.update(id(record) for record in chosen)
        packages[platform] = tuple(chosen)
    channels = tuple(_channel_url(entry) for entry in _list(body.get("channels"), "channels"))
    return LockedEnvironment(
        channels=channels,
        indexes=_texts(body.get("indexes"), "`indexes`"),
        find_links=tuple(
            (kind, _text(value, "find-links"))
            for entry in _list(body.get("find-links"), "find-links")
            for kind, value in _mapping(entry, "an entry of `find-links`").items()
        ),
        options=_options(_mapping(body.get("options") or {}, "`options`"), version),
        packages=packages,
    )


def _channel_url(entry: Any) -> str:
    url = entry if isinstance(entry, str) else _text(_mapping(entry, "a channel").get("url"), "`url` of a channel")
    if url.rstrip("/").endswith(":"):
        raise _Wrong(f"'{url}' is not the URL of a channel", url)
    return url.rstrip("/") + "/" if "://" in url else parse_channel(url).url


def _options(fields: Mapping[str, Any], version: int) -> LockOptions:
    strategy = _optional(fields, "strategy") or "highest"
    if strategy not in _STRATEGIES:
        raise _Wrong(f"'{strategy}' is not a solve strategy", strategy)
    return LockOptions(
        strategy=_STRATEGIES[strategy],
        channel_priority=_optional(fields, "channel-priority") or "strict",
        prerelease_mode=_optional(fields, "pypi-prerelease-mode") or None,
        exclude_newer=_optional(fields, "exclude-newer") if version < 7 else None,
    )


def _selected(entry: Mapping[str, Any], records: Records, environment: str) -> LockedRecord:
    kind, location = _kind_and_location(entry)
    candidates = records.get((kind, location))
    if not candidates:
        raise _Wrong(f"the environment '{environment}' names a package that is not in the file: {location}", location)
    if len(candidates) == 1:
        return candidates[0][1]
    wanted = _identity(entry)
    for fields, record in candidates:
        if all(one is None or one == have for one, have in zip(wanted, _identity(fields), strict=True)):
            return record
    raise _Wrong(f"the environment '{environment}' names a package that is not in the file: {location}", location)

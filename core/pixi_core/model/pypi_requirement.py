"""A PyPI dependency as a manifest states it: what, from where, with which extras, on which targets.

Forms and keys are those of pixi's `[pypi-dependencies]`; a PEP 508 string is the other spelling of the same value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, parse_qsl, urlsplit, urlunsplit

from ..errors import SpecError
from ..names import PypiName, pypi_name
from ..suggest import did_you_mean
from ..value import Value
from .channel import path_of_file_url
from .package_index import normalised_index_url
from .pep508 import Marker, Requirement, normalised_specifier, parse, parse_marker


class IndexSource(Value):
    """From an index: the configured ones, or only `index` where it is given."""

    index: str | None = None


class UrlSource(Value):
    """A wheel or sdist at a URL. `sha256` comes from the URL's fragment."""

    url: str
    subdirectory: str | None = None
    sha256: str | None = None


class GitSource(Value):
    """A git repository; at most one of `rev`, `branch`, `tag`. `url` has no `git+` before it and no credentials taken
    out (they are needed to fetch; `net.auth` hides them when shown).
    """

    url: str
    rev: str | None = None
    branch: str | None = None
    tag: str | None = None
    subdirectory: str | None = None
    lfs: bool = False

    def content(self, commit: str) -> str:
        """The name of the files of a commit: with its large files they are others."""
        return f"{commit}-lfs" if self.lfs else commit


class PathSource(Value):
    """A wheel, an sdist or a source folder on disk; relative paths are relative to the manifest's folder."""

    path: str
    editable: bool = False
    subdirectory: str | None = None


Source = IndexSource | UrlSource | GitSource | PathSource


class PypiRequirement(Value):
    """One requirement. `specifier` is PEP 440 text, empty for any version; `written` is the name as spelled."""

    name: PypiName
    specifier: str = ""
    extras: tuple[str, ...] = ()
    marker: Marker | None = None
    source: Source = IndexSource()
    written: str = ""

    @property
    def index(self) -> str | None:
        """The one index this package must come from."""
        return self.source.index if isinstance(self.source, IndexSource) else None

    @property
    def is_registry(self) -> bool:
        """Whether an index is asked, as opposed to a URL, a repository or a path."""
        return isinstance(self.source, IndexSource)

    @property
    def editable(self) -> bool:
        """Whether a source folder is to be installed in place."""
        return isinstance(self.source, PathSource) and self.source.editable

    def __str__(self) -> str:
        """As a PEP 508 string; paths as `name @ ./path`."""
        extras = f"[{','.join(self.extras)}]" if self.extras else ""
        marker = f" ; {self.marker}" if self.marker is not None else ""
        where = source_location(self.source)
        return f"{self.written or self.name}{extras}{f' @ {where}' if where else self.specifier}{marker}"

    def to_manifest(self) -> str | dict[str, Any]:
        """The value to write after `name =`: a string where only a version is asked for, else a table."""
        table: dict[str, Any] = {}
        source = self.source
        if isinstance(source, IndexSource):
            table["version"] = self.specifier or "*"
            if source.index is not None:
                table["index"] = source.index
        elif isinstance(source, UrlSource):
            table["url"] = source.url + (f"#sha256={source.sha256}" if source.sha256 else "")
        elif isinstance(source, GitSource):
            table["git"] = source.url
            table.update({key: getattr(source, key) for key in ("rev", "branch", "tag") if getattr(source, key)})
            if source.lfs:
                table["lfs"] = True
        else:
            table["path"] = source.path
            if source.editable:
                table["editable"] = True
        subdirectory = getattr(source, "subdirectory", None)
        if subdirectory:
            table["subdirectory"] = subdirectory
        if self.extras:
            table["extras"] = list(self.extras)
        if self.marker is not None:
            table["env-markers"] = str(self.marker)
        return table["version"] if list(table) == ["version"] else table


def source_location(source: Source) -> str | None:
    """What stands after `@` in a PEP 508 string; None for packages of an index."""
    if isinstance(source, IndexSource):
        return None
    if isinstance(source, PathSource):
        return source.path
    if isinstance(source, UrlSource):
        fragments = [
            f"{key}={value}"
            for key, value in (("sha256", source.sha256), ("subdirectory", source.subdirectory))
            if value
        ]
        return source.url + (f"#{'&'.join(fragments)}" if fragments else "")
    reference = source.rev or source.tag or source.branch
    return (
        f"git+{source.url}"
        + (f"@{reference}" if reference else "")
        + (f"#subdirectory={source.subdirectory}" if source.subdirectory else "")
    )


# ---------------------------------------------------------------- from PEP 508

_COMMIT = re.compile(r"[0-9a-f]{7,64}\Z")


def parse_requirement(text: str) -> PypiRequirement:
    """A requirement from a PEP 508 string (as in `pixi add --pypi` or `project.dependencies`). Raises `SpecError`."""
    return from_pep508(parse(text))


def from_pep508(requirement: Requirement) -> PypiRequirement:
    """A requirement from a parsed dependency specifier. Raises `SpecError` for a direct reference of unknown kind."""
    source: Source = IndexSource()
    if requirement.url is not None:
        source = parse_source(requirement.url)
    return PypiRequirement(
        requirement.name, requirement.specifier, requirement.extras, requirement.marker, source, requirement.written
    )


def parse_source(location: str) -> Source:
    """What a direct reference means: `git+…`, `https://…`, `file://…` or a path. Raises `SpecError`."""
    if location.startswith("git+"):
        return _git(location)
    if "://" not in location:
        return PathSource(location.removeprefix("file:").partition("#")[0])
    parts = _split(location)
    fragment = dict(parse_qsl(parts.fragment))
    bare = urlunsplit((parts.scheme, parts.netloc, parts.path, parts.query, ""))
    if parts.scheme == "file":
        return PathSource(path_of_file_url(bare), subdirectory=fragment.get("subdirectory"))
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise SpecError(
            f"'{location}' is not a reference to a package",
            source=location,
            hints=["use an https:// or file:// URL, or git+https://… for a repository"],
        )
    return UrlSource(bare, fragment.get("subdirectory"), fragment.get("sha256"))


def _split(location: str) -> SplitResult:
    """The parts of a URL. Raises `SpecError`."""
    try:
        return urlsplit(location)
    except ValueError as error:
        raise SpecError(f"'{location}' is not a URL: {error}", source=location) from None


def _git(location: str) -> GitSource:
    """`git+https://host/path@reference#subdirectory=…`; a reference that looks like a commit is one."""
    parts = _split(location.removeprefix("git+"))
    if not parts.scheme or not (parts.netloc or parts.scheme == "file"):
        raise SpecError(
            f"'{location}' names no repository",
            source=location,
            hints=["write git+https://host/owner/name, or git+ssh://git@host/owner/name"],
        )
    path, at, reference = parts.path.rpartition("@")
    if not at:
        path, reference = parts.path, ""
    url = urlunsplit((parts.scheme, parts.netloc, path, parts.query, ""))
    return GitSource(url, rev=reference or None, subdirectory=dict(parse_qsl(parts.fragment)).get("subdirectory"))


# ---------------------------------------------------------------- from manifest tables

_KEYS = frozenset(
    [
        "version",
        "extras",
        "env-markers",
        "index",
        "git",
        "rev",
        "branch",
        "tag",
        "subdirectory",
        "lfs",
        "path",
        "editable",
        "url",
    ]
)
_KINDS = {
    "git": frozenset(["git", "rev", "branch", "tag", "subdirectory", "lfs"]),
    "path": frozenset(["path", "editable", "subdirectory"]),
    "url": frozenset(["url", "subdirectory"]),
    "version": frozenset(["version", "index"]),
}


def from_table(name: str, value: object) -> PypiRequirement:
    """A requirement from `name = value` in `[pypi-dependencies]`. Raises `SpecError` saying which key is wrong."""
    if isinstance(value, str):
        return PypiRequirement(pypi_name(name), _version(value), written=name)
    if not isinstance(value, Mapping):
        raise SpecError(f"`{name}` must be a version or a table, not {type(value).__name__}")
    table = {str(key): item for key, item in value.items()}
    _check_keys(name, table)
    kind = next((kind for kind in ("git", "path", "url") if kind in table), "version")
    extras = _texts(name, table, "extras")
    marker = _text(name, table, "env-markers")
    return PypiRequirement(
        pypi_name(name),
        _version(_text(name, table, "version") or "*"),
        tuple(sorted({str(pypi_name(extra)) for extra in extras})),
        parse_marker(marker) if marker else None,
        _source_of(name, kind, table),
        name,
    )


def _check_keys(name: str, table: Mapping[str, object]) -> None:
    for key in table:
        if key not in _KEYS:
            hints = [did_you_mean(key, _KEYS, f"known keys: {', '.join(sorted(_KEYS))}")]
            raise SpecError(f"`{name}` has an unknown key `{key}`", source=key, hints=hints)
    kinds = [kind for kind in _KINDS if kind in table]
    if len(kinds) > 1:
        raise SpecError(f"`{name}` has both `{kinds[0]}` and `{kinds[1]}`", hints=["keep one of them"])
    allowed = _KINDS[kinds[0] if kinds else "version"] | {"extras", "env-markers"}
    for key in table:
        if key not in allowed:
            raise SpecError(f"`{name}`: `{key}` goes with {_partner(key)}, which is not there", source=key)
    references = [key for key in ("rev", "branch", "tag") if key in table]
    if len(references) > 1:
        raise SpecError(f"`{name}` has both `{references[0]}` and `{references[1]}`", hints=["keep one of them"])


def _partner(key: str) -> str:
    return " or ".join(f"`{kind}`" for kind, keys in _KINDS.items() if key in keys)


def _source_of(name: str, kind: str, table: Mapping[str, object]) -> Source:
    subdirectory = _text(name, table, "subdirectory")
    if kind == "git":
        url = _text(name, table, "git") or ""
        return GitSource(
            url.removeprefix("git+"),
            _text(name, table, "rev"),
            _text(name, table, "branch"),
            _text(name, table, "tag"),
            subdirectory,
            _flag(name, table, "lfs"),
        )
    if kind == "path":
        return PathSource(_text(name, table, "path") or ".", _flag(name, table, "editable"), subdirectory)
    if kind == "url":
        source = parse_source(_text(name, table, "url") or "")
        if isinstance(source, UrlSource) and subdirectory:
            return source.replace(subdirectory=subdirectory)
        return source
    index = _text(name, table, "index")
    return IndexSource(normalised_index_url(index) if index else None)


def _version(text: str) -> str:
    """A PEP 440 specifier; pixi's `*` and an empty text mean any version."""
    return "" if text.strip() in ("", "*") else normalised_specifier(text)


def _text(name: str, table: Mapping[str, object], key: str) -> str | None:
    value = table.get(key)
    if value is None or isinstance(value, str):
        return value
    raise SpecError(f"`{name}`: `{key}` must be a string, not {type(value).__name__}", source=key)


def _flag(name: str, table: Mapping[str, object], key: str) -> bool:
    value = table.get(key, False)
    if isinstance(value, bool):
        return value
    raise SpecError(f"`{name}`: `{key}` must be true or false, not {type(value).__name__}", source=key)


def _texts(name: str, table: Mapping[str, object], key: str) -> list[str]:
    value = table.get(key, [])
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return [str(item) for item in value]
    raise SpecError(f"`{name}`: `{key}` must be a list of strings", source=key)

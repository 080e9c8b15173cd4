"""Match specs as the dependency tables of manifests write them."""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import SpecError
from ..suggest import did_you_mean
from .digest import md5, sha256
from .match_spec import AllOf, AnyOf, BuildNumberSpec, Condition, HasPackage, MatchSpec, TableValue
from .match_spec_text import _with_key, archive_spec, build_matcher, checked_name, parse, parse_condition, split_subdir
from .version_spec import AnyVersion, parse_version_spec

TABLE_KEYS = (
    "version",
    "build",
    "build-number",
    "file-name",
    "channel",
    "subdir",
    "extras",
    "flags",
    "license",
    "license-family",
    "track-features",
    "when",
    "md5",
    "sha256",
    "url",
    "path",
)
"""What a table of a binary dependency may contain."""


def from_table(name: str, value: TableValue) -> MatchSpec:
    """A dependency from its name and its value: a version spec, or a table with `TABLE_KEYS`. `path` and `url` must
    name a package archive. Raises `SpecError`.
    """
    spec = MatchSpec(name=checked_name(name))
    if isinstance(value, str):
        return spec.replace(version=parse_version_spec(value))
    if not isinstance(value, Mapping):
        raise SpecError(f"'{name}' must be a version spec or a table")
    for key, item in value.items():
        spec = _with_item(spec, key.replace("_", "-"), item)
    return spec


def _with_item(spec: MatchSpec, key: str, item: object) -> MatchSpec:
    if key not in TABLE_KEYS:
        raise SpecError(
            f"'{key}' is not a key of a dependency",
            source=key,
            hints=[did_you_mean(key, TABLE_KEYS, f"known keys: {', '.join(TABLE_KEYS)}")],
        )
    if key in ("extras", "flags", "track-features"):
        items = (item,) if isinstance(item, str) else item
        if not isinstance(items, (list, tuple)) or not all(isinstance(one, str) for one in items):
            raise SpecError(f"'{key}' must be a list of strings", source=key)
        names = tuple(str(one) for one in items)
        if key == "extras":
            return spec.replace(extras=names)
        return spec.replace(flags=names) if key == "flags" else spec.replace(track_features=names)
    if key == "when":
        return spec.replace(when=condition_from_table(item))
    if key == "build-number" and isinstance(item, int) and not isinstance(item, bool):
        return spec.replace(build_number=BuildNumberSpec("==", item))
    if not isinstance(item, str):
        raise SpecError(f"'{key}' must be a string", source=key)
    return _with_text(spec, key, item)


def _with_text(spec: MatchSpec, key: str, item: str) -> MatchSpec:
    match key:
        case "channel":
            channel, subdir = split_subdir(item)
            return spec.replace(channel=channel, subdir=subdir or spec.subdir)
        case "build":
            return spec.replace(build=build_matcher(item))
        case "md5":
            return spec.replace(md5=md5(item))
        case "sha256":
            return spec.replace(sha256=sha256(item))
        case "path":
            archive = archive_spec(item if "/" in item or "\\" in item else "./" + item)
            if archive is None:
                raise SpecError(
                    f"'{item}' is not a package archive", source=item, hints=["archives end in .conda or .tar.bz2"]
                )
            return spec.replace(url=archive.url)
    return _with_key(spec, key.replace("-", "_"), item)


def condition_from_table(item: object) -> Condition:
    """A `when`: a condition text, `{package, version, …}`, `{all = […]}` or `{any = […]}`. Raises `SpecError`."""
    if isinstance(item, str):
        return parse_condition(item)
    if not isinstance(item, Mapping):
        raise SpecError("`when` must be a string or a table", source=str(item))
    for key, kind in (("all", AllOf), ("any", AnyOf)):
        if key in item:
            parts = item[key]
            if not isinstance(parts, (list, tuple)) or not parts or len(item) > 1:
                raise SpecError(f"`{key}` must be a list with at least one condition, and alone in its table")
            conditions = tuple(condition_from_table(part) for part in parts)
            return conditions[0] if len(conditions) == 1 else kind(conditions)
    package = item.get("package")
    if not isinstance(package, str):
        raise SpecError("`when` needs `package`, `all` or `any`", source=str(dict(item)))
    rest = {key: value for key, value in item.items() if key != "package"}
    return HasPackage(from_table(package, rest) if rest else parse(package))


def to_table(spec: MatchSpec) -> str | dict[str, object]:
    """The inverse of `from_table`, for edits."""
    table: dict[str, object] = {}
    if spec.version is not None and not isinstance(spec.version, AnyVersion):
        table["version"] = str(spec.version)
    texts = {
        "build": spec.build,
        "build-number": spec.build_number,
        "file-name": spec.file_name,
        "channel": spec.channel,
        "subdir": spec.subdir,
        "license": spec.license,
        "license-family": spec.license_family,
        "md5": spec.md5,
        "sha256": spec.sha256,
        "when": spec.when,
    }
    table.update({key: str(text) for key, text in texts.items() if text is not None})
    lists = {"extras": spec.extras, "flags": spec.flags, "track-features": spec.track_features}
    table.update({key: list(items) for key, items in lists.items() if items})
    if spec.url is not None:
        table["url" if "://" in spec.url else "path"] = spec.url
    if not table:
        return "*"
    if spec.url is None and "version" not in table:
        table = {"version": "*", **table}
    return str(table["version"]) if list(table) == ["version"] else table

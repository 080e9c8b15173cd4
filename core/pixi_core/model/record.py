"""Package records: what an index and a lock file say about one conda package, and one PyPI distribution.

Field names and JSON keys are those of the conda repodata schema and of `conda-meta/*.json` as conda, mamba and
rattler write them; the derivation rules (what a file name and a URL already say) are those of `pixi.lock` v7.
"""

from __future__ import annotations

from ..errors import SpecError
from ..value import EMPTY, Value
from .platform import NOARCH, SUBDIRS, Subdir, architecture, operating_system

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Literal

    from .digest import Md5, Sha256

    Noarch = Literal["python", "generic"]
    RunExports = Mapping[str, tuple[str, ...]]
else:
    Noarch = RunExports = object  # for modules that import them by name

_LATEST_SECOND = 253402300799
"""Of the year 9999; a greater timestamp is in milliseconds."""
EXTENSIONS = (".conda", ".tar.bz2")


class RepoDataRecord(Value, kw_only=True):
    """One conda package as its index describes it.

    `timestamp` is milliseconds since 1970; `purls` is None where nothing is known and empty where the
    package is known not to be on PyPI; `run_exports` likewise; `url` is where the archive is, without credentials;
    `channel` is the channel's base URL (trailing `/`) or None for a bare URL or path.
    """

    name: str
    version: str
    build: str
    build_number: int
    subdir: Subdir
    file_name: str
    url: str
    channel: str | None = None
    noarch: Noarch | None = None
    depends: tuple[str, ...] = ()
    constrains: tuple[str, ...] = ()
    extra_depends: Mapping[str, tuple[str, ...]] = EMPTY
    md5: Md5 | None = None
    sha256: Sha256 | None = None
    size: int | None = None
    legacy_bz2_md5: Md5 | None = None
    legacy_bz2_size: int | None = None
    license: str | None = None
    license_family: str | None = None
    timestamp: int | None = None
    track_features: tuple[str, ...] = ()
    features: str | None = None
    flags: tuple[str, ...] = ()
    purls: tuple[str, ...] | None = None
    run_exports: RunExports | None = None
    python_site_packages_path: str | None = None

    @property
    def dist_name(self) -> str:
        """`name-version-build`, the stem of the archive and of the `conda-meta` record."""
        return f"{self.name}-{self.version}-{self.build}"

    @property
    def identity(self) -> tuple[str, str, str, str]:
        """What makes two records the same package: name, version, build, subdir."""
        return (self.name, self.version, self.build, self.subdir)

    def __str__(self) -> str:
        return f"{self.name} {self.version} {self.build}"


def record_from_repodata(
    entry: Mapping[str, Any], *, file_name: str, url: str, channel: str | None, subdir: Subdir
) -> RepoDataRecord:
    """A record from one entry of `repodata.json` or of a shard (digests as hex, whoever read bytes converts them).

    Raises `SpecError` when a required key (`name`, `version`, `build`) is missing.
    """
    try:
        name, version, build = str(entry["name"]), str(entry["version"]), str(entry["build"])
    except KeyError as error:
        raise SpecError(f"the index entry of {file_name} has no {error}", source=file_name) from None
    noarch = _noarch(entry.get("noarch"), str(entry.get("subdir") or subdir))
    timestamp = entry.get("timestamp")
    exports = entry.get("run_exports")
    purls = entry.get("purls")
    return RepoDataRecord(
        name=name.lower(),
        version=version,
        build=build,
        build_number=int(entry.get("build_number") or 0),
        subdir=Subdir(str(entry.get("subdir") or subdir)),
        file_name=file_name,
        url=url,
        channel=channel,
        noarch=noarch,
        depends=tuple(entry.get("depends") or ()),
        constrains=tuple(entry.get("constrains") or ()),
        extra_depends={k: tuple(v) for k, v in (entry.get("extra_depends") or {}).items()},
        md5=entry.get("md5"),
        sha256=entry.get("sha256"),
        size=entry.get("size"),
        legacy_bz2_md5=entry.get("legacy_bz2_md5"),
        legacy_bz2_size=entry.get("legacy_bz2_size"),
        license=entry.get("license"),
        license_family=entry.get("license_family"),
        timestamp=None if timestamp is None else milliseconds(timestamp),
        track_features=words(entry.get("track_features")),
        features=entry.get("features") or None,
        flags=tuple(entry.get("flags") or ()),
        purls=None if purls is None else tuple(sorted(purls)),
        run_exports=None if exports is None else {k: tuple(v) for k, v in exports.items()},
        python_site_packages_path=entry.get("python_site_packages_path"),
    )


def _noarch(value: object, subdir: str) -> Noarch | None:
    """Very old packages say `true`; packages of the noarch subdir are generic unless they say otherwise."""
    if value == "python":
        return "python"
    return "generic" if value in ("generic", True) or (value is None and subdir == "noarch") else None


def record_to_repodata(record: RepoDataRecord) -> dict[str, Any]:
    """The record as a `repodata.json` entry (empty fields left out, `depends` and `constrains` always there)."""
    system = operating_system(record.subdir)
    entry: dict[str, Any] = {
        "name": record.name,
        "version": record.version,
        "build": record.build,
        "build_number": record.build_number,
        "subdir": record.subdir,
        "arch": architecture(record.subdir),
        "platform": None if system == "noarch" else system,
        "depends": list(record.depends),
        "constrains": list(record.constrains),
    }
    optional: dict[str, Any] = {
        "noarch": record.noarch,
        "extra_depends": {k: list(v) for k, v in record.extra_depends.items()},
        "md5": record.md5,
        "sha256": record.sha256,
        "size": record.size,
        "legacy_bz2_md5": record.legacy_bz2_md5,
        "legacy_bz2_size": record.legacy_bz2_size,
        "license": record.license,
        "license_family": record.license_family,
        "timestamp": record.timestamp,
        "track_features": " ".join(record.track_features),
        "features": record.features,
        "flags": list(record.flags),
        "python_site_packages_path": record.python_site_packages_path,
    }
    entry.update((key, value) for key, value in optional.items() if value not in (None, "", [], {}))
    if record.purls is not None:
        entry["purls"] = list(record.purls)
    if record.run_exports is not None:
        entry["run_exports"] = {k: list(v) for k, v in record.run_exports.items()}
    return entry


def milliseconds(timestamp: float) -> int:
    """A repodata or lock timestamp in ms: values up to the year 9999 in seconds are seconds."""
    value = int(timestamp)
    return value * 1000 if value <= _LATEST_SECOND else value


def written_timestamp(value: int) -> int:
    """Milliseconds as a file says them: what would be read as seconds (before 1978) is written in seconds."""
    return value // 1000 if value <= _LATEST_SECOND else value


def words(value: str | Sequence[str] | None) -> tuple[str, ...]:
    """`track_features` is a list, or a string with blanks or commas."""
    if not value:
        return ()
    if isinstance(value, str):
        return tuple(value.replace(",", " ").split())
    return tuple(value)


# ---------------------------------------------------------------- what a location already says


class Derived(Value):
    """What the location of a conda archive says by itself; None where it says nothing."""

    file_name: str
    name: str | None
    version: str | None
    build: str | None
    subdir: Subdir | None
    channel: str | None


def archive_stem(file_name: str) -> str | None:
    """The file name without `.conda` or `.tar.bz2`; None for anything else."""
    for extension in EXTENSIONS:
        if file_name.endswith(extension):
            return file_name[: -len(extension)]
    return None


def split_stem(stem: str) -> tuple[str, str, str] | None:
    """`name-version-build`, split from the right; None when there are fewer than three parts."""
    parts = stem.rsplit("-", 2)
    return (parts[0], parts[1], parts[2]) if len(parts) == 3 and all(parts) else None


def derive(location: str) -> Derived:
    """The derivation rules of `pixi.lock`: name, version and build from the file name; subdir and channel from the last
    URL segments (`http`, `https`, `file` only).
    """
    path = location.split("?", 1)[0].split("#", 1)[0]
    last = path.rstrip("/").rpartition("/")[2].rpartition("\\")[2]
    file_name = _decoded(last) if "://" in location else last
    stem = archive_stem(file_name)
    parts = split_stem(stem) if stem else None
    found_subdir: Subdir | None = None
    base: str | None = None
    if location.startswith(("http://", "https://", "file://")) and stem is not None:
        head = path.rpartition("/")[0]
        base_part, _, segment = head.rpartition("/")
        if segment in SUBDIRS:
            found_subdir = Subdir(segment)
            base = base_part + "/"
    if parts is None:
        return Derived(file_name, None, None, None, found_subdir, base)
    name, version, build = parts
    return Derived(file_name, name, version, build, found_subdir, base)


def _decoded(text: str) -> str:
    """Without percent-encoding, which is rare."""
    if "%" not in text:
        return text
    from urllib.parse import unquote

    return unquote(text)


def derived_number(build: str) -> int:
    """The build number that a build string ends with; 0 where it ends with none."""
    digits = len(build) - len(build.rstrip("0123456789"))
    return int(build[-digits:]) if 0 < digits <= 40 else 0


def derived_noarch(subdir: str | None, build: str) -> Noarch | None:
    """What kind of noarch package a record is that does not say so itself."""
    if subdir != NOARCH:
        return None
    return "python" if "py" in build else "generic"


# ---------------------------------------------------------------- PyPI


class PypiRecord(Value, kw_only=True):
    """One PyPI distribution as a lock file describes it.

    `location` is verbatim: a registry URL, `direct+https://…`, `git+https://…#sha`, or a path. `version` is None for
    source trees with dynamic metadata. `index` is the index URL it came from. `requires_dist` are PEP 508 strings.
    `size` in bytes and `upload_time` (ISO 8601) help to show and to filter; `stamp` says in which state a source folder
    is (or was when it was installed). Lock files carry none of the three.
    """

    name: str
    version: str | None
    location: str
    sha256: Sha256 | None = None
    md5: Md5 | None = None
    index: str | None = None
    requires_dist: tuple[str, ...] = ()
    requires_python: str | None = None
    size: int | None = None
    upload_time: str | None = None
    stamp: str | None = None

    @property
    def file_name(self) -> str:
        """The last segment of the location, decoded."""
        return _decoded(self.location.split("#", 1)[0].split("?", 1)[0].rstrip("/").rpartition("/")[2])

    @property
    def is_wheel(self) -> bool:
        """Whether the location is a wheel file."""
        return self.file_name.endswith(".whl")

    @property
    def is_registry(self) -> bool:
        """Whether the file came from an index (as opposed to a direct URL, git or a path)."""
        return self.location.startswith(("http://", "https://")) and not self.location.startswith("git+")

    def __str__(self) -> str:
        return f"{self.name} {self.version or '(dynamic)'}"

"""conda-lock's own lock file (`conda-lock.yml`, version 1): read as a lock file with one environment, and written.

The file is a list of packages, each for one subdir (`manager` is `conda` or `pip`), and metadata: the channels, the
subdirs, a hash of the requirements a subdir and the files they stand in. A conda package has no build of its own, only
a URL that says it; `dependencies` are pairs of name and constraint.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import LockFileError, SpecError
from ..model.channel import channel as parse_channel
from ..model.digest import Md5, Sha256
from ..model.platform import Platform, subdir
from ..model.record import PypiRecord, RepoDataRecord, derive, derived_noarch, derived_number
from ..names import DEFAULT_ENVIRONMENT, pypi_name
from .model import LockedEnvironment, LockedRecord, LockFile
from .read import parse_yaml

VERSION = 1


def read_conda_lock(text: str, *, path: Path | str = "conda-lock.yml") -> LockFile:
    """The packages of a `conda-lock.yml`, in the environment `default`. Raises `LockFileError`."""
    document = parse_yaml(text, path)
    try:
        return _read(document)
    except (SpecError, _Wrong) as error:
        message = error.message if isinstance(error, SpecError) else str(error)
        raise LockFileError(
            f"{path} cannot be read: {message}", hints=["conda-lock's own file is wanted, of its version 1"]
        ) from None


class _Wrong(Exception):
    """Something in the document."""


def _read(document: Any) -> LockFile:
    metadata = _mapping(_mapping(document, "the file").get("metadata"), "`metadata`")
    if document.get("version", str(VERSION)) != str(VERSION):
        raise _Wrong(f"its version is {document.get('version')}, known is {VERSION}")
    names = [subdir(_text(name, "a platform")) for name in _list(metadata.get("platforms"), "`platforms`")]
    packages: dict[str, list[LockedRecord]] = {str(name): [] for name in names}
    for number, each in enumerate(_list(document.get("package"), "`package`"), 1):
        entry = _mapping(each, f"package {number}")
        name = _text(entry.get("name"), f"`name` of package {number}")
        place = _text(entry.get("platform"), f"`platform` of {name}")
        if place not in packages:
            raise _Wrong(f"{name} is for {place}, which is not among the platforms")
        packages[place].append(_conda(entry, name) if entry.get("manager") == "conda" else _pypi(entry, name))
    channels = [
        _text(each.get("url") if isinstance(each, Mapping) else each, "a channel")
        for each in _list(metadata.get("channels"), "`channels`")
    ]
    environment = LockedEnvironment(
        channels=tuple(parse_channel(each).url for each in channels),
        packages={place: tuple(records) for place, records in packages.items()},
    )
    platforms = tuple(Platform.bare(name) for name in names)
    return LockFile(platforms=platforms, environments={DEFAULT_ENVIRONMENT: environment})


def _conda(entry: Mapping[str, Any], name: str) -> RepoDataRecord:
    url = _text(entry.get("url"), f"`url` of {name}")
    said = derive(url)
    if said.build is None or said.version is None or said.subdir is None or said.file_name is None:
        raise _Wrong(f"the URL of {name} does not say its build: {url}")
    needed = _dependencies(entry, name)
    return RepoDataRecord(
        name=said.name or name,
        version=said.version,
        build=said.build,
        build_number=derived_number(said.build),
        subdir=said.subdir,
        file_name=said.file_name,
        url=url,
        channel=said.channel,
        noarch=derived_noarch(said.subdir, said.build),
        depends=tuple(f"{other} {spec}".strip() for other, spec in needed.items()),
        **_digests(entry, name),
    )


def _pypi(entry: Mapping[str, Any], name: str) -> PypiRecord:
    if entry.get("manager") != "pip":
        raise _Wrong(f"{name} is managed by '{entry.get('manager')}', known are conda and pip")
    needed = {other: "" if spec == "*" else spec for other, spec in _dependencies(entry, name).items()}
    return PypiRecord(
        name=pypi_name(name),
        version=_text(entry.get("version"), f"`version` of {name}"),
        location=_text(entry.get("url"), f"`url` of {name}"),
        **_digests(entry, name),
        requires_dist=tuple(f"{other}{spec}" for other, spec in needed.items()),
    )


def _digests(entry: Mapping[str, Any], name: str) -> dict[str, Any]:
    """`md5` and `sha256` of a record, as far as they are there."""
    found = _mapping(entry.get("hash") or {}, f"`hash` of {name}")
    kinds = {"md5": (Md5, 32), "sha256": (Sha256, 64)}
    for kind, (_, length) in kinds.items():
        if kind in found and not re.fullmatch(f"[0-9a-f]{{{length}}}", _text(found[kind], f"`{kind}` of {name}")):
            raise _Wrong(f"the {kind} of {name} is no digest: {found[kind]}")
    return {kind: make(found[kind]) for kind, (make, _) in kinds.items() if kind in found}


def _dependencies(entry: Mapping[str, Any], name: str) -> dict[str, str]:
    found = _mapping(entry.get("dependencies") or {}, f"`dependencies` of {name}")
    return {
        _text(other, "a dependency"): _text(spec or "", f"the constraint on {other}") for other, spec in found.items()
    }


def _mapping(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise _Wrong(f"{what} is not a mapping")
    return value


def _list(value: Any, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise _Wrong(f"{what} is not a list")
    return value


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise _Wrong(f"{what} is not text")
    return value


# ---------------------------------------------------------------- writing


def write_conda_lock(
    channels: Sequence[str],
    packages: Mapping[str, Sequence[RepoDataRecord | PypiRecord]],
    *,
    sources: Sequence[str],
    needs: Callable[[str, PypiRecord], Mapping[str, str]],
) -> str:
    """The text of a `conda-lock.yml`. `packages` are keyed by subdir; `needs(subdir, record)` gives the requirements of
    a PyPI package there, name → specifier. Raises `LockFileError` for a package that such a file cannot name.
    """
    import yaml

    entries = [
        _conda_entry(record, place) if isinstance(record, RepoDataRecord) else _pip_entry(record, place, needs)
        for place in sorted(packages)
        for record in packages[place]
    ]
    entries.sort(key=lambda entry: (entry["name"], entry["manager"], entry["platform"]))
    metadata = {
        "content_hash": {place: _content_hash(channels, packages[place]) for place in sorted(packages)},
        "channels": [{"url": url, "used_env_vars": []} for url in channels],
        "platforms": sorted(packages),
        "sources": list(sources),
    }
    document = {"version": VERSION, "metadata": metadata, "package": entries}
    return str(yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=1000))


def _content_hash(channels: Sequence[str], records: Sequence[RepoDataRecord | PypiRecord]) -> str:
    """conda-lock hashes what was asked for; whoever asked here is the manifest, so this is over what was found."""
    found = sorted(record.url if isinstance(record, RepoDataRecord) else record.location for record in records)
    return hashlib.sha256(json.dumps([list(channels), found]).encode()).hexdigest()


def _conda_entry(record: RepoDataRecord, place: str) -> dict[str, Any]:
    if record.md5 is None:
        raise LockFileError(f"conda-lock wants an MD5 digest of every conda package, {record.name} has none")
    needed: dict[str, str] = {}
    for spec in record.depends:
        name, _, constraint = spec.strip().partition(" ")
        both = [each for each in (needed.get(name), constraint) if each]
        # the file has room for one constraint a name; two that say a build cannot be one
        needed[name] = constraint if any(" " in each for each in both) else ",".join(both)
    return _entry(record.name, record.version, "conda", place, needed, record.url, record)


def _pip_entry(record: PypiRecord, place: str, needs: Callable[[str, PypiRecord], Mapping[str, str]]) -> dict[str, Any]:
    if not record.is_registry or record.version is None or record.sha256 is None:
        raise LockFileError(f"conda-lock's file can name files of an index only, not {record.name}: {record.location}")
    return _entry(record.name, record.version, "pip", place, needs(place, record), record.location, record)


def _entry(
    name: str,
    version: str,
    manager: str,
    place: str,
    dependencies: Mapping[str, str],
    url: str,
    record: RepoDataRecord | PypiRecord,
) -> dict[str, Any]:
    digests = {"md5": record.md5, "sha256": record.sha256}
    return {
        "name": name,
        "version": version,
        "manager": manager,
        "platform": place,
        "dependencies": dict(sorted(dependencies.items())),
        "url": url,
        "hash": {kind: str(digest) for kind, digest in digests.items() if digest},
        "category": "main",
        "optional": False,
    }

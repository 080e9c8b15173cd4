"""py-rattler as an oracle, in a process of its own; requests and answers are JSON.

| command | request | answer |
|---|---|---|
| `solve` | channels, specs, cache; subdir, virtual_packages, sharded | records |
| `install` | the same and prefix; scripts | records |
| `records` | prefix | what its `conda-meta` says |
| `write-lock` | as `solve`, and path | records; a lock file at `path` |
| `lock` | path | environment → platform → locations of its packages |
| `lock-contents` | paths | for each: platforms, and environments with channels and every field of every package |
| `install-lock` | path, environment, platform, prefix, cache; scripts | records |

A process of its own because the library's threads may outlive its work and crash at exit; hence `os._exit`.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


class OracleRefused(Exception):
    """py-rattler raised; the message is its own."""


def rattler(command: str, *, environ: Mapping[str, str] | None = None, **request: Any) -> Any:
    """Run `command` with `request` in a new process and return its answer.

    `environ` is added to this process's variables (`CONDA_OVERRIDE_CUDA`…). Raises `OracleRefused`.
    """
    outcome = subprocess.run(
        [sys.executable, str(Path(__file__).resolve()), command],
        input=json.dumps(request, default=str),
        capture_output=True,
        text=True,
        timeout=240,
        env={**os.environ, **(environ or {})},
    )
    if outcome.returncode:
        raise OracleRefused(outcome.stderr.strip())
    return json.loads(outcome.stdout)


async def solved(request: Mapping[str, Any]) -> list[Any]:
    """Records for `specs` from `channels`, on `subdir` (default: here), without sharded repodata if so asked.

    `virtual_packages` (name → version) takes the place of what the machine has.
    """
    import rattler as library
    from rattler.platform import Platform

    subdir = request.get("subdir") or str(Platform.current())
    gateway = library.Gateway(
        cache_dir=Path(request["cache"]) / "repodata",
        default_config=library.SourceConfig(sharded_enabled=request.get("sharded", True)),
    )
    given = request.get("virtual_packages")
    virtual = [
        library.GenericVirtualPackage(library.PackageName(name), library.Version(version), library.BuildString("0"))
        for name, version in (given or {}).items()
    ]
    records: list[Any] = await library.solve(
        sources=request["channels"],
        specs=[library.MatchSpec(spec, strict=False) for spec in request["specs"]],
        gateway=gateway,
        platforms=[subdir, "noarch"],
        virtual_packages=library.VirtualPackage.detect(library.VirtualPackageOverrides.from_env())
        if given is None
        else virtual,
    )
    return records


def described(records: Sequence[Any]) -> list[dict[str, Any]]:
    """Name, version, build, URL and digest of each record, by name."""
    lines = [
        {
            "name": record.name.normalized,
            "version": str(record.version),
            "build": str(record.build),
            "url": str(record.url),
            "sha256": record.sha256.hex() if record.sha256 else None,
        }
        for record in records
    ]
    return sorted(lines, key=lambda line: str(line["name"]))


async def installed(request: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Solve, then make `prefix` hold exactly that (link scripts run if `scripts`)."""
    records = await solved(request)
    await link(records, request)
    return described(records)


async def link(records: Sequence[Any], request: Mapping[str, Any]) -> None:
    """Make `prefix` hold exactly `records`."""
    from rattler import install

    await install(
        list(records),
        target_prefix=request["prefix"],
        cache_dir=Path(request["cache"]) / "pkgs",
        execute_link_scripts=request.get("scripts", False),
        show_progress=False,
    )


async def installed_from_lock(request: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Make `prefix` hold the conda packages that the lock file at `path` has for an environment and platform."""
    from rattler import LockFile

    environment = LockFile.from_path(request["path"]).environment(request.get("environment", "default"))
    if environment is None:
        raise LookupError("the lock file has no such environment")
    platform = next(p for p in environment.platforms() if str(p.name) == request["platform"])
    records = environment.conda_repodata_records_for_platform(platform)
    await link(records, request)
    return described(records)


async def lock_written(request: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Solve, then write the solution to `path` as the lock of the environment `default`."""
    import rattler as library

    records = await solved(request)
    platform = library.LockPlatform(request.get("subdir") or str(library.platform.Platform.current()))
    lock = library.LockFile([platform])
    lock.set_channels("default", [library.LockChannel(url) for url in request["channels"]])
    for record in records:
        lock.add_conda_package("default", platform, record)
    lock.to_path(request["path"])
    return described(records)


def prefix_records(prefix: Path) -> list[dict[str, Any]]:
    """The `conda-meta` records of `prefix` as rattler reads them."""
    from rattler import PrefixRecord

    records = [PrefixRecord.from_path(path) for path in sorted((prefix / "conda-meta").glob("*.json"))]
    return [
        {**line, "files": sorted(map(str, record.files)), "requested": list(record.requested_specs)}
        for line, record in zip(described(records), sorted(records, key=lambda r: r.name.normalized), strict=True)
    ]


def locked(path: Path) -> dict[str, dict[str, list[str]]]:
    """Environment → platform → locations of the packages of a lock file as rattler reads it."""
    from rattler import LockFile

    lock = LockFile.from_path(path)
    return {
        name: {
            str(platform.name): sorted(package.location for package in packages)
            for platform, packages in environment.packages_by_platform().items()
        }
        for name, environment in lock.environments()
    }


def package_content(package: Any) -> dict[str, Any]:
    """Every field of a package of a lock file that the library tells, empty ones left out."""
    if type(package).__name__ == "CondaLockedBinaryPackage":
        fields = json.loads(package.repo_data_record().to_json())
        fields["location"] = package.location
    elif type(package).__name__ == "PypiLockedPackage":
        py_hashes = package._package.hashes
        fields = {
            "name": package.name,
            "version": package.version,
            "location": package.location,
            "md5": py_hashes.md5.hex() if py_hashes and py_hashes.md5 else None,
            "sha256": py_hashes.sha256.hex() if py_hashes and py_hashes.sha256 else None,
            "requires_dist": package.requires_dist,
            "requires_python": package.requires_python,
        }
    else:
        fields = {"name": package.name, "location": package.location}
    kept_when_empty = ("purls", "run_exports")
    return {key: value for key, value in fields.items() if value not in (None, "", [], {}) or key in kept_when_empty}


def lock_content(path: Path) -> dict[str, Any]:
    """What a lock file says, field by field; `error` where the library refuses it."""
    from rattler import LockFile

    try:
        lock = LockFile.from_path(path)
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}
    environments = {}
    for name, environment in lock.environments():
        packages = {
            str(platform.name): [package_content(package) for package in packages]
            for platform, packages in environment.packages_by_platform().items()
        }
        channels = [str(channel) for channel in environment.channels()]
        environments[name] = {"channels": channels, "packages": packages}
    platforms = [
        {"name": str(p.name), "subdir": str(p.subdir), "virtual_packages": [str(v) for v in p.virtual_packages]}
        for p in lock.platforms()
    ]
    return {"platforms": platforms, "environments": environments}


def answered(command: str, request: Mapping[str, Any]) -> Any:
    """What `command` answers to `request`."""
    if command == "records":
        return prefix_records(Path(request["prefix"]))
    if command == "lock":
        return locked(Path(request["path"]))
    if command == "lock-contents":
        return [lock_content(Path(path)) for path in request["paths"]]
    if command == "solve":
        return described(asyncio.run(solved(request)))
    work = {"install": installed, "install-lock": installed_from_lock, "write-lock": lock_written}[command]
    return asyncio.run(work(request))


def main() -> None:
    """Answer one command and leave without waiting for the library's threads."""
    request = json.loads(sys.stdin.read())
    try:
        print(json.dumps(answered(sys.argv[1], request)), flush=True)
    except Exception as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
        os._exit(1)
    os._exit(0)


if __name__ == "__main__":
    main()

"""Packages that stand in for others: another platform's without files, and a python that is only a script."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from .package_writer import Recipe, WrittenPackage, write_package

NOT_ELSEWHERE = ("__glibc", "libgcc", "libstdcxx")
SYSTEM_FLOOR = {"linux": ["__glibc >=2.17"], "osx": ["__osx >=11.0"], "win": ["__win"]}
PYTHONS = ("3.11.9", "3.12.4")


def write_stand_ins(
    channel: Path, packages: Sequence[WrittenPackage], subdir: str, others: Sequence[str]
) -> list[WrittenPackage]:
    """For each package of `subdir` that is not there on one of the `others`, one without files.

    So that a workspace locks for those platforms too.
    """
    identities = {(p.subdir, p.entry["name"], p.entry["version"], p.entry["build"]): p for p in packages}
    return [
        write_package(stand_in(original, other), None, channel)
        for other in others
        for (there, *identity), original in sorted(identities.items())
        if there == subdir and (other, *identity) not in identities and identity[0] not in NOT_ELSEWHERE
    ]


def stand_in(original: WrittenPackage, subdir: str) -> Recipe:
    """The package as it might be on `subdir`: the same needs, but that platform's system in place of glibc."""
    entry = original.entry
    depends = [need for need in entry["depends"] if need.split()[0] not in NOT_ELSEWHERE]
    floor = SYSTEM_FLOOR[subdir.partition("-")[0]] if len(depends) < len(entry["depends"]) else []
    return Recipe(
        name=entry["name"],
        version=entry["version"],
        build=entry["build"],
        build_number=entry["build_number"],
        subdir=subdir,
        depends=floor + depends,
        constrains=entry["constrains"],
        track_features=entry.get("track_features"),
        timestamp=entry["timestamp"],
        run_exports=original.run_exports,
        extra_index={key: entry[key] for key in ("python_site_packages_path", "purls") if key in entry},
    )


def stand_in_python(channel: Path, subdir: str) -> list[WrittenPackage]:
    """Two `python` packages whose command is the interpreter that runs the tests: enough to link noarch packages."""
    written = []
    for version in PYTHONS:
        minor = version.rpartition(".")[0]
        with tempfile.TemporaryDirectory() as folder:
            stage = Path(folder)
            (stage / f"lib/python{minor}/site-packages").mkdir(parents=True)
            (stage / f"lib/python{minor}/site-packages/README.txt").write_text("a stand-in\n")
            command = stage / f"bin/python{minor}"
            command.parent.mkdir()
            command.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
            command.chmod(0o755)
            for name in ("python", "python3"):
                (stage / "bin" / name).symlink_to(command.name)
            recipe = Recipe(
                name="python",
                version=version,
                build="hstandin_0_cpython",
                subdir=subdir,
                license="Python-2.0",
                constrains=[f"python_abi {minor}.* *_cp{minor.replace('.', '')}"],
                extra_index={"python_site_packages_path": f"lib/python{minor}/site-packages"},
            )
            written.append(write_package(recipe, stage, channel))
    return written

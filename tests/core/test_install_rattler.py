"""Our prefixes and rattler's: the same files from the same packages;
neither tool finds anything to do in the other's.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pixi_core.install.execute import execute
from pixi_core.install.link import LinkOptions
from pixi_core.install.plan import make_plan
from pixi_core.install.prefix import read_prefix
from pixi_core.model.platform import Platform, Subdir
from pixi_core.model.record import PypiRecord, RepoDataRecord, record_from_repodata
from tests.support.channel.package_writer import PLACEHOLDER, Recipe, write_package
from tests.support.packages import StoredPackage, tree
from tests.support.rattler_oracle import rattler

pytestmark = [pytest.mark.peer, pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="needs Unix")]

BINARY = b"\x7fELF" + PLACEHOLDER.encode() + b"/lib:" + PLACEHOLDER.encode() + b"/lib64\0end\0"


@dataclass
class Place:
    """A channel, a prefix, and rattler's cache, whose extracted packages serve us too."""

    root: Path
    records: dict[str, RepoDataRecord]

    @property
    def prefix(self) -> Path:
        return self.root / "env"

    def package(self, record: RepoDataRecord) -> StoredPackage:
        return StoredPackage(self.root / "cache" / "pkgs" / record.dist_name)

    def wheel(self, record: PypiRecord) -> StoredPackage:
        raise AssertionError(f"there are no wheels here: {record}")

    def again(self, record: RepoDataRecord | PypiRecord) -> StoredPackage:
        raise AssertionError(f"nothing is wrong with {record.name}")

    def by_rattler(self, *specs: str) -> None:
        rattler(
            "install",
            channels=[(self.root / "channel").as_uri()],
            specs=list(specs),
            prefix=str(self.prefix),
            cache=str(self.root / "cache"),
            subdir="linux-64",
        )

    def by_us(self, *names: str) -> Any:
        wanted = [self.records[name] for name in names]
        return execute(
            make_plan(wanted, [], read_prefix(self.prefix)),
            self.prefix,
            packages=self,
            requested={name: [name] for name in names},
            platform=Platform.bare(Subdir("linux-64")),
            options=LinkOptions(durable=False),
        )

    def stamps(self) -> dict[str, tuple[int, int]]:
        files = [path for path in self.prefix.rglob("*") if path.is_file() and "conda-meta" not in path.parts]
        return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in files}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    channel = tmp_path / "channel"
    lines: dict[str, dict[str, Any]] = {"linux-64": {}, "noarch": {}}
    records = {}
    for name, version, files, extra in PACKAGES:
        stage = tmp_path / "stage" / f"{name}-{version}"
        for path, content in files.items():
            place = stage / path
            place.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, tuple):
                place.symlink_to(content[0])
                continue
            place.write_bytes(content if isinstance(content, bytes) else content.encode())
            if path.startswith(("bin/", "python-scripts/")):
                place.chmod(0o755)
        subdir = "noarch" if extra.get("noarch") else "linux-64"
        recipe = Recipe(name=name, version=version, build="0", subdir=subdir, **extra)
        written = write_package(recipe, stage, channel)
        lines[subdir][written.path.name] = dict(written.entry)
        url = written.path.as_uri()
        records[name if name not in records else f"{name}-{version}"] = record_from_repodata(
            written.entry,
            file_name=written.path.name,
            url=url,
            channel=channel.as_uri() + "/",
            subdir=Subdir(subdir),
        )
    for subdir, packages in lines.items():
        (channel / subdir).mkdir(exist_ok=True)
        content = {"info": {"subdir": subdir}, "packages": {}, "packages.conda": packages}
        (channel / subdir / "repodata.json").write_text(json.dumps(content))
    return Place(tmp_path, records)


PACKAGES: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
    (
        "python",
        "3.11.2",
        {"bin/python3.11": "p", "bin/python": ("python3.11",), "lib/python3.11/site.py": "s"},
        {},
    ),
    (
        "base",
        "1",
        {"share/x": "base", "share/only": "b", "bin/tool": f"#!{PLACEHOLDER}/bin/sh -e\n{PLACEHOLDER}\n"},
        {},
    ),
    ("top", "1", {"share/x": "top", "lib/lib.so": BINARY, "lib/l.so": ("lib.so",)}, {"depends": ["base"]}),
    ("zeta", "1", {"share/x": "zeta", "etc/conf": "c"}, {"no_link": frozenset(["etc/conf"])}),
    (
        "pure",
        "1",
        {"site-packages/pure/__init__.py": "x", "python-scripts/pure-run": f"#!{PLACEHOLDER}/bin/python\n"},
        {"noarch": "python", "depends": ["python"], "entry_points": ["pure = pure:main"]},
    ),
    ("base", "2", {"share/x": "base2", "share/new": "n"}, {}),
]
ALL = ("python", "base", "top", "zeta", "pure")
SPECS = ("python", "base =1", "top", "zeta", "pure")


def compared(place: Place) -> dict[str, str]:
    """Every file but the records, and the entry point whose text each tool words itself (folders left out: rattler
    leaves some empty).
    """
    found = tree(place.prefix)
    return {
        name: digest
        for name, digest in found.items()
        if not name.startswith(("conda-meta", "CACHEDIR")) and name != "bin/pure" and not name.endswith("/")
    }


def test_the_same_files(place: Place) -> None:
    place.by_rattler(*SPECS)
    theirs = compared(place)
    shutil.rmtree(place.prefix)
    place.by_us(*ALL)
    assert compared(place) == theirs


def test_nothing_to_do_after_rattler(place: Place) -> None:
    place.by_rattler(*SPECS)
    stamps = place.stamps()
    assert make_plan([place.records[name] for name in ALL], [], read_prefix(place.prefix)).is_empty
    assert place.by_us(*ALL).is_empty
    assert place.stamps() == stamps


def test_nothing_to_do_for_rattler_after_us(place: Place) -> None:
    place.by_rattler(*SPECS)  # fills the cache
    shutil.rmtree(place.prefix)
    place.by_us(*ALL)
    stamps = place.stamps()
    lines = {line["name"]: line for line in rattler("records", prefix=str(place.prefix))}
    assert set(lines) == set(ALL)
    assert lines["top"]["sha256"] == place.records["top"].sha256
    place.by_rattler(*SPECS)
    assert place.stamps() == stamps


def test_each_changes_what_the_other_made(place: Place) -> None:
    place.by_rattler(*SPECS)
    place.by_rattler("base =2")  # also fetches base 2; removes the rest
    place.by_us(*ALL)
    assert (place.prefix / "share/x").read_text() == "top"
    place.by_rattler("base =2", "zeta")
    assert (place.prefix / "share/x").read_text() == "base2"
    place.by_us("base-2")
    assert set(compared(place)) == {"share/x", "share/new"}


def test_an_upgrade_by_either_leaves_the_rest_alone(place: Place) -> None:
    """Only the files of the package that changes are made again, and afterwards neither finds anything to do."""
    place.by_rattler("base =2")  # fills the cache
    place.by_rattler(*SPECS)
    for upgrade, check in ((place.by_us, "ours"), (place.by_rattler, "theirs")):
        before = place.stamps()
        names = ("python", "base-2", "top", "zeta", "pure")
        if check == "ours":
            upgrade(*names)
        else:
            upgrade("python", "base =1", "top", "zeta", "pure")
        after = place.stamps()
        touched = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
        assert touched <= {"x", "only", "tool", "new"} | {name for name in touched if name.startswith("x__")}, check
        wanted = names if check == "ours" else ALL
        assert make_plan([place.records[name] for name in wanted], [], read_prefix(place.prefix)).is_empty
        stamps = place.stamps()
        specs = ("python", "base =2" if check == "ours" else "base =1", "top", "zeta", "pure")
        place.by_rattler(*specs)
        assert place.stamps() == stamps, check


def test_a_removal_by_either_leaves_the_rest_alone(place: Place) -> None:
    place.by_rattler(*SPECS)
    stamps = place.stamps()
    place.by_us("python", "base", "top", "pure")  # zeta goes
    place.by_rattler("python", "base =1", "top", "pure")
    assert {line["name"] for line in rattler("records", prefix=str(place.prefix))} == {"python", "base", "top", "pure"}
    kept = {name: stamp for name, stamp in place.stamps().items() if name in stamps}
    place.by_rattler("python", "base =1", "pure")  # top goes
    assert make_plan(
        [place.records[name] for name in ("python", "base", "pure")], [], read_prefix(place.prefix)
    ).is_empty
    left = place.stamps()
    assert {name for name in left if left[name] != kept.get(name, left[name])} <= {"x"}
    assert (place.prefix / "share/x").read_text() == "base"

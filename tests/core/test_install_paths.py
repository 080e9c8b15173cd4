"""What a package says of itself and becomes a path: published holes, by their numbers."""

from __future__ import annotations

from pathlib import Path

import pytest

from pixi_core.errors import ArchiveError, UnsafePath
from pixi_core.install.clobber import losers
from pixi_core.install.execute import execute
from pixi_core.install.link import LinkOptions
from pixi_core.install.paths import parse_entry_point
from pixi_core.install.plan import make_plan
from pixi_core.install.prefix import read_prefix
from pixi_core.model.platform import Platform, Subdir
from tests.support.packages import Shelf, tree

COMMANDS = {
    "parent (CVE-2026-47425, CVE-2026-53940)": "../../outside",
    "absolute (CVE-2026-47425)": "/tmp/outside",
    "folder (CVE-2026-8643)": "a/b",
    "backslash": "..\\outside",
    "drive": "c:outside",
    "nothing but dots": "..",
    "control character": "a\x00b",
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_commands_are_file_names(command: str) -> None:
    with pytest.raises((UnsafePath, ArchiveError)):
        parse_entry_point(f"{command} = package.module:main")


def test_a_sound_command() -> None:
    assert parse_entry_point("a-b = package.module:main").command == "a-b"


RECORDS = {
    "parent": "../../../../../outside/secret",
    "parent behind a folder": "pkg/../../../../../../outside/secret",
    "absolute": "{outside}",
    "the records of conda packages": "../../../conda-meta/python-3.11.1-0.json",
}


@pytest.mark.parametrize("row", RECORDS.values(), ids=RECORDS)
def test_a_record_cannot_name_what_is_outside(tmp_path: Path, row: str) -> None:
    """GHSA-pjjw-68hj-v9mw: removing a distribution removed whatever its RECORD named."""
    shelf, prefix, outside = Shelf(tmp_path / "cache"), tmp_path / "env", tmp_path / "outside" / "secret"
    outside.parent.mkdir()
    outside.write_text("kept")
    python, wheel = shelf.add_python("3.11.1"), shelf.add_wheel("pkg", "1.0")

    def bring(*wheels: object) -> None:
        execute(
            make_plan([python], [wheel] if wheels else [], read_prefix(prefix)),
            prefix,
            packages=shelf,
            requested={},
            platform=Platform.bare(Subdir("linux-64")),
            options=LinkOptions(durable=False),
        )

    bring(wheel)
    record = prefix / "lib/python3.11/site-packages/pkg-1.0.dist-info/RECORD"
    content = record.read_text() + row.format(outside=outside) + ",,\n"
    record.unlink()
    record.write_text(content)
    before = tree(tmp_path)
    with pytest.raises(UnsafePath):
        bring()
    after = tree(tmp_path)
    assert after == before | {name: what for name, what in after.items() if name.endswith(".lock")}


CASES = [
    (False, [("a", ["x/Readme"]), ("b", ["x/README", "x/other"])], {}),
    (True, [("a", ["x/Readme"]), ("b", ["x/README", "x/other"])], {"b": {"x/README": "a"}}),
    (True, [("a", ["X/readme"]), ("b", ["x/readme"]), ("c", ["x/Readme"])], None),
    (True, [("a", ["straße"]), ("b", ["STRASSE"])], {"b": {"STRASSE": "a"}}),
]


@pytest.mark.parametrize(("folds_case", "claims", "lost"), CASES)
def test_names_that_differ_only_in_case(
    folds_case: bool, claims: list[tuple[str, list[str]]], lost: dict[str, dict[str, str]] | None
) -> None:
    """On macOS and Windows two packages that bring them bring the same file."""
    expected = {"b": {"x/readme": "a"}, "c": {"x/Readme": "a"}} if lost is None else lost
    assert losers(claims, folds_case=folds_case) == expected


@pytest.mark.parametrize(("subdir", "aside"), [("linux-64", False), ("osx-arm64", True), ("win-64", True)])
def test_packages_that_differ_only_in_case(tmp_path: Path, subdir: str, aside: bool) -> None:
    """The file of the second lies aside, and takes its place when the first leaves."""
    shelf, prefix = Shelf(tmp_path / "cache"), tmp_path / "env"
    one = shelf.add_conda("one", "1", {"share/Readme": "one"}, subdir=subdir)
    two = shelf.add_conda("two", "1", {"share/README": "two"}, subdir=subdir)
    for wanted in ([one, two], [two]):
        execute(
            make_plan(wanted, [], read_prefix(prefix)),
            prefix,
            packages=shelf,
            requested={},
            platform=Platform.bare(Subdir(subdir)),
            options=LinkOptions(durable=False),
        )
        if wanted == [one, two]:
            assert (prefix / "share/Readme").read_text() == "one"
            assert (prefix / "share/README").exists() != aside
            assert (prefix / "__clobbers__/two/share/README").exists() == aside
    assert (prefix / "share/README").read_text() == "two"
    assert not (prefix / "__clobbers__").exists()

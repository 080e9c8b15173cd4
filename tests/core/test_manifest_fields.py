"""Every table and field of a manifest in one table of data: what it means, that a value of another kind is refused with
its place, and that a letter too many is understood. What the reader knows and this table does not, fails.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from pixi_core.errors import ManifestError
from pixi_core.manifest.model import ManifestKind, WorkspaceManifest
from pixi_core.manifest.read import read_manifest
from tests.core.manifest_fields import BUILDS, HEAD, NOW, OWN_SYSTEM, ROOT, TABLES, Where

# ---------------------------------------------------------------- writing and reading them


def written(where: Where, key: str, value: str, *, kind: ManifestKind, field: str) -> tuple[str, int, int]:
    """The manifest with one entry, and the columns of the entry's key and value in the last line."""
    shown = key if re.fullmatch(r"[\w-]+", key) else f'"{key}"'
    before, _, after = where.line.partition("ENTRY")
    others = where.others.replace("PLATFORM", OWN_SYSTEM.get(field, "linux-64")).split("\n")
    heads = [f"workspace.{name} = {text}" for name, text in HEAD.items()]
    line = f"{before}{shown} = {value}{after}"
    lines = [one for one in (*heads, *others) if one and not line.startswith(one.partition("=")[0])]
    lines = [one for one in lines if not (one in heads and where.others.startswith(one.partition("=")[0]))]
    if field in ("workspace", "project") and not before:
        lines = []
    prefix = "tool.pixi." if kind == "pyproject" else ""
    text = "".join(f"{prefix}{one}\n" for one in (*lines, line))
    column = len(prefix) + len(before) + 1
    return text, column, column + len(f"{shown} = ")


def read(text: str, kind: ManifestKind) -> WorkspaceManifest:
    name = "pyproject.toml" if kind == "pyproject" else "pixi.toml"
    return read_manifest(text, path=ROOT / name, kind=kind, now=NOW)


KINDS: tuple[ManifestKind, ...] = ("pixi", "pyproject")
CASES = [
    pytest.param(kind, table, key, id=f"{kind}-{table}-{key}")
    for kind in KINDS
    for table, where in TABLES.items()
    for key in where.fields
]


@pytest.mark.parametrize(("kind", "table", "key"), CASES)
def test_each_field_means_something(kind: ManifestKind, table: str, key: str) -> None:
    where = TABLES[table]
    field = where.fields[key]
    text, _, _ = written(where, key, field.valid, kind=kind, field=key)
    assert field.read(read(text, kind)) == field.meaning


@pytest.mark.parametrize(("kind", "table", "key"), CASES)
def test_a_value_of_another_kind_is_refused_where_it_stands(kind: ManifestKind, table: str, key: str) -> None:
    where = TABLES[table]
    text, at_key, at_value = written(where, key, where.fields[key].wrong, kind=kind, field=key)
    with pytest.raises(ManifestError) as caught:
        read(text, kind)
    lines = text.count("\n")
    here = [issue for issue in caught.value.issues if issue.location.line == lines]
    assert here, caught.value.issues
    assert here[0].location.column in range(at_key, at_value + 3)
    assert key in here[0].message


@pytest.mark.parametrize(("kind", "table", "key"), CASES)
def test_a_letter_too_many_is_understood(kind: ManifestKind, table: str, key: str) -> None:
    where = TABLES[table]
    text, at_key, _ = written(where, f"{key}{key[-1]}", where.fields[key].valid, kind=kind, field=key)
    with pytest.raises(ManifestError) as caught:
        read(text, kind)
    hints = {
        issue.location.column: issue.hint for issue in caught.value.issues if issue.location.line == text.count("\n")
    }
    assert f"`{key}`" in hints.get(at_key, str(caught.value.issues))


def groups() -> Iterator[tuple[str, set[str]]]:
    """Each table with all fields that stand in its entries."""
    found: dict[str, set[str]] = {}
    for table, where in TABLES.items():
        found.setdefault(table.partition(" (")[0], set()).update(where.fields)
    yield from found.items()


@pytest.mark.parametrize(
    ("table", "fields"), [pytest.param(*group, id=group[0]) for group in groups() if TABLES[group[0]].is_whole]
)
def test_no_field_that_the_reader_knows_is_missing_here(table: str, fields: set[str]) -> None:
    text, _, _ = written(TABLES[table], "qqqqqqqq", "7", kind="pixi", field="")
    with pytest.raises(ManifestError) as caught:
        read(text, "pixi")
    [hint] = [issue.hint for issue in caught.value.issues if "qqqqqqqq" in issue.message]
    assert hint.startswith("known keys: ")
    assert set(hint.removeprefix("known keys: ").split(", ")) == fields


# ---------------------------------------------------------------- what kinds alone do not say

MISTAKES = [
    ('workspace.version = "one two"', "is not a valid version"),
    ("workspace.readme = 'docs\\README.md'", "`readme` is a path with `/`"),
    ('workspace.dependencies.x = ">>1"', "is not a valid version spec"),
    ("workspace.dependencies.x = { workspace = true }", "`workspace.dependencies` has no `x`"),
    ('workspace.build-variants.python = "3.12"', "`python` must be a list"),
    ("workspace.target.unix.build-variants.python = [3.12]", "the items of `python` must be strings"),
    ("workspace.target.osx-64.build-variants = {}", "not one of the workspace's platforms"),
    ("workspace.target.unix.dependencies = {}", "unknown key `dependencies`"),
    ("workspace.conda-pypi-map.a.mapping = { x = 7 }", "`x` must be a name"),
    ('dependencies.x = { git = "https://h.example/x", rev = "a", tag = "b" }', "more than one of `rev`"),
    ('dependencies.x = { path = "../x", version = ">>1" }', "is not a valid version spec"),
    ('dependencies.x = { path = "../x", package = { nam = "x" } }', "unknown key `nam`"),
    ('dev.x = { path = "../x", git = "https://h.example/x" }', "more than one of `path`"),
    ("dev.x = {}", "`dev.x` needs `path`, `git` or `url`"),
    ('package.version = "one two"', "is not a valid version"),
    ("package.license = { file = true }", "unknown key `file`"),
    ("package.build.backend = {}", "`backend` needs `name`"),
    ('package.build.backend = { name = "b", version = ">>1" }', "is not a valid version spec"),
    ('package.build.source = { path = "x", git = "y" }', "either `path` or `git`"),
    ("package.build.build-number = -1", "must not be negative"),
    ('package.run-dependencies."if(unix)".x = ">>1"', "is not a valid version spec"),
    ("package.run-dependencies.x.pin-subpackage = true", "`pin-subpackage` cannot stand here"),
    ("package.build-dependencies.x.pin-compatible = true", "`pin-compatible` cannot stand here"),
    ("package.run-exports.weak.x.pin-subpackage = true", "is for the package itself, 'p'"),
    ('package.run-dependencies.x = { pin-compatible = true, version = "1" }', "a pin stands alone"),
]


@pytest.mark.parametrize(("line", "message"), MISTAKES)
def test_what_fits_its_kind_and_is_wrong_yet(line: str, message: str) -> None:
    text = "".join(f"workspace.{key} = {value}\n" for key, value in HEAD.items())
    with pytest.raises(ManifestError) as caught:
        read(f'{text}{BUILDS}\npackage.name = "p"\n{line}\n', "pixi")
    found = [issue for issue in caught.value.issues if message in issue.message]
    assert found, caught.value.issues
    assert found[0].location.line == len(HEAD) + 3


def test_a_package_needs_the_preview() -> None:
    text = "".join(f"workspace.{key} = {value}\n" for key, value in HEAD.items())
    with pytest.raises(ManifestError) as caught:
        read(f'{text}[package]\nname = "p"\n', "pixi")
    [issue] = caught.value.issues
    assert (issue.location.line, "pixi-build" in issue.hint) == (len(HEAD) + 1, True)

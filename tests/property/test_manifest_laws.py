"""Laws of editing manifests: what is not edited stays to the byte, and an edit that is taken back leaves nothing."""

from __future__ import annotations

import tomllib
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from pixi_core.manifest.edit_workspace import WorkspaceEditor
from pixi_core.manifest.read import read_manifest
from tests.core.test_manifest_read import FULL

word = st.from_regex(r"[a-z][a-z0-9]{0,5}", fullmatch=True)
comments = st.sampled_from(("", "  # ours", '\t# é, 日本 and "quotes"'))
few = settings(max_examples=40, deadline=None)
specs = st.sampled_from(
    ('"*"', "'>=1,<2'", '{ version = "1.*", build = "py*" }', '{version="==1",channel="c"}', '"""2.*"""')
)


@st.composite
def manifests(draw: st.DrawFn) -> str:
    """A manifest with tables in any order, odd spacing, comments, either kind of line ends; `zzz` is in none."""
    names = draw(st.lists(word.filter(lambda name: name != "zzz"), min_size=1, max_size=5, unique=True))
    lines = [f"{name}{draw(st.sampled_from((' = ', '=', '   =  ')))}{draw(specs)}{draw(comments)}" for name in names]
    tables = [
        ["[dependencies]" + draw(comments), *lines],
        ["[feature.test.dependencies]", *draw(st.lists(st.sampled_from(lines), max_size=3, unique=True))],
        ["[tasks]", 'build = { cmd = "make", depends-on = [', '  "x", # first', "] }", 'x = "echo"'],
        ["[environments]", 'test = ["test"]' + draw(comments)],
    ]
    ordered = draw(st.permutations(tables))
    gap = draw(st.sampled_from(("", "\n", "\n# between\n\n")))
    head = '# top\n[workspace]\nname = "w"\nchannels = ["c"]\nplatforms = [\n  "linux-64", # here\n]\n'
    text = head + "".join(gap + "\n".join(table) + "\n" for table in ordered)
    return text.replace("\n", draw(st.sampled_from(("\n", "\r\n"))))


@few
@given(manifests())
def test_a_manifest_that_is_not_edited_is_the_same_text(text: str) -> None:
    assert WorkspaceEditor(text).text == text


@few
@given(manifests(), st.sampled_from(("default", "test")))
def test_what_is_added_and_removed_again_leaves_the_same_text(text: str, feature: str) -> None:
    editor = WorkspaceEditor(text)
    editor.add_conda("zzz", ">=1,<2", feature=feature)
    added = editor.text
    assert added != text
    assert [line for line in added.splitlines() if not line.startswith("zzz")] == text.splitlines()
    again = WorkspaceEditor(added)
    again.remove_conda("zzz", feature=feature)
    assert again.text == text


@few
@given(manifests(), st.data())
def test_an_edit_changes_its_own_entry_alone(text: str, data: st.DataObject) -> None:
    before = tomllib.loads(text)
    name = data.draw(st.sampled_from(sorted(before["dependencies"])))
    editor = WorkspaceEditor(text)
    editor.add_conda(name, ">=7")
    after = tomllib.loads(editor.text)
    entry = after["dependencies"][name]
    assert (entry["version"] if isinstance(entry, dict) else entry) == ">=7"
    after["dependencies"][name] = before["dependencies"][name]
    assert after == before
    differing = [pair for pair in zip(text.splitlines(), editor.text.splitlines(), strict=True) if pair[0] != pair[1]]
    assert len(differing) <= 1
    assert all(old.startswith(name) and old.partition("#")[2] == new.partition("#")[2] for old, new in differing)


@few
@given(manifests(), st.data())
def test_what_is_removed_takes_nothing_else_with_it(text: str, data: st.DataObject) -> None:
    expected = tomllib.loads(text)
    name = data.draw(st.sampled_from(sorted(expected["dependencies"])))
    editor = WorkspaceEditor(text)
    editor.remove_conda(name)
    del expected["dependencies"][name]
    assert tomllib.loads(editor.text) == expected
    gone = [line for line in text.splitlines() if line not in editor.text.splitlines()]
    assert len(gone) <= 1
    assert all(line.startswith(name) for line in gone)


@st.composite
def pyprojects(draw: st.DrawFn) -> str:
    """A Python project in one of the ways to write its requirements."""
    names = draw(st.lists(word.filter(lambda name: name != "zzz"), max_size=4, unique=True))
    wanted = st.sampled_from(("", ">=1", "[x]>=1; python_version < '3.9'"))
    quoted = [f'"{name}{draw(wanted)}"' for name in names]
    opening, glue, closing = draw(
        st.sampled_from((("[", ", ", "]"), ("[\n  ", ",\n  ", ",\n]"), ("[ # why\n    ", ",  # this\n    ", "\n]")))
    )
    array = f"{opening}{glue.join(quoted)}{closing}" if quoted else draw(st.sampled_from(("[]", "[\n]")))
    groups = '[dependency-groups]\ntest = ["pytest"] # for tests\n'
    return f'[project]\nname = "p"\nversion = "1" # one\ndependencies = {array}\n\n{groups}\n[tool.pixi.workspace]\n'


@few
@given(pyprojects())
def test_a_requirement_comes_and_goes_in_a_pyproject(text: str) -> None:
    editor = WorkspaceEditor(text, "pyproject")
    editor.add_pypi("zzz>=1")
    expected = tomllib.loads(text)
    expected["project"]["dependencies"].append("zzz>=1")
    assert tomllib.loads(editor.text) == expected
    again = WorkspaceEditor(editor.text, "pyproject")
    again.remove_pypi("zzz")
    expected["project"]["dependencies"].remove("zzz>=1")
    assert tomllib.loads(again.text) == expected
    assert [line for line in text.splitlines() if "#" in line] == [
        line for line in again.text.splitlines() if "#" in line
    ]


@few
@given(manifests())
def test_a_channel_and_a_platform_come_and_go(text: str) -> None:
    editor = WorkspaceEditor(text)
    editor.add_channel("zzz")
    editor.add_platform("osx-arm64")
    found = read_manifest(editor.text, path=Path("pixi.toml"))
    assert [platform.name for platform in found.platforms] == ["linux-64", "osx-arm64"]
    editor.remove_channel("zzz")
    editor.remove_platform("osx-arm64")
    assert tomllib.loads(editor.text) == tomllib.loads(text)


def test_the_example_with_everything_is_the_same_text() -> None:
    assert WorkspaceEditor(FULL).text == FULL

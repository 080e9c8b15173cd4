"""Edits change what they must and leave the rest to the byte."""

from __future__ import annotations

import tomllib
from collections.abc import Callable

import pytest

from pixi_core.errors import ManifestError
from pixi_core.manifest.edit_workspace import WorkspaceEditor

TEXT = """# heading
[workspace]
channels = ["conda-forge"] # ours
platforms = [
  "linux-64", # the server
]

[dependencies]
# the language
python = "3.12.*"   # aligned
NumPy = { version = ">=2", build = "py*" }

[pypi-dependencies]
Rich = ">=13"
"""
Edit = Callable[[WorkspaceEditor], object]


@pytest.mark.parametrize(
    ("edit", "old", "new"),
    [
        (lambda e: e.add_conda("python", "3.13.*"), '"3.12.*"', '"3.13.*"'),
        (lambda e: e.add_conda("numpy", ">=3"), '">=2", build', '">=3", build'),
        (lambda e: e.add_pypi("rich>=14"), '">=13"', '">=14"'),
        (lambda e: e.add_channel("bioconda"), '["conda-forge"]', '["conda-forge", "bioconda"]'),
        (lambda e: e.remove_conda("numpy"), 'NumPy = { version = ">=2", build = "py*" }\n', ""),
        (lambda e: e.remove_pypi("rich"), 'Rich = ">=13"\n', ""),
        (lambda e: e.add_conda("zlib", "*"), '"py*" }\n', '"py*" }\nzlib = "*"\n'),
    ],
)
def test_edits(edit: Edit, old: str, new: str) -> None:
    editor = WorkspaceEditor(TEXT)
    edit(editor)
    assert editor.text == TEXT.replace(old, new)


@pytest.mark.parametrize(
    ("before", "requirement", "after"),
    [
        ('{ git = "https://g.example/x", tag = "v1" }', "x>=2", '{version = ">=2"}'),
        (
            '{ git = "https://g.example/x", tag = "v1" }',
            "x @ git+https://g.example/x@main",
            '{git = "https://g.example/x", rev = "main"}',
        ),
        (
            '{ path = "x", editable = true }',
            "x @ https://h.example/x-1-py3-none-any.whl",
            '{url = "https://h.example/x-1-py3-none-any.whl"}',
        ),
        (
            '{ version = ">=1", extras = ["fast"] }',
            "x @ https://h.example/x.zip",
            '{extras = ["fast"], url = "https://h.example/x.zip"}',
        ),
    ],
)
def test_another_source_takes_the_place_of_the_old_one(before: str, requirement: str, after: str) -> None:
    editor = WorkspaceEditor(f"[pypi-dependencies]\nx = {before}\n")
    editor.add_pypi(requirement)
    assert tomllib.loads(editor.text) == tomllib.loads(f"[pypi-dependencies]\nx = {after}\n")


@pytest.mark.parametrize(
    "edit",
    [
        lambda e: e.remove_conda("pythn"),
        lambda e: e.remove_pypi("ritch"),
        lambda e: e.remove_channel("conda-forg"),
        lambda e: e.remove_platform("linux-46"),
    ],
)
def test_what_is_not_there_gets_a_suggestion(edit: Edit) -> None:
    with pytest.raises(ManifestError) as caught:
        edit(WorkspaceEditor(TEXT))
    assert "did you mean" in caught.value.hints[0]

"""`pixi init | add | remove | lock --script`, and `run --script` with the lock file beside the script."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from pixi_core.errors import ManifestError
from pixi_core.manifest.script_block import with_block
from tests.support.command import pixi

PROGRAM = """\
#!/usr/bin/env python
# -*- coding: utf-8 -*-
import os

print(open(os.path.join(os.environ["CONDA_PREFIX"], "share", "shared")).read().strip())  # grüße
"""
BLOCK = """\
# /// script
# requires-python = ">=3.11"
# dependencies = []
#
# [tool.pixi.workspace]
# channels = ["{channel}"]
# ///
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "tool.py"
    path.write_text(PROGRAM, encoding="utf-8")
    return path


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def test_from_nothing_to_a_locked_script_and_back(script: Path, tmp_path: Path, small_channel: Path) -> None:
    url = small_channel.as_uri()
    pixi("init", "--script", "tool.py", "-c", url, cwd=tmp_path).succeeded()
    head, rest = PROGRAM.split("import os\n", 1)
    begun = head + BLOCK.format(channel=url) + "\nimport os\n" + rest
    assert text(script) == begun
    added = pixi("add", "--script", "tool.py", "shared==1.0", cwd=tmp_path).succeeded()
    assert "✔ Added shared ==1.0" in added.err
    assert '# [tool.pixi.dependencies]\n# shared = "==1.0"\n# ///\n' in text(script)
    assert not (tmp_path / "tool.py.pixi.lock").exists()
    assert pixi("run", "-s", "tool.py", cwd=tmp_path).succeeded().out == "1.0\n"
    pixi("run", "--locked", "--script", "tool.py", cwd=tmp_path).failed(2)

    pixi("lock", "--script", "tool.py", "--check", cwd=tmp_path).failed(1)
    locked = text(tmp_path / "tool.py.pixi.lock")
    assert "shared-1.0-" in locked
    assert "already up-to-date" in pixi("lock", "-s", "tool.py", "--check", cwd=tmp_path).succeeded().err

    pixi("add", "-s", "tool.py", "shared>=1", cwd=tmp_path).succeeded()
    assert text(tmp_path / "tool.py.pixi.lock") == locked  # what is locked still fits
    assert pixi("run", "--locked", "-s", "tool.py", cwd=tmp_path).succeeded().out == "1.0\n"
    script.write_text(text(script).replace('">=1"', '">=2"'), encoding="utf-8")
    pixi("run", "--locked", "-s", "tool.py", cwd=tmp_path).failed(1)
    assert pixi("run", "-s", "tool.py", cwd=tmp_path).succeeded().out == "2.0\n"
    assert "shared-2.0-" in text(tmp_path / "tool.py.pixi.lock")

    pixi("remove", "-s", "tool.py", "shared", cwd=tmp_path).succeeded()
    assert "shared" not in text(tmp_path / "tool.py.pixi.lock")
    assert text(script).replace("#\n# [tool.pixi.dependencies]\n", "") == begun


def test_pypi_requirements_are_the_standards_list(script: Path, tmp_path: Path) -> None:
    pixi("add", "--script", "tool.py", "--pypi", "httpx>=0.27", "rich", cwd=tmp_path).succeeded()
    assert '# requires-python = ">=3.11"\n# dependencies = ["httpx>=0.27", "rich"]\n' in text(script)
    pixi("add", "--script", "tool.py", "gdal", "-p", "linux-64", cwd=tmp_path).succeeded()
    assert '# [tool.pixi.target.linux-64.dependencies]\n# gdal = "*"\n' in text(script)
    pixi("remove", "--script", "tool.py", "--pypi", "httpx", cwd=tmp_path).succeeded()
    assert '# dependencies = ["rich"]\n' in text(script)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("remove", "-s", "tool.py", "shraed"), 1, "did you mean `shared`"),
        (("add", "-s", "tool.py", "x", "-f", "test"), 2, "--feature"),
        (("add", "-s", "tool.py", "x", "-e", "test"), 2, "--environment"),
        (("add", "-s", "nowhere.py", "x"), 2, "cannot be read"),
        (("init", "-s", "tool.py"), 1, "already"),
        (("add", "-s", "tool.py", "x=="), 1, "x=="),
    ],
)
def test_what_cannot_be_is_refused(words: tuple[str, ...], code: int, said: str, script: Path, tmp_path: Path) -> None:
    pixi("add", "-s", "tool.py", "shared", cwd=tmp_path).succeeded()
    before = text(script)
    assert said in pixi(*words, cwd=tmp_path).failed(code).err
    assert text(script) == before
    assert os.listdir(tmp_path) == ["tool.py"]


def test_line_ends_stay_and_two_blocks_are_refused() -> None:
    assert with_block("print()\r\n", "a = 1\n\nb = 2\n", source="x") == (
        "# /// script\r\n# a = 1\r\n#\r\n# b = 2\r\n# ///\r\n\r\nprint()\r\n"
    )
    once = with_block("", "a = 1\n", source="x")
    assert with_block(once, "a = 2\n", source="x") == once.replace("1", "2")
    with pytest.raises(ManifestError, match="2 blocks"):
        with_block(f"{once}print()\n{once}", "a = 1\n", source="x")


def test_the_packages_of_a_script_are_listed_drawn_and_explained(
    script: Path, tmp_path: Path, small_channel: Path
) -> None:
    pixi("init", "--script", "tool.py", "-c", small_channel.as_uri(), cwd=tmp_path).succeeded()
    pixi("add", "--script", "tool.py", "shared==1.0", cwd=tmp_path).succeeded()
    listed = pixi("list", "--script", "tool.py", "--json", cwd=tmp_path).succeeded()
    assert {"shared": "1.0"}.items() <= {row["name"]: row["version"] for row in json.loads(listed.out)}.items()
    assert "shared 1.0" in pixi("tree", "-s", "tool.py", cwd=tmp_path).succeeded().out
    assert "shared ==1.0" in pixi("why", "-s", "tool.py", "shared", cwd=tmp_path).succeeded().out
    assert not (tmp_path / "tool.py.pixi.lock").exists(), "looking writes no lock file"
    assert not (tmp_path / ".pixi").exists()

    pixi("lock", "--script", "tool.py", cwd=tmp_path).succeeded()
    pixi("add", "--script", "tool.py", "shared==2.0", cwd=tmp_path).succeeded()
    older = text(tmp_path / "tool.py.pixi.lock").replace("shared-2.0", "shared-1.0")
    (tmp_path / "tool.py.pixi.lock").write_text(older, encoding="utf-8")
    assert "1.0" in pixi("list", "-s", "tool.py", "--frozen", "shared", cwd=tmp_path).succeeded().out
    pixi("list", "-s", "tool.py", "--locked", cwd=tmp_path).failed(1)
    assert "2.0" in pixi("list", "-s", "tool.py", "shared", cwd=tmp_path).succeeded().out
    assert "shared-2.0-" in text(tmp_path / "tool.py.pixi.lock"), "what was locked anew stands beside the script"
    refused = pixi("list", "-s", "tool.py", "-m", ".", cwd=tmp_path).failed(2)
    assert "--manifest-path does not go with --script" in refused.err
    assert "cannot be read" in pixi("tree", "-s", "other.py", cwd=tmp_path).failed(2).err

"""`pixi run --script`: Python files that say what they need."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from pixi_core.errors import ManifestError
from pixi_core.ops.script import anchor_paths, manifest_text, script_metadata
from tests.support.archives import wheel
from tests.support.command import pixi
from tests.support.http_server import serving

BLOCK = """\
# /// script
# requires-python = ">=3.11, <3.12"
# [tool.pixi.workspace]
# channels = ["{channel}"]
# [tool.pixi.dependencies]
# shared = "1.*"
# ///
"""
PROGRAM = """\
import os, sys
prefix = os.environ["CONDA_PREFIX"]
print(os.readlink(os.path.join(prefix, "bin", "python")), open(os.path.join(prefix, "share", "shared")).read().strip())
print(os.getcwd(), sys.argv[1:], "PIXI_PROJECT_ROOT" in os.environ)
sys.exit(int(os.environ.get("CODE", "0")))
"""


@pytest.fixture
def script(tmp_path: Path, small_channel: Path) -> Path:
    """A script on the small channel, in a folder of its own."""
    folder = tmp_path / "it's here"
    folder.mkdir()
    path = folder / "tool.py"
    path.write_text("#!/usr/bin/env python\n" + BLOCK.format(channel=small_channel.as_uri()) + PROGRAM)
    return path


def test_a_script_from_a_file(script: Path, tmp_path: Path) -> None:
    """It runs in the caller's folder, leaves nothing beside the script, and its exit code is ours."""
    ran = pixi("run", "--script", str(script), "a b", "--flag", cwd=tmp_path).succeeded()
    assert ran.out == f"python3.11 1.0\n{tmp_path} ['a b', '--flag'] False\n"
    assert [path.name for path in script.parent.iterdir()] == ["tool.py"]
    pixi("run", "--script", str(script), cwd=tmp_path, environ={"CODE": "7"}).failed(7)
    script.write_text(script.read_text().replace('"1.*"', '"2.*"').replace(">=3.11, <3.12", ">=3.12"))
    assert pixi("run", "--script", str(script), cwd=tmp_path).succeeded().out.startswith("python3.12 2.0\n")


def test_a_script_from_standard_input(script: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pixi_core.cli.main", "run", "--script", "-", "x"]
    ran = subprocess.run(command, input=script.read_text(), capture_output=True, text=True, cwd=tmp_path)
    assert (ran.returncode, ran.stdout) == (0, f"python3.11 1.0\n{tmp_path} ['x'] False\n"), ran.stderr


@pytest.mark.skipif(os.name == "nt", reason="lines that name an interpreter are POSIX's")
def test_a_script_that_starts_itself(script: Path, tmp_path: Path) -> None:
    """`#!/usr/bin/env -S pixi run --script`, with `pixi` found along PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "pixi").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m pixi_core.cli.main "$@"\n')
    (folder / "pixi").chmod(0o755)
    script.write_text(script.read_text().replace("#!/usr/bin/env python", "#!/usr/bin/env -S pixi run --script"))
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    ran = subprocess.run([script, "y"], capture_output=True, text=True, cwd=tmp_path, env={**os.environ, "PATH": path})
    assert (ran.returncode, ran.stdout) == (0, f"python3.11 1.0\n{tmp_path} ['y'] False\n"), ran.stderr


MISTAKES = [
    ("# requires-pythn = '>=3'", "tool.py:3:3: unknown key `requires-pythn`"),
    ("# requires-pythn = '>=3'", "did you mean `requires-python`?"),
    ("# dependencies = ['a', 'b ==']", "tool.py:3:24: "),
    ("# requires-python = '>>3'", "tool.py:3:21: '>>3' is not a valid"),
    ("# tool = 3", "tool.py:3:10: `tool` must be a table"),
    ("# [tool]\n# pixi = 3", "tool.py:4:10: `pixi` must be a table"),
    ("# [tool.pixi]\n# workspace = 3", "tool.py:4:15: `workspace` must be a table"),
    ("# [tool.pixi]\n# depndencies = {}", "did you mean `dependencies`?"),
    ("# [tool.pixi.workspace]\n# chanels = []", "tool.py:4:3: unknown key `chanels` in [workspace]"),
    ("# [tool.pixi.workspace]\n# channels = 3", "tool.py:4:14: `channels` must be a list"),
    ("# [tool.pixi.dependencies]\n# x = 3", "tool.py:4:7: 'x' must be a version spec or a table"),
    ("# [tool.pixi.dependencies]\n# x = '>>3'", "tool.py:4:7: "),
    ("# [tool.pixi.pypi-options]\n# find-links = 3", "tool.py:4:3: `find-links` must be a list"),
    ("# [tool.pixi.target.linx.dependencies]", "tool.py:3:3: 'linx' is neither a platform"),
]
"""Blocks that begin in the second line, with where their mistake is in the file."""


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("# /// script\n# dependencies = [\n# ///\n", 1, "tool.py:3: the block `# /// script`"),
        ("# /// script\n# x = 1\n# ///\n\n# /// script\n# y = 1\n# ///\n", 1, "one is allowed"),
        ("# /// script\n# [tool.pixi.tasks]\n# a = 'b'\n# ///\n", 1, "`tool.pixi.tasks` has no meaning in a script"),
        ("# /// script\n# dependencies = 'x'\n# ///\n", 1, "tool.py:2:18: `dependencies` must be a list"),
        ("# /// script\n# requires-python = 3\n# ///\n", 1, "tool.py:2:21: `requires-python` must be a string"),
        *((f"#!\n# /// script\n{block}\n# ///\n", 1, said) for block, said in MISTAKES),
    ],
)
def test_blocks_that_cannot_be_used(tmp_path: Path, text: str, code: int, said: str) -> None:
    (tmp_path / "tool.py").write_text(text)
    assert said in pixi("run", "--script", "tool.py", cwd=tmp_path).failed(code).err


def test_scripts_that_are_not_there(tmp_path: Path) -> None:
    assert "cannot be read" in pixi("run", "--script", "none.py", cwd=tmp_path).failed(2).err


def test_a_script_from_a_url(script: Path, tmp_path: Path) -> None:
    """It has an environment of its own, and nothing of its credentials is kept."""
    other = script.read_text().replace('"1.*"', '"2.*"')
    cache = tmp_path / "cache"
    with serving({"/here/tool.py": script.read_bytes(), "/there/tool.py": other.encode()}) as server:
        for place, version in (("here", "1.0"), ("there", "2.0"), ("here", "1.0")):
            url = f"{server.url}/{place}/tool.py".replace("//", "//me:canary@")
            ran = pixi("run", "-s", url, "x", cwd=tmp_path, environ={"PIXI_CACHE_DIR": str(cache)}).succeeded()
            assert ran.out == f"python3.11 {version}\n{tmp_path} ['x'] False\n"
        assert "404" in pixi("run", "-s", f"{server.url}/nowhere.py", cwd=tmp_path).failed(1).err
        server.files["/here/tool.py"] = b"\xff\xfe"
        said = pixi("run", "-s", f"{server.url}/here/tool.py".replace("//", "//me:canary@"), cwd=tmp_path).failed(2).err
        assert "cannot be read" in said
        assert "canary" not in said
    kept = [path for path in cache.rglob("*") if path.is_file() and b"canary" in path.read_bytes()]
    assert kept == []
    assert [path.name for path in cache.rglob("script-*/tool.py")] == ["tool.py"] * 2


def test_the_manifest_of_a_script() -> None:
    """PyPI requirements and a plain block; a file without a block gets any Python."""
    text = '# /// script\n# requires-python = ">=3.11"\n# dependencies = ["rich>=13", "Flask[async]"]\n# ///\n'
    found = manifest_text(script_metadata(text, source="x"), source="x", channels=["c"], platform="linux-64")
    assert 'python = ">=3.11"' in found
    assert 'rich = ">=13"' in found
    assert 'extras = ["async"]' in found
    assert script_metadata("print()\n", source="x") == {}
    with pytest.raises(ManifestError):
        script_metadata("# /// script\n# a = \n# ///\n", source="x")


def test_paths_start_from_the_script(tmp_path: Path) -> None:
    """Its workspace lies in the cache, what it names lies beside it, whoever runs it from wherever."""
    folder = tmp_path / "here"
    folder.mkdir()
    (folder / "demo-1.0-py3-none-any.whl").write_bytes(wheel({"demo.py": b"x = 42\n"}))
    (folder / "tool.py").write_text(
        "# /// script\n# [tool.pixi.workspace]\n# channels = []\n# [tool.pixi.pypi-dependencies]\n"
        '# demo = {path = "./demo-1.0-py3-none-any.whl"}\n# ///\nimport demo\nprint(demo.x)\n'
    )
    for _ in range(2):
        assert pixi("run", "--script", "here/tool.py", cwd=tmp_path).succeeded().out == "42\n"
    tables = {
        "dependencies": {"path": "1.*", "own": {"path": "own"}},
        "target": {"linux": {"pypi-dependencies": {"other": {"path": "/abs"}, "plain": "*"}}},
        "pypi-options": {"find-links": [{"path": "links"}, {"url": "https://x.example"}]},
    }
    anchor_paths(tables, folder)
    assert tables == {
        "dependencies": {"path": "1.*", "own": {"path": str(folder / "own")}},
        "target": {"linux": {"pypi-dependencies": {"other": {"path": "/abs"}, "plain": "*"}}},
        "pypi-options": {"find-links": [{"path": str(folder / "links")}, {"url": "https://x.example"}]},
    }

"""Host workspaces (this machine's Python, an index on loopback) for kernels of every client."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

from pixi_core import trust
from pixi_core.ops.trust import subject_workspace
from tests.support.pypi_index import FakeIndex, serving

MANIFEST = """\
[workspace]
name = "demo"
channels = []
platforms = ["{platform}"]

[pypi-options]
index-url = "{index}"

[dependencies]
python = ">=3.{minor},<3.{next}"

[feature.extra.pypi-dependencies]
words = "*"

[environments]
extra = ["extra"]
"""

KERNEL = {"name": "pixi", "display_name": "Pixi (project environment)", "language": "python"}


@pytest.fixture(scope="session")
def index() -> Iterator[str]:
    """An index with two small packages; `greeting` needs `words`."""
    fake = FakeIndex()
    fake.wheel("greeting", "1.0", "words")
    fake.wheel("greeting", "1.1", "words>=2", summary="Says hello")
    fake.wheel("words", "1.0")
    fake.wheel("words", "2.0")
    with serving(fake):
        yield fake.url


@pytest.fixture
def manifest(index: str) -> str:
    """The text of a host workspace with the environments `default` (empty) and `extra`."""
    from pixi_core.virtual import host_subdir

    minor = sys.version_info[1]
    return MANIFEST.format(platform=host_subdir(), index=index, minor=minor, next=minor + 1)


@pytest.fixture
def project(tmp_path: Path, manifest: str) -> Path:
    """A folder with that workspace."""
    folder = tmp_path / "demo"
    folder.mkdir()
    (folder / "pixi.toml").write_text(manifest)
    approve(folder)
    return folder


def approve(path: Path) -> None:
    """What `pixi trust PATH` does: tests that write manifests or notebooks by hand are their users."""
    trust.approve(subject_workspace(path, environ=os.environ), by="test")


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of this test's own."""
    monkeypatch.setenv("PIXI_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def write_notebook(path: Path, *cells: str, **metadata: object) -> Path:
    """A notebook for the kernel `pixi`."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    notebook.metadata.update(kernelspec=KERNEL, **metadata)
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)
    return path


def printed(path: Path) -> list[str]:
    """What each code cell of an executed notebook printed or showed, as text."""
    cells = nbformat.read(path, 4).cells
    texts = []
    for cell in cells:
        outputs = [o.get("text") or o.get("data", {}).get("text/plain", "") for o in cell.get("outputs", ())]
        texts.append("".join(outputs).strip())
    return texts


def tools_on_path() -> dict[str, str]:
    """This process's variables, with the programs of its own Python found first."""
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}

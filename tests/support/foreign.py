"""A stranger's workspace: whatever of it is run leaves a trace, whatever is asked of its index is counted."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.pypi_index import Answer, FakeIndex, serving

MANIFEST = """\
[workspace]
name = "foreign"
channels = []
platforms = ["{platform}"]

[pypi-options]
index-url = "{index}"

[dependencies]
python = ">=3.{minor},<3.{next}"

[pypi-dependencies]
words = "*"
local = {{ path = "{local}" }}

[activation]
scripts = ["{script}"]

[activation.env]
LD_PRELOAD_CANARY = "set"
"""

SETUP = "import pathlib\npathlib.Path({trace!r}).write_text('setup.py')\nfrom setuptools import setup\nsetup()\n"
SCRIPT = "#!/bin/sh\necho ran >> '{trace}'\n"


@dataclass(slots=True)
class CountingIndex(FakeIndex):
    """An index that remembers what it was asked for."""

    asked: list[str] = field(default_factory=list)

    def answer(self, path: str, headers: Mapping[str, str]) -> Answer:
        """As the index does."""
        self.asked.append(path)
        return FakeIndex.answer(self, path, headers)


@dataclass(frozen=True, slots=True)
class Foreign:
    """The folder, the text of its manifest with and without what only leaves traces, and its index."""

    folder: Path
    harmful: str
    good: str
    index: CountingIndex
    trace: Path

    def touched(self) -> list[str]:
        """What of it was run or asked for."""
        return [*self.index.asked, *(self.trace.read_text().split() if self.trace.exists() else ())]


@contextmanager
def foreign_workspace(folder: Path, trace: Path) -> Iterator[Foreign]:
    """Write it: scripts, a source tree, and an environment and notes that a repository might bring along."""
    from pixi_core.virtual import host_subdir

    folder.mkdir(parents=True)
    script = folder / "activate.sh"
    script.write_text(SCRIPT.format(trace=trace))
    (folder / "local").mkdir()
    (folder / "local" / "setup.py").write_text(SETUP.format(trace=str(trace)))
    prefix = folder / ".pixi" / "envs" / "default"
    (prefix / "bin").mkdir(parents=True)
    (prefix / "conda-meta").mkdir()
    (prefix / "bin" / "python").write_text(SCRIPT.format(trace=trace))
    (prefix / "bin" / "python").chmod(0o755)
    notes = folder / ".pixi" / "prepared-v1"
    notes.mkdir()
    note = {
        "state": {"prefix": "x"},
        "prefix": str(prefix),
        "platform": "",
        "python": str(prefix / "bin" / "python"),
        "has_ipykernel": True,
        "activation": {"scripts": ["activate.sh"], "env": {}, "metadata": {}},
    }
    (notes / "default.json").write_text(json.dumps(note))
    index = CountingIndex()
    index.wheel("words", "1.0")
    minor = sys.version_info[1]
    with serving(index):
        harmful = MANIFEST.format(
            platform=host_subdir(),
            index=index.url,
            minor=minor,
            next=minor + 1,
            local=folder / "local",
            script=script,
        )
        good = harmful.partition("[activation]")[0].replace(harmful.partition("local = ")[2].partition("\n")[0], "")
        good = good.replace("local = ", "")
        yield Foreign(folder, harmful, good, index, trace)


def tree(*folders: Path) -> dict[str, int]:
    """Every file below some folders with its time of change."""
    found: dict[str, int] = {}
    for folder in folders:
        for place, _, names in os.walk(folder):
            found |= {os.path.join(place, name): os.lstat(os.path.join(place, name)).st_mtime_ns for name in names}
            found[place] = 0
    return found

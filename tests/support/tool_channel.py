"""A channel of tools that need different Pythons, for `pixi global`; every tool tells how it was started.

| package | what it brings |
|---|---|
| `tool-old` | `tool-old`, for Python 3.11; its activation sets `TOOL_ACTIVATED` and lengthens `PATH` |
| `tool-new` 1.0, 2.0 | `tool-new`, for Python 3.12, with completions; the second version also has `tool-extra` |
| `clash` | a `tool-old` of its own |
| `quiet` | `quiet`, which does not want to see `CONDA_PREFIX` |
| `outer` | no program; needs `inner`, which brings `outer` and `inner` |
| `menus` | a menu entry, and its program |
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.support.channel.index import write_index
from tests.support.channel.package_writer import PLACEHOLDER, Recipe, WrittenPackage, write_package
from tests.support.channel.stand_ins import stand_in_python
from tests.support.channel.subdirs import host_subdir

TELL = f"""#!{PLACEHOLDER}/bin/python
import json, os, signal, sys

if sys.argv[1:2] == ["exit"]:
    sys.exit(int(sys.argv[2]))
if sys.argv[1:2] == ["die"]:
    os.kill(os.getpid(), signal.SIGTERM)
if sys.argv[1:2] == ["wait"]:
    print("ready", os.getpid(), flush=True)
    signal.pause()
names = ("CONDA_PREFIX", "CONDA_SHLVL", "TOOL_ACTIVATED", "PATH", "PIXI_PROJECT_ROOT")
python = os.path.basename(os.readlink(os.path.join("{PLACEHOLDER}", "bin", "python")))
told = {{"arguments": sys.argv[1:], "python": python, "version": "VERSION"}}
print(json.dumps(told | {{name: os.environ.get(name) for name in names}}))
"""
SHELL = '#!/bin/sh\necho "prefix=${CONDA_PREFIX-none} $*"\n'
ACTIVATE = 'export TOOL_ACTIVATED="it\'s $CONDA_PREFIX"\nexport PATH="$CONDA_PREFIX/extra:$PATH"\n'
MENU = {
    "menu_name": "Menus",
    "menu_items": [
        {
            "name": "The Tool",
            "description": "A tool of the test channel",
            "command": ["{{ BIN_DIR }}/menus", "a word", "%f"],
            "platforms": {"linux": {"Categories": ["Utility"]}, "osx": {}, "win": {}},
        }
    ],
}


def tool_channel(folder: Path) -> str:
    """Write the channel into `folder`; its URL."""
    packages = list(stand_in_python(folder, host_subdir()))
    packages.append(
        package(
            folder,
            "tool-old",
            "1.0",
            {"bin/tool-old": _tell("1.0"), "etc/conda/activate.d/tool.sh": ACTIVATE},
            "python 3.11.*",
        )
    )
    for version in ("1.0", "2.0"):
        files = {"bin/tool-new": _tell(version), "share/bash-completion/completions/tool-new": "complete tool-new\n"}
        if version == "2.0":
            files["bin/tool-extra"] = SHELL
        packages.append(package(folder, "tool-new", version, files, "python 3.12.*"))
    packages.append(package(folder, "clash", "1.0", {"bin/tool-old": SHELL, "bin/clash": SHELL}))
    quiet = {"bin/quiet": SHELL, "etc/pixi/quiet/global-ignore-conda-prefix": ""}
    packages.append(package(folder, "quiet", "1.0", quiet))
    packages.append(package(folder, "inner", "1.0", {"bin/outer": SHELL, "bin/inner": SHELL}))
    packages.append(package(folder, "outer", "1.0", {"share/outer": "\n"}, "inner"))
    packages.append(package(folder, "menus", "1.0", {"bin/menus": SHELL, "Menu/menus.json": json.dumps(MENU)}))
    write_index(folder, packages, subdirs=("noarch", host_subdir()))
    return folder.as_uri()


def _tell(version: str) -> str:
    return TELL.replace("VERSION", version)


def package(folder: Path, name: str, version: str, files: Mapping[str, str], *depends: str) -> WrittenPackage:
    """A package of some text files; those of `bin` can be run."""
    recipe = Recipe(name=name, version=version, build="0", subdir="noarch", noarch="generic", depends=depends)
    with tempfile.TemporaryDirectory() as stage:
        for path, text in files.items():
            place = Path(stage) / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")
            place.chmod(0o755 if path.startswith("bin/") else 0o644)
        return write_package(recipe, Path(stage), folder)

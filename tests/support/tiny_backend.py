"""A build back end in one file, for source trees that bring their own (`backend-path`): standard library only.

`backend.json` in the project's folder steers it: `more` (what `get_requires_for_build_wheel` gives), `without`
(hooks it does not have), `fail` (a text with which building ends), `wait` (a FIFO: it says its process there and never
ends), `module` (a module that must be importable), `needs` (`Requires-Dist` that only a build can tell).
Every hook adds a line to the file named by `TINY_BACKEND_LOG`, if that is set.
"""

from __future__ import annotations

import base64
import hashlib
import importlib
import json
import os
import signal
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any


def _settings() -> dict[str, Any]:
    path = Path("backend.json")
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return found


def _note(hook: str) -> None:
    log = os.environ.get("TINY_BACKEND_LOG")
    if log:
        project = tomllib.loads(Path("pyproject.toml").read_text())["project"]["name"]
        variables = {"MARK": os.environ.get("MARK"), "PIP_INDEX_URL": os.environ.get("PIP_INDEX_URL")}
        with open(log, "a") as file:
            file.write(json.dumps({"project": project, "hook": hook, "prefix": sys.prefix, **variables}) + "\n")


def get_requires_for_build_wheel(config_settings: object = None) -> list[str]:
    _note("get_requires")
    requires: list[str] = _settings().get("more", [])
    return requires


get_requires_for_build_editable = get_requires_for_build_wheel


def prepare_metadata_for_build_wheel(folder: str, config_settings: object = None) -> str:
    _note("metadata")
    name, files = _metadata()
    for path, content in files.items():
        Path(folder, path).parent.mkdir(exist_ok=True)
        Path(folder, path).write_text(content)
    return f"{name}.dist-info"


prepare_metadata_for_build_editable = prepare_metadata_for_build_wheel


def build_wheel(folder: str, config_settings: object = None, metadata_folder: object = None) -> str:
    return _build("wheel", folder)


def build_editable(folder: str, config_settings: object = None, metadata_folder: object = None) -> str:
    return _build("editable", folder)


def _metadata() -> tuple[str, dict[str, str]]:
    project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
    version = project.get("version") or Path("VERSION").read_text().strip()
    name = f"{project['name'].replace('-', '_')}-{version}"
    lines = ["Metadata-Version: 2.2", f"Name: {project['name']}", f"Version: {version}"]
    lines += [
        f"Requires-Dist: {needed}" for needed in [*project.get("dependencies", []), *_settings().get("needs", [])]
    ]
    return name, {
        f"{name}.dist-info/METADATA": "\n".join(lines) + "\n\n",
        f"{name}.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: tiny\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }


def _build(kind: str, folder: str) -> str:
    _note(kind)
    settings = _settings()
    if "fail" in settings:
        for number in range(40):
            print(f"compiling part {number}")
        sys.exit(settings["fail"])
    if "wait" in settings:
        with open(settings["wait"], "w") as fifo:
            fifo.write(f"{os.getpid()}\n")
        signal.pause()
    if "module" in settings:
        importlib.import_module(settings["module"])
    name, files = _metadata()
    if kind == "editable":
        files["__editable__.pth"] = f"{Path('src').resolve()}\n"
    else:
        files |= {str(path.relative_to("src")): path.read_text() for path in Path("src").rglob("*.py")}
    records = [f"{path},sha256={_digest(content)},{len(content.encode())}" for path, content in files.items()]
    files[f"{name}.dist-info/RECORD"] = "\n".join([*records, f"{name}.dist-info/RECORD,,"]) + "\n"
    with zipfile.ZipFile(Path(folder, f"{name}-py3-none-any.whl"), "w") as wheel:
        for path, content in files.items():
            wheel.writestr(zipfile.ZipInfo(path), content)  # the same bytes at any time
    return f"{name}-py3-none-any.whl"


def _digest(content: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content.encode()).digest()).rstrip(b"=").decode()


for _hook in _settings().get("without", []):
    del globals()[_hook]

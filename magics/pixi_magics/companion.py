"""Packages that have a half in the browser: is that half where the Jupyter server looks for it?

A package such as ipywidgets works only where its front-end extension stands in the environment of the *server*; in the
kernel's own nobody reads it. Which packages these are is not a list: whatever brings a folder below
`share/jupyter/labextensions` is one.
"""

import json
import os
from typing import Any, Dict, Iterator, List, Mapping, Optional

_EXTENSIONS = ("share", "jupyter", "labextensions")
_SYSTEM = ("/usr/local/share/jupyter", "/usr/share/jupyter")


def advice(transaction: Mapping[str, Any], prefix: str, core: str, environ: Mapping[str, str]) -> List[str]:
    """A sentence for each front-end extension that a transaction brought into `prefix` and the server lacks, or has in
    another major version. `core` is the server's Python; where no JupyterLab stands beside it, nothing is said.
    """
    if not _has_lab(core):
        return []
    server = server_prefix(core)
    found = []
    for package in (*transaction.get("added", ()), *transaction.get("changed", ())):
        files = package.get("files") or package.get("new_files") or ()
        for extension in extensions(files):
            here = version_in(os.path.join(prefix, *_EXTENSIONS), extension)
            there = [version_in(folder, extension) for folder in folders(server, environ)]
            text = _sentence(package, extension, here, next((v for v in there if v is not None), None), core)
            if text:
                found.append(text)
    return found


def lacking(core: str, environ: Mapping[str, str], extension: str, name: str, version: str) -> List[str]:
    """A sentence where JupyterLab stands beside the server's Python without `extension`, by which the package draws."""
    server = server_prefix(core)
    if not _has_lab(core) or any(version_in(folder, extension) is not None for folder in folders(server, environ)):
        return []
    return [str(_sentence({"name": name, "version": version}, extension, None, None, core))]


def _has_lab(core: str) -> bool:
    return os.path.isdir(os.path.join(server_prefix(core), "share", "jupyter", "lab"))


def server_prefix(core: str) -> str:
    """The environment of the server's Python, links of a virtual environment not followed."""
    folder = os.path.dirname(os.path.abspath(core))
    return os.path.dirname(folder) if os.path.basename(folder).lower() in ("bin", "scripts") else folder


def extensions(files: Any) -> Iterator[str]:
    """Names of the extensions whose files are among these (relative to the prefix), `@scope/name` included."""
    seen = set()
    for file in files:
        parts = str(file).replace("\\", "/").split("/")
        if tuple(parts[:3]) == _EXTENSIONS and parts[-1] == "package.json":
            name = "/".join(parts[3:-1])
            if name and name.count("/") == (1 if name.startswith("@") else 0) and name not in seen:
                seen.add(name)
                yield name


def folders(server: str, environ: Mapping[str, str]) -> List[str]:
    """Where the server looks for extensions, first come first served (Jupyter's data path)."""
    data = environ.get("XDG_DATA_HOME") or os.path.join(environ.get("HOME", ""), ".local", "share")
    roots = environ.get("JUPYTER_PATH", "").split(os.pathsep)
    roots += [environ.get("JUPYTER_DATA_DIR") or os.path.join(data, "jupyter")]
    roots += [os.path.join(server, "share", "jupyter"), *_SYSTEM]
    return [os.path.join(root, "labextensions") for root in roots if root]


def version_in(folder: str, extension: str) -> Optional[str]:
    """The version of an extension below a folder; empty where it does not say, None where it is not there."""
    try:
        with open(os.path.join(folder, *extension.split("/"), "package.json"), encoding="utf-8") as stream:
            described: Dict[str, Any] = json.load(stream)
        return str(described.get("version") or "")
    except (OSError, ValueError, AttributeError):
        return None


def _sentence(
    package: Mapping[str, Any], extension: str, here: Optional[str], there: Optional[str], core: str
) -> Optional[str]:
    name = str(package.get("name"))
    version = package.get("version") or package.get("new_version")
    remedy = "install it there and reload the page: `%s -m pip install %s==%s`" % (core, name, version)
    if there is None:
        return "%s draws with %s, which the environment of this Jupyter server lacks; %s" % (name, extension, remedy)
    if here and there and here.partition(".")[0] != there.partition(".")[0]:
        return "%s draws with %s %s, and this Jupyter server has %s; %s" % (name, extension, here, there, remedy)
    return None

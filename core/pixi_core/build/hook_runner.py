"""Runs one hook of a build back end: `python -I hook_runner.py REQUEST ANSWER`, both files in JSON.

This file is started by the Python that builds, of whatever environment, and imports nothing but the standard library
(Python 3.8 and later). What the back end prints is left alone; only the file ANSWER speaks to whoever asked.
"""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module
from typing import Any


def main(request_file: str, answer_file: str) -> None:
    """Call the hook that the request names. A failure is the back end's own traceback and exit code 1."""
    with open(request_file, encoding="utf-8") as file:
        request = json.load(file)
    backend = load_backend(request["backend"], request["backend_path"])
    hook = getattr(backend, request["hook"], None)
    answer = {"missing": True} if hook is None else {"value": _plain(hook(*request["arguments"]))}
    with open(answer_file, "w", encoding="utf-8") as file:
        json.dump(answer, file)


def load_backend(name: str, backend_path: list[str]) -> Any:
    """The object `module:attribute`; one that the source tree brings must really come from there (PEP 517)."""
    sys.path[:0] = backend_path
    module_name, _, attributes = name.partition(":")
    module = import_module(module_name)
    if backend_path:
        origin = os.path.realpath(getattr(module, "__file__", None) or "")
        inside = [os.path.join(os.path.realpath(folder), "") for folder in backend_path]
        if not any(origin.startswith(folder) for folder in inside):
            sys.exit(f"the build backend {module_name} was found at {origin}, not in {', '.join(backend_path)}")
    found: Any = module
    for attribute in filter(None, attributes.split(".")):
        found = getattr(found, attribute)
    return found


def _plain(value: Any) -> Any:
    """What hooks give: a file name, or a list of requirements."""
    return value if value is None or isinstance(value, str) else [str(item) for item in value]


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])

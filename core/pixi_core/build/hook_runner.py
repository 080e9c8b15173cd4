"""Runs one hook of a build back end: `python -I hook_runner.py REQUEST ANSWER`, both files in JSON.

This file is started by the Python that builds, of whatever environment, and imports nothing but the standard library
(Python 3.8 and later). What the back end prints is left alone; only the file ANSWER speaks to whoever asked.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from importlib import import_module
from typing import Any


def main(request_file: str, answer_file: str) -> None:
    """Call the hook that the request names. A failure is the back end's own traceback and exit code 1."""
    _end_with_our_caller()
    with open(request_file, encoding="utf-8") as file:
        request = json.load(file)
    backend = load_backend(request["backend"], request["backend_path"])
    hook = getattr(backend, request["hook"], None)
    answer = {"missing": True} if hook is None else {"value": _plain(hook(*request["arguments"]))}
    with open(answer_file, "w", encoding="utf-8") as file:
        json.dump(answer, file)


def _end_with_our_caller() -> None:
    """Standard input is a pipe that ends when whoever asked is gone, killed perhaps: this process group ends then, too,
    compilers included. The back end gets an empty standard input instead.
    """
    watched = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)

    def watch() -> None:
        while os.read(watched, 1):
            pass
        if hasattr(os, "killpg"):
            os.killpg(os.getpgrp(), signal.SIGKILL)
        os._exit(1)

    threading.Thread(target=watch, name="caller", daemon=True).start()


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

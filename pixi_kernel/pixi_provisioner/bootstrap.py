"""The first program of a kernel: `ENVIRONMENT/bin/python /path/to/bootstrap.py --core PYTHON … -f CONNECTION_FILE`.

It runs in the environment's own Python (3.8 or newer) and starts ipykernel there, with `%pixi` added. What it needs to
know comes as arguments: no environment variable is set, so nothing leaks into the programs that the kernel starts. Our
additions never stop a kernel: without them it starts all the same, and says in its log what is missing.

Arguments before ipykernel's own:
    --core PYTHON          the Python that runs the core (the server's)
    --magics FOLDER        the folder of the package `pixi_magics`
    --manifest FILE        the manifest of the workspace
    --environment NAME     the environment of this kernel
    --overlay FOLDER       ipykernel and what it needs, for an environment that has none
"""

from __future__ import annotations

import os
import sys
from typing import Any

OPTIONS = ("--core", "--magics", "--manifest", "--environment", "--overlay")


def take_options(words: list[str]) -> tuple[dict[str, str], list[str]]:
    """Our options (without their dashes) and ipykernel's words."""
    options: dict[str, str] = {}
    rest: list[str] = []
    position = 0
    while position < len(words):
        if words[position] in OPTIONS and position + 1 < len(words):
            options[words[position][2:]] = words[position + 1]
            position += 2
        else:
            rest.append(words[position])
            position += 1
    return options, rest


def clean_path(overlay: str | None) -> None:
    """Forget this script's folder, and put the overlay last: whatever the environment has itself comes first."""
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [entry for entry in sys.path if entry and os.path.abspath(entry) != here]
    if overlay:
        sys.path.append(overlay)


def load_package(name: str, folder: str) -> None:
    """Make one package importable without making its neighbours so. Raises `ImportError`."""
    import importlib.util

    spec = importlib.util.spec_from_file_location(
        name, os.path.join(folder, "__init__.py"), submodule_search_locations=[folder]
    )
    if spec is None or spec.loader is None:
        raise ImportError("no package in %s" % folder)  # noqa: UP031 - Python 3.8 style of the kernel's side
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)


def add_magics(shell: Any, options: dict[str, str]) -> None:
    """Register `%pixi` with an IPython shell."""
    from importlib import import_module

    load_package("pixi_magics", options["magics"])
    # by name: in this interpreter the package exists only since the line above
    load = import_module("pixi_magics.load").load
    load(shell, options["core"], options.get("manifest"), options.get("environment", "default"), sys.prefix)


def main() -> None:
    """Start the kernel; returns when it ends."""
    options, rest = take_options(sys.argv[1:])
    clean_path(options.get("overlay"))
    from ipykernel import kernelapp

    class KernelApp(kernelapp.IPKernelApp):  # type: ignore[misc]  # ipykernel is whatever the environment has
        """The stock application, its configuration files included, with our magic."""

        name = "ipython-kernel"

        def init_extensions(self) -> None:
            """The configured extensions, then ours."""
            super().init_extensions()
            if "core" not in options or "magics" not in options:
                return
            try:
                add_magics(self.shell, options)
            except Exception as error:
                self.log.warning("%%pixi is not available: %r", error)

    sys.argv = [kernelapp.__file__, *rest]
    KernelApp.launch_instance()


if __name__ == "__main__":
    main()

"""`pixi import`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .arguments import workspace_arguments

if TYPE_CHECKING:
    import argparse

    from .context import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which file, and where its requirements go."""
    parser.add_argument("file", metavar="FILE", help="an `environment.yml` or `requirements.txt`")
    parser.add_argument("--format", choices=("conda-env", "pypi-txt"), help="default: by the name of the file")
    workspace_arguments(parser)
    parser.add_argument("-p", "--platform", action="append", default=[], metavar="PLATFORM", help="only there; repeat")
    parser.add_argument("-e", "--environment", metavar="NAME", help="the environment; made where it is missing")
    parser.add_argument("-f", "--feature", metavar="NAME", help="the feature; made where it is missing")


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Import, and say what had no place in the manifest."""
    from ..ops.import_file import import_file

    found = import_file(
        context.workspace(arguments.manifest_path),
        context.cwd / Path(arguments.file),
        kind=arguments.format,
        feature=arguments.feature,
        environment=arguments.environment,
        platforms=arguments.platform,
    )
    for text in found.ignored:
        context.reporter.warning(f"not taken over: {text}")
    count = len(found.conda) + len(found.pypi)
    context.reporter.message(f"✔ Imported {count} requirements from {arguments.file}")
    context.result("import", {"conda": list(found.conda), "pypi": [str(r) for r in found.pypi]})
    return 0

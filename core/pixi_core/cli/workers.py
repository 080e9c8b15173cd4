"""`pixi workers`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from .arguments import environment_argument, workspace_arguments

if TYPE_CHECKING:
    import argparse

    from .context import Context

VARIABLE = "DASK_SCHEDULER_ADDRESS"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which cluster, and whether to change it."""
    workspace_arguments(parser)
    environment_argument(parser)
    parser.add_argument("--scheduler", metavar="ADDRESS", help=f"Dask's scheduler (default: {VARIABLE})")
    parser.add_argument("--switch", action="store_true", help="restart the workers into the locked environment")
    parser.add_argument("--back", action="store_true", help="restart them into the environments of their nannies")
    parser.add_argument("--store", metavar="DIR", help="the store on the workers' machines (default: PIXI_STORE there)")
    parser.add_argument("--check", action="store_true", help="exit code 1 where something does not fit")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Switch where that was asked for; then print who is there, and what does not fit."""
    from ..ops.workers import workers

    found = workers(
        context.workspace(arguments.manifest_path),
        arguments.scheduler or context.environ.get(VARIABLE, ""),
        arguments.environment,
        switch="back" if arguments.back else "there" if arguments.switch else "",
        store=arguments.store,
        reporter=context.reporter,
    )
    if context.json_lines:
        context.result("workers", found.to_json())
    if arguments.json:
        print(json.dumps(found.to_json(), indent=2))
    else:
        from .terminal import safe

        for one in found.participants:
            print(safe(f"{one}: Python {one.python}, {len(one.packages)} packages, {one.digest or one.prefix}"))
        for line in found.mismatches:
            print(safe(f"✗ {line}"))
        if not found.mismatches:
            print("✔ they fit together")
    return 1 if arguments.check and found.mismatches else 0

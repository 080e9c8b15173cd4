"""`pixi status`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from .arguments import environment_argument, workspace_arguments

if TYPE_CHECKING:
    import argparse

    from .context import Context

SENTENCES = {
    "in-sync": "is in sync: manifest, lock file and environment agree",
    "no-lock": "is not locked yet",
    "stale": "has a lock file that does not satisfy the manifest",
    "not-installed": "is not installed as it is locked",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which environment."""
    workspace_arguments(parser)
    environment_argument(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--check", action="store_true", help="exit code 1 unless in sync")


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Print the state and its reasons."""
    from ..ops.status import status

    found = status(context.workspace(arguments.manifest_path), arguments.environment)
    if context.json_lines:
        context.result("status", found.to_json())
    elif arguments.json:
        print(json.dumps(found.to_json(), indent=2))
    else:
        from .terminal import safe

        print(f"{found.workspace} ({found.environment}) {SENTENCES[found.state]}")
        for reason in found.reasons:
            print(safe(f"  - {reason}"))
        if found.policy is not None:
            from .info import policy_lines

            print(safe(f"policy of this machine: {found.policy['path']}"))
            for line in policy_lines(found.policy):
                print(safe(f"  {line}"))
    return 1 if arguments.check and found.state != "in-sync" else 0

"""`pixi trust`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from .arguments import workspace_arguments

if TYPE_CHECKING:
    import argparse

    from .context import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What, and whether to approve it or something else."""
    parser.add_argument(
        "path", nargs="?", metavar="PATH", help="a notebook, manifest or folder (default: this workspace)"
    )
    workspace_arguments(parser)
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--show", action="store_true", help="only show what approving would allow")
    action.add_argument("--revoke", action="store_true", help="take the approval back")
    action.add_argument("--list", action="store_true", help="list what you have approved")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Approve, show, revoke or list; exit code 1 from `--show` where it is not approved."""
    from ..ops import trust

    if arguments.list:
        return _list(arguments, context)
    if arguments.path is not None:
        workspace = trust.subject_workspace(context.cwd / Path(arguments.path), environ=context.environ)
    else:
        workspace = context.workspace(arguments.manifest_path)
    if arguments.show:
        answer = trust.show(workspace)
    elif arguments.revoke:
        answer = trust.revoke(workspace)
    else:
        answer = trust.approve(workspace, by="%pixi trust" if context.json_lines else "pixi trust")
    if arguments.json:
        print(json.dumps(answer.to_json(), indent=2))
    else:
        from .terminal import safe

        word = "approved" if answer.trusted else "not approved"
        mark = "✔" if answer.trusted else "✗"
        if arguments.revoke and not answer.changed:
            word = "not approved, as before"
        context.reporter.message(safe(f"{mark} {answer.subject}: {word}"))
        for line in () if arguments.revoke else answer.lines:
            context.reporter.message(safe(f"  {line}"))
    context.result("trust", answer.to_json())
    return 1 if arguments.show and not answer.trusted else 0


def _list(arguments: argparse.Namespace, context: Context) -> int:
    from ..ops.trust import approvals

    found = approvals(context.environ)
    if arguments.json:
        print(json.dumps([{"manifest": o.manifest, "approved": o.approved, "by": o.by} for o in found], indent=2))
        return 0
    from .terminal import safe

    for one in found:
        print(safe(f"{one.approved}  {one.manifest}  ({one.by})"))
    if not found:
        context.reporter.message("nothing is approved yet")
    return 0

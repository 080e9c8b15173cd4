"""`pixi lock`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from .arguments import workspace_arguments
from .config_options import config_options
from .script import lock as lock_script
from .script import script_argument

if TYPE_CHECKING:
    import argparse

    from .context import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to do with the result."""
    workspace_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print the difference as JSON")
    parser.add_argument("--check", action="store_true", help="exit code 1 when the lock file had to change")
    parser.add_argument("--dry-run", "-n", action="store_true", help="do not write the lock file")
    parser.add_argument(
        "--resolve-conflict", action="store_true", help="solve a lock file in which git left both sides of a merge"
    )
    parser.add_argument("--no-install", action="store_true", help="taken for pixi's sake: nothing is installed")
    script_argument(parser)
    parser.add_argument("--like", metavar="FILE", help="prefer the versions of a conda-lock.yml")
    config_options(parser)


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Solve where needed, write, and say what moved."""
    from ..ops.lock import lock_like, outdated_reasons, relock, resolve_conflict

    if arguments.script is not None:
        return lock_script(arguments, context)
    workspace = context.workspace(arguments.manifest_path)
    workspace.configure(reporter=context.reporter)
    resolved = None
    if arguments.like:
        path = context.cwd / arguments.like
        resolved = lock_like(workspace, path, write=not arguments.dry_run, reporter=context.reporter)
    elif arguments.resolve_conflict:
        resolved = resolve_conflict(workspace, reporter=context.reporter)
    lock = workspace.lock() if resolved is None else resolved.lock
    reasons = list(resolved.reasons) if resolved is not None else outdated_reasons(workspace, lock)
    changed, difference = (False, None) if resolved is None else (resolved.changed, resolved.difference)
    if reasons and resolved is None:
        locked = relock(workspace, lock, reasons=reasons, write=not arguments.dry_run, reporter=context.reporter)
        changed, difference = locked.changed, locked.difference
    nothing = {"version": 1, "environment": {}}
    if arguments.json:
        print(json.dumps(difference or nothing, indent=2))
    elif changed:
        context.reporter.message("✔ Updated the lock file" if not arguments.dry_run else "The lock file would change")
        for reason in reasons:
            context.reporter.message(f"  - {reason}")
    else:
        context.reporter.message("✔ Lock-file was already up-to-date")
    context.result("lock", {"lock_changed": changed, "reasons": reasons, "difference": difference or nothing})
    return 1 if arguments.check and changed else 0

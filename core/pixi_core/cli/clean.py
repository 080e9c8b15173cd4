"""`pixi clean`, `pixi clean cache` and `pixi clean history`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from .arguments import environment_argument, workspace_arguments

if TYPE_CHECKING:
    import argparse

    from .context import Context

KINDS = ("conda", "pypi", "repodata", "mapping", "exec", "build-backends", "build", "notices")
"""`build` is also a part of a workspace."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Environments of the workspace, or caches of the user."""
    parser.add_argument("what", nargs="?", choices=("cache", "history"), help="instead of the environments")
    workspace_arguments(parser)
    environment_argument(parser)
    for kind in KINDS:
        parser.add_argument(f"--{kind}", action="append_const", dest="kinds", const=kind, help=f"cache: {kind} only")
    parser.add_argument("--activation-cache", action="store_true", help="only what activation scripts were seen to do")
    parser.add_argument("--workspaces-registry", action="store_true", help="only the names of registered workspaces")
    parser.add_argument("--unused", action="store_true", help="cache: only packages that no environment links")
    parser.add_argument("-y", "--yes", action="store_true", help="cache: do not ask")
    parser.add_argument("-n", "--dry-run", action="store_true", help="remove nothing, say what would be removed")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Remove, and say how much that was."""
    from ..errors import UsageError
    from ..ops import clean

    parts = arguments.activation_cache or arguments.workspaces_registry
    if parts and (arguments.what or arguments.unused or arguments.environment):
        raise UsageError("--activation-cache and --workspaces-registry stand without `cache`, `history` and -e")
    if arguments.unused:
        if arguments.what != "cache" or arguments.kinds:
            raise UsageError("--unused belongs to `pixi clean cache`, without kinds")
        return _run_unused(arguments, context)
    if arguments.what == "history":
        return _run_history(arguments, context)
    if arguments.what == "cache":
        from ..ops.init import open_services

        folders = clean.caches_of(open_services(context.environ).dirs, arguments.kinds or ())
        if folders and not (arguments.yes or arguments.dry_run or _agreed(context)):
            raise UsageError("nothing was removed", hints=["say yes, or use --yes"])
    elif set(arguments.kinds or ()) - {"build"}:
        raise UsageError("kinds of caches belong to `pixi clean cache`")
    elif parts or arguments.kinds:
        folders = clean.parts_of(
            None if not (arguments.activation_cache or arguments.kinds) else context.workspace(arguments.manifest_path),
            activation=arguments.activation_cache,
            build=bool(arguments.kinds),
            registry=context.environ if arguments.workspaces_registry else None,
        )
    else:
        folders = clean.environments_of(context.workspace(arguments.manifest_path), arguments.environment)
    if not arguments.dry_run:
        clean.remove(folders)
        if arguments.what is None and arguments.environment is None and not (parts or arguments.kinds):
            from ..install.history import History

            History(context.workspace(arguments.manifest_path).pixi_dir).unpin()
    from .terminal import megabytes

    verb = "Would remove" if arguments.dry_run else "Removed"
    data = [folder.to_json() for folder in folders]
    context.result("clean", {"removed": data})
    if arguments.json and not context.json_lines:
        print(json.dumps(data, indent=2))
        return 0
    for folder in folders:
        context.reporter.message(f"{verb} {folder.path} ({megabytes(folder.size)})")
    if not folders:
        context.reporter.message("there is nothing to remove")
    return 0


def _run_history(arguments: argparse.Namespace, context: Context) -> int:
    """All generations but the newest of each environment, which is what there is now."""
    from ..errors import UsageError
    from ..ops.history import forget

    if arguments.kinds or arguments.dry_run:
        raise UsageError("`pixi clean history` takes neither kinds nor --dry-run")
    count = forget(context.workspace(arguments.manifest_path), arguments.environment)
    context.result("clean", {"forgotten": count})
    if arguments.json and not context.json_lines:
        print(json.dumps({"forgotten": count}))
    context.reporter.message(f"Forgot {count} generation{'' if count == 1 else 's'}")
    return 0


def _run_unused(arguments: argparse.Namespace, context: Context) -> int:
    """Packages that no environment links and nobody has used for ten minutes; no question, they can be had again."""
    from ..cache.collect import collect_unused
    from ..ops.init import open_services
    from .terminal import megabytes

    collected = collect_unused(open_services(context.environ).dirs, dry_run=arguments.dry_run)
    context.result("clean", collected.to_json())
    if arguments.json and not context.json_lines:
        print(json.dumps(collected.to_json(), indent=2))
        return 0
    verb = "Would remove" if arguments.dry_run else "Removed"
    context.reporter.message(
        f"{verb} {len(collected.removed)} packages that no environment links ({megabytes(collected.freed)}); "
        f"{len(collected.kept)} stay"
    )
    return 0


def _agreed(context: Context) -> bool:
    import sys

    if context.json_lines or not sys.stdin.isatty():
        return False
    print("Remove everything in these caches? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")

"""`--script FILE`: the block of a Python file instead of a workspace, for commands that do not run it."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from ..workspace import Services, Workspace
    from .context import Context

_OF_WORKSPACES = ("manifest_path", "environment", "git", "path", "editable", "index", "subdirectory", "dry_run")


def script_argument(parser: argparse.ArgumentParser) -> None:
    """The script."""
    parser.add_argument("-s", "--script", metavar="FILE", help="a Python file that says itself what it needs (PEP 723)")


def init(arguments: argparse.Namespace, context: Context) -> int:
    """Write a block."""
    from ..ops.init import open_services
    from ..ops.script_edit import init_script

    path = _path(arguments, context)
    channels = arguments.channel
    if channels is None:
        services = open_services(context.environ)
        channels = services.config.default_channels
        services.close()
    init_script(path, channels=channels)
    context.reporter.message(f"✔ Initialized script at {path}")
    context.result("init", {"manifest_path": str(path), "unreachable": None})
    return 0


def add(arguments: argparse.Namespace, context: Context) -> int:
    """Write packages into the block. Raises `UsageError` for options that only workspaces have."""
    from ..ops.script_edit import add_to_script

    path = _path(arguments, context)
    _refuse(arguments)
    said = add_to_script(path, arguments.specs, pypi=arguments.pypi, platforms=arguments.platform)
    for name, spec in said.items():
        context.reporter.message(f"✔ Added {name} {spec}")
    _follow(context, path)
    context.result("add", {"specs": said})
    return 0


def remove(arguments: argparse.Namespace, context: Context) -> int:
    """Take packages out of the block. Raises `UsageError` for options that only workspaces have."""
    from ..ops.script_edit import remove_from_script

    path = _path(arguments, context)
    _refuse(arguments)
    remove_from_script(path, arguments.names, pypi=arguments.pypi, platforms=arguments.platform)
    for name in arguments.names:
        context.reporter.message(f"✔ Removed {name}")
    _follow(context, path)
    context.result("remove", {"removed": arguments.names})
    return 0


def lock(arguments: argparse.Namespace, context: Context) -> int:
    """Write the lock file beside the script."""
    from ..ops.script_edit import lock_script

    path = _path(arguments, context)
    services = _services(context)
    try:
        locked = lock_script(services, path, write=not arguments.dry_run, reporter=context.reporter)
    finally:
        services.close()
    assert locked is not None, "without `only_present` there is always a lock file"
    difference = locked.difference or {"version": 1, "environment": {}}
    if arguments.json:
        print(json.dumps(difference, indent=2))
    elif locked.changed:
        context.reporter.message("✔ Updated the lock file" if not arguments.dry_run else "The lock file would change")
    else:
        context.reporter.message("✔ Lock-file was already up-to-date")
    context.result("lock", {"lock_changed": locked.changed, "difference": difference})
    return 1 if arguments.check and locked.changed else 0


@contextmanager
def workspace_of(arguments: argparse.Namespace, context: Context) -> Iterator[Workspace]:
    """The workspace of `--script FILE`, else the one that is chosen as always. Raises `UsageError`, `NoWorkspace`."""
    if arguments.script is None:
        workspace = context.workspace(arguments.manifest_path)
        workspace.configure(reporter=context.reporter)
        yield workspace
        return
    from ..errors import UsageError
    from ..ops.script_edit import opened_script

    if arguments.manifest_path:
        raise UsageError("--manifest-path does not go with --script", hints=["name one of them"])
    services = _services(context)
    try:
        with opened_script(services, _path(arguments, context), reporter=context.reporter) as workspace:
            yield workspace
    finally:
        services.close()


def _path(arguments: argparse.Namespace, context: Context) -> Path:
    return (context.cwd / Path(arguments.script)).absolute()


def _services(context: Context) -> Services:
    from ..ops.init import open_services

    services = open_services(context.environ)
    services.reporter = context.reporter
    return services


def _refuse(arguments: argparse.Namespace) -> None:
    from ..errors import UsageError
    from ..names import DEFAULT_FEATURE

    for name in _OF_WORKSPACES:
        if getattr(arguments, name, None):
            raise UsageError(f"--{name.replace('_', '-')} does not go with --script")
    if arguments.feature != DEFAULT_FEATURE:
        raise UsageError("--feature does not go with --script", hints=["scripts have no features"])


def _follow(context: Context, path: Path) -> None:
    """A lock file beside the script follows the change."""
    from ..ops.script_edit import lock_script

    services = _services(context)
    try:
        locked = lock_script(services, path, only_present=True, reporter=context.reporter)
    finally:
        services.close()
    if locked is not None and locked.changed:
        context.reporter.message("✔ Updated the lock file")

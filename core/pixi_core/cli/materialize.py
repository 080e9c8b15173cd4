"""`pixi materialize`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from .arguments import environment_argument, workspace_arguments
from .config_options import config_options

if TYPE_CHECKING:
    import argparse

    from ..lock.model import LockFile
    from ..ops.materialize import Materialized
    from .context import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which lock file, which of its environments, and where to."""
    workspace_arguments(parser)
    environment_argument(parser)
    parser.add_argument("--lock", metavar="FILE", help="a lock file (default: that of the workspace)")
    parser.add_argument("-p", "--platform", metavar="PLATFORM", help="another platform than this machine's")
    parser.add_argument("--store", metavar="DIR", help="the store (default: PIXI_STORE, else one in the cache)")
    parser.add_argument("--attach", action="store_true", help="and let the workspace's environment be that one")
    parser.add_argument("--lease", type=float, metavar="SECONDS", help="keep it at least that long")
    parser.add_argument("--no-compile", action="store_true", help="without bytecode")
    config_options(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Print the path of the environment."""
    from ..ops.init import open_services
    from ..ops.materialize import default_store, materialize
    from ..store.entry import Store

    if arguments.attach:
        return _attach(arguments, context)
    lock = _lock(arguments, context)
    services = open_services(context.environ)
    services.reporter = context.reporter
    store = default_store(services) if arguments.store is None else Store((context.cwd / arguments.store).absolute())
    try:
        found = materialize(
            lock,
            environment=arguments.environment or "default",
            platform=arguments.platform,
            services=services,
            store=store,
            compiled=not arguments.no_compile,
            lease_seconds=arguments.lease,
            reporter=context.reporter,
        )
    finally:
        services.close()
    return _show(found, arguments, context)


def _attach(arguments: argparse.Namespace, context: Context) -> int:
    """The same for a workspace, which is told. Raises `UsageError` for options that speak of something else."""
    from ..errors import UsageError
    from ..ops.attach import attach
    from ..ops.materialize import default_store
    from ..store.entry import Store

    if arguments.lock is not None or arguments.platform is not None or arguments.lease is not None:
        raise UsageError(
            "--attach is for a workspace on this machine, whose link is the lease",
            hints=["leave out --lock, --platform and --lease"],
        )
    workspace = context.workspace(arguments.manifest_path)
    workspace.configure(reporter=context.reporter)
    named = arguments.store
    found = attach(
        workspace,
        arguments.environment,
        store=default_store(workspace.services) if named is None else Store((context.cwd / named).absolute()),
        compiled=not arguments.no_compile,
        reporter=context.reporter,
    )
    return _show(found, arguments, context)


def _show(found: Materialized, arguments: argparse.Namespace, context: Context) -> int:
    context.result("materialize", found.to_json())
    if not context.json_lines:
        print(json.dumps(found.to_json(), indent=2) if arguments.json else found.entry.prefix)
    return 0


def _lock(arguments: argparse.Namespace, context: Context) -> LockFile:
    """Raises `LockFileError` where there is none, or where it does not satisfy the manifest beside which it lies."""
    from ..errors import LockFileError

    if arguments.lock is None:
        from ..ops.lock import ensure_lock

        return ensure_lock(context.workspace(arguments.manifest_path), mode="locked", reporter=context.reporter).lock
    from ..lock.read import read_lock

    path = context.cwd / Path(arguments.lock)
    try:
        return read_lock(path.read_text(encoding="utf-8"), path=path)
    except (OSError, UnicodeDecodeError) as error:
        raise LockFileError(f"{path} cannot be read: {error}", hints=["name a pixi.lock"]) from error

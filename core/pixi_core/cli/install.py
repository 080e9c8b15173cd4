"""`pixi install`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .arguments import install_arguments, lock_mode

if TYPE_CHECKING:
    import argparse

    from ..ops.ready import Ready
    from ..workspace import Workspace
    from .context import Context

_NAMED = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which environments, and which of their packages."""
    install_arguments(parser)
    for option, text in (
        ("--only", "only this package and what it needs; repeat for more"),
        ("--skip", "not this package, but what it needs; repeat for more"),
        ("--skip-with-deps", "not this package, nor what nothing else needs; repeat for more"),
    ):
        parser.add_argument(option, action="append", default=[], metavar="PACKAGE", help=text)
    parser.add_argument("-n", "--dry-run", action="store_true", help="change nothing, say what would change")


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Install and say so."""
    from ..ops.install import install

    subset = None
    if arguments.only or arguments.skip or arguments.skip_with_deps:
        from ..ops.subset import Subset

        subset = Subset(
            only=tuple(arguments.only), skip=tuple(arguments.skip), skip_with_deps=tuple(arguments.skip_with_deps)
        )

    workspace = context.workspace(arguments.manifest_path)
    workspace.configure(reporter=context.reporter)
    if arguments.dry_run:
        return _rehearse(workspace, arguments, context)
    found = install(
        workspace,
        arguments.environment,
        everything=arguments.all,
        subset=subset,
        platform=arguments.platform,
        mode=lock_mode(arguments),
        reporter=context.reporter,
    )
    for ready in found:
        context.reporter.message(f"The {ready.environment} environment has been installed{_without(ready)}.")
        if context.json_lines:
            context.result("install", ready.to_json())
    return 0


def _rehearse(workspace: Workspace, arguments: argparse.Namespace, context: Context) -> int:
    """Say what would change. Raises `UsageError` with options that a rehearsal does not know."""
    from ..errors import UsageError
    from ..ops.diff import diff_of_installing
    from .add import say_rehearsal

    for option in ("all", "only", "skip", "skip_with_deps", "platform"):
        if getattr(arguments, option):
            raise UsageError(f"--dry-run does not go with --{option.replace('_', '-')}")
    found = diff_of_installing(workspace, arguments.environment, mode=lock_mode(arguments), reporter=context.reporter)
    say_rehearsal(found, context)
    context.result("install", {"difference": found})
    return 0


def _without(ready: Ready) -> str:
    """What of the lock file was left out."""
    left_out = ready.installation.left_out if ready.installation is not None else ()
    if not left_out:
        return ""
    named, more = left_out[:_NAMED], len(left_out) - _NAMED
    return f", without {', '.join(named)}" + (f" and {more} more" if more > 0 else "")

"""`pixi install`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .arguments import install_arguments, lock_mode

if TYPE_CHECKING:
    import argparse

    from ..ops.ready import Ready
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
    workspace.configure(offline=arguments.offline, reporter=context.reporter)
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


def _without(ready: Ready) -> str:
    """What of the lock file was left out."""
    left_out = ready.installation.left_out if ready.installation is not None else ()
    if not left_out:
        return ""
    named, more = left_out[:_NAMED], len(left_out) - _NAMED
    return f", without {', '.join(named)}" + (f" and {more} more" if more > 0 else "")

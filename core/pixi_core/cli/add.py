"""`pixi add`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .arguments import environment_argument, lock_arguments, lock_mode, no_install, workspace_arguments

if TYPE_CHECKING:
    import argparse

    from ..ops.change import Change, Target
    from .context import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The packages, and where in the manifest they go."""
    parser.add_argument(
        "specs", nargs="+", metavar="SPEC", help="`numpy`, `numpy>=2`, `channel::name`, `name=1.2=build`"
    )
    parser.add_argument("--pypi", action="store_true", help="the packages are PyPI requirements")
    parser.add_argument("--editable", action="store_true", help="a local folder as editable (--pypi; not built yet)")
    parser.add_argument("--index", metavar="URL", help="the one index the packages come from (--pypi)")
    where_arguments(parser)


def where_arguments(parser: argparse.ArgumentParser) -> None:
    """What `add` and `remove` share."""
    workspace_arguments(parser)
    parser.add_argument("-f", "--feature", default="default", metavar="NAME", help="the feature (default: `default`)")
    parser.add_argument("-p", "--platform", action="append", default=[], metavar="PLATFORM", help="only there; repeat")
    environment_argument(parser)
    lock_arguments(parser)


def target_of(arguments: argparse.Namespace) -> Target:
    """Where the change goes."""
    from ..errors import UsageError
    from ..names import FeatureName
    from ..ops.change import Target

    if lock_mode(arguments) != "auto":
        raise UsageError(
            "--locked and --frozen cannot be combined with a change of the manifest",
            hints=["leave them out, or edit the manifest and run `pixi lock`"],
        )
    return Target(
        feature=FeatureName(arguments.feature),
        platforms=tuple(arguments.platform),
        environment=arguments.environment or "default",
        install=not no_install(arguments),
    )


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Add, lock, install, and say what stands in the manifest now."""
    from ..ops.change import add

    workspace = context.workspace(arguments.manifest_path)
    workspace.configure(offline=arguments.offline, reporter=context.reporter)
    target = target_of(arguments)
    change = add(
        workspace,
        arguments.specs,
        pypi=arguments.pypi,
        editable=arguments.editable,
        index=arguments.index,
        target=target,
        reporter=context.reporter,
    )
    for name, spec in change.specs.items():
        context.reporter.message(f"✔ Added {name} {spec}")
    for name, spec in change.already.items():
        context.reporter.message(f"{name} {spec} is in the manifest already")
    say_where(change, target, context)
    context.result("add", change.to_json())
    return 0


def say_where(change: Change, target: Target, context: Context) -> None:
    """The two lines pixi adds below the names."""
    if target.platforms:
        context.reporter.message(f"Added these only for platform(s): {', '.join(target.platforms)}")
    if change.kind == "pypi" and change.specs:
        context.reporter.message("Added these as pypi-dependencies.")

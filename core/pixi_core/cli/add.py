"""`pixi add`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .arguments import environment_argument, lock_arguments, lock_mode, no_install, workspace_arguments
from .script import script_argument

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from ..model.pypi_requirement import Source
    from ..ops.change import Change, Target
    from ..workspace import Workspace
    from .context import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The packages, and where in the manifest they go."""
    parser.add_argument(
        "specs", nargs="+", metavar="SPEC", help="`numpy`, `numpy>=2`, `channel::name`, `name=1.2=build`"
    )
    parser.add_argument("--pypi", action="store_true", help="the packages are PyPI requirements")
    parser.add_argument("--editable", action="store_true", help="a folder stays where it is (--pypi)")
    parser.add_argument("-g", "--git", metavar="URL", help="the repository that the package is built from (--pypi)")
    for name, what in (("branch", "branch"), ("tag", "tag"), ("rev", "commit, branch or tag")):
        parser.add_argument(f"--{name}", metavar=name.upper(), help=f"the {what} of the repository")
    parser.add_argument("--path", metavar="PATH", help="the folder, sdist or wheel that the package is (--pypi)")
    parser.add_argument("--subdirectory", metavar="FOLDER", help="where the project lies in the repository or folder")
    parser.add_argument("--index", metavar="URL", help="the one index the packages come from (--pypi)")
    where_arguments(parser)


def where_arguments(parser: argparse.ArgumentParser) -> None:
    """What `add` and `remove` share."""
    workspace_arguments(parser)
    parser.add_argument("-f", "--feature", default="default", metavar="NAME", help="the feature (default: `default`)")
    parser.add_argument("-p", "--platform", action="append", default=[], metavar="PLATFORM", help="only there; repeat")
    environment_argument(parser)
    parser.add_argument("-n", "--dry-run", action="store_true", help="change nothing, say what would change")
    script_argument(parser)
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
        dry_run=arguments.dry_run,
    )


def source_of(arguments: argparse.Namespace, workspace: Workspace) -> Source | None:
    """Where the package comes from, as the options say; None where an index is asked. Raises `UsageError`."""
    from ..errors import UsageError
    from ..model.pypi_requirement import GitSource, PathSource

    chosen = [name for name in ("branch", "tag", "rev") if getattr(arguments, name)]
    if arguments.git and arguments.path:
        raise UsageError("--git and --path exclude each other")
    if (arguments.git or arguments.path) and not (arguments.pypi or workspace.manifest.is_host_kind):
        raise UsageError("--git and --path are for PyPI packages", hints=["add --pypi"])
    if len(chosen) > 1 or (chosen and not arguments.git):
        raise UsageError(f"--{chosen[-1]} goes with --git, and with no other of --branch, --tag and --rev")
    if arguments.git:
        return GitSource(
            arguments.git.removeprefix("git+"),
            rev=arguments.rev,
            branch=arguments.branch,
            tag=arguments.tag,
            subdirectory=arguments.subdirectory,
        )
    if arguments.path:
        return PathSource(_from_root(arguments.path, workspace), arguments.editable, arguments.subdirectory)
    if arguments.subdirectory:
        raise UsageError("--subdirectory goes with --git or --path")
    return None


def _from_root(path: str, workspace: Workspace) -> str:
    """A path given in the current folder, as the manifest says it: relative to the workspace, unless absolute."""
    import os

    if os.path.isabs(path):  # noqa: PTH117 - a string in, a string out
        return path
    return os.path.relpath(path, workspace.root).replace(os.sep, "/")


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Add, lock, install, and say what stands in the manifest now."""
    from ..ops.change import add, requirement_line
    from .script import add as add_to_script

    if arguments.script is not None:
        return add_to_script(arguments, context)
    workspace = context.workspace(arguments.manifest_path)
    workspace.configure(reporter=context.reporter)
    target = target_of(arguments)
    change = add(
        workspace,
        arguments.specs,
        pypi=arguments.pypi,
        editable=arguments.editable,
        index=arguments.index,
        source=source_of(arguments, workspace),
        target=target,
        reporter=context.reporter,
    )
    for spec in change.specs.values():
        context.reporter.message(f"{'Would add' if target.dry_run else '✔ Added'} {requirement_line(spec)}")
    for spec in change.already.values():
        context.reporter.message(f"{requirement_line(spec)} is in the manifest already")
    if target.dry_run:
        say_rehearsal(change.difference, context)
    else:
        say_where(change, target, context)
    context.result("add", change.to_json())
    return 0


def say_rehearsal(difference: Mapping[str, Any] | None, context: Context) -> None:
    """What would change in the lock file or the environment, a line each."""
    from .difference import lines

    if not difference or not difference["environment"]:
        context.reporter.message("nothing would change")
        return
    for line in lines(difference):
        context.reporter.message(line)


def say_where(change: Change, target: Target, context: Context) -> None:
    """The two lines pixi adds below the names."""
    if target.platforms:
        context.reporter.message(f"Added these only for platform(s): {', '.join(target.platforms)}")
    if change.kind == "pypi" and change.specs:
        context.reporter.message("Added these as pypi-dependencies.")

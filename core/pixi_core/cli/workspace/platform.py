"""`pixi workspace platform`: which platforms are locked, what their machines have, and which is preferred."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from .actions import action, actions, feature_argument, locking_arguments, opened, show

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from ...manifest.edit_workspace import Position, WorkspaceEditor
    from ...workspace import Workspace
    from ..context import Context

PACKAGES = ("cuda", "cuda-arch", "archspec", "glibc", "linux", "macos", "windows")
"""Virtual packages that have an option of their own."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """add, edit, move, list, remove."""
    group = actions(parser)
    one = action(group, "add", "add platforms")
    one.add_argument("names", nargs="*", metavar="PLATFORM", help="names, and `__package=version` of a single one")
    one.add_argument("--auto-detect", action="store_true", help="this machine, with the virtual packages it has")
    feature_argument(one)
    _package_arguments(one)
    one = action(group, "edit", "change what the machines of a platform have")
    one.add_argument("name", metavar="PLATFORM")
    one.add_argument("names", nargs="*", metavar="__PACKAGE=VERSION", help="other virtual packages")
    one.add_argument("--remove", action="append", default=[], metavar="NAME", help="a virtual package; repeat for more")
    _package_arguments(one)
    one = action(group, "move", "give a platform another place in the order of preference")
    one.add_argument("name", metavar="PLATFORM")
    where = one.add_mutually_exclusive_group(required=True)
    where.add_argument("--before", metavar="PLATFORM", help="directly before this one")
    where.add_argument("--after", metavar="PLATFORM", help="directly behind this one")
    where.add_argument("--to-top", action="store_true", help="preferred to all others")
    where.add_argument("--to-bottom", action="store_true", help="after all others")
    locking_arguments(one)
    one = action(group, "remove", "take platforms out")
    one.add_argument("names", nargs="+", metavar="PLATFORM")
    feature_argument(one)
    locking_arguments(one)
    action(group, "list", "list the platforms in their order of preference").add_argument(
        "--json", action="store_true", help="print JSON"
    )


def _package_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--subdir", metavar="SUBDIR", help="what the platform is, where its name does not say so")
    for name in PACKAGES:
        parser.add_argument(f"--{name}", metavar="VERSION", help=f"the version of `{name}` its machines have")
    locking_arguments(parser)


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Edit and lock, or list."""
    workspace = opened(arguments, context)
    if arguments.action == "list":
        _list(arguments, context, workspace)
        return 0
    from ...ops.workspace_edit import edit_and_lock

    edits: dict[str, Callable[[argparse.Namespace], tuple[Callable[[WorkspaceEditor], None], list[str]]]] = {
        "add": _add,
        "edit": _edit,
        "move": _move,
        "remove": _remove,
    }
    edit, done = edits[arguments.action](arguments)
    changed = edit_and_lock(workspace, edit, install=not arguments.no_install, reporter=context.reporter)
    for line in done if changed else ["the manifest says so already"]:
        context.reporter.message(line)
    context.result("workspace", {"changed": changed})
    return 0


def _add(arguments: argparse.Namespace) -> tuple[Callable[[WorkspaceEditor], None], list[str]]:
    from ...errors import UsageError

    names = [name for name in arguments.names if not name.startswith("__")]
    packages = _packages(arguments)
    if arguments.auto_detect:
        subdir, detected = _detected()
        packages = detected | packages
        names = names or [subdir]
        arguments.subdir = arguments.subdir or (subdir if names != [subdir] else None)
    if not names:
        raise UsageError("which platform?", hints=["name one, such as osx-arm64, or use --auto-detect"])
    if (packages or arguments.subdir) and len(names) > 1:
        raise UsageError("virtual packages and --subdir go with one platform at a time")

    def edit(editor: WorkspaceEditor) -> None:
        for name in names:
            editor.add_platform(name, feature=arguments.feature, subdir=arguments.subdir, packages=packages)

    return edit, [f"✔ Added {name}" for name in names]


def _edit(arguments: argparse.Namespace) -> tuple[Callable[[WorkspaceEditor], None], list[str]]:
    from ...manifest.read_platforms import FRIENDLY

    packages: dict[str, str | None] = dict(_packages(arguments))
    for name in arguments.remove:
        packages["__cuda_arch" if name == "cuda-arch" else FRIENDLY.get(name, name)] = None

    def edit(editor: WorkspaceEditor) -> None:
        editor.edit_platform(arguments.name, subdir=arguments.subdir, packages=packages)

    return edit, [f"✔ Changed {arguments.name}"]


def _move(arguments: argparse.Namespace) -> tuple[Callable[[WorkspaceEditor], None], list[str]]:
    where: Position = "before" if arguments.before else "after" if arguments.after else "bottom"
    if arguments.to_top:
        where = "top"

    def edit(editor: WorkspaceEditor) -> None:
        editor.move_platform(arguments.name, where, arguments.before or arguments.after)

    return edit, [f"✔ Moved {arguments.name}"]


def _remove(arguments: argparse.Namespace) -> tuple[Callable[[WorkspaceEditor], None], list[str]]:
    def edit(editor: WorkspaceEditor) -> None:
        for name in arguments.names:
            editor.remove_platform(name, feature=arguments.feature)

    return edit, [f"✔ Removed {name}" for name in arguments.names]


def _packages(arguments: argparse.Namespace) -> dict[str, str]:
    """The virtual packages that were named, by their whole names."""
    from ...errors import UsageError
    from ...manifest.read_platforms import FRIENDLY
    from ...model.platform import VirtualPackage

    found = {}
    for name in PACKAGES:
        value = getattr(arguments, name.replace("-", "_"))
        if value is not None:
            found["__cuda_arch" if name == "cuda-arch" else FRIENDLY[name]] = value
    for text in arguments.names:
        if text.startswith("__"):
            package = VirtualPackage.parse(text)
            found[package.name] = (package.version or "0") + (f"={package.build}" if package.build else "")
        elif arguments.action == "edit":
            raise UsageError(f"'{text}' is not a virtual package", hints=["write __name=version"])
    return found


def _detected() -> tuple[str, dict[str, str]]:
    """This machine: its subdir, and the virtual packages that differ from what is assumed of every such machine."""
    from ...model.platform import default_virtual_packages
    from ...virtual import detect, host_subdir

    subdir = host_subdir()
    assumed = default_virtual_packages(subdir)
    found = {}
    for package in detect(subdir):
        if package in assumed or package.name in ("__unix", "__win"):
            continue
        found[package.name] = (package.build or "0") if package.name == "__archspec" else (package.version or "0")
    return subdir, found


def _list(arguments: argparse.Namespace, context: Context, workspace: Workspace) -> None:
    from ...ops.platforms import platform_rows

    rows = platform_rows(workspace)
    context.result("workspace", {"platforms": [row.to_json() for row in rows]})
    if context.json_lines:
        return
    if arguments.json:
        print(json.dumps({"platforms": [row.to_json() for row in rows]}, indent=2))
        return
    for row in rows:
        notes = ["this machine"] if row.is_autodetected else ["used here"] if row.is_current else []
        show(f"{row.name}{f' ({notes[0]})' if notes else ''}")
        if row.name != row.subdir:
            show(f"  subdir: {row.subdir}")
        show(f"  virtual packages: {', '.join(row.virtual_packages) or '-'}")
        if row.environments:
            show(f"  environments: {', '.join(row.environments)}")
        if row.features:
            show(f"  named by features: {', '.join(row.features)}")

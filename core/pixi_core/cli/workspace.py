"""`pixi workspace`: look at and change what the manifest says of the workspace."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .arguments import Parser, environment_argument, workspace_arguments

if TYPE_CHECKING:
    import argparse

    from ..manifest.edit import ManifestEditor
    from ..workspace import Workspace
    from .context import Context

TEXTS = ("name", "version", "description")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """A group of commands for each thing."""
    groups = parser.add_subparsers(dest="group", required=True, metavar="THING", parser_class=Parser)
    for what in ("channel", "platform"):
        verbs = _verbs(groups, what)
        for verb in ("add", "remove"):
            one = _verb(verbs, verb)
            one.add_argument("names", nargs="+", metavar=what.upper())
            one.add_argument("-f", "--feature", default="default", metavar="NAME", help="of a feature")
            one.add_argument("--no-install", action="store_true", help="do not change any environment")
            one.add_argument("--offline", action="store_true", help="use only what is cached or local")
            if what == "channel" and verb == "add":
                one.add_argument("--priority", type=int, metavar="N", help="a higher one comes first")
                one.add_argument("--prepend", action="store_true", help="before the others")
        shown = _verb(verbs, "list")
        shown.add_argument("--json", action="store_true", help="print JSON")
        if what == "channel":
            shown.add_argument("--urls", action="store_true", help="addresses instead of names")
    _environment_arguments(_verbs(groups, "environment"))
    verbs = _verbs(groups, "feature")
    _verb(verbs, "list")
    _verb(verbs, "remove").add_argument("names", nargs="+", metavar="FEATURE")
    for what in TEXTS:
        verbs = _verbs(groups, what)
        _verb(verbs, "get")
        _verb(verbs, "set").add_argument("value", metavar=what.upper())
    _export_arguments(_verbs(groups, "export"))


def _verbs(groups: Any, what: str) -> Any:
    return groups.add_parser(what).add_subparsers(dest="verb", required=True, metavar="ACTION", parser_class=Parser)


def _verb(verbs: Any, name: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = verbs.add_parser(name)
    workspace_arguments(parser)
    return parser


def _environment_arguments(verbs: Any) -> None:
    one = _verb(verbs, "add")
    one.add_argument("name", metavar="NAME")
    one.add_argument("-f", "--feature", action="append", default=[], metavar="NAME", help="repeat for more")
    one.add_argument("--solve-group", metavar="NAME", help="share versions with the environments of this group")
    one.add_argument("--no-default-feature", action="store_true", help="without the default feature")
    one.add_argument("--force", action="store_true", help="replace a declaration")
    _verb(verbs, "list")
    _verb(verbs, "remove").add_argument("names", nargs="+", metavar="NAME")


def _export_arguments(verbs: Any) -> None:
    one = _verb(verbs, "conda-environment")
    one.add_argument("output", nargs="?", metavar="FILE", help="default: standard output")
    environment_argument(one)
    one.add_argument("-p", "--platform", metavar="PLATFORM", help="another platform than this machine's")
    one.add_argument("-n", "--name", metavar="NAME", help="the name in the file")
    one.add_argument("--no-pypi", action="store_true", help="conda packages only")
    one.add_argument("--from-lock-file", action="store_true", help="exactly what is locked")
    one = _verb(verbs, "conda-explicit-spec")
    one.add_argument("folder", metavar="FOLDER")
    one.add_argument("-e", "--environment", action="append", default=[], metavar="NAME", help="repeat for more")
    one.add_argument("-p", "--platform", action="append", default=[], metavar="PLATFORM", help="repeat for more")
    one.add_argument("--ignore-pypi-errors", action="store_true", help="leave PyPI packages out")
    one.add_argument("--ignore-source-errors", action="store_true", help="leave packages built from source out")


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Do the action of the group."""
    workspace = context.workspace(arguments.manifest_path)
    workspace.configure(offline=getattr(arguments, "offline", False), reporter=context.reporter)
    handlers: dict[str, Callable[[argparse.Namespace, Context, Workspace], None]] = {
        "channel": _entries,
        "platform": _entries,
        "environment": _environment,
        "feature": _feature,
        "export": _export,
        **dict.fromkeys(TEXTS, _text),
    }
    handlers[arguments.group](arguments, context, workspace)
    return 0


# ---------------------------------------------------------------- channels and platforms


def _entries(arguments: argparse.Namespace, context: Context, workspace: Workspace) -> None:
    if arguments.verb == "list":
        _list_entries(arguments, context, workspace)
        return
    from ..ops.workspace_edit import edit_and_lock

    def edit(editor: ManifestEditor) -> None:
        for name in arguments.names:
            if arguments.group == "platform":
                change = editor.add_platform if arguments.verb == "add" else editor.remove_platform
                change(name, feature=arguments.feature)
            elif arguments.verb == "add":
                editor.add_channel(
                    name, feature=arguments.feature, priority=arguments.priority, prepend=arguments.prepend
                )
            else:
                editor.remove_channel(name, feature=arguments.feature)

    changed = edit_and_lock(workspace, edit, install=not arguments.no_install, reporter=context.reporter)
    verb = "Added" if arguments.verb == "add" else "Removed"
    for name in arguments.names:
        context.reporter.message(f"✔ {verb} {name}" if changed else f"{name} is in the manifest already")
    context.result("workspace", {"changed": changed})


def _list_entries(arguments: argparse.Namespace, context: Context, workspace: Workspace) -> None:
    found: dict[str, list[str]] = {}
    for name in workspace.manifest.environments:
        environment = workspace.manifest.environment(name)
        if arguments.group == "platform":
            found[name] = [platform.name for platform in environment.platforms]
        else:
            found[name] = [e.channel.url if arguments.urls else e.channel.name for e in environment.channels]
    context.result("workspace", {"environments": found})
    if arguments.json and not context.json_lines:
        print(json.dumps(found, indent=2))
    elif not context.json_lines:
        for shown, entries in found.items():
            _show([f"Environment: {shown}", *(f"- {entry}" for entry in entries)])


# ---------------------------------------------------------------- environments and features


def _environment(arguments: argparse.Namespace, context: Context, workspace: Workspace) -> None:
    from ..ops.workspace_edit import add_environment, edit_manifest

    if arguments.verb == "list":
        for spec in workspace.manifest.environments.values():
            environment = workspace.manifest.environment(spec.name)
            group = f", solve group: {spec.solve_group}" if spec.solve_group else ""
            _show([f"{spec.name}: features: {', '.join(f.name for f in environment.features)}{group}"])
    elif arguments.verb == "add":
        add_environment(
            workspace,
            arguments.name,
            arguments.feature,
            solve_group=arguments.solve_group,
            no_default_feature=arguments.no_default_feature,
            force=arguments.force,
        )
        context.reporter.message(f"✔ Added environment {arguments.name}")
    else:

        def remove(editor: ManifestEditor) -> None:
            for name in arguments.names:
                editor.remove_environment(name)

        edit_manifest(workspace, remove)
        for name in arguments.names:
            context.reporter.message(f"✔ Removed environment {name}")


def _feature(arguments: argparse.Namespace, context: Context, workspace: Workspace) -> None:
    from ..ops.workspace_edit import edit_manifest

    if arguments.verb == "list":
        for feature in workspace.manifest.features.values():
            names = [*map(str, feature.dependencies), *map(str, feature.pypi_dependencies)]
            _show([f"{feature.name}: {', '.join(names) or 'no dependencies'}"])
        return

    def remove(editor: ManifestEditor) -> None:
        for name in arguments.names:
            editor.remove_feature(name)

    edit_manifest(workspace, remove)
    for name in arguments.names:
        context.reporter.message(f"✔ Removed feature {name}")


# ---------------------------------------------------------------- texts, exports


def _text(arguments: argparse.Namespace, context: Context, workspace: Workspace) -> None:
    if arguments.verb == "get":
        _show([str(getattr(workspace.manifest, arguments.group) or "")])
        return
    from ..ops.workspace_edit import edit_manifest

    edit_manifest(workspace, lambda editor: editor.set_workspace(arguments.group, arguments.value))
    context.reporter.message(f"✔ Updated workspace {arguments.group} to '{arguments.value}'")


def _export(arguments: argparse.Namespace, context: Context, workspace: Workspace) -> None:
    from ..ops.export import conda_environment, explicit_specs
    from ..ops.lock import ensure_lock

    if arguments.verb == "conda-explicit-spec":
        written = explicit_specs(
            workspace,
            context.cwd / Path(arguments.folder),
            ensure_lock(workspace, reporter=context.reporter).lock,
            environments=arguments.environment,
            platforms=arguments.platform,
            ignore_pypi=arguments.ignore_pypi_errors,
            ignore_source=arguments.ignore_source_errors,
        )
        for path in written:
            context.reporter.message(f"✔ Wrote {path}")
        return
    text = conda_environment(
        workspace,
        arguments.environment,
        platform=arguments.platform,
        name=arguments.name,
        pypi=not arguments.no_pypi,
        lock=ensure_lock(workspace, reporter=context.reporter).lock if arguments.from_lock_file else None,
    )
    if arguments.output is None:
        print(text, end="")
        return
    from ..fs import atomic_write

    atomic_write(context.cwd / Path(arguments.output), text)
    context.reporter.message(f"✔ Wrote {arguments.output}")


def _show(lines: list[str]) -> None:
    from .terminal import safe

    for line in lines:
        print(safe(line))

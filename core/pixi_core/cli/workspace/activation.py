"""`pixi workspace activation`: what is run and set when an environment is activated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .actions import action, actions, opened, show

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from ...manifest.edit_workspace import WorkspaceEditor
    from ...manifest.model import Content, WorkspaceManifest
    from ..context import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`script` and `env`, each to change and to list; `list` shows both."""
    group = actions(parser, dest="what")
    scripts = actions(group.add_parser("script", help="scripts, run in their order"))
    for name, text in (("add", "behind the others"), ("prepend", "before the others"), ("remove", "take scripts out")):
        one = action(scripts, name, text)
        one.add_argument("names", nargs="+", metavar="SCRIPT", help="relative to the workspace")
        _place_arguments(one)
    variables = actions(group.add_parser("env", help="variables"))
    one = action(variables, "set", "set variables")
    one.add_argument("names", nargs="+", metavar="NAME=VALUE")
    _place_arguments(one)
    one = action(variables, "remove", "take variables out")
    one.add_argument("names", nargs="+", metavar="NAME")
    _place_arguments(one)
    for listing, text in ((scripts, "list the scripts"), (variables, "list the variables"), (group, "list both")):
        _place_arguments(action(listing, "list", text))


def _place_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-f", "--feature", metavar="NAME", help="of a feature")
    parser.add_argument("-e", "--environment", metavar="NAME", help="of one environment only")
    parser.add_argument("-t", "--target", metavar="SELECTOR", help="on some platforms, such as unix or linux-64")


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Edit, or list."""
    workspace = opened(arguments, context)
    if "list" in (arguments.what, getattr(arguments, "action", "")):
        for line in _lines(workspace.manifest, arguments):
            show(line)
        return 0
    from ...ops.workspace_edit import edit_manifest

    edit_manifest(workspace, lambda editor: _edit(editor, arguments))
    done = "Removed" if arguments.action == "remove" else "Set" if arguments.action == "set" else "Added"
    for name in arguments.names:
        context.reporter.message(f"✔ {done} {name}")
    return 0


def _edit(editor: WorkspaceEditor, arguments: argparse.Namespace) -> None:
    place: dict[str, Any] = {
        "feature": arguments.feature or "default",
        "environment": arguments.environment,
        "target": arguments.target,
    }
    if arguments.what == "script" and arguments.action == "remove":
        editor.remove_scripts(arguments.names, **place)
    elif arguments.what == "script":
        editor.add_scripts(arguments.names, prepend=arguments.action == "prepend", **place)
    elif arguments.action == "remove":
        editor.remove_variables(arguments.names, **place)
    else:
        editor.set_variables(dict(_pair(text) for text in arguments.names), **place)


def _pair(text: str) -> tuple[str, str]:
    from ...errors import UsageError

    name, equals, value = text.partition("=")
    if not equals or not name:
        raise UsageError(f"'{text}' does not set a variable", hints=["write NAME=VALUE"])
    return name, value


def _lines(manifest: WorkspaceManifest, arguments: argparse.Namespace) -> Iterator[str]:
    for where, content in _contents(manifest, arguments):
        found = []
        if arguments.what in ("script", "list"):
            found += [f"  {script}" for script in content.activation_scripts or ()]
        if arguments.what in ("env", "list"):
            found += [f"  {name}={value}" for name, value in content.activation_env.items()]
        if found:
            yield f"{where}{f' on {content.selector}' if content.selector else ''}:"
            yield from found


def _contents(manifest: WorkspaceManifest, arguments: argparse.Namespace) -> Iterator[tuple[str, Content]]:
    if arguments.environment is None:
        features = list(manifest.features.values())
    else:
        features = list(manifest.environment(arguments.environment).features)
    for feature in features:
        for content in feature.contents:
            wanted = arguments.feature in (None, feature.name)
            if wanted and arguments.target in (None, content.selector):
                yield f"feature {feature.name}", content
    for spec in manifest.environments.values():
        if spec.inline is not None and arguments.feature is None and arguments.environment is None:
            for content in spec.inline.contents:
                if arguments.target in (None, content.selector):
                    yield f"environment {spec.name}", content

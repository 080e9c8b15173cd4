"""`pixi global list`, `tree` and `edit`: the part of `pixi global` that changes nothing by itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from ..ops.global_list import ListedEnvironment
    from .context import Context


def show_list(arguments: argparse.Namespace, context: Context) -> int:
    """The environments, or with `-e` the packages of one; nothing found is exit code 1 (JSON: an empty list)."""
    from ..global_tools.home import GlobalHome
    from ..ops.global_list import list_environments
    from .terminal import safe

    home = GlobalHome.of(context.environ)
    if arguments.environment is not None:
        return _packages(arguments, context)
    rows = list_environments(home, arguments.regex, by_size=arguments.sort_by == "size")
    context.result("global list", {"environments": [row.to_json() for row in rows]})
    if context.json_lines:
        return 0
    if arguments.json:
        print(json.dumps([row.to_json() for row in rows], indent=2))
        return 0
    if not rows:
        context.reporter.message(
            "No global environments found" if arguments.regex is None else f"Nothing matches '{arguments.regex}'"
        )
        return 0 if arguments.regex is None else 1
    print(safe(f"Global environments as specified in {home.manifest}"))
    for position, row in enumerate(rows):
        for line in _lines(row, is_last=position == len(rows) - 1):
            print(safe(line))
    return 0


def _lines(row: ListedEnvironment, *, is_last: bool) -> tuple[str, ...]:
    versions = [f"{name} {version or '(not installed)'}" for name, version in row.versions.items()]
    alone = len(versions) == 1 and row.name in row.versions
    head = f"{row.name}: {row.versions[row.name] or '(not installed)'}" if alone else row.name
    below = [f"dependencies: {', '.join(versions)}"] if not alone else []
    shown = [name if name == program else f"{name} -> {program}" for name, program in row.exposed.items()]
    below += [f"exposes: {', '.join(shown) or 'nothing'}"]
    below += [f"platform: {row.platform}"] if row.platform else []
    indent = "    " if is_last else "│   "
    inner = [f"{indent}{'└─' if i == len(below) - 1 else '├─'} {text}" for i, text in enumerate(below)]
    return (f"{'└──' if is_last else '├──'} {head}", *inner)


def _packages(arguments: argparse.Namespace, context: Context) -> int:
    from ..global_tools.home import GlobalHome
    from ..ops.global_list import list_packages
    from .terminal import safe

    records = list_packages(GlobalHome.of(context.environ), arguments.environment, arguments.regex)
    if arguments.sort_by == "size":
        records.sort(key=lambda record: record.size or 0)
    rows = [{"name": one.name, "version": one.version, "build": one.build, "size_bytes": one.size} for one in records]
    context.result("global list", {"packages": rows})
    if context.json_lines:
        return 0
    if arguments.json:
        print(json.dumps(rows, indent=2))
        return 0
    width = max([len("Package"), *(len(one.name) for one in records)])
    print(f"{'Package':<{width}}  Version")
    for one in records:
        print(safe(f"{one.name:<{width}}  {one.version}"))
    return 0 if records else 1


def show_tree(arguments: argparse.Namespace, context: Context) -> int:
    """The tree of one environment."""
    from ..global_tools.home import GlobalHome
    from ..ops.global_list import installed_graph
    from .tree import draw

    graph = installed_graph(GlobalHome.of(context.environ), arguments.environment)
    return draw(graph, arguments.regex, context, invert=arguments.invert)


def edit(arguments: argparse.Namespace, context: Context) -> int:
    """Open the manifest, and say what is wrong with it afterwards. Raises `ManifestError`, `CommandNotFound`."""
    from ..fs import atomic_write
    from ..global_tools.home import GlobalHome
    from ..global_tools.manifest import EMPTY
    from ..ops.global_session import read_manifest
    from .editor import open_editor

    home = GlobalHome.of(context.environ)
    if not home.manifest.exists():
        atomic_write(home.manifest, EMPTY)
    code = open_editor(home.manifest, context.environ, arguments.editor)
    read_manifest(home)
    context.reporter.message("run `pixi global sync` to make it true")
    return code


SHOWN = {"list": show_list, "tree": show_tree, "edit": edit}
"""The actions of this module."""

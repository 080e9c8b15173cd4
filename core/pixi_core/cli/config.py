"""`pixi config`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from .arguments import workspace_arguments
from .parser import Parser

if TYPE_CHECKING:
    import argparse

    from .context import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to do with which key of which file."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="ACTION", parser_class=Parser)
    for verb in ("list", "get", "set", "unset", "append", "prepend", "edit"):
        one = verbs.add_parser(verb)
        if verb == "edit":
            one.add_argument("editor", nargs="?", metavar="EDITOR", help="default: VISUAL or EDITOR")
        else:
            one.add_argument("key", metavar="KEY", nargs="?" if verb == "list" else None)
        if verb in ("set", "append", "prepend"):
            one.add_argument("value", metavar="VALUE", help="JSON, or text")
        if verb in ("list", "get"):
            one.add_argument("--json", action="store_true", help="print JSON")
        where = one.add_mutually_exclusive_group()
        for letter, place, text in (("l", "local", "workspace"), ("g", "global", "user"), ("s", "system", "machine")):
            where.add_argument(
                f"-{letter}", f"--{place}", dest="place", action="store_const", const=place, help=f"the {text}'s file"
            )
        workspace_arguments(one)


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Print or change; `get` and `list` of a key that is not set are exit code 1."""
    from ..ops import config

    root = _root(arguments, context)
    if arguments.verb not in ("list", "get"):
        place = arguments.place or ("global" if root is None else "local")
        path = config.config_path(place, root, context.environ)
        if arguments.verb == "edit":
            return _edit(path, arguments.editor, context)
        config.change(path, arguments.key, arguments.verb, getattr(arguments, "value", None))
        context.reporter.message(f"✔ Updated {path}")
        return 0
    found = config.merged(root, context.environ, arguments.place)
    value = found if arguments.key is None else config.pick(found, arguments.key)
    context.result("config", {"value": value})
    if value is None:
        context.reporter.warning(f"'{arguments.key}' is not set")
        return 1
    if context.json_lines:
        return 0
    if arguments.json:
        print(json.dumps(value, indent=2))
    elif isinstance(value, dict):
        import tomlkit

        print(tomlkit.dumps(value), end="")
    else:
        print(value if isinstance(value, str) else json.dumps(value))
    return 0


def _edit(path: Path, editor: str | None, context: Context) -> int:
    """Open the file, and warn of what reading it will ignore."""
    from ..fs import atomic_write
    from ..ops.config import complaints
    from .editor import open_editor

    if not path.exists():
        atomic_write(path, "")
    code = open_editor(path, context.environ, editor)
    for complaint in complaints(path.read_text(encoding="utf-8", errors="replace"), path):
        context.reporter.warning(complaint)
    return code


def _root(arguments: argparse.Namespace, context: Context) -> Path | None:
    from ..errors import NoWorkspace

    try:
        return context.workspace(arguments.manifest_path).root
    except NoWorkspace:
        return None

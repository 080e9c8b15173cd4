"""`pixi channel`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from .context import Context

PORT = 8080


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Two commands of their own."""
    commands = parser.add_subparsers(dest="action", required=True, metavar="index | serve")
    indexing = commands.add_parser("index", help="write the index of a folder of archives")
    indexing.add_argument("folder", type=Path, metavar="DIR")
    indexing.add_argument("--json", action="store_true", help="print JSON")
    serving = commands.add_parser("serve", help="serve a folder of archives, or the package cache, until Ctrl-C")
    what = serving.add_mutually_exclusive_group(required=True)
    what.add_argument("folder", nargs="?", type=Path, metavar="DIR")
    what.add_argument("--cache", action="store_true", help="what is in the package cache of this user")
    serving.add_argument("--host", default="127.0.0.1", metavar="ADDRESS", help="listen there (default: %(default)s)")
    serving.add_argument(
        "--port", type=int, default=PORT, metavar="N", help="0 takes a free one (default: %(default)s)"
    )


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Index, or serve until interrupted."""
    folder = None if arguments.folder is None else context.cwd / arguments.folder
    if arguments.action == "serve":
        return _serve(arguments, folder, context)
    from ..ops.channel import index

    assert folder is not None
    found = index(folder, reporter=context.reporter)
    if arguments.json:
        print(json.dumps(found.to_json(), indent=2))
    else:
        for subdir, count in found.packages.items():
            context.reporter.message(f"✔ Indexed {count} packages of {subdir}")
    context.result("channel", found.to_json())
    return 0


def _serve(arguments: argparse.Namespace, folder: Path | None, context: Context) -> int:
    from ..ops.channel import served
    from ..ops.init import open_services

    packages = open_services(context.environ).dirs.packages
    with served(folder, cache=packages, host=arguments.host, port=arguments.port, reporter=context.reporter) as (
        server,
        found,
    ):
        print(f"Serving {sum(found.packages.values())} packages at {server.url} (Ctrl-C ends it)", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return 0
    return 0

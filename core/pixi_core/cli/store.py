"""`pixi store`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from .parser import Parser

if TYPE_CHECKING:
    import argparse

    from ..store.entry import Store
    from .context import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """list, gc, verify."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="ACTION", parser_class=Parser)
    for name, text in (
        ("list", "what is there, and who uses it"),
        ("gc", "remove what nobody uses"),
        ("verify", "compare every file with its record"),
    ):
        one = verbs.add_parser(name, help=text, description=text)
        one.add_argument("--store", metavar="DIR", help="the store (default: PIXI_STORE, else one in the cache)")
        one.add_argument("--json", action="store_true", help="print JSON")
        if name == "gc":
            one.add_argument("--older-than", type=float, default=30.0, metavar="DAYS", help="default: 30")
            one.add_argument("-n", "--dry-run", action="store_true", help="say what would be removed")
        if name == "verify":
            one.add_argument("--quick", action="store_true", help="sizes only")


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Do it; damage that `verify` finds is exit code 1."""
    from ..ops import store as stores
    from .terminal import megabytes

    store = _store(arguments, context)
    if arguments.verb == "verify":
        found = stores.damaged(store, contents=not arguments.quick)
        if arguments.json:
            print(json.dumps(found, indent=2))
        for key, problems in {} if arguments.json else found.items():
            print(f"{key}:", *problems, sep="\n  ")
        return 1 if found else 0
    if arguments.verb == "gc":
        rows = stores.collect(
            store, older_than=arguments.older_than * stores.DAY, dry_run=arguments.dry_run, reporter=context.reporter
        )
    else:
        rows = stores.survey(store)
    if arguments.json:
        print(json.dumps([row.to_json() for row in rows], indent=2))
        return 0
    for row in rows:
        state = "" if row.whole else "not whole, "
        used = f", used by {len(row.leases)}" if row.leases else ""
        what = f"{state}{row.environment} ({row.platform}), {row.packages} packages, {megabytes(row.size)}{used}"
        print(f"{row.entry.key}  {what}")
    return 0


def _store(arguments: argparse.Namespace, context: Context) -> Store:
    from ..ops.init import open_services
    from ..ops.materialize import default_store
    from ..store.entry import Store

    if arguments.store is not None:
        return Store((context.cwd / Path(arguments.store)).absolute())
    return default_store(open_services(context.environ))

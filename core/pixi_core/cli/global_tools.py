"""`pixi global`."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .config_options import config_options
from .parser import Parser

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..ops.global_session import GlobalSession
    from ..ops.global_tools import Changed, InstallWish
    from .context import Context

ALIASES = {"i": "install", "rm": "remove", "a": "add", "ls": "list", "t": "tree", "s": "sync", "e": "edit"}
_NOT_BUILT = ("git", "path", "branch", "tag", "rev", "subdirectory")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The actions, each with its own arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION", parser_class=Parser)
    _install_arguments(actions.add_parser("install", aliases=["i"], help="tools, each in an environment of its own"))
    add = actions.add_parser("add", aliases=["a"], help="packages into an environment")
    _environment(add, required=True)
    add.add_argument("packages", nargs="+", metavar="SPEC")
    _expose(add)
    _source_arguments(add)
    remove = actions.add_parser("remove", aliases=["rm"], help="packages out of an environment")
    _environment(remove)
    remove.add_argument("packages", nargs="+", metavar="PACKAGE")
    uninstall = actions.add_parser("uninstall", help="environments with all that they expose")
    uninstall.add_argument("environments", nargs="+", metavar="ENVIRONMENT")
    update = actions.add_parser("update", help="the newest packages that the global manifest allows")
    update.add_argument("environments", nargs="*", metavar="ENVIRONMENT")
    update.add_argument("-n", "--dry-run", action="store_true", help="only say what would change")
    update.add_argument("--json", action="store_true", help="print what changed as JSON")
    for name in ("upgrade", "upgrade-all"):
        actions.add_parser(name).add_argument("words", nargs="*")
    actions.add_parser("sync", aliases=["s"], help="make everything what the global manifest says")
    listing = actions.add_parser("list", aliases=["ls"], help="environments, or the packages of one")
    listing.add_argument("regex", nargs="?", metavar="REGEX", help="only what matches")
    _environment(listing)
    listing.add_argument("--json", action="store_true", help="print JSON")
    listing.add_argument("--sort-by", choices=("name", "size"), default="name")
    tree = actions.add_parser("tree", aliases=["t"], help="which package of an environment needs which")
    _environment(tree, required=True)
    tree.add_argument("regex", nargs="?", metavar="REGEX", help="only packages that match, and what they need")
    tree.add_argument("-i", "--invert", action="store_true", help="which packages need them")
    _expose_arguments(actions.add_parser("expose", help="put programs on PATH, or take them away"))
    _shortcut_arguments(actions.add_parser("shortcut", help="make or take away entries of the desktop's menu"))
    edit = actions.add_parser("edit", aliases=["e"], help="open the global manifest in an editor")
    edit.add_argument("editor", nargs="?", metavar="EDITOR", help="default: VISUAL or EDITOR")
    for action in dict.fromkeys(actions.choices.values()):  # aliases repeat them
        config_options(action)


def _install_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("packages", nargs="+", metavar="SPEC")
    _environment(parser)
    parser.add_argument("-c", "--channel", action="append", default=[], metavar="CHANNEL", help="may be repeated")
    parser.add_argument("-p", "--platform", metavar="PLATFORM", help="packages of another platform")
    _expose(parser)
    parser.add_argument("--with", dest="beside", action="append", default=[], metavar="SPEC", help="also, unexposed")
    parser.add_argument("--force-reinstall", action="store_true", help="put all files in place again")
    parser.add_argument("--no-shortcuts", action="store_true", help="make no entries in the desktop's menu")
    _source_arguments(parser)


def _environment(parser: argparse.ArgumentParser, *, required: bool = False) -> None:
    parser.add_argument("-e", "--environment", metavar="NAME", required=required)


def _expose(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--expose", action="append", default=[], metavar="NAME[=PROGRAM]", help="only these; may be repeated"
    )


def _source_arguments(parser: argparse.ArgumentParser) -> None:
    for name in _NOT_BUILT:
        parser.add_argument(f"--{name}", help=argparse.SUPPRESS)


def _expose_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="what", required=True, metavar="add | remove", parser_class=Parser)
    add = actions.add_parser("add", help="put programs of an environment on PATH")
    _environment(add, required=True)
    add.add_argument("mappings", nargs="+", metavar="NAME[=PROGRAM]")
    actions.add_parser("remove", help="take names from PATH").add_argument("names", nargs="+", metavar="NAME")


def _shortcut_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="what", required=True, metavar="add | remove", parser_class=Parser)
    add = actions.add_parser("add", help="entries for packages of an environment")
    _environment(add, required=True)
    add.add_argument("packages", nargs="+", metavar="PACKAGE")
    remove = actions.add_parser("remove", help="take the entries of packages away")
    remove.add_argument("packages", nargs="+", metavar="PACKAGE")


# ---------------------------------------------------------------- doing


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Do the action. Raises `UsageError`, and whatever the action raises."""
    action = ALIASES.get(arguments.action, arguments.action)
    if action in ("list", "tree", "edit"):
        from .global_show import SHOWN

        return SHOWN[action](arguments, context)
    if action in ("upgrade", "upgrade-all"):
        from ..errors import UsageError

        raise UsageError(
            f"`pixi global {action}` does not exist any more",
            hints=["`pixi global update` takes the newest packages that the global manifest allows"],
        )
    with _changing(context, heal=action != "sync") as session:
        changes = _change(action, arguments, session, context)
    context.result(f"global {action}", {"environments": [one.to_json() for one in changes]})
    if getattr(arguments, "json", False) and not context.json_lines:
        print(json.dumps([one.to_json() for one in changes], indent=2))
        return 0
    for change in changes:
        _tell(change, session, context, dry_run=getattr(arguments, "dry_run", False))
    _look_at_path(session, context)
    return 0


def _change(action: str, arguments: argparse.Namespace, session: GlobalSession, context: Context) -> Sequence[Changed]:
    from ..ops import global_tools

    _refuse_sources(arguments)
    match action, getattr(arguments, "what", None):
        case "install", _:
            return global_tools.install(session, _wish(arguments, session, context))
        case "add", _:
            return [global_tools.add(session, arguments.environment, arguments.packages, arguments.expose)]
        case "remove", _:
            return [global_tools.remove(session, arguments.environment or arguments.packages[0], arguments.packages)]
        case "uninstall", _:
            return global_tools.uninstall(session, arguments.environments)
        case "update", _:
            return global_tools.update(session, arguments.environments, dry_run=arguments.dry_run)
        case "expose", "add":
            return [global_tools.expose(session, arguments.environment, arguments.mappings)]
        case "expose", _:
            return global_tools.unexpose(session, arguments.names)
        case "shortcut", "add":
            return [global_tools.add_shortcuts(session, arguments.environment, arguments.packages)]
        case "shortcut", _:
            return global_tools.remove_shortcuts(session, arguments.packages)
    return global_tools.sync(session)


def _wish(arguments: argparse.Namespace, session: GlobalSession, context: Context) -> InstallWish:
    from ..model.channel import channel as parse_channel
    from ..ops.global_tools import InstallWish

    given = [
        parse_channel(text, root=context.cwd).url.rstrip("/") if text.startswith((".", "/")) else text
        for text in arguments.channel
    ]
    return InstallWish(
        specs=arguments.packages,
        channels=given or list(session.services.config.default_channels),
        given_channels=bool(given),
        environment=arguments.environment,
        beside=arguments.beside,
        expose=arguments.expose,
        platform=arguments.platform,
        reinstall=arguments.force_reinstall,
        shortcuts=not arguments.no_shortcuts,
    )


def _refuse_sources(arguments: argparse.Namespace) -> None:
    for name in _NOT_BUILT:
        if getattr(arguments, name, None) is not None:
            from ..errors import UsageError

            raise UsageError(
                f"--{name}: global tools are installed from packages, none is built from source yet",
                hints=["name a package of a channel"],
            )


@contextmanager
def _changing(context: Context, *, heal: bool) -> Iterator[GlobalSession]:
    from ..ops.global_session import changing
    from ..ops.init import open_services

    services = open_services(context.environ)
    services.reporter = context.reporter
    try:
        with changing(services, context.reporter, heal=heal) as session:
            yield session
    finally:
        services.close()


# ---------------------------------------------------------------- telling


def _tell(change: Changed, session: GlobalSession, context: Context, *, dry_run: bool) -> None:
    say = context.reporter.message
    name = change.environment
    if change.removed:
        say(f"✔ Removed the environment {name}")
    elif dry_run:
        say(f"{name}: {'would change' if change.packages else 'is up to date'}")
    elif change.is_empty:
        say(f"✔ The environment {name} was already up to date")
    else:
        say(f"✔ The environment {name} is ready: {_versions(session, name)}")
    for line in () if change.removed else change.packages:
        say(f"    {line}")
    if change.exposed:
        say(f"  exposed: {', '.join(change.exposed)}")
    if change.hidden:
        say(f"  no longer exposed: {', '.join(change.hidden)}")


def _versions(session: GlobalSession, name: str) -> str:
    from ..ops.global_list import list_environments

    found = next((one for one in list_environments(session.home) if one.name == name), None)
    return ", ".join(f"{package} {version}" for package, version in found.versions.items()) if found else name


def _look_at_path(session: GlobalSession, context: Context) -> None:
    """Say once that what was exposed will not be found."""
    import os

    folders = context.environ.get("PATH", "").split(os.pathsep)
    if session.manifest.owners() and str(session.home.bin) not in folders:
        context.reporter.warning(f"{session.home.bin} is not on PATH: add it to run what is exposed")

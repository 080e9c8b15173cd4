"""Arguments that several commands share, and a parser that says what was probably meant."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import NoReturn


def _formatter(prog: str) -> argparse.HelpFormatter:
    """Argparse makes one for every argument, and asks `shutil`, which is long to import, how wide the terminal is."""
    try:
        columns = int(os.environ.get("COLUMNS", "0")) or os.get_terminal_size(1).columns
    except (ValueError, OSError):
        columns = 0
    return argparse.HelpFormatter(prog, width=(columns or 80) - 2)


class OptionalValue(argparse._StoreAction):
    """An option whose value may be left out (it is empty then), and can therefore only stand behind `=`."""


class Parser(argparse.ArgumentParser):
    """argparse with did-you-mean for options, and exit code 2 like every usage error."""

    def __init__(self, **options: object) -> None:
        super().__init__(allow_abbrev=False, formatter_class=_formatter, **options)  # type: ignore[arg-type]  # as they came

    def parse_known_args(self, args=None, namespace=None):  # type: ignore[no-untyped-def]  # overloaded above
        """As the base class, with `--option` read as `--option=` for an `OptionalValue`."""
        return super().parse_known_args(self._with_equals(sys.argv[1:] if args is None else args), namespace)

    def _with_equals(self, words: Sequence[str]) -> list[str]:
        """Up to the first word that is neither an option nor the value of one: the rest may be another program's."""
        shown = list(words)
        position = 0
        while position < len(shown) and shown[position].startswith("-") and shown[position] != "--":
            action = self._option_string_actions.get(shown[position])
            if isinstance(action, OptionalValue):
                shown[position] += "="
            elif action is not None and action.nargs is None:
                position += 1
            position += 1
        return shown

    def error(self, message: str) -> NoReturn:
        """Print the message, the nearest option, and how to get help."""
        from difflib import get_close_matches

        lines = [f"error: {message}"]
        known = list(self._option_string_actions)
        if "unrecognized arguments" in message or "unexpected" in message:
            for word in message.split():
                near = get_close_matches(word.split("=")[0], known, n=1) if word.startswith("-") else []
                if near:
                    lines.append(f"hint: did you mean `{near[0]}`?")
        lines.append(f"hint: see `{self.prog} --help`")
        self.print_usage(sys.stderr)
        self.exit(2, "\n".join(lines) + "\n")


def workspace_arguments(parser: argparse.ArgumentParser) -> None:
    """Which workspace."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument("-m", "--manifest-path", metavar="PATH", help="the manifest, or the folder that holds it")
    which.add_argument(
        "-w", "--workspace", dest="manifest_path", type=_registered, metavar="NAME", help="a registered workspace"
    )


def _registered(name: str) -> str:
    """The folder of a registered workspace. Raises `NoWorkspace` with near names."""
    from ..ops.registry import find

    return str(find(name, os.environ))


def environment_argument(parser: argparse.ArgumentParser) -> None:
    """Which environment."""
    parser.add_argument("-e", "--environment", metavar="NAME", help="the environment (default: `default`)")


def lock_arguments(parser: argparse.ArgumentParser, *, as_is: bool = False, installs: bool = False) -> None:
    """How to treat the lock file and the prefixes; `lock_mode` reads them back. A command that `installs` does that."""
    parser.add_argument("--frozen", action="store_true", help="use the lock file as it is, without a check")
    parser.add_argument("--locked", action="store_true", help="fail when the lock file is not up to date")
    if not installs:
        parser.add_argument("--no-install", action="store_true", help="do not change any environment")
    parser.add_argument("--offline", action="store_true", help="use only what is cached or local")
    if as_is:
        parser.add_argument("--as-is", action="store_true", help="short for --frozen --no-install")


def lock_mode(arguments: argparse.Namespace) -> str:
    """`locked`, `frozen` or `auto`, from the options and `PIXI_LOCKED`, `PIXI_FROZEN` (options win, then locked)."""
    if arguments.locked:
        return "locked"
    if arguments.frozen or getattr(arguments, "as_is", False):
        return "frozen"
    if os.environ.get("PIXI_LOCKED", "").lower() in ("1", "true"):
        return "locked"
    return "frozen" if os.environ.get("PIXI_FROZEN", "").lower() in ("1", "true") else "auto"


def no_install(arguments: argparse.Namespace) -> bool:
    """Whether prefixes stay untouched, from the options and `PIXI_NO_INSTALL`."""
    return bool(
        arguments.no_install
        or getattr(arguments, "as_is", False)
        or os.environ.get("PIXI_NO_INSTALL", "").lower() in ("1", "true")
    )


def install_arguments(parser: argparse.ArgumentParser) -> None:
    """What `install` and `reinstall` share: of which workspace, which environments, by which lock file."""
    workspace_arguments(parser)
    parser.add_argument("-e", "--environment", action="append", default=[], metavar="NAME", help="repeat for more")
    parser.add_argument("-a", "--all", action="store_true", help="every environment that this machine can run")
    parser.add_argument("-p", "--platform", metavar="PLATFORM", help="for this platform, whether or not it runs here")
    lock_arguments(parser, installs=True)

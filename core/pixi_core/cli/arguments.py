"""Arguments that several commands share."""

from __future__ import annotations

import argparse
import os

from .config_options import config_options


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
    config_options(parser)
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

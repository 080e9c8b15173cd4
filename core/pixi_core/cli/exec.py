"""`pixi exec`."""

from __future__ import annotations

import argparse
import os
import shutil
from typing import TYPE_CHECKING

from .config_options import config_options
from .parser import OptionalValue

if TYPE_CHECKING:
    from .context import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The packages, then the program: everything after its name belongs to it."""
    parser.add_argument("-s", "--spec", action="append", default=[], metavar="SPEC", help="packages; no guess")
    parser.add_argument("-w", "--with", dest="beside", action="append", default=[], metavar="SPEC", help="also these")
    parser.add_argument("-c", "--channel", action="append", default=[], metavar="CHANNEL", help="may be repeated")
    parser.add_argument("-p", "--platform", metavar="PLATFORM", help="packages of another platform")
    parser.add_argument("--force-reinstall", action="store_true", help="make the environment anew")
    parser.add_argument("--list", action=OptionalValue, metavar="REGEX", help="print the packages (all, or some) first")
    parser.add_argument("--no-modify-ps1", action="store_true", help="taken for pixi's sake: no prompt is changed")
    config_options(parser)
    parser.add_argument("words", nargs=argparse.REMAINDER, metavar="COMMAND", help="the program and its arguments")


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Make the environment ready and become the program. Raises `CommandNotFound`."""
    from ..errors import CommandNotFound
    from ..ops.exec import exec_environment, exec_specs
    from ..ops.init import open_services
    from .replace import become

    words = arguments.words[1:] if arguments.words[:1] == ["--"] else arguments.words
    services = open_services(context.environ)
    services.reporter = context.reporter
    found = exec_environment(
        services,
        exec_specs(words, arguments.spec, arguments.beside),
        channels=arguments.channel,
        platform=arguments.platform,
        fresh=arguments.force_reinstall,
        folder=context.cwd,
        reporter=context.reporter,
    )
    services.close()
    if arguments.list is not None:
        from ..ops.list_packages import list_packages
        from .list import print_table

        print_table(list_packages(found.workspace, "default", pattern=arguments.list, mode="frozen"))
    found.workspace.close()
    if not words:
        return 0
    program = words[0] if os.sep in words[0] else shutil.which(words[0], path=found.variables.get("PATH"))
    if program is None or not os.path.exists(program):
        raise CommandNotFound(
            f"{words[0]}: command not found in {found.workspace.prefix()}",
            hints=["name the package that has it: `pixi exec --spec PACKAGE " + words[0] + "`"],
        )
    return become(program, words, found.variables)

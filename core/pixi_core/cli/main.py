"""The door: find the command, build only its arguments, run it, turn errors into exit codes.

Exit codes are pixi's: 0, 1 for any reported error, 2 for usage, 127 for a command that does not exist, 130 for an
interrupt, otherwise the child's own. Nothing heavy is imported here: a command module is imported when it is chosen.
"""

from __future__ import annotations

import gc
import os
import sys
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from .. import __version__
from ..errors import PixiError, UsageError
from .commands import ALIASES, COMMANDS

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from .context import Context


class Command(Protocol):
    """What a command module offers."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the arguments."""

    def run(self, arguments: argparse.Namespace, context: Context) -> int:
        """Do it; the result is the exit code."""


_GLOBAL_HELP = """\
Usage: pixi [OPTIONS] COMMAND [ARGS]

{commands}

Options, of which -v, -q, --color and --no-progress may stand behind the command, too:
  -m, --manifest-path PATH  the manifest, or the folder that holds it
  -v, --verbose             say more (repeat for more)
  -q, --quiet               say less
      --color WHEN          auto, always or never
      --no-progress         no progress on standard error
  -h, --help                this text; `pixi COMMAND --help` for one command
  -V, --version             the version
      --list                the commands, extensions included"""


_COLLECTING = (100_000, 20, 100)
"""How rarely cycles are looked for (`gc.set_threshold`): commands make hundreds of thousands of records that live until
the end, and going through them again and again is a tenth of the time of an installation. Only a process of our own
is set so: one that calls `main` with words lives on, and what it leaves behind must be found.
"""

_HELP_WORDS = (["-h"], ["--help"])
"""The one call that is answered without any machinery."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line `argv` (without the program's name; None: that of this process) and return its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    if argv is None:
        gc.set_threshold(*_COLLECTING)
    try:
        quick = _quick(words)
        return _main(words) if quick is None else quick
    except BrokenPipeError:
        # the reader (`| head`) has seen enough; keep the interpreter from complaining at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _quick(words: list[str]) -> int | None:
    """`pixi run PROGRAM` in a prepared environment; None for everything else."""
    if words[:1] not in (["run"], ["r"]):
        return None
    from .quick import run

    try:
        return run(words, os.environ)
    except PixiError:
        return None  # the whole command says it properly


def _main(words: list[str]) -> int:
    if words in _HELP_WORDS:
        print(_GLOBAL_HELP.format(commands=_command_table()))
        return 0
    from .context import Context, Globals

    options = Globals()
    try:
        rest = options.take(words)
    except UsageError as error:
        return Context.create(options).report(error)
    if options.version:
        print(f"pixi {__version__}")
        return 0
    if options.list_commands:
        return _list_commands()
    if not rest or options.help:
        print(_GLOBAL_HELP.format(commands=_command_table()), file=sys.stdout if options.help else sys.stderr)
        return 0 if options.help else 2
    from .interrupt import prompt_interrupts

    context = Context.create(options)

    @cache
    def say_interrupted() -> int:
        from ..errors import Cancelled

        return context.report(Cancelled())

    with prompt_interrupts(say_interrupted):
        try:
            return _dispatch(rest[0], rest[1:], context)
        except PixiError as error:
            return context.report(error)
        except OSError as error:
            return context.report(_of_the_machine(error))
        except KeyboardInterrupt:
            return say_interrupted()
        finally:
            context.close()


def _of_the_machine(error: OSError) -> PixiError:
    """What the disk or the system refuses, wherever that was not foreseen, as an error of ours; any other is a mistake
    in the program, and is raised.
    """
    import errno

    names = ("ENOSPC", "EDQUOT", "EROFS", "EIO", "EMFILE", "ENFILE", "EACCES", "EPERM", "ENAMETOOLONG", "ESTALE")
    if error.errno not in {getattr(errno, name, None) for name in names}:
        raise error
    from ..fs import translated

    return translated(error, os.getcwd())


def _dispatch(name: str, words: list[str], context: Context) -> int:
    name = ALIASES.get(name, name)
    if name in COMMANDS:
        module = import_module(f".{COMMANDS[name][0]}", __package__)
        command: Command = module
    else:
        from .extensions import find_extension

        found = find_extension(name, words, context.environ)
        if isinstance(found, int):
            return found
        command = found
    from .parser import Parser

    parser = Parser(prog=f"pixi {name}", description=COMMANDS[name][1] if name in COMMANDS else None)
    command.add_arguments(parser)
    try:
        namespace = parser.parse_args(words)
    except SystemExit as stop:
        return int(stop.code or 0)
    context.hear(namespace)
    context.command = name
    context.words = tuple(words)
    from ..config.overrides import overriding
    from .config_options import overrides_of

    with overriding(overrides_of(namespace)):
        try:
            code = command.run(namespace, context)
        except BaseException:
            context.give_up()
            raise
        context.sign()
    return code


def _command_table() -> str:
    width = max(map(len, COMMANDS))
    aliases = {full: short for short, full in ALIASES.items()}
    rows = []
    for name, (_, text) in COMMANDS.items():
        alias = f" [alias: {aliases[name]}]" if name in aliases else ""
        rows.append(f"  {name:<{width}}  {text}{alias}")
    return "Commands:\n" + "\n".join(rows)


def _list_commands() -> int:
    from .extensions import extension_names

    print(_command_table())
    names = extension_names(os.environ)
    if names:
        print("\nExtensions:\n" + "\n".join(f"  {name}" for name in names))
    return 0


if __name__ == "__main__":
    sys.exit(main())

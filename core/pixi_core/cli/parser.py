"""A parser that says what was probably meant, and knows options whose value may be left out."""

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


VERBOSE, QUIET = "global:verbose", "global:quiet"
COLOR, NO_PROGRESS = "global:color", "global:no-progress"
_GLOBAL_OPTIONS: tuple[tuple[tuple[str, ...], dict[str, object]], ...] = (
    (("-v", "--verbose"), {"dest": VERBOSE, "action": "count", "help": "say more (repeat for more)"}),
    (("-q", "--quiet"), {"dest": QUIET, "action": "count", "help": "say less"}),
    (("--color",), {"dest": COLOR, "choices": ("auto", "always", "never"), "help": "colours on standard error"}),
    (("--no-progress",), {"dest": NO_PROGRESS, "action": "store_true", "help": "no progress on standard error"}),
)


class OptionalValue(argparse._StoreAction):
    """An option whose value may be left out (it is empty then), and can therefore only stand behind `=`."""


class Parser(argparse.ArgumentParser):
    """argparse with did-you-mean for options, and exit code 2 like every usage error."""

    def __init__(self, **options: object) -> None:
        super().__init__(allow_abbrev=False, formatter_class=_formatter, **options)  # type: ignore[arg-type]  # as they came

    def parse_known_args(self, args=None, namespace=None):  # type: ignore[no-untyped-def]  # overloaded above
        """As the base class, with the global options, options between positional words, and `--option` read as
        `--option=` for an `OptionalValue`.
        """
        self.add_global_options()
        return super().parse_known_args(self._in_order(sys.argv[1:] if args is None else args), namespace)

    def add_global_options(self) -> None:
        """Those of `Globals` that may stand behind the command, too; once, and only for what is called."""
        if "--no-progress" in self._option_string_actions:
            return
        group = self.add_argument_group("global options")
        for options, settings in _GLOBAL_OPTIONS:
            free = [option for option in options if option not in self._option_string_actions]
            if free:
                group.add_argument(*free, default=argparse.SUPPRESS, **settings)  # type: ignore[arg-type]  # as argparse takes them

    def _in_order(self, words: Sequence[str]) -> list[str]:
        """The options first, which argparse wants where a positional may repeat; what stands behind `--` stays last.
        Words of another program or of an action, which have their own, stay as they are.
        """
        options: list[str] = []
        positional: list[str] = []
        position = 0
        foreign = any(action.nargs in (argparse.REMAINDER, argparse.PARSER) for action in self._actions)
        while position < len(words) and words[position] != "--":
            word = words[position]
            if not word.startswith("-") or word == "-":
                if foreign:
                    break
                positional.append(word)
                position += 1
                continue
            length = 2 if self._takes_next(word) else 1
            options += [f"{word}=" if isinstance(self._option_string_actions.get(word), OptionalValue) else word]
            options += words[position + 1 : position + length]
            position += length
        return [*options, *positional, *words[position:]]

    def _takes_next(self, word: str) -> bool:
        """Whether the value of an option is the next word: `--name`, `-n`, and `-xn` where `-x` has no value."""
        action = self._option_string_actions.get(word)
        if action is None and not word.startswith("--"):
            for place, letter in enumerate(word[1:], start=1):
                action = self._option_string_actions.get(f"-{letter}")
                if action is None or action.nargs != 0:
                    if place < len(word) - 1:
                        return False  # the rest of the word is the value
                    break
        return action is not None and action.nargs is None and not isinstance(action, OptionalValue)

    def error(self, message: str) -> NoReturn:
        """Print the message, the nearest option or choice, and how to get help."""
        import re

        from ..suggest import hints

        lines = [f"error: {message}"]
        known = list(self._option_string_actions)
        if "unrecognized arguments" in message or "unexpected" in message:
            for word in message.split():
                if word.startswith("-"):
                    lines += [f"hint: {hint}" for hint in hints(word.split("=")[0], known)]
        wrong = re.search(r"invalid choice: '([^']*)' \(choose from (.*)\)", message)
        if wrong:
            lines += [f"hint: {hint}" for hint in hints(wrong[1], re.findall(r"[\w-]+", wrong[2]))]
        if "--no-lockfile-update" in message:  # pixi had it, and tells the same
            lines.append(
                "hint: use `--frozen` to take the lock file as it is, `--no-install` to leave environments alone"
            )
        lines.append(f"hint: see `{self.prog} --help`")
        self.print_usage(sys.stderr)
        self.exit(2, "\n".join(lines) + "\n")

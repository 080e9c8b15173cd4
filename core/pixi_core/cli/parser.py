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
        """Not behind `--`, and not behind the first word of another program or of an action, which have their own."""
        shown = list(words)
        position = 0
        foreign = any(action.nargs in (argparse.REMAINDER, argparse.PARSER) for action in self._actions)
        while position < len(shown) and shown[position] != "--":
            if foreign and not shown[position].startswith("-"):
                break
            action = self._option_string_actions.get(shown[position])
            if isinstance(action, OptionalValue):
                shown[position] += "="
            elif action is not None and action.nargs is None:
                position += 1
            position += 1
        return shown

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

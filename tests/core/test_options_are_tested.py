"""Every option of every command is named by a test that also names the command; a new one must bring its test.

What stands in a test's text is no proof that the test looks at what the option does, but an option that stands in none
is surely not looked at.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from pixi_core.cli.commands import COMMANDS
from pixi_core.cli.parser import Parser
from tests.end_to_end.test_config_options import CONFIG_OPTIONS

TESTS = Path(__file__).resolve().parent.parent
SHARED = {"--manifest-path", "--workspace", *CONFIG_OPTIONS}
"""Added by one function to most commands: naming them once is enough."""


def commands_of(parser: argparse.ArgumentParser, words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], list[str]]]:
    """Each (sub-)command with the spellings of each of its options, joined by `|`."""
    options = []
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            inner = {id(sub): (name, sub) for name, sub in reversed(action.choices.items())}
            for name, sub in inner.values():
                yield from commands_of(sub, (*words, name))
        elif action.option_strings and not isinstance(action, argparse._HelpAction):
            options.append("|".join(action.option_strings))
    yield words, options


@pytest.fixture(scope="module")
def texts() -> list[str]:
    """The tests, but this one."""
    return [path.read_text() for path in sorted(TESTS.rglob("test_*.py")) if path != Path(__file__)]


def names(text: str, word: str) -> bool:
    """Whether a word stands in a string of the text, alone or between blanks."""
    return bool(re.search(rf"""["' `]{re.escape(word)}["' =`]""", text))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_is_named_by_a_test(command: str, texts: list[str]) -> None:
    parser = Parser(prog=command)
    import_module(f"pixi_core.cli.{COMMANDS[command][0]}").add_arguments(parser)
    untested = set()
    for words, options in commands_of(parser, (command,)):
        near = [text for text in texts if all(names(text, word) for word in words)]
        for option in options:
            spellings = option.split("|")
            among = texts if SHARED.intersection(spellings) else near
            if not any(names(text, spelling) for text in among for spelling in spellings):
                untested.add(f"{' '.join(words)} {spellings[-1]}")
    assert untested == set()

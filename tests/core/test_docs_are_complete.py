"""What the documentation names exists, and what exists is named: commands, options, configuration keys, variables."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

from pixi_core.cli.commands import COMMANDS
from pixi_core.cli.parser import Parser
from pixi_core.config.load import known_keys

ROOT = Path(__file__).resolve().parent.parent.parent
COMMANDS_PAGE = (ROOT / "docs" / "commands.md").read_text()
GLOBAL_PAGE = (ROOT / "docs" / "global.md").read_text()
CONFIGURATION_PAGE = (ROOT / "docs" / "configuration.md").read_text()
PACKAGES = ("core", "magics", "pixi_kernel", "server_ext")

Option = tuple[str, ...]


def commands_of(parser: argparse.ArgumentParser, words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Option]]:
    """Each (sub-)command once without an option, then each of its options with all spellings."""
    yield words, ()
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            inner = {id(sub): (name, sub) for name, sub in reversed(action.choices.items())}
            for name, sub in inner.values():
                yield from commands_of(sub, (*words, name))
        elif action.option_strings and action.help != argparse.SUPPRESS and action.dest != "help":
            yield words, tuple(action.option_strings)


@cache
def everything(command: str) -> list[tuple[tuple[str, ...], Option]]:
    parser = Parser(prog=command)
    import_module(f"pixi_core.cli.{COMMANDS[command][0]}").add_arguments(parser)
    parser.add_global_options()
    return list(commands_of(parser, (command,)))


def has(text: str, word: str) -> bool:
    return bool(re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text))


def sections(page: str) -> dict[str, str]:
    """Headings of the third level (and of the second, which hold what is said for several) with what stands below."""
    parts = re.split(r"^(#{2,3} .*)$", page, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def said_of(command: str) -> str:
    """All that is written about a command, and what is written about all."""
    if command == "global":
        own = [GLOBAL_PAGE]
    else:
        own = [h + text for h, text in sections(COMMANDS_PAGE).items() if has(h, f"pixi {command}") and h[2] == "#"]
    assert own, f"docs/commands.md has no heading for `pixi {command}`"
    return "\n".join([*own, *(text for heading, text in sections(COMMANDS_PAGE).items() if heading[2] == " ")])


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_and_option_is_documented(command: str) -> None:
    text = said_of(command)
    missing = []
    for words, option in everything(command):
        if not all(has(text, word) for word in words[1:]):
            missing.append(" ".join(words))
        if option and not any(has(text, spelling) for spelling in option):
            missing.append(f"{' '.join(words)} {option[-1]}")
    assert missing == []


@pytest.mark.parametrize(
    "page", [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))], ids=lambda page: page.name
)
def test_every_command_line_in_the_documentation_exists(page: Path) -> None:
    """`pixi COMMAND --option`, in blocks and in running text: the command is one, and so are its options."""
    wrong = []
    for line in re.findall(r"(?<![\w%/.-])pixi ([a-z][^`\n|;&)#]*)", page.read_text()):
        words = line.split()
        if words[0] not in COMMANDS:
            continue
        own = words[: words.index("--")] if "--" in words else words
        if words[0] in ("run", "exec"):  # behind the first word the options are another program's
            own = own[: next((n for n, word in enumerate(own) if n and not word.startswith("-")), len(own))]
        known = {spelling for _, option in everything(words[0]) for spelling in option} | {"--help"}
        options = [re.split(r"[=\[…,.:]", word)[0] for word in own if re.match(r"--[a-z]", word)]
        wrong += [f"pixi {line}: {option}" for option in options if not {*option.split("/")} & known]
    assert wrong == []


def test_every_configuration_key_is_documented_and_no_other() -> None:
    keys = set(re.findall(r"^\| `([a-z0-9.-]+)`", sections(CONFIGURATION_PAGE)["## Keys"], flags=re.MULTILINE))
    assert keys == set(known_keys())


PREFIXES = "PIXI|RATTLER|CONDA|UV|PIP|XDG|SSL|AWS|DASK_SCHEDULER"
COMPOSED = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}
"""Names that the code puts together."""
BEGINNINGS = {"PIXI_ENVIRONMENT_", "PIXI_OVERRIDE_", "PIXI_PROJECT_", "CONDA_OVERRIDE_"}
"""Beginnings of names, by which several are meant."""
VARIABLE = re.compile(rf"\b((?:{PREFIXES})_[A-Z0-9_]+|NO_COLOR|FORCE_COLOR|CLICOLOR_FORCE|REQUESTS_CA_BUNDLE|NETRC)\b")


def test_every_variable_that_is_read_or_set_is_documented_and_no_other() -> None:
    pages = {path.name: set(VARIABLE.findall(path.read_text())) for path in (ROOT / "docs").glob("*.md")}
    code = "\n".join(path.read_text() for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    used = {name for quoted in re.findall(r"""["'`]([A-Z0-9_]+)["'`]""", code) for name in VARIABLE.findall(quoted)}
    documented = set().union(*pages.values())
    assert used - BEGINNINGS - documented == set()
    known = code + "".join(path.read_text() for path in (ROOT / "tests").rglob("*.py"))
    del pages["differences.md"]  # which names what only pixi reads
    assert {name for names in pages.values() for name in names if name not in known} <= COMPOSED

"""The task shell's language as a tree, and the tree as text again.

The language is that of pixi's tasks (deno_task_shell): lists, `&&` `||` `!`, pipelines, sub-shells, one redirect per
command, quotes, variables, substitution, globs, braces. It has no `if`, loops, functions or `${…}`.
`parse(format(tree)) == tree` for every tree that came out of the parser.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Text:
    """Literal characters; quoted ones are neither split nor taken for patterns."""

    value: str
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Variable:
    """`$NAME` or `$?`."""

    name: str
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Substitution:
    """`$(…)` or backticks."""

    script: Script
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Braces:
    """`{a,b}`: the word once for each alternative (at least two)."""

    alternatives: tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class Tilde:
    """`~` at the start of a word: the home folder."""


Part = Text | Variable | Substitution | Braces | Tilde
Word = tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Redirect:
    """`operator` is `>`, `>>` or `<`; `descriptor` 0, 1, 2 or -1 for both outputs; `target` a word or a descriptor."""

    operator: Literal[">", ">>", "<"]
    descriptor: int
    target: Word | int


@dataclass(frozen=True, slots=True)
class Simple:
    """`K=V … program arguments`; without words the assignments set variables of the shell."""

    assignments: tuple[tuple[str, Word], ...]
    words: tuple[Word, ...]
    redirect: Redirect | None = None


@dataclass(frozen=True, slots=True)
class Subshell:
    """`( … )`: changes inside do not reach outside."""

    script: Script
    redirect: Redirect | None = None


Command = Simple | Subshell


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Commands joined by `|` (`with_errors` says for each but the last whether it was `|&`)."""

    commands: tuple[Command, ...]
    with_errors: tuple[bool, ...] = ()
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Logical:
    """`left && right` or `left || right` (both bind alike, from the left)."""

    left: Node
    operator: Literal["&&", "||"]
    right: Pipeline


Node = Pipeline | Logical


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of a list; in the background where `&` follows it."""

    node: Node
    background: bool = False


@dataclass(frozen=True, slots=True)
class Script:
    """A list of commands, run in order."""

    items: tuple[Item, ...]


# ---------------------------------------------------------------- the tree as text


def format_script(script: Script) -> str:
    """The tree in its canonical writing."""
    shown = []
    for index, item in enumerate(script.items):
        last = index == len(script.items) - 1
        shown.append(_node(item.node) + (" &" if item.background else "" if last else ";"))
    return " ".join(shown)


def _node(node: Node) -> str:
    if isinstance(node, Logical):
        return f"{_node(node.left)} {node.operator} {_node(node.right)}"
    text = "! " if node.negated else ""
    for index, command in enumerate(node.commands):
        if index:
            text += " |& " if node.with_errors[index - 1] else " | "
        text += _command(command)
    return text


def _command(command: Command) -> str:
    if isinstance(command, Subshell):
        text = f"({format_script(command.script)})"
    else:
        pieces = [f"{name}={format_word(word)}" for name, word in command.assignments]
        text = " ".join([*pieces, *(format_word(word) or "''" for word in command.words)])
    redirect = command.redirect
    if redirect is None:
        return text
    default = redirect.descriptor == (0 if redirect.operator == "<" else 1)
    mark = "&" if redirect.descriptor < 0 else "" if default else str(redirect.descriptor)
    target = f"&{redirect.target}" if isinstance(redirect.target, int) else f" {format_word(redirect.target)}"
    return f"{text} {mark}{redirect.operator}{target}"


def format_word(word: Word) -> str:
    """One word in its canonical writing."""
    return "".join(_part(part) for part in word)


def _part(part: Part) -> str:
    match part:
        case Text(value, quoted=True):
            return quote(value)
        case Text(value):
            return value
        case Variable(name, quoted):
            return f'"${name}"' if quoted else f"${name}"
        case Substitution(script, quoted):
            text = f"$({format_script(script)})"
            return f'"{text}"' if quoted else text
        case Braces(alternatives):
            return "{" + ",".join(format_word(word) for word in alternatives) + "}"
        case Tilde():
            return "~"


def quote(text: str) -> str:
    """Any text as one word of the language."""
    return "'" + text.replace("'", "'\"'\"'") + "'"

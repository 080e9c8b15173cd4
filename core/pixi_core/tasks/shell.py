"""Parser of the task shell: text to tree. Pure: nothing is expanded, read or run.

Errors are `TaskError`s that show the line with a caret under the place.
"""

from __future__ import annotations

from typing import Literal

from ..errors import TaskError
from .shell_tree import (
    Braces,
    Command,
    Item,
    Logical,
    Node,
    Part,
    Pipeline,
    Redirect,
    Script,
    Simple,
    Subshell,
    Substitution,
    Text,
    Tilde,
    Variable,
    Word,
    format_script,
    quote,
)

__all__ = ["format_script", "parse", "quote"]

RESERVED = frozenset(
    "if then else elif fi for in do done while until case esac function select".split()  # noqa: SIM905 - words, as one reads them
) - {"in"}
_ENDS = frozenset(" \t\r\n;&|()<>")
_DEEPEST = 60


def parse(text: str) -> Script:
    """The tree of a script. Raises `TaskError`."""
    parser = _Parser(text)
    script = parser.script(0)
    if parser.at < len(text):
        raise parser.wrong(f"unexpected `{text[parser.at]}`")
    return script


class _Parser:
    def __init__(self, text: str, *, whole: str | None = None, offset: int = 0) -> None:
        self.text = text
        self.at = 0
        self.whole = text if whole is None else whole
        self.offset = offset
        self.plain_braces: set[int] = set()

    # ------------------------------------------------------------ lists

    def script(self, depth: int) -> Script:
        if depth > _DEEPEST:
            raise self.wrong("too many levels of nesting")
        items: list[Item] = []
        while True:
            self.blanks(lines=True)
            if self.at >= len(self.text) or self.peek(")"):
                return Script(tuple(items))
            if self.text[self.at] in ";&|":
                raise self.wrong(f"a command is missing before `{self.text[self.at]}`")
            node = self.logical(depth)
            background = self.peek("&")
            ended = background or self.peek(";")
            self.at += ended
            items.append(Item(node, background))
            self.blanks(lines=False)
            if not ended and self.at < len(self.text) and self.text[self.at] not in "\n)":
                raise self.wrong(f"unexpected `{self.text[self.at]}`")

    def logical(self, depth: int) -> Node:
        node: Node = self.pipeline(depth)
        while True:
            self.blanks(lines=False)
            operator: Literal["&&", "||"]
            if self.peek("&&"):
                operator = "&&"
            elif self.peek("||"):
                operator = "||"
            else:
                return node
            self.at += 2
            self.blanks(lines=True)
            node = Logical(node, operator, self.pipeline(depth))

    def pipeline(self, depth: int) -> Pipeline:
        after = self.text[self.at + 1 : self.at + 2]
        negated = self.peek("!") and (not after or after in _ENDS)
        if negated:
            self.at += 1
            self.blanks(lines=False)
        commands = [self.command(depth)]
        errors: list[bool] = []
        while True:
            self.blanks(lines=False)
            if not self.peek("|") or self.peek("||"):
                return Pipeline(tuple(commands), tuple(errors), negated)
            both = self.peek("|&")
            self.at += 2 if both else 1
            errors.append(both)
            self.blanks(lines=True)
            commands.append(self.command(depth))

    def command(self, depth: int) -> Command:
        if self.peek("("):
            self.at += 1
            script = self.script(depth + 1)
            if not self.peek(")"):
                raise self.wrong("`)` is missing")
            if not script.items:
                raise self.wrong("a command is missing before `)`")
            self.at += 1
            redirect = self.redirect(depth)
            self.blanks(lines=False)
            if self.at < len(self.text) and self.text[self.at] not in "\n;&|)":
                raise self.wrong("only a redirect may follow `)`")
            return Subshell(script, redirect)
        return self.simple(depth)

    def simple(self, depth: int) -> Simple:
        start = self.at
        assignments: list[tuple[str, Word]] = []
        words: list[Word] = []
        redirect: Redirect | None = None
        while True:
            self.blanks(lines=False)
            found = self.redirect(depth)
            if found is not None:
                if redirect is not None:
                    raise self.wrong("only one redirect per command is possible")
                redirect = found
                continue
            if self.at >= len(self.text) or self.text[self.at] in "\n;&|)" or self.comment():
                break
            if self.text[self.at] == "(":
                raise self.wrong("unexpected `(`")
            name = self.assignment_name() if not words else None
            if name is not None:
                self.at += len(name) + 1
                assignments.append((name, self.word(depth, empty=True)))
                continue
            word_start = self.at
            words.append(self.word(depth))
            if len(words) == 1:
                words[0] = _no_assignment(words[0])
            if len(words) == 1 and len(words[0]) == 1 and isinstance(words[0][0], Text):
                only = words[0][0]
                if not only.quoted and only.value in RESERVED:
                    self.at = word_start
                    raise self.wrong(f"`{only.value}` is not supported in tasks")
        if not words and redirect is not None:
            raise self.wrong("a redirect needs a command")
        if not words and not assignments:
            self.at = start
            raise self.wrong("a command is missing")
        return Simple(tuple(assignments), tuple(words), redirect)

    def assignment_name(self) -> str | None:
        end = self.at
        while end < len(self.text) and (self.text[end].isalnum() or self.text[end] == "_") and self.text[end].isascii():
            end += 1
        name = self.text[self.at : end]
        return name if name and not name[0].isdigit() and self.text[end : end + 1] == "=" else None

    def redirect(self, depth: int) -> Redirect | None:
        self.blanks(lines=False)
        end = self.at
        descriptor: int | None = None
        if self.text[end : end + 1] in ("0", "1", "2"):
            descriptor = int(self.text[end])
            end += 1
        elif self.peek("&>"):
            descriptor = -1
            end += 1
        sign = self.text[end : end + 1]
        if sign not in ("<", ">"):
            return None
        operator: Literal[">", ">>", "<"] = "<" if sign == "<" else ">>" if self.text.startswith(">>", end) else ">"
        if self.text.startswith("<<", end):
            raise self.wrong("here-documents are not supported in tasks")
        self.at = end + len(operator)
        if descriptor is None:
            descriptor = 0 if sign == "<" else 1
        if self.peek("&"):
            digit = self.text[self.at + 1 : self.at + 2]
            if digit not in ("0", "1", "2") or self.text[self.at + 2 : self.at + 3] not in ("", *_ENDS):
                raise self.wrong("a number of an open file is expected after `&`")
            self.at += 2
            return Redirect(operator, descriptor, int(digit))
        self.blanks(lines=False)
        if self.at >= len(self.text) or self.text[self.at] in _ENDS or self.text[self.at] == "#":
            raise self.wrong("a file name is missing after the redirect")
        return Redirect(operator, descriptor, self.word(depth))

    # ------------------------------------------------------------ words

    def word(self, depth: int, *, empty: bool = False, stop: str = "") -> Word:
        """From here to the next blank or operator (or a character of `stop`)."""
        if depth > _DEEPEST:
            raise self.wrong("too many levels of nesting")
        parts: list[Part] = []
        start = self.at
        while self.at < len(self.text):
            character = self.text[self.at]
            if character in _ENDS or character in stop:
                break
            if character == "~" and self.at == start and self.text[self.at + 1 : self.at + 2] in ("", "/", *_ENDS):
                parts.append(Tilde())
                self.at += 1
            elif character == "{":
                parts.append(self.braces(depth) or self.literal())
            elif character == "'":
                parts.append(self.single_quotes())
            elif character == '"':
                parts += self.double_quotes(depth)
            elif character == "\\":
                parts.append(self.escape())
            elif character in "$`":
                parts.append(self.dollar(depth, quoted=False))
            else:
                parts.append(self.literal())
        if not parts and not empty and not stop:
            raise self.wrong("a word is missing")
        return _merged(parts)

    def literal(self) -> Text:
        self.at += 1
        character = self.text[self.at - 1]
        # they mean something at the start of a word only; here they do not
        return Text(character, quoted=character in "~#!")

    def single_quotes(self) -> Text:
        end = self.text.find("'", self.at + 1)
        if end < 0:
            raise self.wrong("the quote is not closed")
        value = self.text[self.at + 1 : end]
        self.at = end + 1
        return Text(value, quoted=True)

    def escape(self) -> Text:
        following = self.text[self.at + 1 : self.at + 2]
        if not following:
            raise self.wrong("a backslash cannot end a command")
        self.at += 2
        # a backslash before a line break joins the lines
        return Text("" if following == "\n" else following, quoted=following != "\n")

    def double_quotes(self, depth: int) -> list[Part]:
        start = self.at
        self.at += 1
        parts: list[Part] = [Text("", quoted=True)]
        while self.at < len(self.text):
            character = self.text[self.at]
            following = self.text[self.at + 1 : self.at + 2]
            if character == '"':
                self.at += 1
                return parts
            if character == "\\" and following and following in '$`"\\\n':
                parts.append(Text("" if following == "\n" else following, quoted=True))
                self.at += 2
            elif character in "$`":
                part = self.dollar(depth, quoted=True)
                parts.append(part)
            else:
                parts.append(Text(character, quoted=True))
                self.at += 1
        self.at = start
        raise self.wrong("the quote is not closed")

    def dollar(self, depth: int, *, quoted: bool) -> Part:
        if self.peek("`"):
            return self.backticks(depth, quoted=quoted)
        following = self.text[self.at + 1 : self.at + 2]
        if following == "(":
            if self.peek("$(("):
                raise self.wrong("arithmetic is not supported in tasks")
            self.at += 2
            script = self.script(depth + 1)
            if not self.peek(")"):
                raise self.wrong("`)` is missing")
            self.at += 1
            return Substitution(script, quoted)
        if following == "?":
            self.at += 2
            return Variable("?", quoted)
        if following == "{":
            raise self.wrong(
                "`${…}` is not supported in tasks", hint="write `$NAME`, in double quotes where text follows"
            )
        if following in ("$", "#", "*", "@", "!") and following:
            raise self.wrong(f"`${following}` is not supported in tasks")
        end = self.at + 1
        while end < len(self.text) and (self.text[end].isalnum() or self.text[end] == "_") and self.text[end].isascii():
            end += 1
        name = self.text[self.at + 1 : end]
        if not name or name[0].isdigit():
            self.at += 1
            return Text("$", quoted=True)
        self.at = end
        return Variable(name, quoted)

    def backticks(self, depth: int, *, quoted: bool) -> Part:
        end = self.at + 1
        inner = ""
        while end < len(self.text) and self.text[end] != "`":
            if self.text[end] == "\\" and self.text[end + 1 : end + 2] in ("`", "\\", "$"):
                # inside backticks a backslash protects these three, and is gone afterwards
                inner += "" if self.text[end + 1] == "`" else "\\"
                end += 1
            inner += self.text[end : end + 1]
            end += 1
        if end >= len(self.text):
            raise self.wrong("the backtick is not closed")
        parser = _Parser(inner, whole=self.whole, offset=self.offset + self.at + 1)
        script = parser.script(depth + 1)
        if parser.at < len(inner):
            raise parser.wrong(f"unexpected `{inner[parser.at]}`")
        self.at = end + 1
        return Substitution(script, quoted)

    def braces(self, depth: int) -> Braces | None:
        """`{a,b}`; None (and nothing read) where the brace is an ordinary character."""
        start = self.at
        if start in self.plain_braces:
            return None
        self.at += 1
        alternatives: list[Word] = []
        while True:
            alternatives.append(self.word(depth + 1, empty=True, stop=",}"))
            following = self.text[self.at : self.at + 1]
            if following == ",":
                self.at += 1
            elif following == "}" and len(alternatives) > 1:
                self.at += 1
                return Braces(tuple(alternatives))
            else:
                # remembered, or a row of open braces would be tried again and again
                self.plain_braces.add(start)
                self.at = start
                return None

    # ------------------------------------------------------------ characters

    def peek(self, text: str) -> bool:
        return self.text.startswith(text, self.at)

    def comment(self) -> bool:
        return self.peek("#") and (self.at == 0 or self.text[self.at - 1] in " \t\r\n;&|(")

    def blanks(self, *, lines: bool) -> None:
        """Skip blanks, joined lines and comments; line breaks too where `lines`."""
        while self.at < len(self.text):
            if self.peek("\\\n"):
                self.at += 2
            elif self.text[self.at] in (" \t\r\n" if lines else " \t\r"):
                self.at += 1
            elif self.comment():
                end = self.text.find("\n", self.at)
                self.at = len(self.text) if end < 0 else end
            else:
                return

    def wrong(self, reason: str, *, hint: str = "") -> TaskError:
        place = min(self.offset + self.at, len(self.whole))
        start = self.whole.rfind("\n", 0, place) + 1
        end = self.whole.find("\n", place)
        line = self.whole[start : len(self.whole) if end < 0 else end]
        return TaskError(
            f"the command cannot be read: {reason}",
            details=[f"  {line}", "  " + " " * (place - start) + "^"],
            hints=[hint] if hint else (),
        )


def _no_assignment(word: Word) -> Word:
    """A program's name that only looks like `K=V` once quotes and joined lines are gone (`a''=b`)."""
    first = word[0]
    if not isinstance(first, Text) or first.quoted:
        return word
    name, equals, rest = first.value.partition("=")
    if not equals or not name.isidentifier():
        return word
    return _merged([Text(name + equals, quoted=True), Text(rest), *word[1:]])


def _merged(parts: list[Part]) -> Word:
    """Neighbouring texts of one kind as one; empty ones only where nothing else is there."""
    merged: list[Part] = []
    for part in parts:
        previous = merged[-1] if merged else None
        if isinstance(part, Text) and not part.value:
            continue
        if isinstance(part, Text) and isinstance(previous, Text) and part.quoted == previous.quoted:
            merged[-1] = Text(previous.value + part.value, part.quoted)
        else:
            merged.append(part)
    quoted = any(isinstance(part, Text) and part.quoted for part in parts)
    return tuple(merged) if merged or not quoted else (Text("", quoted=True),)

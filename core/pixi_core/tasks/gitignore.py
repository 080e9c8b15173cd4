"""What `.gitignore` files leave out (gitignore(5)): those of the workspace, and those above it up to the repository.

The last pattern that matches wins, one of a deeper file over one further up; what lies in a folder that is left out
cannot be taken back.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

_NAME = ".gitignore"


@dataclass(frozen=True, slots=True)
class Rule:
    """One line: what it matches below its folder, whether it takes back, whether it is for folders only."""

    matcher: re.Pattern[str]
    takes_back: bool
    folders_only: bool


@dataclass(slots=True)
class Ignored:
    """Answers for the files below `root`; every folder is looked at once."""

    root: Path
    _top: Path | None = None
    _rules: dict[str, list[Rule]] = field(default_factory=dict)
    _folders: dict[str, bool] = field(default_factory=dict)

    def __call__(self, name: str, *, is_folder: bool = False) -> bool:
        """Whether a file or folder (path relative to the root, with `/`) is left out. What lies elsewhere is not."""
        if name.startswith(("../", "/")) or name in ("", ".", ".."):
            return False
        if self._top is None:
            self._top = _repository(self.root)
        inside = os.path.relpath(self.root, self._top).replace(os.sep, "/")
        return self._is_ignored(name if inside == "." else f"{inside}/{name}", is_folder=is_folder)

    def _is_ignored(self, path: str, *, is_folder: bool) -> bool:
        """For a path relative to the repository's top."""
        if is_folder and path in self._folders:
            return self._folders[path]
        parent = path.rpartition("/")[0]
        found = bool(parent) and self._is_ignored(parent, is_folder=True)
        if not found:
            found = self._by_rules(path, is_folder=is_folder)
        if is_folder:
            self._folders[path] = found
        return found

    def _by_rules(self, path: str, *, is_folder: bool) -> bool:
        """What the files say of this very path, the deepest first."""
        folder = path
        while folder:
            folder = folder.rpartition("/")[0]
            below = path[len(folder) + 1 :] if folder else path
            for rule in reversed(self._of(folder)):
                if (is_folder or not rule.folders_only) and rule.matcher.match(below):
                    return not rule.takes_back
        return False

    def _of(self, folder: str) -> list[Rule]:
        """The rules of one folder."""
        if folder not in self._rules:
            assert self._top is not None, "paths are relative to it"
            self._rules[folder] = _read(self._top / folder / _NAME)
        return self._rules[folder]


def _repository(root: Path) -> Path:
    """The nearest folder with `.git` from `root` upwards, else `root`."""
    return next((folder for folder in (root, *root.parents) if (folder / ".git").exists()), root)


def _read(path: Path) -> list[Rule]:
    try:
        lines = path.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return []
    return [rule for line in lines if (rule := parse_rule(line)) is not None]


def parse_rule(line: str) -> Rule | None:
    """One line of a `.gitignore`; None for a blank one, a comment, and a pattern that can match nothing."""
    text = re.sub(r"(?<!\\)((?:\\\\)*)[ \t]+\Z", r"\1", line)
    if not text or text.startswith("#"):
        return None
    takes_back = text.startswith("!")
    text = text[1:] if takes_back else text
    folders_only = text.endswith("/")
    text = text[:-1] if folders_only else text
    if not text:
        return None
    anchored = "/" in text
    try:
        matcher = re.compile(("" if anchored else r"(?:.*/)?") + _regex(text.removeprefix("/")) + r"\Z", re.DOTALL)
    except (re.error, ValueError):
        return None
    return Rule(matcher, takes_back, folders_only)


def _regex(text: str) -> str:
    """A pattern as a regular expression. Raises `ValueError` for one that ends in a backslash or an open class."""
    parts: list[str] = []
    index = 0
    while index < len(text):
        at_start = index == 0 or text[index - 1] == "/"
        if at_start and text.startswith("**/", index):
            parts.append(r"(?:.*/)?")
            index += 3
        elif at_start and text[index:] == "**":
            parts.append(r".+")
            index += 2
        elif text[index] == "*":
            index += len(text[index:]) - len(text[index:].lstrip("*"))
            parts.append(r"[^/]*")
        elif text[index] == "?":
            parts.append(r"[^/]")
            index += 1
        elif text[index] == "[":
            shown, index = _class(text, index)
            parts.append(shown)
        elif text[index] == "\\":
            if index + 1 == len(text):
                raise ValueError(text)
            parts.append(re.escape(text[index + 1]))
            index += 2
        else:
            parts.append(re.escape(text[index]))
            index += 1
    return "".join(parts)


def _class(text: str, start: int) -> tuple[str, int]:
    """`[…]` as a regular expression, and where it ends."""
    index = start + 1
    negated = text[index : index + 1] in ("!", "^")
    index += negated
    inside: list[str] = []
    while not inside or text[index : index + 1] != "]":
        if index >= len(text):
            raise ValueError(text)
        posix = re.match(r"\[:(\w+):\]", text[index:])
        if posix is not None:
            inside.append(_POSIX.get(posix[1], ""))
            index += posix.end()
            continue
        if text[index] == "\\" and index + 1 < len(text):
            index += 1
            inside.append(re.escape(text[index]))
        else:
            inside.append(
                "-" if text[index] == "-" and inside and text[index + 1 : index + 2] != "]" else re.escape(text[index])
            )
        index += 1
    return f"(?!/)[{'^' if negated else ''}{''.join(inside)}]", index + 1


_POSIX = {
    "alpha": "A-Za-z", "digit": "0-9", "alnum": "A-Za-z0-9", "upper": "A-Z", "lower": "a-z", "space": r"\s",
    "xdigit": "0-9A-Fa-f", "punct": re.escape("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"), "blank": r" \t",
}  # fmt: skip

"""Tab completion of `%pixi`: commands, options, and the names that this workspace has."""

import json
import os
import re
import subprocess
import time
from typing import Any, Callable, Dict, List, Optional, Tuple

from .child import Settings, core_environment

COMMANDS: Dict[str, Tuple[str, ...]] = {
    "add": ("--pypi", "--feature", "--platform", "--editable", "--no-install", "--frozen"),
    "remove": ("--pypi", "--feature", "--platform", "--no-install"),
    "install": ("--environment", "--all", "--frozen", "--locked"),
    "lock": ("--check",),
    "update": ("--environment", "--dry-run", "--json", "--no-install"),
    "upgrade": ("--environment", "--feature", "--exclude", "--dry-run", "--json", "--no-install"),
    "tree": ("--environment", "--invert", "--graph"),
    "size": ("--environment", "--json"),
    "ui": (),
    "why": ("--environment", "--json"),
    "search": ("--channel", "--pypi", "--limit", "--json"),
    "diff": ("--environment", "--check", "--json"),
    "list": ("--environment", "--explicit", "--json"),
    "status": ("--environment", "--json"),
    "run": ("--environment",),
    "history": ("--environment", "--json"),
    "rollback": ("--environment", "--dry-run"),
    "info": ("--json",),
    "trust": ("--show", "--revoke", "--list"),
    "help": (),
}
_FRESH_SECONDS = 10.0
_TIMEOUT = 5.0
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*$")
"""What may be the beginning of a package's name: no version, no channel, no address."""

Ask = Callable[[List[str]], Any]


class Names:
    """Names known to the core, asked for when first needed and remembered for a few seconds."""

    def __init__(self, ask: Ask, clock: Callable[[], float] = time.monotonic) -> None:
        self._ask = ask
        self._clock = clock
        self._answers: Dict[str, Tuple[float, Any]] = {}

    def _answer(self, *words: str) -> Any:
        key = " ".join(words)
        known = self._answers.get(key)
        if known is None or self._clock() - known[0] > _FRESH_SECONDS:
            known = self._answers[key] = (self._clock(), self._ask(list(words)))
        return known[1]

    def packages(self) -> List[str]:
        """Names in the environment."""
        answer = self._answer("list", "--json")
        return sorted(str(package.get("name")) for package in answer or () if isinstance(package, dict))

    def offered(self, part: str, pypi: bool) -> List[str]:
        """Names that begin with `part` in the channels of the workspace, or in its index: from the caches alone."""
        answer = self._answer("names", part, "--json", *(["--pypi"] if pypi else []))
        return [str(name) for name in answer] if isinstance(answer, list) else []

    def features(self) -> List[str]:
        """Names of the features of the workspace's environments."""
        return self._from_info("features")

    def generations(self) -> List[str]:
        """Numbers of the generations of the default environment, newest first."""
        answer = self._answer("history", "--json")
        rows = answer.get("generations") if isinstance(answer, dict) else None
        return [str(row.get("number")) for row in reversed(rows or ())]

    def environments(self) -> List[str]:
        """Names of the workspace's environments."""
        return self._from_info("name")

    def tasks(self) -> List[str]:
        """Names of the workspace's tasks."""
        return self._from_info("tasks")

    def _from_info(self, key: str) -> List[str]:
        answer = self._answer("info", "--json")
        environments = answer.get("environments_info") if isinstance(answer, dict) else None
        found: List[str] = []
        for environment in environments or ():
            value = environment.get(key)
            found += [value] if isinstance(value, str) else list(value or ())
        return sorted(set(found))


def candidates(line: str, names: Names) -> List[str]:
    """What the last word of `line` (the text before the cursor, `%pixi` included) may become."""
    words = line.split()[1:]
    last = "" if line.endswith(" ") or not words else words.pop()
    return [word for word in _choices(words, last, names) if word.startswith(last)]


def _choices(before: List[str], last: str, names: Names) -> List[str]:
    if not before:
        return sorted(COMMANDS)
    command = before[0]
    if before[-1] in ("-e", "--environment"):
        return names.environments()
    if before[-1] in ("-f", "--feature"):
        return names.features()
    if last.startswith("-"):
        return sorted([*COMMANDS.get(command, ()), "--help"])
    if command in ("add", "a", "search"):
        return names.offered(last, "--pypi" in before) if _NAME.match(last) else []
    if command in ("remove", "rm", "list", "update", "upgrade", "tree", "why"):
        return names.packages()
    if command == "rollback":
        return names.generations()
    if command in ("run", "r"):
        return names.tasks()
    return []


def ask_core(settings: Settings) -> Ask:
    """A question to the core, answered in JSON; None when it cannot answer in time."""

    def ask(words: List[str]) -> Optional[Any]:
        try:
            answer = subprocess.run(
                [*settings.command, *words],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=core_environment(os.environ, settings.prefix),
                timeout=_TIMEOUT,
                check=True,
            )
            return json.loads(answer.stdout.decode("utf-8", "replace"))
        except (OSError, ValueError, subprocess.SubprocessError):
            return None

    return ask


def completer(settings: Settings) -> Callable[[str], List[str]]:
    """Candidates for the text before the cursor; the names that a kernel asks for are remembered."""
    names = Names(ask_core(settings))
    return lambda line: candidates(line, names)

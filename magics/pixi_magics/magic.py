"""The magics `%pixi` and `%%pixi run`: the `pixi` command, with its effect on the running kernel's environment."""

import json
import os
import re
import shlex
import sys
from typing import Any, Callable, Dict, List, Mapping, NoReturn, Optional

from IPython.core.error import UsageError

from . import companion, restart
from .child import Outcome, Settings, call, stream
from .display import Bundle, LiveDisplay, Progress, count_text, final_bundle, table_bundle, transaction_text
from .wire import Event

IN_ENVIRONMENT = frozenset(
    [
        "add",
        "a",
        "remove",
        "rm",
        "install",
        "i",
        "reinstall",
        "update",
        "upgrade",
        "history",
        "rollback",
        "list",
        "ls",
        "run",
        "r",
        "status",
        "tree",
        "size",
        "why",
        "workers",
    ]
)
"""Commands to which the kernel's environment is passed when the line names none."""

_OWN_OUTPUT = "r run info shell-hook search task tree why diff history workspace config workers"
PASSED_THROUGH = frozenset(_OWN_OUTPUT.split(" "))
"""Commands whose own output is the point: it is shown as it comes."""

HELP = """\
%pixi COMMAND [ARGUMENTS]    changes or shows the environment of this kernel

  %pixi add numpy "pandas>=2"    add packages; they can be imported at once
  %pixi remove pandas            remove packages
  %pixi install                  bring the environment in line with the lock file
  %pixi lock                     solve again where the manifest changed
  %pixi list                     the installed packages
  %pixi tree --graph             draw what needs what
  %pixi ui                       a panel: environments, packages, search, add, remove
  %pixi size                     what weighs how much, and what would go with it
  %pixi status                   whether manifest, lock file and environment agree
  %pixi history                  what the environment was before
  %pixi rollback [NUMBER]        return to one of these states
  %pixi workers                  what Dask's workers run in; --switch: in this environment
  %pixi trust                    approve what stands in the manifest
  %pixi run TASK                 run a task or a command in the environment
  %%pixi run                     run the text of the cell in the task shell
  %pixi COMMAND --help           the options of one command"""


class PixiMagic:
    """`%pixi …` in one kernel. `publish` shows a MIME bundle (the flag: in place of the one before)."""

    def __init__(self, settings: Settings, publish: Callable[[Bundle, bool], None], live: bool = True) -> None:
        self.settings = settings
        self._publish = publish
        self._live = live

    def __call__(self, line: str, cell: Optional[str] = None) -> None:
        """Run one line, or with `run` the text of a cell. Raises `UsageError` (a short message, no traceback) when the
        command fails.
        """
        try:
            words = shlex.split(line)
        except ValueError as error:
            raise UsageError("%%pixi %s: %s" % (line, error)) from None
        if cell is not None:
            if not words or words[0] not in ("run", "r"):
                raise UsageError("%%pixi COMMAND takes no text: only `%%pixi run` runs the cell's")
            self._pass_through([*words, "--text", "--", cell], shown=words)
        elif not words or words[0] in ("help", "--help", "-h"):
            self._publish({"text/plain": HELP}, False)
        elif words == ["ui"]:
            from . import panel  # lazy: few notebooks have one

            self._publish(panel.show(self.settings, lambda publish: PixiMagic(self.settings, publish)), False)
        elif words[0] == "tree" and "--graph" in words and "--help" not in words:
            self._run([word for word in words if word != "--graph"])
        elif words[0] in PASSED_THROUGH or "--help" in words or "-h" in words or "--json" in words:
            self._pass_through(words)
        else:
            self._run(words)

    def advise(self, error: ModuleNotFoundError) -> None:
        """Show the command that would make a failed import work, where there is one."""
        from .missing import advice  # lazy: few imports fail

        text = advice(error, has_channels(self.settings.manifest))
        if text is not None:
            self._publish(final_bundle(text, "ready", []), False)

    def _pass_through(self, words: List[str], shown: Optional[List[str]] = None) -> None:
        code = stream(self.settings, self._complete(words), _show)
        if code:
            raise UsageError("%%pixi %s: exit code %d" % (" ".join(shown or words), code))

    def _run(self, words: List[str]) -> None:
        title = "pixi " + " ".join(words)
        progress = Progress(title)
        shown = LiveDisplay(progress, self._publish)
        try:
            outcome = call(
                self.settings,
                self._complete(words),
                shown.event if self._live else progress.feed,
                _ignore,
            )
        except KeyboardInterrupt:
            shown.finish("✗ %s: interrupted, nothing was left half done" % title, "failed")
            raise
        if outcome.code or outcome.error is not None:
            self._fail(title, shown, outcome, progress)
        data = self._own_result(outcome)
        if "transaction" in data:
            self._finish_change(title, progress, shown, data)
        else:
            self._finish_question(words[0], progress, shown, outcome, data)

    def _own_result(self, outcome: Outcome) -> Mapping[str, Any]:
        """The data of the result that concerns this kernel's environment; else of the last one, if any."""
        found: Mapping[str, Any] = {}
        for result in outcome.results:
            data = result.get("data") or {}
            if _same_folder(str(data.get("prefix", "")), self.settings.prefix):
                return data
            found = data
        return found

    def _complete(self, words: List[str]) -> List[str]:
        """The words with the kernel's environment, where the command takes one and the line names none; for `workers`
        with the cluster of the notebook's client.
        """
        if words[0] == "workers" and not any(word.startswith("--scheduler") for word in words):
            words = [*words, *_scheduler()]
        named = any(word in ("-e", "--environment") or word.startswith("--environment=") for word in words)
        if words[0] not in IN_ENVIRONMENT or named or self.settings.environment == "default":
            return words
        return [words[0], "--environment", self.settings.environment, *words[1:]]

    def _finish_change(self, title: str, progress: Progress, shown: LiveDisplay, data: Mapping[str, Any]) -> None:
        transaction = data.get("transaction") or {}
        summary = " · ".join([*progress.messages, transaction_text(transaction)])
        if not summary.startswith(("✔", "✓")):
            summary = "✔ %s: %s" % (title, summary)
        prefix = str(data.get("prefix") or self.settings.prefix)
        if data.get("moved"):
            summary += " · restart required: the kernel is in the shared environment still"
            shown.finish(summary, restart.REQUIRED, progress.warnings)
            return
        if not _same_folder(prefix, self.settings.prefix):
            summary += " · in environment %s, which is not the one of this kernel" % data.get("environment")
            shown.finish(summary, restart.READY, progress.warnings)
            return
        variables: Dict[str, Optional[str]] = dict(data.get("variables") or {})
        verdict = restart.judge(transaction, variables, self.settings.prefix, restart.loaded_here())
        restart.refresh(transaction, variables, self.settings.prefix)
        halves = companion.advice(transaction, self.settings.prefix, self.settings.core, os.environ)
        shown.finish("%s · %s" % (summary, verdict.line()), verdict.level, progress.warnings + halves)

    def _finish_question(
        self, command: str, progress: Progress, shown: LiveDisplay, outcome: Outcome, data: Mapping[str, Any]
    ) -> None:
        packages = data.get("packages")
        if command in ("list", "ls") and isinstance(packages, list):
            rows = [[str(p.get(key) or "") for key in ("name", "version", "build", "kind")] for p in packages]
            caption = "%s in environment %s" % (
                count_text(len(rows)),
                data.get("environment", self.settings.environment),
            )
            self._publish(table_bundle(["name", "version", "build", "kind"], rows, caption), shown.is_shown)
            return
        if command in ("tree", "size") and isinstance(packages, list):
            from . import pictures  # lazy: few cells draw

            told = [str(line) for line in data.get("lines") or ()]
            if command == "tree":
                drawn = pictures.graph_bundle(packages, told)
            else:
                drawn = pictures.size_bundle(packages, str(data.get("environment")), told)
            self._publish(drawn, shown.is_shown)
            return
        if command == "status" and "state" in data:
            lines = policy_lines(data.get("policy")) + progress.warnings
            shown.finish(status_line(data), "ready" if data["state"] == "in-sync" else "recommended", lines)
            return
        lines = [*progress.messages, *outcome.printed] or ["✔ pixi %s" % command]
        shown.finish(lines[0], "ready", lines[1:] + progress.warnings)

    def _fail(self, title: str, shown: LiveDisplay, outcome: Outcome, progress: Progress) -> NoReturn:
        shown.finish("✗ %s" % title, "failed", progress.messages + progress.warnings)
        raise UsageError(error_text(outcome))


def _same_folder(one: str, other: str) -> bool:
    return bool(one) and os.path.realpath(one) == os.path.realpath(other)


def _show(name: str, text: str) -> None:
    """Write a piece of output where it belongs, at once."""
    where = sys.stdout if name == "stdout" else sys.stderr
    where.write(text)
    where.flush()


def _scheduler() -> List[str]:
    """`--scheduler ADDRESS` of the Dask client that this notebook uses, if it has one."""
    distributed = sys.modules.get("distributed")
    try:
        return [] if distributed is None else ["--scheduler", str(distributed.default_client().scheduler.address)]
    except ValueError:
        return []


def _ignore(_: object) -> None:
    """For what is not of interest."""


def status_line(data: Mapping[str, Any]) -> str:
    """`✔ default: in sync (12 packages)`, or what is wrong and why."""
    state = str(data["state"])
    words = {"in-sync": "in sync", "not-installed": "not installed", "no-lock": "not locked"}.get(state, state)
    mark = "✔" if state == "in-sync" else "⚠"
    text = "%s %s: %s" % (mark, data.get("environment", "default"), words)
    reasons = [str(reason) for reason in data.get("reasons") or ()]
    if reasons:
        return "%s (%s)" % (text, "; ".join(reasons))
    return "%s (%s)" % (text, count_text(data["packages"])) if "packages" in data else text


def policy_lines(policy: Optional[Mapping[str, Any]]) -> List[str]:
    """What the administrator's policy says, a line a key; nothing where there is none."""
    if not policy:
        return []
    told = ["%s = %s" % (key, json.dumps(value)) for rules in policy["rules"] for key, value in rules.items()]
    return ["policy of this machine: %s" % policy["path"], *("  " + line for line in told)]


def error_text(outcome: Outcome) -> str:
    """The message, its details and hints of a failed call, as the command line would print them."""
    event: Optional[Event] = outcome.error
    if event is None:
        tail = [line for line in outcome.complaints if line.strip()][-5:]
        return "\n".join(["the core ended with exit code %d" % outcome.code, *tail])
    lines = [str(event.get("message", ""))]
    lines += [str(detail) for detail in event.get("details") or ()]
    lines += ["hint: %s" % hint for hint in event.get("hints") or ()]
    return "\n".join(lines)


def make(shell: Any, settings: Settings) -> PixiMagic:
    """The magic of an IPython shell: with updating outputs where it has a front end."""
    live = getattr(shell, "kernel", None) is not None
    return PixiMagic(settings, publisher() if live else print_bundle, live)


def has_channels(manifest: Optional[str]) -> bool:
    """Whether the manifest names conda channels, by a look at its text: a hint is no reason to parse TOML."""
    try:
        with open(manifest or "", encoding="utf-8") as stream:
            text = stream.read()
    except (OSError, UnicodeDecodeError):
        return False
    found = re.search(r"^\s*channels\s*=\s*\[\s*(\S)", text, re.MULTILINE)
    return found is not None and found.group(1) != "]"


def publisher() -> Callable[[Bundle, bool], None]:
    """Shows bundles as display data of the running cell; an update replaces the last one that was not."""
    identifiers: List[str] = []

    def publish(bundle: Bundle, update: bool) -> None:
        from IPython.display import publish_display_data

        if not update or not identifiers:
            identifiers[:] = [os.urandom(12).hex()]
            update = False
        publish_display_data(data=dict(bundle), transient={"display_id": identifiers[0]}, update=update)

    return publish


def print_bundle(bundle: Bundle, update: bool) -> None:
    """For shells without a front end: the text, and no animation."""
    del update
    sys.stdout.write(bundle["text/plain"] + "\n")

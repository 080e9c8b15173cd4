"""Calls hooks of a build back end, each in a process of its own (`hook_runner` is what runs there)."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import BuildError, InstallError
from ..fs import atomic_write, os_errors
from ..process import Completed, run
from . import hook_runner
from .project import BuildSystem

SHOWN_LINES = 20
MISSING = object()
"""What a hook gives that the back end does not have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hooks:
    """The hooks of the project in `folder`. What they write besides what they are asked for, temporary files of
    compilers included, lies below `work`, which the caller removes. `identity` names it in messages, `logs` is where
    the output of failed builds is kept; compiled modules go to `bytecode`, so that a build leaves none in the source or
    in the environment that it runs in; `hint` is added to a failure.
    """

    python: Path
    environ: Mapping[str, str]
    folder: Path
    work: Path
    system: BuildSystem
    identity: str
    logs: Path
    bytecode: Path
    hint: str | None = None
    should_stop: Callable[[], bool] | None = None

    def call(self, hook: str, *arguments: str | None) -> Any:
        """What the hook gives; `MISSING` where there is none. Raises `BuildError` with the last lines of its output,
        `Cancelled`.
        """
        request, answer, temporary = self.work / "request.json", self.work / "answer.json", self.work / "tmp"
        question = {
            "backend": self.system.backend,
            "backend_path": list(self.system.backend_path),
            "hook": hook,
            "arguments": list(arguments),
        }
        with os_errors(self.work):
            temporary.mkdir(exist_ok=True)
            answer.unlink(missing_ok=True)
            request.write_text(json.dumps(question), encoding="utf-8")
        program = [str(self.python), "-I", f"-Xpycache_prefix={self.bytecode}", hook_runner.__file__]
        done = run(
            [*program, str(request), str(answer)],
            env={
                **self.environ,
                **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(temporary)),
                "PYTHONPYCACHEPREFIX": str(self.bytecode),
            },
            cwd=self.folder,
            tied=True,
            should_stop=self.should_stop,
        )
        found = self._answer(answer) if done.exit_code == 0 else None
        if found is None:
            raise self._failure(hook, done)
        return MISSING if found.get("missing") else found.get("value")

    @staticmethod
    def _answer(path: Path) -> dict[str, Any] | None:
        """The answer; None from a back end that ended the process in the middle."""
        try:
            found = json.loads(path.read_bytes())
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def _failure(self, hook: str, done: Completed) -> BuildError:
        ending = f"exit code {done.exit_code}" if done.exit_code else "it ended without a result"
        hints = [] if self.hint is None else [self.hint]
        name = re.sub(r"[^A-Za-z0-9._+-]+", "-", self.identity.partition(" ")[0])
        log = self.logs / f"{name}-{hashlib.sha256(self.identity.encode()).hexdigest()[:8]}.log"
        with suppress(InstallError):
            log.parent.mkdir(parents=True, exist_ok=True)
            atomic_write(log, done.output, fsync=False)
            hints.append(f"the whole output is in {log}")
        return BuildError(
            f"{self.identity} could not be built: `{hook}` of {self.system.backend} failed ({ending})",
            output=done.tail(SHOWN_LINES),
            hints=hints,
        )


def file_name_of(value: object, hook: str, identity: str) -> str:
    """The base name that a hook promises to give. Raises `BuildError`."""
    if not isinstance(value, str) or not value or Path(value).name != value or value in (".", ".."):
        raise BuildError(f"{identity} could not be built: `{hook}` gave {value!r} instead of a file name")
    return value

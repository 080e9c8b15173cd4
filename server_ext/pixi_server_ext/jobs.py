"""Changes to an environment as jobs: started by a request, followed by events, asked about, cancelled.

Each job is one run of the core's command in a process of its own, whose output is the wire stream. The words that a
request may contribute are names and specs, never options.
"""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pixi_core.errors import SpecError, UsageError
from pixi_core.names import environment_name
from pixi_core.workspace import Workspace
from pixi_magics import wire
from pixi_magics.child import SECRETS

from .activity import ACTIVITIES
from .schema import state_of_phase

COMMANDS = {"add": True, "remove": True, "install": False, "lock": False}
"""What may be asked for, and whether it takes names."""

KEPT = 50
"""Jobs that are remembered when they are over."""

_SPEC = re.compile(r"[A-Za-z0-9_][^\x00-\x1f\x7f\ud800-\udfff]{0,300}\Z")
Tell = Callable[[dict[str, Any]], None]


@dataclass
class Job:
    """One run. `state` is `running`, `done`, `failed` or `cancelled`."""

    identifier: str
    command: str
    workspace: str
    environment: str
    prefix: Path
    state: str = "running"
    text: str = ""
    messages: list[str] = field(default_factory=list)
    error: dict[str, Any] | None = None
    process: asyncio.subprocess.Process | None = None

    def to_json(self) -> dict[str, Any]:
        """What the interface tells of it."""
        return {
            "id": self.identifier,
            "command": self.command,
            "workspace": self.workspace,
            "environment": self.environment,
            "state": self.state,
            "text": self.text,
            "messages": self.messages,
            "error": self.error,
        }


def command_words(body: Mapping[str, Any]) -> tuple[str, list[str], str | None]:
    """The command, its words and the environment of a request's body. Raises `UsageError`, which says what is wrong."""
    command: object = body.get("command")
    if not isinstance(command, str) or command not in COMMANDS:
        raise UsageError(f"`command` must be one of {', '.join(COMMANDS)}")
    names = body.get("names", [])
    if not isinstance(names, list) or not all(isinstance(name, str) and _SPEC.match(name) for name in names):
        raise UsageError("`names` must be a list of package specs")
    if bool(names) != COMMANDS[command]:
        raise UsageError(f"`names` must {'not be empty' if COMMANDS[command] else 'be left out'} for {command}")
    words = [command]
    if COMMANDS[command] and body.get("pypi") is True:
        words.append("--pypi")
    environment = body.get("environment")
    if environment is not None:
        try:
            environment = environment_name(environment if isinstance(environment, str) else "")
        except SpecError as error:
            raise UsageError(str(error)) from None
        if command != "lock":
            words += ["--environment", environment]
    return command, [*words, "--", *names] if names else words, environment


class Jobs:
    """The jobs of one server. `core` is the command line that runs the core, `tell` sends events."""

    def __init__(self, core: Sequence[str], tell: Tell) -> None:
        self._core = list(core)
        self._tell = tell
        self._jobs: dict[str, Job] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, workspace: Workspace, command: str, words: Sequence[str], environment: str) -> Job:
        """Begin; the job is told of by events and can be asked about."""
        job = Job(secrets.token_hex(8), command, workspace.name, environment, workspace.prefix(environment))
        self._jobs[job.identifier] = job
        for old in [key for key, value in self._jobs.items() if value.state != "running"][:-KEPT]:
            del self._jobs[old]
        argv = [*self._core, "--manifest-path", str(workspace.manifest_path), "--json-lines", *words]
        task = asyncio.get_running_loop().create_task(self._follow(job, argv, workspace.root))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return job

    def get(self, identifier: str) -> Job | None:
        """A job, or None where there is none of that name."""
        return self._jobs.get(identifier)

    def cancel(self, job: Job) -> None:
        """Ask the command to stop: it leaves everything whole."""
        if job.state == "running" and job.process is not None and job.process.returncode is None:
            job.state = "cancelled"
            job.process.send_signal(signal.SIGINT)

    async def close(self) -> None:
        """Stop what runs and wait for it."""
        for job in self._jobs.values():
            self.cancel(job)
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _follow(self, job: Job, argv: Sequence[str], folder: Path) -> None:
        try:
            job.process = process = await asyncio.create_subprocess_exec(
                *argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                cwd=folder,
                env={"PYTHONUTF8": "1"} | {name: text for name, text in os.environ.items() if name not in SECRETS},
                limit=2**26,  # the result of a large transaction is one long line
            )
            assert process.stdout is not None
            async for line in process.stdout:
                self._take(job, line)
            code = await process.wait()
        except OSError as error:
            code, job.error = 1, {"message": f"the command cannot be run: {error}", "details": [], "hints": []}
        ACTIVITIES.end(job.prefix)
        if job.state == "running":
            job.state = "failed" if code else "done"
        job.text = "" if job.error is None else str(job.error["message"])
        self._event(job, "failed" if job.state == "failed" else "changed")

    def _take(self, job: Job, line: bytes) -> None:
        try:
            event = wire.decode(line)
        except wire.WireError:
            return
        kind = event["type"]
        if kind in ("message", "warning"):
            job.messages.append(str(event["text"]))
        elif kind == "error":
            job.error = {key: event[key] for key in ("message", "details", "hints")}
        elif kind == "phase" and event["state"] in ("start", "advance"):
            job.text = str(wire.PHASE_WORDS.get(event["name"], event["name"]))
            state = state_of_phase(event["name"])
            ACTIVITIES.begin(job.prefix, state, job.text)
            counts = {key: event[key] for key in ("done", "total", "unit")}
            self._event(job, state, phase=event["name"], **counts)

    def _event(self, job: Job, state: str, **more: Any) -> None:
        event = {"state": state, "workspace": job.workspace, "environment": job.environment, "job": job.identifier}
        self._tell({**event, "text": job.text, **more} if job.text else {**event, **more})

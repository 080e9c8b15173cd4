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
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pixi_core.errors import SpecError, UsageError
from pixi_core.names import DEFAULT_ENVIRONMENT, environment_name
from pixi_core.workspace import Workspace
from pixi_magics import wire
from pixi_magics.child import SECRETS

from .activity import ACTIVITIES
from .schema import state_of_phase

COMMANDS: dict[str, bool | None] = {
    "add": True, "remove": True, "install": False, "lock": False, "update": None, "upgrade": None, "rollback": False
}  # fmt: skip
"""What may be asked for, and whether it takes names (None: it may)."""

KEPT = 50
"""Jobs that are remembered when they are over."""

_SPEC = re.compile(r"[A-Za-z0-9_][^\x00-\x1f\x7f\ud800-\udfff]{0,300}\Z")
Tell = Callable[[dict[str, Any]], None]
Judge = Callable[[Path, Mapping[str, Any]], Awaitable[dict[str, Any] | None]]
"""(prefix, data of a finished change) to what the kernels that run there need; None where none does."""


@dataclass(frozen=True, slots=True)
class Order:
    """What a request asks for: words for the core, and whether it is a rehearsal that changes nothing."""

    command: str
    words: tuple[str, ...]
    environment: str | None = None
    dry_run: bool = False


@dataclass
class Job:
    """One run. `state` is `running`, `done`, `failed` or `cancelled`; `difference` is what a rehearsal found, `change`
    the data of the result that tells of the prefix, `restart` what kernels that run there need.
    """

    identifier: str
    command: str
    workspace: str
    environment: str
    prefix: Path
    dry_run: bool = False
    state: str = "running"
    text: str = ""
    messages: list[str] = field(default_factory=list)
    error: dict[str, Any] | None = None
    difference: dict[str, Any] | None = None
    change: dict[str, Any] | None = None
    restart: dict[str, Any] | None = None
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
            "dry_run": self.dry_run,
            "diff": self.difference,
            "restart": self.restart,
        }


def read_order(body: Mapping[str, Any]) -> Order:
    """What the body of a request asks for. Raises `UsageError`, which says what is wrong."""
    command: object = body.get("command")
    if not isinstance(command, str) or command not in COMMANDS:
        raise UsageError(f"`command` must be one of {', '.join(COMMANDS)}")
    names = _names(command, body.get("names", []))
    dry_run = body.get("dry_run", False)
    if not isinstance(dry_run, bool):
        raise UsageError("`dry_run` must be true or false")
    words = [command]
    if dry_run:
        words.append("--dry-run")
    if command in ("add", "remove") and body.get("pypi") is True:
        words.append("--pypi")
    environment = body.get("environment")
    if environment is not None:
        try:
            environment = environment_name(environment if isinstance(environment, str) else "")
        except SpecError as error:
            raise UsageError(str(error)) from None
        if command != "lock":
            words += ["--environment", environment]
    words += _generation(command, body.get("generation"))
    return Order(command, (*words, "--", *names) if names else tuple(words), environment, dry_run)


def _names(command: str, names: object) -> list[str]:
    if not isinstance(names, list) or not all(isinstance(name, str) and _SPEC.match(name) for name in names):
        raise UsageError("`names` must be a list of package specs")
    if COMMANDS[command] is not None and bool(names) != COMMANDS[command]:
        raise UsageError(f"`names` must {'not be empty' if COMMANDS[command] else 'be left out'} for {command}")
    return names


def _generation(command: str, number: object) -> list[str]:
    if number is None:
        return []
    if command != "rollback" or not isinstance(number, int) or isinstance(number, bool) or not 0 < number < 10**9:
        raise UsageError("`generation` is the number of a generation, and goes with rollback")
    return [str(number)]


class Jobs:
    """The jobs of one server. `core` is the command line that runs the core, `tell` sends events, `judge` says what the
    kernels need after a change.
    """

    def __init__(self, core: Sequence[str], tell: Tell, judge: Judge) -> None:
        self._core = list(core)
        self._tell = tell
        self._judge = judge
        self._jobs: dict[str, Job] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, workspace: Workspace, order: Order) -> Job:
        """Begin; the job is told of by events and can be asked about."""
        environment = order.environment or DEFAULT_ENVIRONMENT
        prefix = workspace.prefix(environment)
        job = Job(secrets.token_hex(8), order.command, workspace.name, environment, prefix, order.dry_run)
        self._jobs[job.identifier] = job
        for old in [key for key, value in self._jobs.items() if value.state != "running"][:-KEPT]:
            del self._jobs[old]
        argv = [*self._core, "--manifest-path", str(workspace.manifest_path), "--json-lines", *order.words]
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
        if job.change is not None and not job.dry_run:
            job.restart = await self._judge(job.prefix, job.change)
        if job.state == "running":
            job.state = "failed" if code else "done"
        job.text = "" if job.error is None else str(job.error["message"])
        self._event(job, "failed" if job.state == "failed" else "ready" if job.dry_run else "changed")

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
        elif kind == "result":
            self._take_result(job, event.get("data"))
        elif kind == "phase" and event["state"] in ("start", "advance"):
            job.text = str(wire.PHASE_WORDS.get(event["name"], event["name"]))
            state = state_of_phase(event["name"])
            ACTIVITIES.begin(job.prefix, state, job.text)
            counts = {key: event[key] for key in ("done", "total", "unit")}
            self._event(job, state, phase=event["name"], **counts)

    @staticmethod
    def _take_result(job: Job, data: object) -> None:
        """A command that installs several environments has a result for each: ours is that of our prefix."""
        if not isinstance(data, dict):
            return
        if job.dry_run and isinstance(data.get("difference"), dict):
            job.difference = data["difference"]
        if "transaction" in data and os.path.realpath(str(data.get("prefix"))) == os.path.realpath(job.prefix):
            job.change = data

    def _event(self, job: Job, state: str, **more: Any) -> None:
        event = {"state": state, "workspace": job.workspace, "environment": job.environment, "job": job.identifier}
        self._tell({**event, "text": job.text, **more} if job.text else {**event, **more})

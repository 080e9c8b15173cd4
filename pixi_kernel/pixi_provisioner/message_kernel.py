"""A kernel in place of one that could not be started: it tells why on each cell, and takes `%pixi` commands.

It is run by the server's own Python. When a command has mended the environment, it says so and ends; under Jupyter
Server the kernel is then started again at once, as the real one this time.
"""

from __future__ import annotations

import os
import shlex
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ipykernel.kernelapp import IPKernelApp
from ipykernel.kernelbase import Kernel

from pixi_core import __version__
from pixi_core.errors import PixiError, TrustRequired, error_text
from pixi_core.progress import SILENT
from pixi_magics.child import Outcome, Settings, call
from pixi_magics.wire import PHASE_WORDS, Event

from .explanation import Explanation
from .ready import make_ready
from .resolve import Choice, Target, approved_target, find_place

HELP = "This notebook has no kernel yet. `%pixi COMMAND` changes its environment; then restart the kernel."
ERROR_NAME = "EnvironmentNotReady"


class MessageKernel(Kernel):  # type: ignore[misc]  # ipykernel has no type information
    """Explains, and mends with `%pixi`."""

    implementation = "pixi-message"
    implementation_version = __version__
    banner = HELP
    language_info = {"name": "python", "mimetype": "text/x-python", "file_extension": ".py"}  # noqa: RUF012 - a trait

    explanation = Explanation("", ".")

    async def do_execute(self, code: str, silent: bool, *_: object, **__: object) -> dict[str, Any]:
        """`%pixi …` lines are run; anything else gets the explanation, as an error, so that a run of cells stops."""
        lines = [line.strip() for line in code.splitlines() if line.strip() and not line.strip().startswith("#")]
        if silent or not lines:
            return self._succeeded()
        if not all(line.split()[0] == "%pixi" for line in lines):
            return self._failed(self.explanation.text)
        for line in lines:
            error = self._run(line)
            if error is not None:
                return self._failed(error)
        return self._look_again()

    async def do_shutdown(self, restart: bool) -> dict[str, Any]:
        """End soon after the reply is out: ipykernel's own way waits ten seconds for a shell that is not there."""
        timer = threading.Timer(0.3, os._exit, (0,))
        timer.daemon = True
        timer.start()
        return {"status": "ok", "restart": restart}

    def _run(self, line: str) -> str | None:
        """One command; the text of its error, None when it went well."""
        try:
            words = shlex.split(line)[1:]
        except ValueError as error:
            return f"{line}: {error}"
        here = self.explanation
        if words[:1] == ["trust"]:
            words = [*words, here.approve] if here.approve and len(words) == 1 else words
        elif words[:1] != ["help"]:
            refused = self._refused()
            if refused is not None:
                return refused
        settings = Settings(sys.executable, here.manifest or None, here.environment, "/nonexistent")
        outcome = call(settings, words, self._show_event, self._show, cwd=here.folder)
        return None if outcome.code == 0 else failure_text(outcome)

    def _refused(self) -> str | None:
        """Why no command may touch the environment: its user has not approved it. A workspace that cannot even be read
        is left to the command, which will say so.
        """
        try:
            _target(self.explanation)
        except TrustRequired as error:
            return error_text(error)
        except PixiError:
            return None
        return None

    def _look_again(self) -> dict[str, Any]:
        """Say whether the environment is in order now; if it is, make room for the real kernel."""
        try:
            target = _target(self.explanation)
            make_ready(target, mode=target.mode or "auto", reporter=SILENT)
        except PixiError as error:
            self._show(f"the environment is not ready yet: {error_text(error)}\n")
            return self._succeeded()
        if not self.explanation.hand_over:
            self._show("✔ the environment is ready: restart the kernel to use it\n")
            return self._succeeded()
        self._show("✔ the environment is ready: its kernel starts now\n")
        self.io_loop.call_later(0.5, self._leave)
        return self._succeeded()

    def _leave(self) -> None:
        """End as a crash would: that is what makes the server start the kernel again."""
        sys.stdout.flush()
        os._exit(1)

    def _show_event(self, event: Event) -> None:
        if event["type"] in ("message", "warning"):
            self._show(f"{event['text']}\n")
        elif event["type"] == "phase" and event.get("state") == "start":
            self._show(f"{PHASE_WORDS.get(event['name'], event['name'])} …\n")

    def _show(self, text: str) -> None:
        self.send_response(self.iopub_socket, "stream", {"name": "stdout", "text": text})

    def _succeeded(self) -> dict[str, Any]:
        count = self.execution_count
        return {"status": "ok", "execution_count": count, "payload": [], "user_expressions": {}}

    def _failed(self, text: str) -> dict[str, Any]:
        lines = [*text.splitlines(), "", HELP]
        error = {"ename": ERROR_NAME, "evalue": lines[0], "traceback": lines}
        self.send_response(self.iopub_socket, "error", error)
        return {"status": "error", "execution_count": self.execution_count, **error}


def _target(explanation: Explanation) -> Target:
    choice = Choice(Path(explanation.manifest), explanation.environment) if explanation.manifest else Choice()
    return approved_target(find_place(explanation.folder, os.environ), choice, os.environ)


def failure_text(outcome: Outcome) -> str:
    """A failed call in words."""
    event = outcome.error
    if event is None:
        return "\n".join([*outcome.complaints[-5:], f"exit code {outcome.code}"])
    return "\n".join([event["message"], *event.get("details", ()), *(f"hint: {hint}" for hint in event["hints"])])


def main(words: Sequence[str] | None = None) -> None:
    """Run the kernel until its client ends it."""
    rest = list(sys.argv[1:] if words is None else words)
    if rest[:1] == ["--explanation"]:
        MessageKernel.explanation = Explanation.parse(rest[1])
        rest = rest[2:]
    IPKernelApp.launch_instance(argv=rest, kernel_class=MessageKernel)


if __name__ == "__main__":
    main()

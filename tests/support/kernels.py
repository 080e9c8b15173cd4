"""Real kernels for tests: a process started from a command line, spoken to through its connection file."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.connect import write_connection_file
from jupyter_core.utils import ensure_event_loop

from pixi_provisioner.ports import PORTS, choose_ports

START_SECONDS = 60
CELL_SECONDS = 60


@dataclass
class CellResult:
    """What one cell gave: the reply, and its outputs with updates applied as a front end would."""

    status: str
    reply: Mapping[str, Any]
    outputs: list[dict[str, Any]] = field(default_factory=list)
    updates: int = 0

    @property
    def text(self) -> str:
        """All output, joined."""
        return "".join(output["text"] for output in self.outputs)

    def of(self, kind: str) -> str:
        """Everything of one kind: `stdout`, `stderr`, `display` or `result`, joined."""
        return "".join(output["text"] for output in self.outputs if output["kind"] == kind)

    @property
    def displays(self) -> list[dict[str, str]]:
        """The MIME bundles that were displayed, each in its last state."""
        return [output["data"] for output in self.outputs if output["kind"] == "display"]


class TestKernel:
    """A running kernel."""

    __test__ = False

    def __init__(self, process: subprocess.Popen[bytes], client: BlockingKernelClient) -> None:
        self.process = process
        self.client = client

    def run(self, code: str, timeout: float = CELL_SECONDS) -> CellResult:
        """Execute one cell and collect what it shows."""
        result = CellResult("", {})

        def take(message: dict[str, Any]) -> None:
            collect(result, message["msg_type"], message["content"])

        reply = self.client.execute_interactive(code, timeout=timeout, output_hook=take, allow_stdin=False)
        result.reply = reply["content"]
        result.status = reply["content"]["status"]
        return result

    def value(self, expression: str) -> str:
        """The printed value of an expression."""
        result = self.run(f"print({expression})")
        assert result.status == "ok", result
        return result.of("stdout").rstrip("\n")

    def complete(self, code: str) -> list[str]:
        """What Tab offers behind `code`."""
        reply = self.client.complete(code, reply=True, timeout=CELL_SECONDS)
        matches: list[str] = reply["content"]["matches"]
        return matches


def collect(result: CellResult, kind: str, content: dict[str, Any]) -> None:
    """Take one message of the kernel's output channel into account."""
    if kind == "stream":
        result.outputs.append({"kind": content["name"], "text": content["text"]})
    elif kind == "display_data":
        result.outputs.append(
            {
                "kind": "display",
                "data": content["data"],
                "text": content["data"].get("text/plain", ""),
                "id": content.get("transient", {}).get("display_id"),
            }
        )
    elif kind == "update_display_data":
        result.updates += 1
        for output in result.outputs:
            if output.get("id") == content["transient"]["display_id"]:
                output.update(data=content["data"], text=content["data"].get("text/plain", ""))
    elif kind == "execute_result":
        result.outputs.append({"kind": "result", "text": content["data"]["text/plain"]})


@contextmanager
def running_kernel(
    argv: Sequence[str], folder: Path, *, environ: Mapping[str, str] | None = None, cwd: Path | None = None
) -> Iterator[TestKernel]:
    """Start `argv` (with `{connection_file}` in it) and end it again. Its standard error goes to `kernel.log`."""
    ports: dict[str, Any] = dict(zip(PORTS, choose_ports("127.0.0.1", len(PORTS)), strict=False))
    connection_file, _ = write_connection_file(str(folder / f"kernel-{os.urandom(4).hex()}.json"), **ports)
    words = [word.replace("{connection_file}", connection_file) for word in argv]
    with (folder / "kernel.log").open("ab") as log:
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=dict(os.environ if environ is None else environ),
            cwd=cwd or folder,
            start_new_session=True,
        )
    client = BlockingKernelClient(connection_file=connection_file)
    client.load_connection_file()
    # whether the process lives is what counts: on a busy machine a heartbeat may well take longer than its one second
    client.hb_channel.time_to_dead = START_SECONDS
    client.start_channels()
    try:
        client.wait_for_ready(timeout=START_SECONDS)
        yield TestKernel(process, client)
        client.shutdown()
        process.wait(20)
    finally:
        client.stop_channels()
        if client.context is not None:
            client.context.destroy(linger=0)
        if process.poll() is None:
            process.kill()
        process.wait()
        ensure_event_loop().close()  # the client made one for this thread, and nobody else would close it

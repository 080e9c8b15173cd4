"""What the kernels of this server need after a job changed the environment in which they run.

`%pixi` looks into its own process; here it is another one, and nothing is executed in it: the files that it maps are in
`/proc`, and the modules that it has loaded are asked for on the control channel by the debugger's `modules` request,
which ipykernel answers without a debugger, also while a cell runs.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pixi_magics import restart

PATIENCE = 2.0
"""Seconds for a kernel to say what it has loaded."""

UNKNOWN = restart.Finding(restart.RECOMMENDED, "this kernel does not tell what it has loaded")


class Kernels:
    """The running kernels of a server's kernel manager."""

    def __init__(self, manager: Any) -> None:
        self._manager = manager

    async def judge(self, prefix: Path, data: Mapping[str, Any]) -> dict[str, Any] | None:
        """The worst verdict for the kernels that run in `prefix`, on a finished change of it: `{"verdict": "ready" |
        "recommended" | "required", "reasons": [one sentence each]}`; None where no kernel runs there.
        """
        verdicts = [await _judge_one(kernel, prefix, data) for kernel in self._in(prefix)]
        if not verdicts:
            return None
        worst = max(verdicts, key=lambda verdict: restart.LEVELS.index(verdict.level))
        return {"verdict": worst.level, "reasons": [finding.text for finding in worst.findings]}

    def _in(self, prefix: Path) -> list[Any]:
        """The kernel managers of the kernels in a prefix."""
        kernels = [self._manager.get_kernel(identifier) for identifier in self._manager.list_kernel_ids()]
        return [kernel for kernel in kernels if _is_in(getattr(kernel.provisioner, "prefix", None), prefix)]


def _is_in(kernel_prefix: object, prefix: Path) -> bool:
    return isinstance(kernel_prefix, Path) and os.path.realpath(kernel_prefix) == os.path.realpath(prefix)


async def _judge_one(kernel: Any, prefix: Path, data: Mapping[str, Any]) -> restart.Verdict:
    transaction, variables = data["transaction"], data.get("variables") or {}
    modules = await _modules(kernel)
    mapped = frozenset(restart.mapped_files(f"/proc/{kernel.provisioner.pid}/maps"))
    environ = restart.environment_of(f"/proc/{kernel.provisioner.pid}/environ")
    loaded = restart.Loaded(modules or {}, mapped, environ)
    verdict = restart.judge(transaction, variables, str(prefix), loaded, refreshed=False)
    replaced = transaction.get("changed") or transaction.get("removed")
    if modules is None and replaced and verdict.level != restart.REQUIRED:
        return restart.Verdict(restart.RECOMMENDED, (*verdict.findings, UNKNOWN))
    return verdict


async def _modules(kernel: Any) -> dict[str, list[str]] | None:
    """Files to the modules that a kernel has loaded from them; None where it does not say."""
    client = kernel.client()
    client.start_channels(shell=False, iopub=False, stdin=False, hb=False, control=True)
    try:
        content = {"type": "request", "seq": 1, "command": "modules", "arguments": {}}
        request = client.session.msg("debug_request", content)
        client.control_channel.send(request)
        body = await asyncio.wait_for(_answer(client, request["header"]["msg_id"]), PATIENCE)
    except TimeoutError:
        return None
    finally:
        client.stop_channels()
    found: dict[str, list[str]] = {}
    rows = body.get("modules") if isinstance(body, dict) else None
    for row in rows or ():
        with contextlib.suppress(KeyError, TypeError):
            found.setdefault(restart.real_path(str(row["path"])), []).append(str(row["name"]))
    return found or None


async def _answer(client: Any, identifier: str) -> object:
    while True:
        reply = await client.control_channel.get_msg()
        if reply["parent_header"].get("msg_id") == identifier:
            return reply["content"].get("body")

"""What a message kernel has to say, on its way from the process that met the error to the kernel's command line."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass

MODULE = "pixi_provisioner.message_kernel"


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why there is no kernel.

    `text` is for the user, advice included; `folder` is where `%pixi` commands run; `manifest` and `environment` name
    what they change, where that is known. `hand_over` says that the client starts the kernel again when it ends, so
    that a mended environment needs no click. `approve` is what must be approved first, where that is the reason.
    """

    text: str
    folder: str
    manifest: str = ""
    environment: str = "default"
    hand_over: bool = False
    approve: str = ""

    def argv(self, connection_file: str) -> list[str]:
        """The command line of the message kernel, run by this process's own Python."""
        words = ["--explanation", json.dumps(asdict(self)), "-f", connection_file]
        return [sys.executable, "-P", "-m", MODULE, *words]

    @classmethod
    def parse(cls, text: str) -> Explanation:
        """The other end. Raises `ValueError`, `TypeError`."""
        return cls(**json.loads(text))

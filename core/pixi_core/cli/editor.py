"""Opens a file in the user's own editor."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def open_editor(path: Path, environ: Mapping[str, str], named: str | None = None) -> int:
    """Edit a file with the named editor, else with `VISUAL`, `EDITOR`, or what most machines have; its exit code.

    Raises `CommandNotFound`.
    """
    from ..errors import CommandNotFound
    from ..process import run

    fallback = "notepad" if os.name == "nt" else "nano"
    command = shlex.split(named or environ.get("VISUAL") or environ.get("EDITOR") or fallback)
    if not command or shutil.which(command[0], path=environ.get("PATH")) is None:
        raise CommandNotFound(
            f"the editor '{' '.join(command)}' was not found", hints=["name one behind the command, or in EDITOR"]
        )
    sys.stdout.flush()
    return run([*command, str(path)], env=environ, capture=False).exit_code

"""The kernel spec's own command: `python -m pixi_provisioner.launcher -f CONNECTION_FILE`.

Clients which know provisioners never run it. Others (VS Code) run a kernel spec's argv as it stands: then this does the
provisioner's work, with progress on standard error, and becomes the kernel.

Options: `--manifest PATH` and `--environment NAME` are the choice of a generated kernel spec.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from pixi_core.errors import PixiError, TrustRequired, error_text

from .events import EventReporter, Subject, stream_sender
from .explanation import Explanation
from .ready import make_ready
from .resolve import Choice, approved_target, find_place


def main(words: Sequence[str] | None = None) -> int:
    """Make the environment ready and become its kernel; returns only where a process cannot be replaced."""
    parser = argparse.ArgumentParser(prog="pixi_provisioner.launcher", allow_abbrev=False)
    parser.add_argument("-f", dest="connection_file", required=True)
    parser.add_argument("--manifest", type=Path)
    parser.add_argument("--environment")
    options, extra = parser.parse_known_args(words)
    argv, environ = kernel_process(options.connection_file, Choice(options.manifest, options.environment), extra)
    return become(argv, environ)


def kernel_process(connection_file: str, choice: Choice, extra: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """The command line and variables of the kernel; of the message kernel where the environment cannot be made."""
    place = find_place(None, os.environ)
    try:
        target = approved_target(place, choice, os.environ)
        subject = Subject(target.workspace.name, target.environment, target.prefix)
        ready = make_ready(target, mode=target.mode or "auto", reporter=EventReporter(subject, stream_sender()))
        argv, environ = ready.start(os.environ, connection_file)
    except (PixiError, OSError) as error:
        text = error_text(error)
        sys.stderr.write(text + "\n")
        explanation = Explanation(
            text,
            str(place.folder),
            str(choice.manifest or ""),
            choice.environment or "default",
            approve=error.subject if isinstance(error, TrustRequired) else "",
        )
        return explanation.argv(connection_file), dict(os.environ)
    return [*argv, *(extra if ready.language == "python" else ())], environ


def become(argv: list[str], environ: dict[str, str]) -> int:
    """Replace this process by the kernel, so that its process id and signals are the client's own."""
    if os.name == "posix":
        os.execve(argv[0], argv, environ)
    return subprocess.run(argv, env=environ, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())

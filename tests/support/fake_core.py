"""A core that answers from a script: the boundary of the kernel's side, for tests of `%pixi` alone."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_PROGRAM = """\
#!{python}
import json, os, select, sys
folder = {folder!r}
words = sys.argv[1:]
with open(os.path.join(folder, "calls.jsonl"), "a") as log:
    log.write(json.dumps({{"words": words, "environ": dict(os.environ), "cwd": os.getcwd()}}) + "\\n")
with open(os.path.join(folder, "script.json")) as stream:
    script = json.load(stream)
command = next((word for word in words if word in script), "")
for step in script.get(command, []):
    if "wait_for" in step:
        try:
            # inside: whoever sees the file may interrupt at once
            open(os.path.join(folder, "waiting"), "w").close()
            while not os.path.exists(step["wait_for"]):
                select.select([], [], [], 0.02)
        except KeyboardInterrupt:
            open(os.path.join(folder, "interrupted"), "w").close()
            sys.exit(130)
    elif "write" in step:
        os.makedirs(os.path.dirname(step["write"]), exist_ok=True)
        with open(step["write"], "w") as stream:
            stream.write(step["text"])
    elif "say" in step:
        print(step["say"], flush=True)
    elif "complain" in step:
        print(step["complain"], file=sys.stderr, flush=True)
    elif "exit" in step:
        sys.exit(step["exit"])
    else:
        print(json.dumps(step), flush=True)
"""


class FakeCore:
    """An executable in `folder` that stands where the server's Python would.

    `script` maps a command word to its steps: events (printed as lines), `{"write": PATH, "text": TEXT}`,
    `{"say": TEXT}`, `{"complain": TEXT}`, `{"wait_for": PATH}` and `{"exit": CODE}`.
    """

    def __init__(self, folder: Path, script: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.path = folder / "python"
        self.path.write_text(_PROGRAM.format(python=sys.executable, folder=str(folder)))
        self.path.chmod(0o755)
        (folder / "script.json").write_text(json.dumps(script))

    def calls(self) -> list[dict[str, Any]]:
        """What it was called with: words, environment variables, folder."""
        log = self.folder / "calls.jsonl"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

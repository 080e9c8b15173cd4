"""The core as a child process of the kernel: the server's Python, a cleaned environment, events on standard output."""

import codecs
import contextlib
import os
import queue
import signal
import subprocess
import threading
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from . import wire

_KERNEL_ONLY = ("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "LD_LIBRARY_PATH", "LD_PRELOAD", "VIRTUAL_ENV")
_ACTIVATION = ("PIXI_PROJECT_", "PIXI_ENVIRONMENT_", "PIXI_IN_SHELL", "PIXI_PROMPT", "PIXI_EXE", "DYLD_")
SECRETS = ("JPY_API_TOKEN", "JUPYTERHUB_API_TOKEN", "JUPYTER_TOKEN")
"""Variables that open a server: the core and what it starts (builds, activation scripts) have no use for them."""
_GRACE = 3.0
"""Seconds between interrupt, terminate and kill of a child that does not stop."""


class Settings(NamedTuple):
    """What the kernel was started with: the core's Python, and which environment of which manifest it runs in."""

    core: str
    manifest: Optional[str]
    environment: str
    prefix: str

    @property
    def command(self) -> List[str]:
        """The start of every call of the core. `-P` (and the environment without PYTHONPATH) keeps a user's `yaml.py`
        beside the notebook from being imported by the core.
        """
        chosen = ["--manifest-path", self.manifest] if self.manifest else []
        return [self.core, "-E", "-P", "-m", "pixi_core.cli.main", *chosen]


class Outcome(NamedTuple):
    """How a call of the core ended: its `result` events (one for each environment) or its `error` event, whatever else
    it printed, its exit code.
    """

    results: List[wire.Event]
    error: Optional[wire.Event]
    printed: List[str]
    complaints: List[str]
    code: int


def core_environment(environ: Mapping[str, str], prefix: str) -> Dict[str, str]:
    """The environment variables for the core: without what activation and the kernel's own Python added, and without
    the tokens of the server. Settings of the user (`PIXI_CACHE_DIR`, `CONDA_OVERRIDE_*`, proxies) stay.
    """
    cleaned = {}
    for name, value in environ.items():
        if name in _KERNEL_ONLY or name in SECRETS or name.startswith(_ACTIVATION):
            continue
        if name.startswith("CONDA_") and not name.startswith("CONDA_OVERRIDE_"):
            continue
        cleaned[name] = value
    root = os.path.join(os.path.abspath(prefix), "")
    entries = cleaned.get("PATH", os.defpath).split(os.pathsep)
    cleaned["PATH"] = os.pathsep.join(e for e in entries if not os.path.abspath(e).startswith(root))
    cleaned["PYTHONUTF8"] = "1"
    return cleaned


def call(
    settings: Settings,
    words: Sequence[str],
    on_event: Callable[[wire.Event], None],
    on_text: Callable[[str], None],
    cwd: Optional[str] = None,
    json_lines: bool = True,
) -> Outcome:
    """Run one command of the core and follow it to its end.

    `on_event` gets every event but the last, `on_text` each other line of its output. An interrupt stops the child
    first and is raised then.
    """
    flags = ["--json-lines"] if json_lines else ["--no-progress"]
    process: Any = subprocess.Popen(
        [*settings.command, *flags, *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=core_environment(os.environ, settings.prefix),
        cwd=cwd,
        encoding="utf-8",
        errors="replace",
    )
    complaints: List[str] = []
    reader = threading.Thread(target=_collect, args=(process.stderr, complaints), daemon=True)
    reader.start()
    try:
        results, error, printed = _follow(process, on_event, on_text)
        code = process.wait()
    except BaseException:
        stop(process)
        raise
    finally:
        reader.join(_GRACE)
        process.stdout.close()
        process.stderr.close()
    return Outcome(results, error, printed, complaints, code)


def stream(settings: Settings, words: Sequence[str], show: Callable[[str, str], None]) -> int:
    """Run one command of the core and show its output as it comes: `show("stdout" or "stderr", text)`, always in the
    calling thread. Returns the exit code. An interrupt is passed on to all that the command has started, and is raised
    when that has ended.
    """
    process: Any = subprocess.Popen(
        [*settings.command, "--no-progress", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=core_environment(os.environ, settings.prefix),
        start_new_session=os.name != "nt",
    )
    pieces: "queue.Queue[Tuple[str, Optional[str]]]" = queue.Queue()
    readers = [
        threading.Thread(target=_read_pieces, args=(pipe, name, pieces), daemon=True)
        for name, pipe in (("stdout", process.stdout), ("stderr", process.stderr))
    ]
    for reader in readers:
        reader.start()
    try:
        _show_pieces(pieces, len(readers), show)
        return int(process.wait())
    except BaseException:
        stop(process, group=True)
        _show_pieces(pieces, 0, show)
        raise
    finally:
        for reader in readers:
            reader.join(_GRACE)


def _read_pieces(pipe: Any, name: str, pieces: "queue.Queue[Tuple[str, Optional[str]]]") -> None:
    """Hand over what comes, cut anywhere but inside a character; None at the end."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    with pipe:
        while True:
            piece = os.read(pipe.fileno(), 1 << 16)
            text = decoder.decode(piece, final=not piece)
            if text:
                pieces.put((name, text))
            if not piece:
                pieces.put((name, None))
                return


def _show_pieces(
    pieces: "queue.Queue[Tuple[str, Optional[str]]]", open_pipes: int, show: Callable[[str, str], None]
) -> None:
    """Show pieces until that many pipes have ended; what is there already is shown in any case."""
    while open_pipes or not pieces.empty():
        name, text = pieces.get()
        if text is None:
            open_pipes = max(0, open_pipes - 1)
        else:
            show(name, text)


def _follow(process: Any, on_event: Callable[[wire.Event], None], on_text: Callable[[str], None]) -> Any:
    results: List[wire.Event] = []
    error: Optional[wire.Event] = None
    printed: List[str] = []
    for line in process.stdout:
        try:
            event = wire.decode(line)
        except wire.WireError:
            printed.append(line.rstrip("\n"))
            on_text(line)
            continue
        if event["type"] == "result":
            results.append(event)
        elif event["type"] == "error":
            error = event
        else:
            on_event(event)
    return results, error, printed


def _collect(stream: Any, into: List[str]) -> None:
    try:
        into.extend(line.rstrip("\n") for line in stream)
    except ValueError:  # closed under the reader: the call is over
        return


def stop(process: Any, group: bool = False) -> None:
    """End a child (with `group` all in its process group, which it leads): it usually got the kernel's interrupt too
    and is leaving; then ask, then insist.
    """

    def send(number: int) -> None:
        if group and os.name != "nt":
            with contextlib.suppress(ProcessLookupError):  # all of them are gone
                os.killpg(process.pid, number)
        elif process.poll() is None:
            process.send_signal(number)

    for ask in (None, signal.SIGINT, signal.SIGTERM)[1 if group else 0 :]:
        if ask is not None:
            send(ask)
        try:
            process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            continue
        return
    send(getattr(signal, "SIGKILL", signal.SIGTERM))
    process.wait()

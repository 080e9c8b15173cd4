"""Output of tasks that run side by side: whole lines, each behind the name of its task."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from .shell_builtins import CHUNK, write
from .shell_state import Files


class Interleaved:
    """One pair of outputs that several tasks share, a line at a time."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._lock = threading.Lock()

    @contextmanager
    def of(self, name: str) -> Iterator[Files]:
        """The files of one task; all its output has been passed on when this ends. Nothing can be read from stdin:
        several tasks would fight for it.
        """
        prefix = f"{name} | ".encode("utf-8", "surrogateescape")
        source = os.open(os.devnull, os.O_RDONLY)
        pipes = [(os.pipe(), target) for target in (self._files.stdout, self._files.stderr)]
        threads = [
            threading.Thread(target=self._pass_on, args=(ends[0], target, prefix), daemon=True)
            for ends, target in pipes
        ]
        for thread in threads:
            thread.start()
        try:
            yield Files(source, pipes[0][0][1], pipes[1][0][1])
        finally:
            for ends, _ in pipes:
                os.close(ends[1])
            for thread in threads:
                thread.join()
            os.close(source)

    def _pass_on(self, source: int, target: int, prefix: bytes) -> None:
        rest = b""
        try:
            while data := os.read(source, CHUNK):
                *lines, rest = (rest + data).split(b"\n")
                self._say(target, b"".join(prefix + line + b"\n" for line in lines))
            if rest:
                self._say(target, prefix + rest + b"\n")
        except OSError:
            return  # nobody reads any more; the task hears of it when its pipe closes
        finally:
            os.close(source)

    def _say(self, target: int, data: bytes) -> None:
        with self._lock:
            write(target, data)

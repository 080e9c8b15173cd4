"""A helper process of `solving` as this side sees it: started, fed with jobs by a thread, ended."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from .solve_fork import Copy, can_fork

if TYPE_CHECKING:
    from .solving import Work


class Helper:
    """A process that takes batches, and the thread that feeds it. A context: leaving it ends both."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.thread = threading.Thread(target=self._feed, name="solve helper", daemon=True)
        self.child: subprocess.Popen[bytes] | Copy | None = None

    def __enter__(self) -> Helper:
        with suppress(OSError):  # no more processes here: we do it alone
            self.child = Copy() if can_fork() else _started()
        return self

    def feed(self) -> None:
        """Begin to hand out work; not before every helper is there, since a copy must not be made beside threads."""
        if self.child is not None:
            self.thread.start()

    def __exit__(self, *_: object) -> None:
        if self.child is None:
            return
        self.child.kill()
        if self.thread.ident is not None:
            self.thread.join()
        self.child.wait()
        for stream in (self.child.stdin, self.child.stdout):
            assert stream is not None
            with suppress(OSError):  # what was not sent any more
                stream.close()

    def _feed(self) -> None:
        """Hand out batches until there are none, or the process is gone."""
        child = self.child
        assert child is not None
        assert child.stdin is not None
        assert child.stdout is not None
        batch: list[int] = []
        with suppress(OSError, EOFError, pickle.UnpicklingError):
            services = self.work.services
            pickle.dump((services.config, services.dirs, dict(services.environ), services.offline), child.stdin)
            child.stdin.flush()
            pickle.load(child.stdout)  # noqa: S301 - our own process: it is ready
            while batch := self.work.take(while_it_lives=lambda: child.poll() is None):
                for index in batch:
                    with self.work.shown(index) as show:
                        pickle.dump(self.work.jobs[index], child.stdin)
                        child.stdin.flush()
                        show(pickle.load(child.stdout))  # noqa: S301 - our own process
        self.work.give_back(batch)


def _started() -> subprocess.Popen[bytes]:
    """A new interpreter: where this process cannot be copied."""
    return subprocess.Popen(
        # -P: what lies in the current folder is not ours to import
        [sys.executable, "-P", "-m", "pixi_core.ops.solve_worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        start_new_session=sys.platform != "win32",  # Ctrl-C is for us: we end it
    )

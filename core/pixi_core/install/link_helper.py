"""A helper process of an installation: a copy of this one that looks at, lays out, links and records a share of the
packages.

All of that is computation and system calls in equal parts, in which the threads of one process mostly wait for each
other. The copy inherits the lock of the prefix: until it has ended too, nobody else changes the prefix. What it does is
right also when it is done again, so where it dies its share is done by the original.
"""

from __future__ import annotations

import gc
import os
import pickle
import select
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, BinaryIO

from ..messages import receive, send
from ..process_copy import Copy
from ..progress import Phase
from .link import Linker, LinkOptions
from .share import Share


class Helper:
    """A copy of this process that does a share. Raises `OSError` where there can be none."""

    def __init__(self, share: Share, options: LinkOptions, lock: int) -> None:
        self.share = share
        # while there are two nobody goes through the objects of before again: each page that is written to is copied
        self._froze = not gc.get_freeze_count()
        if self._froze:
            gc.freeze()
        self._copy = Copy(partial(_serve, share, options), keep=lock)

    def hear(self) -> Any:
        """What it says next. Raises what it could not do, `EOFError` where it is gone."""
        said = pickle.loads(receive(self._copy.stdout))  # noqa: S301 - our own process
        if isinstance(said, BaseException):
            raise said
        return said

    def has_said(self) -> bool:
        """Whether there is something to hear."""
        return bool(select.select([self._copy.stdout], [], [], 0)[0])

    def tell(self, message: object) -> None:
        """Say what it waits for. Raises `OSError` where it is gone."""
        send(pickle.dumps(message), self._copy.stdin)

    def close(self) -> None:
        """End it, whatever it does."""
        self._copy.kill()
        self._copy.wait()
        with suppress(OSError):  # what was not sent any more
            self._copy.stdin.close()
        self._copy.stdout.close()
        if self._froze:
            gc.unfreeze()


class _Told(Phase):
    """Tells the original which packages are in place."""

    def __init__(self, tell: Callable[[object], None]) -> None:
        self._tell = tell

    def advance(self, amount: int = 1, *, detail: str = "") -> None:  # noqa: ARG002 - as the base class has it
        self._tell(detail)


def _serve(share: Share, options: LinkOptions, source: BinaryIO, sink: BinaryIO) -> None:
    """What the copy does."""

    def tell(message: object) -> None:
        try:
            send(pickle.dumps(message), sink)
        except OSError:
            os._exit(1)  # the original is gone

    try:
        tell(share.lay_out())
        share.settle(pickle.loads(receive(source)))  # noqa: S301 - our own process
        with Linker(share.prefix, share.draft.transaction.platform.subdir, options) as linker:
            share.link(linker, _Told(tell), lambda: None)
            share.write_records(linker)
        tell(linker.report)
    except BaseException as error:  # whatever it is, the original raises it
        tell(error)

"""A helper process of an installation: a copy of this one that looks at, lays out, links and records a share of the
packages.

All of that is computation and system calls in equal parts, in which the threads of one process mostly wait for each
other. The copy inherits the lock of the prefix: until it has ended too, nobody else changes the prefix. What it does is
right also when it is done again, so where it dies its share is done by the original.
"""

from __future__ import annotations

import gc
import select
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, BinaryIO

from ..messages import Teller, hear, tell
from ..process_copy import Copy
from ..progress import Phase
from .link import Linker, LinkOptions
from .share import Share


@contextmanager
def helping(share: Share, options: LinkOptions, lock: int) -> Iterator[Helper | None]:
    """Have a helper as long as this context lasts; None where there can be no more processes."""
    thaws = not gc.get_freeze_count()
    if thaws:
        # nobody goes through the objects of before again while there are two: each page that is written to is copied
        gc.freeze()
    try:
        helper = _started(share, options, lock)
        try:
            yield helper
        finally:
            if helper is not None:
                helper.close()
    finally:
        if thaws:
            gc.unfreeze()


def _started(share: Share, options: LinkOptions, lock: int) -> Helper | None:
    try:
        return Helper(share, options, lock)
    except OSError:
        return None


class Helper:
    """A copy of this process that does a share. Raises `OSError` where there can be none."""

    def __init__(self, share: Share, options: LinkOptions, lock: int) -> None:
        self.share = share
        self._copy = Copy(partial(_serve, share, options), keep=lock)

    def hear(self) -> Any:
        """What it says next. Raises what it could not do, `EOFError` where it is gone."""
        said = hear(self._copy.stdout)
        if isinstance(said, BaseException):
            raise said
        return said

    def has_said(self) -> bool:
        """Whether there is something to hear."""
        return bool(select.select([self._copy.stdout], [], [], 0)[0])

    def tell(self, message: object) -> None:
        """Say what it waits for. Raises `OSError` where it is gone."""
        tell(message, self._copy.stdin)

    def close(self) -> None:
        """End it, whatever it does."""
        self._copy.close()


class _Told(Phase):
    """Tells the original which packages are in place."""

    def __init__(self, say: Teller) -> None:
        self._say = say

    def advance(self, amount: int = 1, *, detail: str = "") -> None:  # noqa: ARG002 - as the base class has it
        self._say(detail)


def _serve(share: Share, options: LinkOptions, source: BinaryIO, sink: BinaryIO) -> None:
    """What the copy does."""
    say = Teller(sink)
    try:
        say(share.lay_out())
        share.settle(hear(source))
        with Linker(share.prefix, share.draft.transaction.platform.subdir, options) as linker:
            share.link(linker, _Told(say), lambda: None)
            share.write_records(linker)
        say(linker.report)
    except BaseException as error:  # whatever it is, the original raises it
        say(error)

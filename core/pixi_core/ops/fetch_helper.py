"""A helper process of `fetching`: a copy of this one that draws from the same heap of packages, into the same caches.

Half of the work of an unpacked file is computation, in which the threads of one process take turns. The caches are made
for several processes at once, so the copy does what any other `pixi` would; its death costs nothing but time, and when
this process dies it ends at the next word that it wants to say.
"""

from __future__ import annotations

import os
import pickle
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, BinaryIO, Self

from ..cache.entry import EXTRACTING
from ..messages import NUMBER, Teller, hear
from ..process_copy import Copy, can_fork, usable_cores
from ..progress import Phase
from .fetching import Fetched, fetch_from

if TYPE_CHECKING:
    from ..model.record import PypiRecord, RepoDataRecord
    from ..workspace import Services

    Records = Sequence[RepoDataRecord | PypiRecord]

WORTH_A_PROCESS = 24 << 20
"""Bytes of archives; less is fetched before a copy has opened its first connection."""
_MOST = 8_192
"""Numbers that surely fit into a pipe."""


class Heap:
    """Numbers from 0 to `count` - 1: threads and processes draw each of them once, in order. A context manager."""

    def __init__(self, count: int) -> None:
        self._numbers = iter(range(count))
        self._guard = threading.Lock()
        self.descriptor: int | None = None

    def share(self) -> int:
        """Make it one that copies of this process can draw from. Raises `OSError`."""
        self.descriptor, writing = os.pipe()
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(b"".join(map(NUMBER.pack, self._numbers)))
        return self.descriptor

    def draw(self) -> int | None:
        """The next one, None when there is none any more."""
        if self.descriptor is not None:
            drawn = os.read(self.descriptor, NUMBER.size)
            return NUMBER.unpack(drawn)[0] if drawn else None
        with self._guard:
            return next(self._numbers, None)

    def throw_away(self) -> None:
        """Nobody gets another one."""
        while self.draw() is not None:
            pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.descriptor is not None:
            os.close(self.descriptor)


class NoHelper:
    """What is done without one."""

    def hear(self, phase: Phase) -> None:
        """Count its bytes."""

    def finish(self) -> None:
        """Wait until it has done what it drew. Raises what its first failure was."""


@contextmanager
def helping(services: Services, records: Records, heap: Heap) -> Iterator[NoHelper]:
    """Have a helper as long as this context lasts, where it is of use and can be had."""
    size = sum(record.size or 0 for record in records)
    if usable_cores() < 2 or not 1 < len(records) < _MOST or size < WORTH_A_PROCESS or not can_fork():
        yield NoHelper()
        return
    services.client  # noqa: B018 - imports much, which the copy has then
    held = usable_cores() // 2
    for _ in range(held):  # each process unpacks on half of the cores
        EXTRACTING.acquire()
    try:
        helper = Helper(services, records, heap)
        try:
            yield helper
        finally:
            helper.close()
    finally:
        EXTRACTING.release(held)


class Helper(NoHelper):
    """A process that draws from the heap, and the thread that hears what it says. Raises `OSError`."""

    def __init__(self, services: Services, records: Records, heap: Heap) -> None:
        self._heap = heap
        self._error: BaseException | None = None
        self._copy = Copy(lambda _, sink: _serve(services, records, heap, sink), keep=heap.share())
        self._thread = threading.Thread(target=self._hear, name="fetch helper", daemon=True)
        self._phase = Phase()

    def hear(self, phase: Phase) -> None:
        self._phase = phase
        self._thread.start()

    def finish(self) -> None:
        self._thread.join()
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        """End it."""
        self._copy.kill()
        if self._thread.ident is not None:
            self._thread.join()
        self._copy.close()

    def _hear(self) -> None:
        with suppress(OSError, EOFError, pickle.UnpicklingError):
            while True:
                told = hear(self._copy.stdout)
                if isinstance(told, BaseException):
                    self._error = told
                    self._heap.throw_away()
                else:
                    self._phase.advance(told)


class _Told(Phase):
    """Tells the original how many bytes came."""

    def __init__(self, tell: Teller) -> None:
        self._tell = tell

    def advance(self, amount: int = 1, *, detail: str = "") -> None:  # noqa: ARG002 - as the base class has it
        self._tell(amount)


def _serve(services: Services, records: Records, heap: Heap, sink: BinaryIO) -> None:
    """What the copy does."""
    tell = Teller(sink)
    try:
        fetch_from(heap, records, Fetched(services.unconnected()), _Told(tell))
    except BaseException as error:  # whatever it is, the original raises it
        tell(error)

"""Work in a thread that is told when nobody waits for it any more."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def stoppable(work: Callable[[Callable[[], bool]], T]) -> T:
    """`work` in a thread; it is given what to ask whether it should stop. When the awaiting task is cancelled, the work
    is told and then awaited: nothing goes on behind the back of whoever cancelled it.
    """
    given_up = threading.Event()
    task = asyncio.ensure_future(asyncio.to_thread(work, given_up.is_set))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        given_up.set()
        await asyncio.gather(task, return_exceptions=True)
        raise

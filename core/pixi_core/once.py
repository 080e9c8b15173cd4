"""Work that several threads ask for at the same time and that must happen once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class OnceMap(Generic[K, V]):
    """The first asker of a key does the work, the others wait for its result; a failure is shared too.

    `keep` says whether results stay (a memory) or are forgotten as soon as the work is done (only simultaneous askers
    share, failures included).
    """

    def __init__(self, *, keep: bool = True) -> None:
        self._keep = keep
        self._guard = threading.Lock()
        self._results: dict[K, Future[V]] = {}

    def get(self, key: K, work: Callable[[], V]) -> V:
        """The result of `work` for the key. Raises what the work raised."""
        from concurrent.futures import Future  # it brings logging, and most of the time all is there

        with self._guard:
            known = self._results.get(key)
            mine: Future[V] = Future() if known is None else known
            if known is None:
                self._results[key] = mine
        if known is not None:
            return known.result()
        try:
            mine.set_result(work())
        except BaseException as error:
            mine.set_exception(error)
        finally:
            if not self._keep:
                self.forget(key)
        return mine.result()

    def forget(self, key: K) -> None:
        """The next asker does the work again."""
        with self._guard:
            self._results.pop(key, None)

"""What is told while a server waits for its environment: lines, for any number of pages that look at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from pixi_core.progress import Phase, Reporter, Unit
from pixi_magics.wire import PHASE_WORDS


class Story:
    """Lines in their order, from the beginning for whoever comes late. Belongs to one event loop."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._ended = False
        self._changed = asyncio.Event()

    def tell(self, line: str) -> None:
        """One more line; the same line twice in a row is told once."""
        if not self.lines or self.lines[-1] != line:
            self.lines.append(line)
            self._wake()

    def end(self) -> None:
        """Nothing more will be told."""
        self._ended = True
        self._wake()

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def follow(self) -> AsyncIterator[str]:
        """Every line, those that were told already first; ends with the story."""
        told = 0
        while True:
            changed = self._changed
            for line in self.lines[told:]:
                told += 1
                yield line
            if told == len(self.lines) and changed is self._changed:
                if self._ended:
                    return
                await changed.wait()


class StoryReporter(Reporter):
    """Turns phases into lines; any thread may call."""

    def __init__(self, story: Story, loop: asyncio.AbstractEventLoop) -> None:
        self._story = story
        self._loop = loop

    def phase(self, name: str, *, total: int | None = None, unit: Unit = "items", detail: str = "") -> Phase:
        """Tell that a phase begins."""
        del detail  # names of platforms and folders, which say nothing to a student
        words = PHASE_WORDS.get(name, name)
        self.message(f"{words} {total} packages" if total is not None and unit == "items" else words)
        return Phase()

    def message(self, text: str) -> None:
        """One line."""
        self._loop.call_soon_threadsafe(self._story.tell, text)

    def warning(self, text: str) -> None:
        """Likewise."""
        self.message(text)

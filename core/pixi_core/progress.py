"""Progress as an interface of no-ops.

The core emits, frontends listen: the terminal line, the JSON stream for the kernel, Jupyter events and
tests are all subclasses of `Reporter`. Starting a phase returns a handle which the later calls carry, so a
reporter never has to guess which of several concurrent phases a number belongs to. Every method may be
called from any thread.

Phase names are a closed vocabulary, because frontends translate them: `repodata`, `solve`, `pypi-metadata`,
`pypi-resolve`, `lock`, `download`, `extract`, `link`, `unlink`, `build`, `activate`, `kernel`.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Literal, Self

    Unit = Literal["bytes", "items"]
else:
    Unit = str


class Phase:
    """One running piece of work. Use as a context manager: leaving it finishes or fails the phase."""

    def advance(self, amount: int = 1, *, detail: str = "") -> None:
        """`amount` more units are done; `detail` names the present item (a package, a URL)."""

    def set_total(self, total: int) -> None:
        """The amount of work became known (or grew)."""

    def finish(self, summary: str = "") -> None:
        """The phase ended well. Calling it twice does nothing."""

    def fail(self) -> None:
        """The phase ended in an error, which is reported elsewhere."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.finish()
        else:
            self.fail()


class Reporter:
    """Receives what happens. This base class ignores everything; override what you show."""

    def phase(self, name: str, *, total: int | None = None, unit: Unit = "items", detail: str = "") -> Phase:
        """A phase starts. `total` is in `unit`s, None when unknown; `detail` says what it is about
        (for example `default/linux-64`).
        """
        return Phase()

    def message(self, text: str) -> None:
        """A sentence for the user that is neither data nor a warning (`✔ Added numpy >=2.1,<3`)."""

    def warning(self, text: str) -> None:
        """Something the user should know, while the work goes on."""


SILENT = Reporter()

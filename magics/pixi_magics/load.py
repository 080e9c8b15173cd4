"""What a kernel loads of `%pixi` when it starts: the names. Everything behind them is imported when it is first used.

This module imports nothing that IPython has not imported before, so that a start pays about a millisecond for it.
"""

from typing import Any, Callable, List, Optional

_HELP = "`%pixi COMMAND` changes or shows the environment of this kernel; `%pixi help` lists the commands."


class LazyMagic:
    """The magic, the completion and the advice of one kernel. `words` are those of `child.Settings`."""

    def __init__(self, shell: Any, *words: Any) -> None:
        self._shell = shell
        self._words = words
        self._magic: Any = None
        self._complete: Optional[Callable[[str], List[str]]] = None

    @property
    def magic(self) -> Any:
        """The magic itself."""
        if self._magic is None:
            from . import magic
            from .child import Settings

            self._magic = magic.make(self._shell, Settings(*self._words))
        return self._magic

    def complete(self, _shell: Any, event: Any) -> List[str]:
        """What Tab offers on a line of ours (IPython's contract of `complete_command`)."""
        if self._complete is None:
            from . import completion
            from .child import Settings

            self._complete = completion.completer(Settings(*self._words))
        return self._complete(event.line)

    def after_cell(self, result: Any) -> None:
        """After a failed import: what would make it work (IPython's event `post_run_cell`)."""
        error = getattr(result, "error_in_exec", None)
        if isinstance(error, ModuleNotFoundError):
            self.magic.advise(error)


def load(shell: Any, *words: Any) -> None:
    """Give an IPython shell the magics `%pixi` and `%%pixi`, their Tab completion, and advice after failed imports.

    `words`: the core's Python, the manifest or None, the environment, its prefix.
    """
    lazy = LazyMagic(shell, *words)

    def pixi(line: str, cell: Optional[str] = None) -> None:
        lazy.magic(line, cell)

    pixi.__doc__ = _HELP
    shell.register_magic_function(pixi, "line_cell", "pixi")
    shell.set_hook("complete_command", lazy.complete, re_key=r"^%{0,2}pixi\b")
    shell.events.register("post_run_cell", lazy.after_cell)

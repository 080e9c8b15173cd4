"""What one command says of the configuration, above every file and variable.

A command line is read by one process for one command, while the configuration is loaded wherever somebody needs it: so
this is the one thing that is known to the whole process, for as long as the command runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..value import EMPTY, Value


class Overrides(Value, kw_only=True):
    """`values` by the fields of `Config`; `file` is read instead of every other; with `no_files` none is read."""

    values: Mapping[str, Any] = EMPTY
    file: Path | None = None
    no_files: bool = False


_said = [Overrides()]


def current() -> Overrides:
    """Those of the command that runs."""
    return _said[-1]


@contextmanager
def overriding(overrides: Overrides) -> Iterator[None]:
    """Let them hold for a while."""
    _said.append(overrides)
    try:
        yield
    finally:
        _said.pop()

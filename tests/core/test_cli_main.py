"""What the door does with what nobody foresaw."""

from __future__ import annotations

import errno
import os

import pytest

from pixi_core.cli.main import _of_the_machine
from pixi_core.errors import DiskFull, InstallError, PixiError


@pytest.mark.parametrize(
    ("number", "kind"), [(errno.ENOSPC, DiskFull), (errno.EDQUOT, DiskFull), (errno.EROFS, InstallError)]
)
def test_what_the_machine_refuses_is_told(number: int, kind: type[PixiError]) -> None:
    error = _of_the_machine(OSError(number, os.strerror(number), "/some/where"))
    assert isinstance(error, kind)
    assert "/some/where" in str(error)


def test_a_mistake_in_the_program_is_raised() -> None:
    with pytest.raises(FileNotFoundError):
        _of_the_machine(FileNotFoundError(errno.ENOENT, "gone", "/some/where"))

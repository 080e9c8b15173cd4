"""Laws of lock files: what is written is read back, by the narrow reader and by PyYAML alike."""

from __future__ import annotations

from contextlib import suppress

import yaml
from hypothesis import given
from hypothesis import strategies as st

from pixi_core.errors import LockFileError
from pixi_core.lock.read import read_lock
from pixi_core.lock.scalar import scalar
from tests.core.test_lock_roundtrip import V7


@given(st.text())
def test_a_scalar_is_read_as_the_same_text(text: str) -> None:
    if any(0xD800 <= ord(character) <= 0xDFFF for character in text):
        return
    assert yaml.safe_load(f"- {scalar(text)}\n") == [text]


@given(st.integers(0, len(V7) - 1), st.integers(0, 20), st.text(max_size=5))
def test_a_damaged_file_is_read_or_refused_with_our_own_error(position: int, length: int, text: str) -> None:
    with suppress(LockFileError):
        read_lock(V7[:position] + text + V7[position + length :])

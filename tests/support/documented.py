"""The fenced blocks of a page of the documentation, for tests that do what it says."""

from __future__ import annotations

import re
from pathlib import Path

_BLOCK = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: Path) -> list[tuple[str, str]]:
    """(what stands behind the opening fence, text), in their order."""
    return [(found["info"].strip(), found["text"]) for found in _BLOCK.finditer(page.read_text(encoding="utf-8"))]

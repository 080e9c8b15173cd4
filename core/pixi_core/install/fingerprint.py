"""Whether a prefix is as it was, by its fingerprint file: nothing but `os`, for whoever starts in milliseconds."""

from __future__ import annotations

import os

META_FOLDER = "conda-meta"
FINGERPRINT_FILE = ".pixi-environment-fingerprint"
FINGERPRINT_SIZE = 16
INSTALLING = b"pixi:installing!"
JOURNAL_FILE = ".pixi-transaction"


def fingerprint(prefix: str | os.PathLike[str]) -> str | None:
    """What is installed, as 16 characters; None where that is not known (never installed, or under way)."""
    folder = os.path.join(prefix, META_FOLDER)
    try:
        with open(os.path.join(folder, FINGERPRINT_FILE), "rb") as file:
            content = file.read(FINGERPRINT_SIZE + 1)
    except OSError:
        return None
    if len(content) != FINGERPRINT_SIZE or content == INSTALLING:
        return None
    return None if os.path.lexists(os.path.join(folder, JOURNAL_FILE)) else content.decode("ascii", "replace")

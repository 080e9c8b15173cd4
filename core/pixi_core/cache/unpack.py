"""An archive becomes a folder of a cache: what is to be done, and how this process does it (`unpack_helper`: how others
do).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from threading import BoundedSemaphore
from typing import BinaryIO

from ..value import Value
from .entry import write_marker

_EXTRACTING = BoundedSemaphore(os.cpu_count() or 1)
"""Threads that unpack at once: more would wait for each other, and each holds its part of an archive in memory."""


class Job(Value):
    """What is to be done with an archive whose digests are known: fill the folder `work` and mark it as complete."""

    file_name: str
    work: Path
    sha256: str
    md5: str | None = None

    def run(self, archive: BinaryIO) -> None:
        """Do it. Raises `ArchiveError`, `UnsafePath`, `DiskFull`, `InstallError`."""
        if self.file_name.endswith(".whl"):
            from ..archive.wheel import extract_checked_wheel

            extracted = extract_checked_wheel(archive, self.work, what=self.file_name)
        else:
            from ..archive.extract import extract_archive

            extracted = extract_archive(archive, self.work, file_name=self.file_name)
        write_marker(self.work, extracted, sha256=self.sha256, md5=self.md5)


Unpack = Callable[[Job, BinaryIO, int], None]
"""Does a job with the open archive; the number is the descriptor that holds the lock of the entry. Raises like
`Job.run`.
"""


def unpack_here(job: Job, archive: BinaryIO, lock: int) -> None:  # noqa: ARG001 - it is held as long as we live
    """In this process."""
    with _EXTRACTING:
        job.run(archive)

"""What a power cut leaves: the files as the process saw them, less what had not reached the disk.

A fork tells after each `fsync` and `syncfs` what lasts from then on. When it was killed, `lose` takes from the folder
what was never made to last: contents (empty, or half of them), and names, of which the disk may know the old or the
new, in any order. A directory that holds something lasting lasts itself, as in every journalling file system.
"""

from __future__ import annotations

import os
import pickle
import random
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Loss = Literal["empty", "half", "any"]
LOSSES: tuple[Loss, ...] = ("empty", "half", "any")


@dataclass
class Lasting:
    """What lasts: the bytes of files and the entries of directories (name → inode), by inode."""

    files: dict[int, bytes] = field(default_factory=dict)
    folders: dict[int, dict[str, int]] = field(default_factory=dict)
    syncs: int = 0
    held: list[int] = field(default_factory=list)
    """Open files: an inode that is held is not given to another file."""

    def note(self, path: str) -> None:
        """One file or directory, as it is now."""
        inode = os.stat(path).st_ino
        if os.path.isdir(path):
            self.folders[inode] = entries(path)
        else:
            with open(path, "rb") as file:
                self.files[inode] = file.read()

    def note_all(self, folder: Path) -> None:
        """Everything below a folder."""
        for base, _, names in os.walk(folder):
            self.note(base)
            for name in names:
                path = os.path.join(base, name)
                if stat.S_ISREG(os.lstat(path).st_mode) and os.lstat(path).st_ino not in self.files:
                    self.note(path)

    def hold(self, folder: Path) -> None:
        """Keep the inodes of everything below a folder from being used again."""
        for base, _, names in os.walk(folder):
            self.held += [os.open(os.path.join(base, name), os.O_PATH | os.O_NOFOLLOW) for name in (".", *names)]

    def release(self) -> None:
        """Let them go."""
        while self.held:
            os.close(self.held.pop())


def entries(folder: str | Path) -> dict[str, int]:
    """Name → inode; negative for what is no file."""
    found = os.scandir(folder)
    return {entry.name: entry.inode() * (1 if entry.is_file(follow_symlinks=False) else -1) for entry in found}


def recording(folder: Path, told: Path) -> Callable[[], None]:
    """To be called in a fork: from then on each sync of something in `folder` is told to the file `told`."""

    def start() -> None:
        import sys

        tell = os.open(told, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND)
        real = os.fsync

        def one(fd: Any) -> None:
            real(fd)
            number = fd if isinstance(fd, int) else fd.fileno()
            lasting = Lasting(syncs=1)
            lasting.note(f"/proc/self/fd/{number}")
            os.write(tell, pickle.dumps(lasting))

        def all_(event: str, arguments: tuple[Any, ...]) -> None:
            if event == "ctypes.dlsym" and arguments[1] == "syncfs":
                lasting = Lasting(syncs=1)
                lasting.note_all(folder)
                os.write(tell, pickle.dumps(lasting))

        os.fsync = one
        sys.addaudithook(all_)

    return start


def heard(told: Path, before: Lasting) -> Lasting:
    """What lasts at the end, when `before` did at the start."""
    result = Lasting(dict(before.files), dict(before.folders))
    with told.open("rb") as file:
        while file.peek(1):
            step: Lasting = pickle.load(file)
            result.files.update(step.files)
            result.folders.update(step.folders)
            result.syncs += step.syncs
    return result


def lose(folder: Path, lasting: Lasting, loss: Loss, seed: str) -> int:
    """Take away from `folder` what does not last. `any` chooses, by `seed`, for each content and each name whether the
    disk has it; the others lose all contents and no name. Returns how many contents and names were lost.
    """
    dice = random.Random(seed)
    lost = 0
    if loss == "any":
        lost += sum(_lose_names(Path(base), lasting, dice) for base, _, _ in os.walk(folder, topdown=False))
    seen: set[int] = set()
    for base, _, names in os.walk(folder):
        for name in names:
            path = Path(base, name)
            status = path.lstat()
            if stat.S_ISREG(status.st_mode) and status.st_ino not in seen:
                seen.add(status.st_ino)
                lost += _lose_content(path, lasting.files.get(status.st_ino), loss, dice)
    return lost


def _lose_content(path: Path, old: bytes | None, loss: Loss, dice: random.Random) -> bool:
    content = path.read_bytes()
    if content == old or not content:
        return False
    choices = {"empty": [old or b""], "half": [content[: len(content) // 2]]}
    kept = dice.choice(choices.get(loss, [content, old or b"", b"", content[: len(content) // 2]]))
    if kept == content:
        return False
    with path.open("r+b") as file:  # other names of the file lose it, too
        file.write(kept)
        file.truncate(len(kept))
    return True


def _lose_names(folder: Path, lasting: Lasting, dice: random.Random) -> int:
    """New names that the disk does not know yet, and old ones that it still knows."""
    known = lasting.folders.get(folder.stat().st_ino, {})
    now = entries(folder)
    lost = 0
    for name in sorted({*known, *now}):
        path = folder / name
        if known.get(name) == now.get(name) or dice.random() < 0.5:
            continue
        old = lasting.files.get(known.get(name, -1))
        if name in now:
            if path.is_dir() and not path.is_symlink():
                if any(path.iterdir()) or path.stat().st_ino in lasting.folders:
                    continue
                path.rmdir()
            elif name in known and old is None:
                continue  # what was replaced was no file: the test keeps no copy of it
            else:
                path.unlink()
            lost += 1
        if old is not None:
            path.write_bytes(old)
            lasting.files[path.stat().st_ino] = old
            lost += 1
    return lost

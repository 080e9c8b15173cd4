"""How much an archive may become: bounds against bombs, generous to every real package."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import ArchiveError

MEBI = 1 << 20
GIBI = 1 << 30


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one archive: bytes and files that may come out, bytes out per byte in (beyond `free_bytes` that any
    archive may have), depth of folders, window of the decompressor in bytes.
    """

    max_bytes: int = 64 * GIBI
    max_files: int = 1_000_000
    max_ratio: int = 250
    free_bytes: int = 256 * MEBI
    max_depth: int = 100
    max_window: int = 128 * MEBI

    def for_size(self, compressed: int) -> int:
        """Bytes that an archive of `compressed` bytes may become."""
        return min(self.max_bytes, max(self.free_bytes, compressed * self.max_ratio))


DEFAULT_LIMITS = Limits()


def too_big(what: str, allowed: int) -> ArchiveError:
    """The error for an archive that unpacks to more than it may."""
    return ArchiveError(
        f"{what} unpacks to more than the {allowed:,} bytes that its size allows",
        hints=["this is how decompression bombs look; report it to whoever serves the package"],
    )

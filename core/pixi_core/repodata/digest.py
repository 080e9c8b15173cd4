"""Short digests for keys of caches, from the interpreter's own BLAKE2.

`hashlib` loads OpenSSL first, which takes 2 ms of every process, for algorithms that are not wanted here.
"""

from __future__ import annotations

try:
    from _blake2 import blake2b
except ImportError:  # an interpreter without the module behind hashlib's
    from hashlib import blake2b


def digest(content: bytes, size: int) -> bytes:
    """`size` bytes that stand for `content`."""
    return blake2b(content, digest_size=size).digest()

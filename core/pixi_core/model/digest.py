"""Digests as receipts: a `Sha256` or `Md5` is lower-case hex of the right length."""

from __future__ import annotations

from ..errors import SpecError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NewType

    Sha256 = NewType("Sha256", str)
    Md5 = NewType("Md5", str)
else:
    Sha256 = Md5 = str


def _hex(text: str, length: int, kind: str) -> str:
    lowered = text.strip().lower()
    if len(lowered) != length or any(c not in "0123456789abcdef" for c in lowered):
        raise SpecError(f"'{text}' is not a {kind} digest ({length} hexadecimal digits)", source=text)
    return lowered


def sha256(text: str) -> Sha256:
    """A checked SHA-256 digest. Raises `SpecError`."""
    return Sha256(_hex(text, 64, "SHA-256"))


def md5(text: str) -> Md5:
    """A checked MD5 digest. Raises `SpecError`."""
    return Md5(_hex(text, 32, "MD5"))

"""What helper processes are told and answer through pipes: numbers (`NUMBER`), and messages: a size (`SIZE`), then so
many bytes.
"""

from __future__ import annotations

import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO, BinaryIO

NUMBER = struct.Struct("<I")
SIZE = struct.Struct("<Q")


def send(message: bytes, sink: BinaryIO) -> None:
    """One message."""
    sink.write(SIZE.pack(len(message)))
    sink.write(message)
    sink.flush()


def receive(source: IO[bytes]) -> bytes:
    """One message. Raises `EOFError` where whoever sends is gone."""
    head = source.read(SIZE.size)
    size = SIZE.unpack(head)[0] if len(head) == SIZE.size else 1
    message = source.read(size) if head else b""
    if len(message) < size:
        raise EOFError
    return message

"""What helper processes are told and answer through pipes: numbers (`NUMBER`), and messages: a size (`SIZE`), then so
many bytes, which may be an object (`tell`, `hear`).
"""

from __future__ import annotations

import os
import pickle
import struct
import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO, Any, BinaryIO

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


def tell(told: object, sink: BinaryIO) -> None:
    """One object. Raises `OSError` where nobody hears it."""
    send(pickle.dumps(told), sink)


class Teller:
    """Tells the original of a copy objects, from any thread. Where the original is gone there is nothing more to do:
    the copy ends.
    """

    def __init__(self, sink: BinaryIO) -> None:
        self._sink = sink
        self._guard = threading.Lock()

    def __call__(self, told: object) -> None:
        with self._guard:
            try:
                tell(told, self._sink)
            except OSError:
                os._exit(1)


def hear(source: IO[bytes]) -> Any:
    """An object that our own process on the other side was told, or tells. Raises `EOFError` where it is gone."""
    return pickle.loads(receive(source))  # noqa: S301 - our own process

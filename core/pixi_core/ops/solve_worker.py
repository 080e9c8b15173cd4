"""A helper of `solving`: solves the jobs whose numbers come in, until there are no more.

In, for an interpreter of its own: one pickle, the `Order`; a copy has it already. Then numbers of jobs (`NUMBER`). Out,
as messages (`SIZE`, then so many bytes): an empty one when it is ready, then for each number the pickle of a
`Solution` or of the `PixiError` that it ended in. Nobody else talks to it.
"""

from __future__ import annotations

import os
import pickle
import struct
import sys
from typing import TYPE_CHECKING

from ..value import Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import IO, Any, BinaryIO

    from ..cache.layout import CacheDirs
    from ..config.model import Config
    from ..workspace import Services
    from .solving import Job

NUMBER = struct.Struct("<I")
SIZE = struct.Struct("<Q")


class Order(Value, kw_only=True):
    """All that a helper needs to know; the fields but the last are those of `Services`."""

    config: Config
    dirs: CacheDirs
    environ: Mapping[str, str]
    offline: bool
    s3_options: Mapping[str, Mapping[str, Any]]
    index_urls: tuple[str, ...]
    channel_urls: tuple[str, ...]
    jobs: tuple[Job, ...]

    @classmethod
    def of(cls, services: Services, jobs: Iterable[Job]) -> Order:
        """What a helper needs for these jobs."""
        return cls(
            config=services.config,
            dirs=services.dirs,
            environ=dict(services.environ),
            offline=services.offline,
            s3_options=services.s3_options(),
            index_urls=tuple(services.index_urls()),
            channel_urls=tuple(services.channel_urls()),
            jobs=tuple(jobs),
        )


def serve(order: Order, source: BinaryIO, sink: BinaryIO) -> None:
    """Answer until there is nothing more to read."""
    import pixi_core.solve  # noqa: F401 - be ready before saying so

    from ..repodata.gateway import Gateway
    from ..workspace import Services
    from .solving import answer_to

    services = Services(
        config=order.config,
        dirs=order.dirs,
        environ=order.environ,
        offline=order.offline,
        s3_options=lambda: order.s3_options,
        index_urls=lambda: order.index_urls,
        channel_urls=lambda: order.channel_urls,
    )
    gateway = Gateway(services.client, order.dirs, offline=order.offline, as_kept=True)
    send(b"", sink)
    while number := source.read(NUMBER.size):
        answer = answer_to(gateway, order.jobs[NUMBER.unpack(number)[0]])
        send(pickle.dumps(answer, pickle.HIGHEST_PROTOCOL), sink)


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


def main() -> None:
    """Keep standard output for answers: whatever prints goes to standard error."""
    sink = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    with sink:
        order = pickle.load(sys.stdin.buffer)  # noqa: S301 - from the process that started this one
        serve(order, sys.stdin.buffer, sink)


if __name__ == "__main__":
    main()

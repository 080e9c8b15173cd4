"""A helper of `solving`: solves the jobs whose numbers come in, until there are no more.

In, for an interpreter of its own: one pickle, the `Order`; a copy has it already. Then numbers of jobs (`NUMBER`). Out,
as messages (`SIZE`, then so many bytes): an empty one when it is ready, then for each number the pickle of a
`Solution` or of the `PixiError` that it ended in. Nobody else talks to it.
"""

from __future__ import annotations

import os
import pickle
import sys
from typing import TYPE_CHECKING

from ..messages import NUMBER, send
from ..value import Value

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import BinaryIO

    from ..workspace import Services
    from .solving import Job


class Order(Value, kw_only=True):
    """All that a helper needs to know."""

    services: Services
    jobs: tuple[Job, ...]

    @classmethod
    def of(cls, services: Services, jobs: Iterable[Job]) -> Order:
        """What a helper needs for these jobs."""
        return cls(services=services.unconnected(), jobs=tuple(jobs))


def serve(order: Order, source: BinaryIO, sink: BinaryIO) -> None:
    """Answer until there is nothing more to read."""
    import pixi_core.solve  # noqa: F401 - be ready before saying so

    from ..repodata.gateway import Gateway
    from .solving import answer_to

    services = order.services
    gateway = Gateway(services.client, services.dirs, offline=services.offline, as_kept=True)
    send(b"", sink)
    while number := source.read(NUMBER.size):
        answer = answer_to(gateway, order.jobs[NUMBER.unpack(number)[0]])
        send(pickle.dumps(answer, pickle.HIGHEST_PROTOCOL), sink)


def main() -> None:
    """Keep standard output for answers: whatever prints goes to standard error."""
    sink = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    with sink:
        order = pickle.load(sys.stdin.buffer)  # noqa: S301 - from the process that started this one
        serve(order, sys.stdin.buffer, sink)


if __name__ == "__main__":
    main()

"""A helper of `solving`: solves what comes in over its standard input until that ends.

Pickles in: `(config, dirs, environ, offline)`, then one `solving.Job` after the other. Pickles out: `None` when it is
ready, then for each job a `Solution` or the `PixiError` that it ended in. Nobody else talks to it.
"""

from __future__ import annotations

import os
import pickle
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import BinaryIO

    from ..errors import PixiError
    from ..solve import Solution


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    """Answer until there is nothing more to read."""
    import pixi_core.solve  # noqa: F401 - be ready before saying so

    from ..repodata.gateway import Gateway
    from ..workspace import Services
    from .solving import answer_to

    config, dirs, environ, offline = pickle.load(source)  # noqa: S301 - from the process that started this one
    services = Services(config=config, dirs=dirs, environ=environ, offline=offline)
    gateway = Gateway(services.client, dirs, offline=offline, as_kept=True)
    send(None, sink)
    while True:
        try:
            job = pickle.load(source)  # noqa: S301 - as above
        except EOFError:
            return
        send(answer_to(gateway, job), sink)


def send(answer: Solution | PixiError | None, sink: BinaryIO) -> None:
    """One pickle."""
    pickle.dump(answer, sink, pickle.HIGHEST_PROTOCOL)
    sink.flush()


def main() -> None:
    """Keep standard output for answers: whatever prints goes to standard error."""
    sink = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    with sink:
        serve(sys.stdin.buffer, sink)


if __name__ == "__main__":
    main()

"""One solve in a process of its own, ours: `solve_once.py CHANNEL_URL CACHE SPEC…` prints the number of packages."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class LazyClient:
    """A client that costs nothing while everything is cached, as `net.client` does."""

    def get_bytes(self, url: str, **options: Any) -> Any:
        """GET."""
        from tests.core.repodata_support import PlainClient

        return PlainClient().get_bytes(url, **options)


def main() -> None:
    from types import SimpleNamespace

    from pixi_core.model.channel import Channel
    from pixi_core.model.match_spec import parse_match_spec
    from pixi_core.model.platform import NOARCH, Subdir, VirtualPackage
    from pixi_core.repodata.gateway import Gateway
    from pixi_core.solve import SolveRequest, solve

    url, cache, *specs = sys.argv[1:]
    virtual = ("__unix=0=0", "__linux=4.18=0", "__glibc=2.28=0", "__archspec=1=x86_64")
    folders = SimpleNamespace(repodata=cache)
    with Gateway(LazyClient(), folders) as gateway:  # type: ignore[arg-type]  # lean stand-ins
        source = gateway.source([Channel(url, "forge")], [Subdir("linux-64"), NOARCH])
        request = SolveRequest(
            specs=tuple(parse_match_spec(spec) for spec in specs),
            virtual_packages=tuple(VirtualPackage.parse(text) for text in virtual),
        )
        print(len(solve(request, source).records))


if __name__ == "__main__":
    main()

"""One solve in a process of its own, the peer's: `peer_once.py sharded|json CHANNEL CACHE SPEC…`."""

import asyncio
import os
import sys


async def main() -> None:
    from pathlib import Path

    import rattler

    form, channel, cache, *specs = sys.argv[1:]
    config = rattler.SourceConfig(sharded_enabled=form == "sharded")
    gateway = rattler.Gateway(cache_dir=Path(cache), default_config=config)
    virtual = (("__unix", "0", "0"), ("__linux", "4.18", "0"), ("__glibc", "2.28", "0"), ("__archspec", "1", "x86_64"))
    records = await rattler.solve(
        sources=[rattler.Channel(channel)],
        specs=[rattler.MatchSpec(spec, strict=False) for spec in specs],
        platforms=["linux-64", "noarch"],
        gateway=gateway,
        virtual_packages=[
            rattler.GenericVirtualPackage(rattler.PackageName(n), rattler.Version(v), rattler.BuildString(b))
            for n, v, b in virtual
        ],
    )
    print(len(records), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
    os._exit(0)

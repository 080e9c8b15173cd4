"""One installation in a process of its own, the peer's: `peer_install.py LOCK PREFIX CACHE`."""

import asyncio
import os
import sys


async def main() -> None:
    from pathlib import Path

    import rattler

    lock, prefix, cache = sys.argv[1:]
    environment = rattler.LockFile.from_path(Path(lock)).environment("default")
    assert environment is not None
    [platform] = environment.platforms()
    await rattler.install(
        list(environment.conda_repodata_records_for_platform(platform)),
        target_prefix=prefix,
        cache_dir=Path(cache),
        show_progress=False,
    )


if __name__ == "__main__":
    asyncio.run(main())
    os._exit(0)

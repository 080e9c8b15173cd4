"""Many solves of one workspace on all cores: `python -m tests.benchmarks.solver_many CORPUS/conda-forge`.

Prints, with warm caches, the median times of one platform, of four one after another and of four side by side; then of
three environments on four platforms, both ways; and the ratios. `--problems` of the corpus give the environments.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from pixi_core.cache.layout import CacheDirs
from pixi_core.config.model import Config
from pixi_core.errors import PixiError
from pixi_core.model.channel import Channel, file_url
from pixi_core.model.match_spec import parse_match_spec
from pixi_core.model.platform import NOARCH, Subdir, VirtualPackage
from pixi_core.ops.solving import Job, solve_all
from pixi_core.solve import SolveRequest
from pixi_core.workspace import Services

PLATFORMS = {
    "linux-64": ("__unix=0=0", "__linux=5.10=0", "__glibc=2.28=0", "__archspec=1=x86_64"),
    "linux-aarch64": ("__unix=0=0", "__linux=5.10=0", "__glibc=2.28=0", "__archspec=1=aarch64"),
    "osx-arm64": ("__unix=0=0", "__osx=14.0=0", "__archspec=1=m1"),
    "win-64": ("__win=10=0", "__archspec=1=x86_64"),
}
ENVIRONMENTS = {
    "science": ("python", "numpy", "pandas", "scikit-learn", "matplotlib", "jupyterlab"),
    "geo": ("python 3.12.*", "gdal", "geopandas", "xarray", "dask"),
    "web": ("python 3.13.*", "fastapi", "requests", "pytest", "mypy", "ruff"),
}


def jobs(channel: Channel, environments: Sequence[str], platforms: Sequence[str]) -> list[Job]:
    """One solve for each environment and platform."""
    return [
        Job(
            title=f"{environment}/{platform}",
            channels=(channel,),
            subdirs=(Subdir(platform), NOARCH),
            request=SolveRequest(
                specs=tuple(parse_match_spec(spec) for spec in ENVIRONMENTS[environment]),
                virtual_packages=tuple(VirtualPackage.parse(text) for text in PLATFORMS[platform]),
            ),
        )
        for environment in environments
        for platform in platforms
    ]


def seconds(folder: Path, wanted: list[Job], *, cores: int) -> float:
    """The wall time with fresh tables in memory and warm caches on disk."""
    services = Services(config=Config(), dirs=CacheDirs.below(folder), environ=dict(os.environ))
    start = time.perf_counter()
    for answer in solve_all(services, wanted, cores=cores):
        if isinstance(answer, PixiError):
            raise answer
    spent = time.perf_counter() - start
    services.close()
    return spent


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser()
    parser.add_argument("channel", type=Path)
    parser.add_argument("--repeats", type=int, default=9)
    options = parser.parse_args()
    channel = Channel(file_url(options.channel.resolve()) + "/", "conda-forge")
    everything, one = list(PLATFORMS), ["linux-64"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        kinds = {
            "one platform": (jobs(channel, ["science"], one), 1),
            "four platforms, one after another": (jobs(channel, ["science"], everything), 1),
            "four platforms, side by side": (jobs(channel, ["science"], everything), 2),
            "3 environments x 4, one after another": (jobs(channel, list(ENVIRONMENTS), everything), 1),
            "3 environments x 4, side by side": (jobs(channel, list(ENVIRONMENTS), everything), 2),
        }
        times: dict[str, list[float]] = {kind: [] for kind in kinds}
        for repeat in range(options.repeats + 1):
            for kind, (wanted, cores) in kinds.items():
                spent = seconds(folder, wanted, cores=cores)
                if repeat:  # the first time fills the caches
                    times[kind].append(spent)
    middle = [statistics.median(values) for values in times.values()]
    for kind, value in zip(kinds, middle, strict=True):
        print(f"{kind:40} {value * 1000:6.0f} ms")
    print(f"four platforms on two cores / one: {middle[2] / middle[0]:.2f}")
    print(f"3 environments x 4 platforms, side by side / one after another: {middle[4] / middle[3]:.2f}")


if __name__ == "__main__":
    main()

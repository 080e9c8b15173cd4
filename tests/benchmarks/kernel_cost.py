"""What our part of a notebook costs: `python tests/benchmarks/kernel_cost.py`.

| figure | what is measured |
|---|---|
| kernel start | from asking a kernel manager for a kernel to its first answer, by turns ours and stock ipykernel's, in one environment that is up to date |
| `%pixi add` | a package that lies in the cache: until it has been imported in the running kernel |
| magics | what the bootstrap adds to a shell: in a process that has imported IPython |
| picker | Jupyter's list of kernel specs with 200 environments, and bringing it up to date |

All servers are on loopback; medians, in milliseconds.
"""  # noqa: E501 - a table

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import KernelManager

from pixi_core import trust
from pixi_core.virtual import host_subdir
from pixi_core.workspace import Workspace
from pixi_server_ext.picker import KernelPicker
from tests.support.pypi_index import FakeIndex, serving

ROUNDS = 9
MANIFEST = (
    '[workspace]\nname = "cost"\nchannels = []\nplatforms = ["{platform}"]\n\n[pypi-options]\nindex-url = "{index}"\n'
)
MAGICS = """
import sys, time
from IPython.core.interactiveshell import InteractiveShell
from pixi_provisioner import bootstrap
import pixi_magics, os
folder = os.path.dirname(pixi_magics.__file__)
shell = InteractiveShell.instance()
sys.modules.pop("pixi_magics")
begun = time.perf_counter()
bootstrap.add_magics(shell, {"core": sys.executable, "magics": folder})
print((time.perf_counter() - begun) * 1000)
"""


def median(work: Callable[[], float], rounds: int = ROUNDS) -> float:
    """Of some runs, the first one left out."""
    work()
    return statistics.median(work() for _ in range(rounds))


def stock(prefix: Path, folder: Path, overlay: Path) -> float:
    """`start` of ipykernel in the same prefix, from the same files, by no one of ours."""
    program = [str(prefix / "bin" / "python"), "-Xfrozen_modules=off", "-m", "ipykernel_launcher"]
    spec = KernelSpec(argv=[*program, "-f", "{connection_file}"], language="python")
    return start("stock", folder, spec, {"PYTHONPATH": str(overlay)})


def start(
    name: str, folder: Path, spec: KernelSpec | None = None, more: Mapping[str, str] = MappingProxyType({})
) -> float:
    """From the request to the first answer."""
    manager = KernelManager(kernel_name=name)
    manager._kernel_spec = spec
    begun = time.perf_counter()
    manager.start_kernel(cwd=str(folder), env={**os.environ, **more})
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=60)
    took = (time.perf_counter() - begun) * 1000
    client.stop_channels()
    manager.shutdown_kernel(now=True)
    return took


def adding(folder: Path) -> float:
    """`%pixi add` and the import, in one cell, in a running kernel."""
    manager = KernelManager(kernel_name="pixi")
    manager.start_kernel(cwd=str(folder), env=dict(os.environ))
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=60)
    begun = time.perf_counter()
    reply = client.execute_interactive("%pixi add greeting\nimport greeting", output_hook=lambda _: None, timeout=60)
    took = (time.perf_counter() - begun) * 1000
    assert reply["content"]["status"] == "ok", reply
    client.execute_interactive("%pixi remove greeting", output_hook=lambda _: None, timeout=60)
    client.stop_channels()
    manager.shutdown_kernel(now=True)
    return took


def picker(folder: Path) -> tuple[float, float]:
    """Listing 200 environments, and looking whether a manifest changed."""
    for number in range(20):
        project = folder / f"p{number}"
        project.mkdir(parents=True)
        names = [f"e{index}" for index in range(9)]
        text = f'[workspace]\nname = "p{number}"\nchannels = []\nplatforms = ["linux-64"]\n'
        text += "".join(f"[feature.{name}.dependencies]\n" for name in names) + "[environments]\n"
        (project / "pixi.toml").write_text(text + "".join(f'{name} = ["{name}"]\n' for name in names))
    made = KernelPicker(folder, folder.parent / "kernels")
    assert len(made.refresh()) == 200
    manager = KernelSpecManager(kernel_dirs=[str(folder.parent / "kernels")])

    def listing() -> float:
        begun = time.perf_counter()
        assert len(manager.get_all_specs()) >= 200
        return (time.perf_counter() - begun) * 1000

    def refreshing() -> float:
        begun = time.perf_counter()
        made.refresh()
        return (time.perf_counter() - begun) * 1000

    return median(listing), median(refreshing)


def magics() -> float:
    """In a process of its own each time."""
    done = subprocess.run([sys.executable, "-c", MAGICS], capture_output=True, text=True, check=True)
    return float(done.stdout)


def main() -> None:
    """Measure everything."""
    fake = FakeIndex()
    fake.wheel("greeting", "1.0")
    with tempfile.TemporaryDirectory() as name, serving(fake):
        root = Path(name)
        os.environ |= {"PIXI_CACHE_DIR": str(root / "cache"), "PIXI_HOME": str(root / "home"), "HOME": name}
        folder = root / "work"
        folder.mkdir()
        (folder / "pixi.toml").write_text(MANIFEST.format(platform=host_subdir(), index=fake.url))
        workspace = Workspace.open(folder / "pixi.toml")
        trust.approve(workspace, by="benchmark")
        start("pixi", folder)
        prefix = workspace.prefix("default")
        overlay = next((root / "cache").glob("kernels*/*/.complete")).parent
        pairs = [(start("pixi", folder), stock(prefix, folder, overlay)) for _ in range(ROUNDS)]
        one, other = (statistics.median(times) for times in zip(*pairs, strict=True))
        added = statistics.median(ours - theirs for ours, theirs in pairs)
        print(f"kernel start        {one:7.0f} ms, stock ipykernel {other:.0f} ms, {added:+.0f} ms pair by pair")
        print(f"%pixi add, cached   {median(lambda: adding(folder), 5):7.0f} ms")
        print(f"magics at a start   {median(magics):7.1f} ms")
        listing, refreshing = picker(root / "many")
        print(f"picker, 200 entries {listing:7.1f} ms to list, {refreshing:.1f} ms to refresh")


if __name__ == "__main__":
    main()

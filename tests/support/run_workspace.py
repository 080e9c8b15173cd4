"""Workspaces on the small channel for tests of `pixi run` and its relatives: locked, installed, in a second."""

from __future__ import annotations

from pathlib import Path

from pixi_core.virtual import host_subdir
from tests.support.command import pixi


def workspace(folder: Path, channel: Path, rest: str, *, packages: str = "", environments: str = "") -> Path:
    """A workspace in `folder` with a manifest that ends with `rest`, locked and installed."""
    platforms = ", ".join(f'"{platform}"' for platform in sorted({str(host_subdir()), "win-64"}))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pixi.toml").write_text(
        f'[workspace]\nname = "demo"\nchannels = ["{channel.as_uri()}"]\nplatforms = [{platforms}]\n'
        f"[dependencies]\n{packages}\n{environments}\n{rest}\n"
    )
    pixi("install", "--all", cwd=folder).succeeded()
    return folder

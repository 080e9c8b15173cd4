"""The workspace of a notebook: the manifest it carries, the one above it, or an own, empty one.

On the way of every kernel start, so what few notebooks need is imported when it is needed.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import NoWorkspace
from ..names import DEFAULT_MANIFEST_VARIABLE
from ..notebook import MANIFEST_NAME, copy_folder, is_taken_over, read_embedded, working_copy
from ..workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..config.model import Config


def workspace_for_notebook(
    notebook: Path, *, environ: Mapping[str, str] = os.environ, begin_with: str | None = None
) -> Workspace:
    """The workspace a notebook runs in: its own manifest, else the nearest one above it, else the default one of this
    machine (`default_workspace`), else an own, empty one (host kind) that its first `%pixi add` fills.
    With `begin_with` it has one of its own from now on, whose manifest is that text where it had none.
    Raises `NotebookError`, `ManifestError`.
    """
    embedded = read_embedded(notebook)
    if embedded is None and begin_with is None:
        try:
            return Workspace.discover(notebook.resolve().parent, environ=environ)
        except NoWorkspace:
            pass
    folders, _ = _copies(environ)
    is_new = not (copy_folder(notebook, folders) / MANIFEST_NAME).is_file()
    if embedded is None and is_new and begin_with is None:
        shared = default_workspace(environ)
        if shared is not None:
            return shared
    default = begin_with or ("" if embedded is not None else own_manifest(notebook, environ))
    folder = working_copy(notebook, folders, default_manifest=default, embedded=embedded)
    workspace = Workspace.open(folder / MANIFEST_NAME, environ=environ)
    workspace.notebook = notebook
    if embedded is None and is_new:
        from ..trust import sign

        sign(workspace, by="notebook")  # what stands in it is ours and the user's own configuration
    return workspace


def own_folder(notebook: Path, environ: Mapping[str, str]) -> Path:
    """Where the own workspace of a notebook is, or would be."""
    return copy_folder(notebook, _copies(environ)[0])


def default_workspace(environ: Mapping[str, str] = os.environ) -> Workspace | None:
    """The workspace that `PIXI_JUPYTER_DEFAULT_MANIFEST` names, for whatever has no other; None where it names none.
    Raises `ManifestError`.
    """
    named = environ.get(DEFAULT_MANIFEST_VARIABLE)
    return Workspace.open(Path(named), environ=environ) if named else None


def carried_by(notebook: Path, *, environ: Mapping[str, str] = os.environ) -> Workspace | None:
    """The workspace of the manifest that a notebook carries, as it would be taken over; None where it carries none.

    Nothing is written: its folder need not exist. Good for asking whether it is trusted, and for nothing else.
    Raises `NotebookError`.
    """
    embedded = read_embedded(notebook)
    if embedded is None:
        return None
    folders, _ = _copies(environ)
    folder = copy_folder(notebook, folders)
    if is_taken_over(folder, embedded):
        workspace = Workspace.open(folder / MANIFEST_NAME, environ=environ)
        workspace.notebook = notebook
        return workspace
    return Workspace(
        manifest_path=(folder / MANIFEST_NAME).absolute(),
        manifest_text=embedded.manifest,
        environ=environ,
        notebook=notebook,
        carried_lock=embedded.lock,
    )


def _copies(environ: Mapping[str, str]) -> tuple[Path, Config]:
    """Where the working copies of carried manifests are, and the user's configuration."""
    from ..cache.layout import CacheDirs
    from ..config.load import load_config

    config = load_config(None, environ)
    return CacheDirs.from_environment(environ, config).notebooks, config


def own_manifest(notebook: Path, environ: Mapping[str, str], channels: Sequence[str] = ()) -> str:
    """The manifest for a notebook that has none: of host kind, unless there are `channels`. The user's configured
    indexes go into it, so that the notebook is whole without them. Raises `SpecError`.
    """
    from ..config.load import load_config
    from ..manifest.new import Settings, new_manifest
    from ..model.channel import channel as parse_channel
    from ..model.channel import public
    from ..virtual import host_subdir

    for one in channels:
        parse_channel(public(one), root=notebook.parent.absolute())
    config = load_config(None, environ)
    python = "*" if channels else ">=3.9"
    settings = Settings(index_url=config.pypi_index_url, extra_index_urls=config.pypi_extra_index_urls)
    return new_manifest(
        name=notebook.stem, channels=channels, platforms=[host_subdir()], python=python, settings=settings
    )

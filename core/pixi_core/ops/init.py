"""`pixi init`: a new workspace, and an honest word when its channels cannot be reached."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ManifestError, NetworkError, UsageError
from ..fs import atomic_write
from ..model.channel import channel as parse_channel
from ..model.channel import public
from ..model.platform import subdir as parse_subdir
from ..value import EMPTY
from ..virtual import host_subdir
from ..workspace import Services, Workspace, read_manifest_text
from .import_file import with_imported

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..manifest.model import ManifestKind
    from .import_file import Imported

PROBE_SECONDS = 3.0

_GITIGNORE = ("# pixi environments", ".pixi/*", "!.pixi/config.toml")
_ATTRIBUTES = {
    "github": "linguist-language=YAML linguist-generated=true",
    "gitlab": "gitlab-language=yaml gitlab-generated=true",
    "codeberg": "linguist-language=YAML linguist-generated=true",
}
SCM = tuple(_ATTRIBUTES)
"""The forges whose way of colouring files is known."""
_FILES: dict[ManifestKind, str] = {
    "pixi": "pixi.toml",
    "pyproject": "pyproject.toml",
    "mojoproject": "mojoproject.toml",
}


@dataclass(frozen=True, slots=True)
class Created:
    """What was made: the manifest, its channels, and why they cannot be used from here (None: they can)."""

    manifest_path: Path
    channels: tuple[str, ...]
    unreachable: str | None = None


def init_workspace(
    folder: Path,
    *,
    channels: Sequence[str] | None,
    platforms: Sequence[str] = (),
    host: bool = False,
    kind: ManifestKind | None = None,
    imported: Imported | None = None,
    scm: str = "github",
    conda_pypi_map: Mapping[str, str] = EMPTY,
    environ: Mapping[str, str],
    services: Services,
) -> Created:
    """Write a manifest, `.gitignore` and `.gitattributes` into `folder`.

    `channels` None means those of `imported` (an `environment.yml`), else the configured defaults; `host` means none at
    all: Python comes from the machine and everything else from PyPI. Without a `kind` a `pyproject.toml` that is there
    is extended, else there will be a `pixi.toml`. Raises `ManifestError` when the folder is a workspace already,
    `SpecError` for a channel or platform that cannot be one.
    """
    if host and channels:
        raise UsageError("--host and --channel exclude each other", hints=["a host workspace has no channels"])
    folder.mkdir(parents=True, exist_ok=True)
    kind = kind or ("pyproject" if (folder / "pyproject.toml").is_file() else "pixi")
    path = folder / _FILES[kind]
    is_extension = kind == "pyproject" and path.is_file()
    _refuse_existing(path, folder, but_extend=is_extension)
    if channels is None:
        channels = imported.channels if imported and imported.channels else services.config.default_channels
    chosen = [] if host else list(channels)
    subdirs = [parse_subdir(name) for name in platforms] or [host_subdir(environ)]
    parsed = [parse_channel(public(text), root=folder.absolute()) for text in chosen]

    from ..manifest.new import Settings, extended_pyproject, new_manifest

    config = services.config
    settings = Settings(
        conda_pypi_map=conda_pypi_map,
        index_url=config.pypi_index_url,
        extra_index_urls=config.pypi_extra_index_urls,
    )
    if is_extension:
        before = read_manifest_text(path)
        text = extended_pyproject(before, channels=chosen, platforms=subdirs, settings=settings)
    else:
        text = new_manifest(
            kind=kind,
            name=(imported.name if imported else None) or _workspace_name(folder),
            channels=chosen,
            platforms=subdirs,
            authors=_git_author(folder),
            python=_host_python_requirement(environ) if host else None,
            settings=settings,
        )
    atomic_write(path, with_imported(text, kind, imported) if imported else text)
    if kind == "pyproject" and not is_extension:
        _make_package(folder)
    _append_lines(folder / ".gitignore", _GITIGNORE)
    attributes = f"pixi.lock merge=binary {_ATTRIBUTES[scm]} -diff"
    _append_lines(folder / ".gitattributes", ("# syntax highlighting, and no merging of generated files", attributes))
    unreachable = None
    for one in parsed:
        try:
            services.gateway.probe(one, [*subdirs, parse_subdir("noarch")], timeout=PROBE_SECONDS)
        except NetworkError as error:
            unreachable = f"{one.name}: {error.message}"
            break
    return Created(path, tuple(chosen), unreachable)


def parse_map(entries: Sequence[str]) -> dict[str, str]:
    """`CHANNEL=LOCATION[,CHANNEL=LOCATION…]` of the command line. Raises `UsageError`."""
    found = {}
    for entry in ",".join(entries).split(",") if entries else ():
        channel, mark, location = entry.partition("=")
        if not (channel and mark and location):
            raise UsageError(f"'{entry}' is not CHANNEL=LOCATION", hints=["as in conda-forge=mapping.json"])
        found[channel] = location
    return found


def _make_package(folder: Path) -> None:
    """The package that the project is made of, empty, where there is none: without one there is nothing to build."""
    from ..manifest.new import project_name

    module = re.sub(r"[-.]+", "_", project_name(_workspace_name(folder)))
    if not (folder / "src").exists() and not (folder / module).exists():
        package = folder / "src" / module
        package.mkdir(parents=True)
        atomic_write(package / "__init__.py", "")


def _refuse_existing(path: Path, folder: Path, *, but_extend: bool) -> None:
    from ..workspace import manifest_in

    existing = manifest_in(folder)
    if existing is not None or (path.exists() and not but_extend):
        raise ManifestError(
            f"{existing or path} exists already",
            hints=["add packages to it with `pixi add`, or choose another folder"],
        )


def _workspace_name(folder: Path) -> str:
    return folder.absolute().name or "workspace"


def _host_python_requirement(environ: Mapping[str, str]) -> str:
    """The interpreter found here, to its minor version: wheels in the lock file fit no other."""
    from ..install.host import choose_interpreter

    version = choose_interpreter(None, environ=environ).version
    major, minor = (int(part) for part in version.split(".")[:2])
    return f">={major}.{minor},<{major}.{minor + 1}"


def _git_author(folder: Path) -> list[str]:
    """`Name <mail>` of the git configuration; nothing where git is not there or not configured."""
    import subprocess  # lazy: `open_services` serves commands that start nothing

    found = []
    for key in ("user.name", "user.email"):
        try:
            answer = subprocess.run(
                ["git", "config", "--get", key], cwd=folder, capture_output=True, text=True, timeout=5, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            return []
        found.append(answer.stdout.strip())
    name, mail = found
    return [f"{name} <{mail}>" if mail else name] if name else []


def _append_lines(path: Path, lines: Sequence[str]) -> None:
    """Append what is not there yet; the file of an existing repository keeps its own lines."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        text = ""
    present = set(text.splitlines())
    missing = [line for line in lines if line not in present]
    if missing:
        glue = "" if not text or text.endswith("\n") else "\n"
        atomic_write(path, text + glue + "\n".join(missing) + "\n")


def open_services(environ: Mapping[str, str]) -> Services:
    """The machinery for a command that has no workspace yet."""
    from ..cache.layout import CacheDirs
    from ..config.load import load_config

    config = load_config(None, environ)
    dirs = CacheDirs.from_environment(environ, config)
    return Services(config=config, dirs=dirs, environ=environ, offline=config.offline)


def open_created(created: Created, environ: Mapping[str, str]) -> Workspace:
    """The workspace that was just made."""
    return Workspace.open(created.manifest_path, environ=environ)

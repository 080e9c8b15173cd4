"""The workspace: the one object every frontend talks to.

It knows where the manifest, the lock file and the prefixes are, reads them on demand, and lends the machinery (HTTP
client, gateway, caches) that the use cases in `ops` need. It decides nothing by itself.
"""

from __future__ import annotations

import os
import threading
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from .errors import LockFileError, ManifestError, NoWorkspace
from .names import DEFAULT_ENVIRONMENT, EnvironmentName, safe_component
from .pair import Pair
from .progress import SILENT, Reporter
from .suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from .cache.layout import CacheDirs
    from .cache.store import PackageCache
    from .cache.wheels import WheelCache
    from .config.model import Config
    from .lock.model import LockFile
    from .manifest.model import ManifestKind, WorkspaceManifest
    from .model.pypi_options import PypiOptions
    from .net.client import Client, Response
    from .policy.model import Policy
    from .pypi.index import IndexClient
    from .repodata.gateway import Gateway
    from .store.entry import Entry

_T = TypeVar("_T")
_KINDS: dict[str, ManifestKind] = {
    "pixi.toml": "pixi", "pyproject.toml": "pyproject", "mojoproject.toml": "mojoproject"
}  # fmt: skip
MANIFEST_NAMES = tuple(_KINDS)


_MAKING = threading.RLock()
"""Held while a client is made: threads that fetch ask for it at the same time."""


class Services:
    """The machinery that touches network and caches, made when first asked for and shared by one workspace.

    `s3_options` gives the workspace's own, by bucket; it is called by the first request, and so are `index_urls` and
    `channel_urls`, for the credentials in them.
    """

    def __init__(
        self,
        *,
        config: Config,
        dirs: CacheDirs,
        environ: Mapping[str, str],
        offline: bool = False,
        reporter: Reporter = SILENT,
        s3_options: Callable[[], Mapping[str, Mapping[str, Any]]] = dict,
        index_urls: Callable[[], Iterable[str]] = tuple,
        channel_urls: Callable[[], Iterable[str]] = tuple,
    ) -> None:
        self.config = config
        self.dirs = dirs
        self.environ = environ
        self.offline = offline
        self.reporter = reporter
        self.s3_options = s3_options
        self.index_urls = index_urls
        self.channel_urls = channel_urls
        self._client: Client | None = None
        self._gateway: Gateway | None = None
        self._policy: Policy | None = None

    @property
    def policy(self) -> Policy:
        """What the administrator of this machine allows. Raises `ConfigError` where the file cannot be used."""
        if self._policy is None:
            from .policy import load

            # of this process: what a client chose for a kernel has no say
            self._policy = load(os.environ)
            for warning in self._policy.warnings:
                self.reporter.warning(warning)
        return self._policy

    @property
    def client(self) -> Client:
        """The HTTP client, one for all threads."""
        with _MAKING:
            if self._client is None:
                self._client = self._new_client()
            return self._client

    def _new_client(self) -> Client:
        from .net.client import Client
        from .net.config import net_config

        config = self.config.replace(mirrors=self.policy.mirrors(self.config.mirrors))
        settings = net_config(config, self.environ, offline=self.offline, s3_options=self.s3_options())
        settings.credentials.remember(self.index_urls())
        settings.credentials.remember_channels(self.channel_urls())
        return Client(settings, reporter=self.reporter)

    def unconnected(self) -> Services:
        """The same with connections of its own, for another process: nothing in it leads back to the workspace."""
        return Services(
            config=self.config,
            dirs=self.dirs,
            environ=dict(self.environ),
            offline=self.offline,
            s3_options=partial(_itself, self.s3_options()),
            index_urls=partial(_itself, tuple(self.index_urls())),
            channel_urls=partial(_itself, tuple(self.channel_urls())),
        )

    @property
    def gateway(self) -> Gateway:
        """Everything conda channels offer."""
        if self._gateway is None:
            from .repodata.gateway import Gateway

            self._gateway = Gateway(
                _FirstUse(self),
                self.dirs,
                offline=self.offline,
                disabled=self.config.disabled_forms,
                check=self.policy.check_channels,
                reporter=self.reporter,
            )
        return self._gateway

    def index(self, options: PypiOptions) -> IndexClient:
        """Everything the PyPI indexes of some options offer. Raises `PolicyRefused`."""
        from .pypi.index import IndexClient

        pages = [links.url for links in options.find_links if links.url is not None]
        self.policy.check_indexes([*options.search_order, *pages])

        return IndexClient(self.client, self.dirs.pypi_index, options, check=self.policy.check_indexes)

    @property
    def packages(self) -> PackageCache:
        """Extracted conda packages."""
        from .cache.store import PackageCache

        return PackageCache(self.dirs.packages, self.dirs.tiers("packages"))

    @property
    def wheels(self) -> WheelCache:
        """Unpacked wheels."""
        from .cache.wheels import WheelCache

        return WheelCache(self.dirs.wheels, self.dirs.tiers("wheels"))

    def close(self) -> None:
        """Release connections."""
        if self._gateway is not None:
            self._gateway.close()
            self._gateway = None
        if self._client is not None:
            self._client.close()
            self._client = None


def _itself(value: _T) -> _T:
    return value


class _FirstUse:
    """The client of some services, which is made by the first request: most solves are answered from the cache."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def get_bytes(self, url: str, **options: Any) -> Response:
        """GET, as `Client.get_bytes`."""
        return self._services.client.get_bytes(url, **options)


class Workspace:
    """A folder with a manifest.

    `manifest_path` is absolute. `warnings` collects what was noticed on the way in; frontends show it once.
    `carried_lock` is the lock file of a manifest that was not taken over yet. `command` is what the history of an
    environment says changed it; where it `looks_only`, nothing of a stranger's is built for it. `platform_name` is the
    platform (its name or subdir) that was asked for; None: each environment's first that this machine can run.
    """

    def __init__(
        self,
        *,
        manifest_path: Path,
        manifest_text: str,
        environ: Mapping[str, str],
        notebook: Path | None = None,
        carried_lock: str | None = None,
    ) -> None:
        self.manifest_path = manifest_path
        self.manifest_text = manifest_text
        self.environ = environ
        self.warnings: list[str] = []
        self.notebook = notebook
        self.carried_lock = carried_lock
        self.command = ""
        self.looks_only = False
        self.platform_name: str | None = None
        self._services: Services | None = None
        self._wishes: tuple[bool, Reporter | None] = (False, None)

    # ---------------------------------------------------------------- finding it

    @classmethod
    def discover(
        cls, start: Path, *, manifest_path: Path | None = None, environ: Mapping[str, str] = os.environ
    ) -> Workspace:
        """The workspace at `manifest_path` (a file or a folder), else the nearest one from `start` upwards, else the
        one whose shell is active. Raises `NoWorkspace`, `ManifestError`.
        """
        found = _explicit(manifest_path) if manifest_path is not None else find_manifest(start, environ)
        return cls.open(found, environ=environ)

    @classmethod
    def open(cls, manifest_path: Path, *, environ: Mapping[str, str] = os.environ) -> Workspace:
        """The workspace of this very manifest file. What a killed command has left half written is finished first.
        Raises `ManifestError`.
        """
        path = Path(os.path.abspath(manifest_path))
        Pair(path).finish()
        return cls(manifest_path=path, manifest_text=read_manifest_text(path), environ=environ)

    # ---------------------------------------------------------------- what it is

    @property
    def root(self) -> Path:
        """The folder of the manifest."""
        return self.manifest_path.parent

    @property
    def kind(self) -> ManifestKind:
        """By the name of the file; any other name holds what a `pixi.toml` would."""
        return _KINDS.get(self.manifest_path.name, "pixi")

    @cached_property
    def manifest(self) -> WorkspaceManifest:
        """The parsed manifest. Raises `ManifestError` with every mistake in it."""
        return self.parse(self.manifest_text)

    def parse(self, text: str) -> WorkspaceManifest:
        """A manifest as it would be with another text (an edit that is not written yet)."""
        from .manifest.read import read_manifest

        return read_manifest(text, path=self.manifest_path, kind=self.kind)

    @property
    def name(self) -> str:
        """The name people see."""
        return self.manifest.name

    @cached_property
    def config(self) -> Config:
        """Configuration, the workspace's own file included."""
        from .config.load import load_config

        config = load_config(self.root, self.environ)
        self.warnings.extend(config.warnings)
        return config

    @property
    def services(self) -> Services:
        """The machinery."""
        if self._services is None:
            from .cache.layout import CacheDirs

            dirs = CacheDirs.from_environment(self.environ, self.config)
            offline, reporter = self._wishes
            self._services = Services(
                config=self.config,
                dirs=dirs,
                environ=self.environ,
                offline=offline or bool(self.config.offline),
                reporter=reporter or SILENT,
                s3_options=lambda: self.manifest.s3_options,
                index_urls=lambda: self.manifest.index_urls,
                channel_urls=lambda: self.manifest.channel_urls,
            )
        return self._services

    def configure(self, *, offline: bool | None = None, reporter: Reporter | None = None) -> None:
        """Settle how this command uses the machinery; call it before anything is fetched."""
        if self._services is None:
            # no configuration is read for a command that needs no machinery
            self._wishes = (bool(offline) or self._wishes[0], reporter or self._wishes[1])
            return
        if offline:
            self._services.offline = True
        if reporter is not None:
            self._services.reporter = reporter

    # ---------------------------------------------------------------- lock file

    @property
    def lock_path(self) -> Path:
        """Where `pixi.lock` is, or would be."""
        return self.root / "pixi.lock"

    def lock_text(self) -> str | None:
        """The text of the lock file; None where there is none."""
        if self.carried_lock is not None:
            return self.carried_lock
        try:
            return self.lock_path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except UnicodeDecodeError as error:
            raise LockFileError(
                f"{self.lock_path} is not UTF-8 text (byte {error.start})",
                hints=["restore the file from version control, or delete it and run `pixi lock`"],
            ) from None

    def lock(self) -> LockFile | None:
        """The parsed lock file; None where there is none. Raises `LockFileError`."""
        text = self.lock_text()
        if text is None:
            return None
        from .lock.read import read_lock

        return read_lock(text, path=self.lock_path).named_after(self.manifest.all_platforms)

    @property
    def pair(self) -> Pair:
        """Manifest and lock file, as one."""
        return Pair(self.manifest_path)

    # ---------------------------------------------------------------- prefixes

    @property
    def pixi_dir(self) -> Path:
        """`.pixi`, which holds everything that can be made again."""
        return self.root / ".pixi"

    @cached_property
    def environments_dir(self) -> Path:
        """Where the prefixes are: `.pixi/envs`, or a folder elsewhere when `detached-environments` is set."""
        detached = self.config.detached_environments
        if not detached:
            return self.pixi_dir / "envs"
        base = self.services.dirs.environments if detached is True else Path(str(detached))
        import hashlib  # lazy: it loads OpenSSL

        key = hashlib.sha256(str(self.root).encode("utf-8", "surrogateescape")).hexdigest()[:16]
        return base / f"{safe_component(self.name)}-{key}" / "envs"

    def prefix(self, environment: str = DEFAULT_ENVIRONMENT) -> Path:
        """The prefix of an environment. One of a store is named by its real path: what runs there must not find itself
        in another when the workspace changes over.
        """
        own, entry = self.own_prefix(environment), self.stored(environment)
        return entry.prefix if entry is not None and entry.is_whole else own

    def own_prefix(self, environment: str = DEFAULT_ENVIRONMENT) -> Path:
        """Where the workspace has the prefix of an environment, or the link to one of a store (`ops.attach`)."""
        return self.environments_dir / safe_component(environment, what="environment name")

    def stored(self, environment: str = DEFAULT_ENVIRONMENT) -> Entry | None:
        """The entry of a store that an environment is, or was until it was collected; None for one of its own."""
        own = self.own_prefix(environment)
        if not own.is_symlink():
            return None
        from .store.entry import entry_at  # lazy: few environments are one of a store

        return entry_at(own.resolve())

    def environment_name(self, text: str | None) -> EnvironmentName:
        """A declared environment. Raises `ManifestError` with what was probably meant."""
        wanted = EnvironmentName(text or self.environ_environment() or DEFAULT_ENVIRONMENT)
        if wanted in self.manifest.environments:
            return wanted
        known = sorted(self.manifest.environments)
        hint = did_you_mean(wanted, known, f"environments of this workspace: {', '.join(known)}")
        raise ManifestError(f"{self.manifest_path} has no environment '{wanted}'", hints=[hint])

    def environ_environment(self) -> str | None:
        """The environment of the active pixi shell, when that shell is one of this workspace."""
        if self.environ.get("PIXI_PROJECT_ROOT") == str(self.root) and self.environ.get("PIXI_IN_SHELL"):
            return self.environ.get("PIXI_ENVIRONMENT_NAME") or None
        return None

    def reload(self) -> Workspace:
        """The same workspace, read again from disk, with the same machinery."""
        return self.with_text(read_manifest_text(self.manifest_path))

    def with_text(self, text: str) -> Workspace:
        """The same workspace as it is with another text of its manifest, with the same machinery."""
        fresh = Workspace(
            manifest_path=self.manifest_path,
            manifest_text=text,
            environ=self.environ,
            notebook=self.notebook,
            carried_lock=self.carried_lock,
        )
        fresh._services, fresh._wishes = self._services, self._wishes
        fresh.command, fresh.looks_only = self.command, self.looks_only
        return fresh

    def close(self) -> None:
        """Release connections."""
        if self._services is not None:
            self._services.close()


# ---------------------------------------------------------------- discovery


def find_manifest(start: Path, environ: Mapping[str, str]) -> Path:
    """The manifest of the nearest workspace from `start` upwards; `PIXI_PROJECT_MANIFEST` of an active pixi shell
    comes last. In one folder `pixi.toml` wins over `pyproject.toml`, which counts only with a `[tool.pixi]` table;
    a manifest that describes a package without a workspace is passed over. Raises `NoWorkspace`.
    """
    here = Path(os.path.abspath(start))
    for folder in (here, *here.parents):
        found = manifest_in(folder)
        if found is not None:
            return found
    active = environ.get("PIXI_PROJECT_MANIFEST")
    if active and environ.get("PIXI_IN_SHELL") and Path(active).is_file():
        return Path(active)
    raise NoWorkspace(start)


def manifest_in(folder: Path) -> Path | None:
    """The workspace manifest that lies in a folder, None where there is none."""
    for name in MANIFEST_NAMES:
        path = folder / name
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            if name == "pixi.toml" and path.is_file():
                return path  # reading it again will say what is wrong with it
            continue
        if name == "pyproject.toml" and "tool.pixi" not in text:
            continue
        if name != "pyproject.toml" and "[package]" in text and "[workspace" not in text and "[project" not in text:
            continue
        return path
    return None


def _explicit(path: Path) -> Path:
    if path.is_dir():
        found = manifest_in(path)
        if found is None:
            raise NoWorkspace(path)
        return found
    if not path.is_file():
        raise ManifestError(f"the manifest {path} does not exist", hints=["check --manifest-path"])
    return path


def read_manifest_text(path: Path) -> str:
    """The text of a manifest. Raises `ManifestError` where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ManifestError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ManifestError(f"{path} is not UTF-8 text (byte {error.start})") from error

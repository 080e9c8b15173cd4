"""The intent journal: everything that is needed to finish a change of a prefix after its writer was killed.

It is written to `conda-meta/.pixi-transaction`, whole and on the disk, before the first file changes, and removed after
the last. Every step of `apply` gives the same result when it is done again, so finishing means doing all of it once
more. Where the caches have lost a package in between, the half-made part is taken out instead, and the next plan
brings it back.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import MALFORMED, InstallError
from ..fs import sync_folder
from ..model.platform import Platform, Subdir, VirtualPackage
from ..model.record import PypiRecord, RepoDataRecord, record_from_repodata, record_to_repodata
from ..names import safe_component
from ..value import EMPTY, Value
from .fingerprint import JOURNAL_FILE, META_FOLDER
from .items import Layout, checked_path
from .markers import EnvironmentMarker
from .python_info import PythonInfo

VERSION = 1


class LinkConda(Value, kw_only=True):
    """A conda package to be linked: `source` is its extracted folder, `targets` every path it will own."""

    record: RepoDataRecord
    source: str
    requested: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()


class LinkWheel(Value, kw_only=True):
    """A wheel to be linked; `files` are those of the unpacked wheel: (path, sha256, size, executable)."""

    record: PypiRecord
    source: str
    files: tuple[tuple[str, str, int, bool], ...]
    requested: bool = False
    editable: bool = False
    targets: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """The folder, under the name that layouts ask for."""
        return self.source


class Transaction(Value, kw_only=True):
    """A change of a prefix, complete.

    `names` are all packages it touches; `remove` the prefix-relative files that go; `old_meta` the record files that
    go; `make_way` and `move_back` files of packages that stay, which lose their place to another package or get it
    back (from, to); `lost` for each linked package the paths that another one keeps (it puts its own aside).
    """

    platform: Platform
    names: tuple[str, ...] = ()
    python: PythonInfo | None = None
    conda: tuple[LinkConda, ...] = ()
    wheels: tuple[LinkWheel, ...] = ()
    remove: tuple[str, ...] = ()
    old_meta: tuple[str, ...] = ()
    make_way: tuple[tuple[str, str], ...] = ()
    move_back: tuple[tuple[str, str], ...] = ()
    lost: Mapping[str, tuple[str, ...]] = EMPTY
    marker: EnvironmentMarker | None = None

    def layouts(self, prefix: str) -> list[Layout]:
        """Every file of every package that is linked. Raises `ArchiveError`, `UnsafePath`, `OSError`."""
        from .paths import conda_layout
        from .wheel import wheel_layout

        found = [conda_layout(link.record, Path(link.source), self.python, prefix=prefix) for link in self.conda]
        if self.wheels and self.python is None:
            raise InstallError(
                "PyPI packages need a python, but the environment has none", hints=["add python to the environment"]
            )
        if self.python is None:
            return found
        found += [
            wheel_layout(
                wheel.record, wheel, self.python, prefix=prefix, requested=wheel.requested, editable=wheel.editable
            )
            for wheel in self.wheels
        ]
        return found


# ---------------------------------------------------------------- on disk


def journal_path(prefix: Path) -> Path:
    """Where the journal of a prefix is."""
    return prefix / META_FOLDER / JOURNAL_FILE


def write_journal(prefix: Path, transaction: Transaction, *, durable: bool = True) -> None:
    """Write the journal before anything else changes, so that it survives a power cut (where `durable`)."""
    import msgspec  # lazy: not on the start-up path

    path = journal_path(prefix)
    working = path.with_name(f"{path.name}.writing")
    content = msgspec.json.encode(transaction_to_json(transaction))
    fd = os.open(working, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0), 0o644)
    with open(fd, "wb") as file:
        file.write(content)
        file.flush()
        if durable:
            os.fsync(fd)
    working.replace(path)
    if durable:
        sync_folder(path.parent)


def read_journal(prefix: Path) -> Transaction | None:
    """The journal of a prefix, None where there is none. Raises `InstallError` where it cannot be used."""
    path = journal_path(prefix)
    try:
        data = json.loads(path.read_bytes())
        if data["version"] != VERSION:
            raise InstallError(
                f"the journal {path} was written by another version of pixi",
                hints=["finish the work with that version, or remove the environment and install it anew"],
            )
        return transaction_from_json(data)
    except FileNotFoundError:
        return None
    except MALFORMED as error:
        raise InstallError(
            f"the journal {path} cannot be read: {error!r}",
            hints=["remove the environment (`pixi clean`) and install it anew"],
        ) from error


def remove_journal(prefix: Path) -> None:
    """The work is done."""
    path = journal_path(prefix)
    path.unlink(missing_ok=True)
    path.with_name(f"{path.name}.writing").unlink(missing_ok=True)


@contextmanager
def syncing(prefix: Path, *, durable: bool = True) -> Iterator[None]:
    """Meanwhile what is written so far goes to the disk (where `durable`); when this context ends, it is there."""
    if not durable:
        yield
        return
    import threading

    thread = threading.Thread(target=sync_file_system, args=(prefix,), name="sync")
    thread.start()
    try:
        yield
    finally:
        thread.join()


def sync_file_system(prefix: Path) -> None:
    """Wait until everything written to the file system of a prefix is on the disk."""
    import ctypes
    import sys

    if sys.platform == "linux":
        fd = os.open(prefix, os.O_RDONLY)
        try:
            if ctypes.CDLL(None).syncfs(fd) == 0:
                return
        except (AttributeError, OSError):
            pass
        finally:
            os.close(fd)
    if hasattr(os, "sync"):
        os.sync()


# ---------------------------------------------------------------- as JSON


def transaction_to_json(transaction: Transaction) -> dict[str, Any]:
    """Everything, plus who writes it."""
    platform = transaction.platform
    return {
        "version": VERSION,
        "pid": os.getpid(),
        "host": os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", ""),
        "names": transaction.names,
        "platform": [platform.name, platform.subdir, [str(package) for package in platform.virtual_packages]],
        "python": transaction.python.to_json() if transaction.python else None,
        "conda": [
            {
                "record": record_to_repodata(link.record),
                "location": [link.record.file_name, link.record.url, link.record.channel],
                "source": link.source,
                "requested": link.requested,
                "targets": link.targets,
            }
            for link in transaction.conda
        ],
        "wheels": [
            {
                "record": _pypi_to_json(wheel.record),
                "source": wheel.source,
                "files": wheel.files,
                "requested": wheel.requested,
                "editable": wheel.editable,
                "targets": wheel.targets,
            }
            for wheel in transaction.wheels
        ],
        "remove": transaction.remove,
        "old_meta": transaction.old_meta,
        "make_way": transaction.make_way,
        "move_back": transaction.move_back,
        "lost": transaction.lost,
        "marker": transaction.marker.to_json() if transaction.marker else None,
    }


def transaction_from_json(data: Mapping[str, Any]) -> Transaction:
    """The inverse of `transaction_to_json`. Raises `KeyError`, `TypeError`, `ValueError`, and `UnsafePath` where a path
    would leave the prefix (a checkout may bring a prefix with a journal in it).
    """
    name, subdir, virtual = data["platform"]
    python = data["python"]
    for path in data["remove"]:
        checked_path(path, what="the journal's")
    for before, after in (*data["make_way"], *data["move_back"]):
        checked_path(before, what="the journal's")
        checked_path(after, what="the journal's")
    for file in data["old_meta"]:
        safe_component(file, what="record file")
    return Transaction(
        platform=Platform(name, Subdir(subdir), tuple(VirtualPackage.parse(text) for text in virtual)),
        names=tuple(data["names"]),
        python=PythonInfo.from_json(python) if python else None,
        conda=tuple(_conda_from_json(link) for link in data["conda"]),
        wheels=tuple(
            LinkWheel(
                record=PypiRecord(**{**link["record"], "requires_dist": tuple(link["record"]["requires_dist"])}),
                source=link["source"],
                files=tuple((path, digest, size, executable) for path, digest, size, executable in link["files"]),
                requested=link["requested"],
                editable=link["editable"],
                targets=tuple(link["targets"]),
            )
            for link in data["wheels"]
        ),
        remove=tuple(data["remove"]),
        old_meta=tuple(data["old_meta"]),
        make_way=tuple((before, after) for before, after in data["make_way"]),
        move_back=tuple((before, after) for before, after in data["move_back"]),
        lost={package: tuple(paths) for package, paths in data["lost"].items()},
        marker=_marker_from_json(data["marker"]),
    )


def _conda_from_json(link: Mapping[str, Any]) -> LinkConda:
    file_name, url, channel = link["location"]
    entry = link["record"]
    record = record_from_repodata(entry, file_name=file_name, url=url, channel=channel, subdir=Subdir(entry["subdir"]))
    return LinkConda(
        record=record, source=link["source"], requested=tuple(link["requested"]), targets=tuple(link["targets"])
    )


def _pypi_to_json(record: PypiRecord) -> dict[str, Any]:
    return {
        "name": record.name,
        "version": record.version,
        "location": record.location,
        "sha256": record.sha256,
        "md5": record.md5,
        "index": record.index,
        "requires_dist": record.requires_dist,
        "requires_python": record.requires_python,
        "size": record.size,
        "upload_time": record.upload_time,
        "stamp": record.stamp,
    }


def _marker_from_json(data: Mapping[str, Any] | None) -> EnvironmentMarker | None:
    if data is None:
        return None
    return EnvironmentMarker(
        manifest_path=data["manifest_path"],
        environment_name=data["environment_name"],
        pixi_version=data["pixi_version"],
        lock_hash=data["environment_lock_file_hash"],
        resolved_platform=data.get("resolved_platform", {}),
        minimum_supported_platform=data.get("minimum_supported_platform", {}),
    )

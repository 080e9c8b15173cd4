"""Approvals as files that only this user can have made.

    $PIXI_HOME/trust/key                 32 random bytes, hex, mode 0600, made with the first approval
    $PIXI_HOME/trust/<24 hex>.json       one approval; digests and server names only, nothing secret

Without `PIXI_HOME` the folder is `~/.pixi`. A file is named after the real path of its manifest, and carries an
HMAC-SHA256 with the key: one that was made elsewhere, or speaks of another manifest, does not count.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ..errors import InstallError
from ..fs import atomic_write, os_errors, pixi_home
from ..value import Value

VERSION = 1


class Approval(Value):
    """One approval. `block` is the HMAC of the canonical block, `origins` where the lock file may fetch from, `seen`
    the digests of the files by which the rest need not be looked at again, `lines` digests of what the user was shown;
    `coming` is the block of a manifest that a command of ours is about to write, empty where there is none.
    """

    manifest: str
    block: str
    origins: tuple[str, ...]
    seen: Mapping[str, str]
    lines: tuple[str, ...]
    by: str
    approved: str
    coming: str = ""

    def fields(self) -> dict[str, Any]:
        """As JSON, without the signature."""
        return {
            "version": VERSION,
            "manifest": self.manifest,
            "block": self.block,
            "origins": list(self.origins),
            "seen": dict(self.seen),
            "lines": list(self.lines),
            "by": self.by,
            "approved": self.approved,
            "coming": self.coming,
        }


def store_folder(environ: Mapping[str, str]) -> Path:
    """Where approvals are."""
    return pixi_home(environ) / "trust"


def manifest_place(manifest: Path) -> str:
    """The real path of a manifest: by whichever link it is reached, it is the same."""
    return os.path.realpath(manifest)


def approval_file(store: Path, place: str) -> Path:
    """Where the approval of the manifest at `place` is, or would be."""
    return store / (hashlib.sha256(place.encode("utf-8", "surrogateescape")).hexdigest()[:24] + ".json")


def write_approval(store: Path, key: bytes, approval: Approval) -> None:
    """Sign and store it, in place of the one before. Raises `InstallError` where that cannot be written."""
    fields = approval.fields()
    text = json.dumps({**fields, "signature": mac(key, [_canonical(fields)])}, indent=1)
    atomic_write(approval_file(store, approval.manifest), text + "\n", fsync=False)


def read_approval(path: Path, key: bytes, manifest: str | None) -> Approval | None:
    """An approval with a good signature; None for anything else, `manifest` being the one that it must speak of."""
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        signature = fields.pop("signature")
        if not hmac.compare_digest(str(signature), mac(key, [_canonical(fields)])) or fields["version"] != VERSION:
            return None
        if manifest is not None and fields["manifest"] != manifest:
            return None
        return Approval(
            manifest=fields["manifest"],
            block=fields["block"],
            origins=tuple(fields["origins"]),
            seen=fields["seen"],
            lines=tuple(fields["lines"]),
            by=fields["by"],
            approved=fields["approved"],
            coming=fields.get("coming", ""),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _canonical(fields: Mapping[str, Any]) -> str:
    return json.dumps(fields, sort_keys=True, ensure_ascii=True)


def mac(key: bytes, parts: Iterable[str]) -> str:
    """The HMAC-SHA256 of some texts in their order, hex."""
    told = "\0".join(parts).encode("utf-8", "surrogateescape")
    return hmac.new(key, told, hashlib.sha256).hexdigest()


def read_key(store: Path) -> bytes | None:
    """The key; None where there is none, or where others could have written it."""
    path = store / "key"
    try:
        found = path.stat()
        if os.name == "posix" and (found.st_uid != os.geteuid() or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)):
            return None
        return bytes.fromhex(path.read_text(encoding="ascii").strip()) or None
    except (OSError, ValueError):
        return None


def make_key(store: Path) -> bytes:
    """The key, made where there is none: written whole beside its place, and put there only if nobody was faster."""
    known = read_key(store)
    if known is not None:
        return known
    with os_errors(store):
        store.mkdir(parents=True, exist_ok=True, mode=0o700)
        work = store / f".key-{os.urandom(8).hex()}"
        fd = os.open(work, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(fd, "w", encoding="ascii") as file:
                file.write(os.urandom(32).hex() + "\n")
                file.flush()
                os.fsync(file.fileno())
            _place_key(work, store / "key")
        finally:
            work.unlink(missing_ok=True)
    made = read_key(store)
    if made is None:
        raise InstallError(
            f"{store / 'key'} cannot be used: it must be a file of yours that nobody else may write",
            hints=[f"remove {store}; approvals are then asked for again"],
        )
    return made


def _place_key(work: Path, target: Path) -> None:
    try:
        os.link(work, target)
    except FileExistsError:
        return
    except OSError:
        # a file system without hard links
        if not target.exists():
            os.replace(work, target)

"""Which workspaces this user has approved.

Opening a notebook must not install or run what a stranger wrote. So before a kernel is made ready, the workspace is
looked up here: an approval is a small file that says, for one absolute folder, what was approved (`trust_block`), under
an HMAC-SHA256 with a key that only this user can read:

    $PIXI_HOME/trust/key                 32 random bytes, hex, mode 0600, made with the first approval
    $PIXI_HOME/trust/<24 hex>.json       one approval; digests and server names only, nothing secret

Without `PIXI_HOME` the folder is `~/.pixi`. An approval speaks for its folder only: a copy elsewhere is asked about.
Whoever types a command in a terminal has approved what it works on; only what happens by itself asks (kernels that
start, jobs of the server). Jupyter's own trust is another matter: it is about outputs, not about environments.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import shutil
import stat
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import InstallError, PixiError, TrustRequired
from .fs import atomic_write, home_folder, os_errors

if TYPE_CHECKING:
    from .config.model import TrustPolicy
    from .workspace import Workspace

POLICY_VARIABLE = "PIXI_JUPYTER_TRUST"
VERSION = 1
_FOREIGN_CACHES = ("prepared-v1", "activation-env-v0")
"""Folders of `.pixi` that hold variables and file names which are believed: a repository may bring made-up ones."""


@dataclass(frozen=True, slots=True)
class Approval:
    """One approval. `block` is the HMAC of the canonical block, `origins` where the lock file may fetch from, `seen`
    the digests of the files by which the rest need not be looked at again, `lines` digests of what the user was shown.
    """

    manifest: str
    block: str
    origins: tuple[str, ...]
    seen: Mapping[str, str]
    lines: tuple[str, ...]
    by: str
    approved: str

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
        }


# ---------------------------------------------------------------- questions


def is_trusted(workspace: Workspace) -> bool:
    """Whether this user has approved what this workspace would install and run now. Changes nothing.

    Where no file has changed since, digests of a few files answer; else the manifest is parsed. Raises `ManifestError`,
    `LockFileError` for files that cannot be understood.
    """
    approval = find_approval(workspace)
    return approval is not None and (_unchanged(workspace, approval) or _covers(workspace, approval))


def find_approval(workspace: Workspace) -> Approval | None:
    """The approval of this very manifest file, whether it covers what stands there now or not."""
    store = store_folder(workspace.environ)
    key = _read_key(store)
    return None if key is None else _read(store / _file_name(workspace), key, _place(workspace))


def fingerprint(workspace: Workspace) -> str:
    """What the user is shown, in short: an approval that is sent later can say which state it meant."""
    from .trust_block import canonical_block, lock_origins

    told = [_place(workspace), canonical_block(workspace), *sorted(lock_origins(workspace))]
    return hashlib.sha256("\0".join(told).encode("utf-8", "surrogateescape")).hexdigest()


def approvals(environ: Mapping[str, str]) -> list[Approval]:
    """Every valid approval of this user, by manifest."""
    store = store_folder(environ)
    key = _read_key(store)
    found = [] if key is None else [_read(path, key, None) for path in sorted(store.glob("*.json"))]
    return sorted((one for one in found if one is not None), key=lambda one: one.manifest)


def policy(environ: Mapping[str, str]) -> TrustPolicy:
    """What happens with a workspace that is not approved: `ask` (refuse, and say how to approve), `locked-only` (what
    the lock file pins by hash may be installed, nothing of the manifest is run) or `always`.

    From `PIXI_JUPYTER_TRUST`, else from `[jupyter] trust` of the user's configuration; a workspace's own configuration
    has no say. Raises `TrustRequired` for another word.
    """
    word = environ.get(POLICY_VARIABLE, "").strip().lower()
    if not word:
        from .config.load import load_config

        return load_config(None, environ).jupyter_trust
    if word == "ask":
        return "ask"
    if word == "locked-only":
        return "locked-only"
    if word == "always":
        return "always"
    raise TrustRequired(
        f"{POLICY_VARIABLE} is '{word}', which is no policy", hints=["set it to ask, locked-only or always"]
    )


# ---------------------------------------------------------------- the gate


def require(workspace: Workspace, environ: Mapping[str, str] = os.environ) -> str | None:
    """Let an approved workspace through. The result is the lock mode that the policy demands, None where any will do.

    `environ` tells the policy: that of this process, not what a client chose for a kernel. Raises `TrustRequired`,
    which says what would be installed and how to approve it; nothing was fetched, started or written then.
    """
    if is_trusted(workspace):
        return None
    chosen = policy(environ)
    if chosen == "always":
        return None
    if chosen == "locked-only":
        _refuse_unlocked(workspace)
        return "locked"
    raise refusal(workspace)


def refusal(workspace: Workspace, reason: str = "") -> TrustRequired:
    """The error for a workspace that is not approved."""
    from .trust_text import describe

    changed = find_approval(workspace) is not None
    subject = workspace.notebook if workspace.notebook is not None else workspace.manifest_path
    what = f"the environment that {subject} carries" if workspace.notebook is not None else str(subject)
    state = "has changed since you approved it" if changed else "has not been approved by you"
    return TrustRequired(
        f"{what} {state}; nothing of it was installed or run" + (f" ({reason})" if reason else ""),
        details=["It would use:", *(f"  {line}" for line in describe(workspace))],
        hints=[f"if you trust it, run `pixi trust {_quoted(subject)}`, or `%pixi trust` in the notebook"],
        subject=str(subject),
    )


def _refuse_unlocked(workspace: Workspace) -> None:
    """The policy `locked-only`: wheels and conda packages by hash, and nothing that the manifest could run."""
    from .model.record import PypiRecord, RepoDataRecord
    from .trust_block import CONFIG

    lock = workspace.lock()
    if lock is None:
        raise refusal(workspace, "there is no lock file")
    for environment in lock.environments.values():
        for record in (record for packages in environment.packages.values() for record in packages):
            whole = isinstance(record, RepoDataRecord) or (isinstance(record, PypiRecord) and record.is_wheel)
            if not whole or getattr(record, "sha256", None) is None:
                raise refusal(workspace, f"{record.name} is not pinned by the hash of a finished package")
    contents = [content for feature in workspace.manifest.features.values() for content in feature.contents]
    if any(content.activation_scripts or content.activation_env for content in contents):
        raise refusal(workspace, "it has activation scripts or variables")
    if (workspace.root / CONFIG).exists():
        raise refusal(workspace, "it brings a configuration of its own")


# ---------------------------------------------------------------- approving


def approve(workspace: Workspace, *, by: str = "command") -> Approval:
    """Approve what the workspace holds now. Raises `InstallError` where approvals cannot be stored, `ManifestError`.

    Where this user sees the workspace for the first time, caches of activated variables that came along are dropped.
    """
    if find_approval(workspace) is None:
        forget_foreign_caches(workspace)
    return _store(workspace, by, ())


def renew(workspace: Workspace, *, by: str | None = None) -> None:
    """After our own work on an approved workspace: what the solver chose is covered, too. Whatever has changed in the
    manifest by other hands stays unapproved; a store that cannot be written stays as it is.
    """
    approval = find_approval(workspace)
    if approval is None or _unchanged(workspace, approval) or approval.block != _block(workspace):
        return
    with suppress(InstallError):
        _store(workspace, by or approval.by, approval.origins)


def sign(workspace: Workspace, *, by: str) -> bool:
    """Approve after a command of the user's; False where that cannot be stored or the files cannot be understood.

    Caches stay: they are the command's own work, and what lay there before was dropped when it began.
    """
    try:
        approval = find_approval(workspace)
        if approval is None or not _unchanged(workspace, approval):
            _store(workspace, by, ())
    except PixiError:
        return False
    return True


def revoke(workspace: Workspace) -> bool:
    """Take the approval back; False where there was none."""
    path = store_folder(workspace.environ) / _file_name(workspace)
    there = path.exists()
    with os_errors(path):
        path.unlink(missing_ok=True)
    return there


def forget_foreign_caches(workspace: Workspace) -> None:
    """Drop what speeds up activation: it can be made again, and nobody knows who made this."""
    for name in _FOREIGN_CACHES:
        folder = workspace.pixi_dir / name
        if folder.is_symlink():
            with suppress(OSError):
                folder.unlink()
        else:
            shutil.rmtree(folder, ignore_errors=True)


# ---------------------------------------------------------------- comparing


def _unchanged(workspace: Workspace, approval: Approval) -> bool:
    """Whether every file that was looked at then holds what it held then."""
    from .trust_block import file_digest

    here = {"": _text_digest(workspace.manifest_text), "pixi.lock": _text_digest(workspace.lock_text())}
    return all((here[name] if name in here else file_digest(Path(name))) == digest
               for name, digest in approval.seen.items())  # fmt: skip


def _covers(workspace: Workspace, approval: Approval) -> bool:
    from .trust_block import lock_origins

    same = hmac.compare_digest(_block(workspace), approval.block)
    return same and lock_origins(workspace) <= set(approval.origins)


def _block(workspace: Workspace) -> str:
    from .trust_block import canonical_block

    key = _read_key(store_folder(workspace.environ))
    if key is None:
        return ""
    return _mac(key, [_place(workspace), canonical_block(workspace)])


def _text_digest(text: str | None) -> str:
    return "" if text is None else hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


# ---------------------------------------------------------------- the store


def store_folder(environ: Mapping[str, str]) -> Path:
    """Where approvals are."""
    chosen = environ.get("PIXI_HOME")
    return (Path(chosen) if chosen else home_folder(environ) / ".pixi") / "trust"


def _file_name(workspace: Workspace) -> str:
    return hashlib.sha256(_place(workspace).encode("utf-8", "surrogateescape")).hexdigest()[:24] + ".json"


def _place(workspace: Workspace) -> str:
    """The real path of the manifest: by whichever link it is reached, it is the same."""
    return os.path.realpath(workspace.manifest_path)


def _store(workspace: Workspace, by: str, origins: Iterable[str]) -> Approval:
    from .trust_block import file_digest, lock_origins, watched_files
    from .trust_text import describe

    store = store_folder(workspace.environ)
    key = _make_key(store)
    seen = {str(path): file_digest(path) for path in watched_files(workspace)}
    seen |= {"": _text_digest(workspace.manifest_text), "pixi.lock": _text_digest(workspace.lock_text())}
    approval = Approval(
        manifest=_place(workspace),
        block=_block(workspace),
        origins=tuple(sorted({*origins, *lock_origins(workspace)})),
        seen=seen,
        lines=tuple(line_digest(line) for line in describe(workspace, compare=False)),
        by=by,
        approved=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    fields = approval.fields()
    text = json.dumps({**fields, "signature": _mac(key, [_canonical(fields)])}, indent=1)
    atomic_write(store / _file_name(workspace), text + "\n", fsync=False)
    return approval


def _read(path: Path, key: bytes, manifest: str | None) -> Approval | None:
    """An approval with a good signature; None for anything else, `manifest` being the one that it must speak of."""
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        signature = fields.pop("signature")
        if not hmac.compare_digest(str(signature), _mac(key, [_canonical(fields)])) or fields["version"] != VERSION:
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
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def line_digest(line: str) -> str:
    """By which a line that was shown is recognised: it may hold a password that stands in the manifest."""
    return hashlib.sha256(line.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _canonical(fields: Mapping[str, Any]) -> str:
    return json.dumps(fields, sort_keys=True, ensure_ascii=True)


def _mac(key: bytes, parts: Iterable[str]) -> str:
    told = "\0".join(parts).encode("utf-8", "surrogateescape")
    return hmac.new(key, told, hashlib.sha256).hexdigest()


def _read_key(store: Path) -> bytes | None:
    """The key; None where there is none, or where others could have written it."""
    path = store / "key"
    try:
        found = path.stat()
        if os.name == "posix" and (found.st_uid != os.geteuid() or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)):
            return None
        return bytes.fromhex(path.read_text(encoding="ascii").strip()) or None
    except (OSError, ValueError):
        return None


def _make_key(store: Path) -> bytes:
    """The key, made where there is none: written whole beside its place, and put there only if nobody was faster."""
    known = _read_key(store)
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
    made = _read_key(store)
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


def _quoted(subject: Path) -> str:
    import shlex

    return shlex.quote(str(subject))

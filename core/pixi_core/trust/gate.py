"""The gate: has this user approved what a workspace would install and run?

Opening a notebook must not install or run what a stranger wrote. So before a kernel is made ready, the workspace is
looked up in the store: an approval says, for one manifest at its absolute place, what was approved (`block`). A copy
elsewhere is asked about. Whoever types a command in a terminal has approved what it works on; only what happens by
itself asks (kernels that start, jobs of the server). Jupyter's own trust is another matter: it is about outputs, not
about environments.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InstallError, PixiError, TrustRequired
from ..fs import os_errors
from .store import (
    Approval,
    approval_file,
    mac,
    make_key,
    manifest_place,
    read_approval,
    read_key,
    store_folder,
    write_approval,
)

if TYPE_CHECKING:
    from ..config.model import TrustPolicy
    from ..lock.model import LockFile
    from ..workspace import Workspace

POLICY_VARIABLE = "PIXI_JUPYTER_TRUST"
TRUSTED_VARIABLE = "PIXI_JUPYTER_TRUSTED"
_FOREIGN_CACHES = ("prepared-v1", "activation-env-v0", "history-v1")
"""Folders of `.pixi` that hold variables and file names which are believed: a repository may bring made-up ones."""


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
    store, place = store_folder(workspace.environ), manifest_place(workspace.manifest_path)
    key = read_key(store)
    return None if key is None else read_approval(approval_file(store, place), key, place)


def fingerprint(workspace: Workspace) -> str:
    """What the user is shown, in short: an approval that is sent later can say which state it meant."""
    from .block import canonical_block, lock_origins

    told = [manifest_place(workspace.manifest_path), canonical_block(workspace), *sorted(lock_origins(workspace))]
    return hashlib.sha256("\0".join(told).encode("utf-8", "surrogateescape")).hexdigest()


def shown(workspace: Workspace) -> list[str]:
    """What an approval would allow, a line for each kind of thing; what the last one did not show is marked."""
    from .lines import describe, marked

    return marked(describe(workspace), find_approval(workspace))


def approvals(environ: Mapping[str, str]) -> list[Approval]:
    """Every valid approval of this user, by manifest."""
    store = store_folder(environ)
    key = read_key(store)
    found = [] if key is None else [read_approval(path, key, None) for path in sorted(store.glob("*.json"))]
    return sorted((one for one in found if one is not None), key=lambda one: one.manifest)


def policy(environ: Mapping[str, str]) -> TrustPolicy:
    """What happens with a workspace that is not approved: `ask` (refuse, and say how to approve), `locked-only` (what
    the lock file pins by hash may be installed, nothing of the manifest is run) or `always`.

    From `PIXI_JUPYTER_TRUST`, else from `[jupyter] trust` of the user's configuration; a workspace's own configuration
    has no say. Raises `TrustRequired` for another word.
    """
    word = environ.get(POLICY_VARIABLE, "").strip().lower()
    if not word:
        from ..config.load import load_config

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
    if is_vouched_for(workspace, environ):
        return "locked"
    chosen = policy(environ)
    if chosen == "always":
        return None
    if chosen == "locked-only":
        _refuse_unlocked(workspace)
        return "locked"
    raise refusal(workspace)


def is_vouched_for(workspace: Workspace, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the workspace lies in a folder that `PIXI_JUPYTER_TRUSTED` lists and that only others than this user can
    change: whoever set that variable (an administrator, for everybody's servers) answers for what lies there.

    Links count by where they lead. A root user could change everything, so nobody vouches for root's workspaces.
    """
    manifest = Path(os.path.realpath(workspace.manifest_path))
    for listed in environ.get(TRUSTED_VARIABLE, "").split(os.pathsep):
        folder = Path(os.path.realpath(listed)) if Path(listed).is_absolute() else None
        if folder is not None and manifest.is_relative_to(folder):
            places = [manifest, workspace.lock_path, *manifest.parents[: len(manifest.relative_to(folder).parts)]]
            return all(_is_foreign(place) for place in places)
    return False


def _is_foreign(place: Path) -> bool:
    """Whether this user cannot change something, or make it where it is missing; owners could give themselves leave."""
    try:
        owner = place.lstat().st_uid
    except FileNotFoundError:
        return True  # the folder, which is asked about too, decides
    except OSError:
        return False
    return hasattr(os, "geteuid") and owner != os.geteuid() and not os.access(place, os.W_OK)


def refusal(workspace: Workspace, reason: str = "") -> TrustRequired:
    """The error for a workspace that is not approved."""
    import shlex

    changed = find_approval(workspace) is not None
    subject = workspace.notebook if workspace.notebook is not None else workspace.manifest_path
    what = f"the environment that {subject} carries" if workspace.notebook is not None else str(subject)
    state = "has changed since you approved it" if changed else "has not been approved by you"
    return TrustRequired(
        f"{what} {state}; nothing of it was installed or run" + (f" ({reason})" if reason else ""),
        details=["It would use:", *(f"  {line}" for line in shown(workspace))],
        hints=[f"if you trust it, run `pixi trust {shlex.quote(str(subject))}`, or `%pixi trust` in the notebook"],
        subject=str(subject),
    )


def _refuse_unlocked(workspace: Workspace) -> None:
    """The policy `locked-only`: wheels and conda packages by hash, and nothing that the manifest could run."""
    from ..model.record import PypiRecord, RepoDataRecord
    from .block import CONFIG

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


def cover(workspace: Workspace, lock: LockFile, text: str | None = None) -> None:
    """Before a lock file of our own making is written, and with `text` a manifest that was edited for the user: both
    are as approved as the manifest that stands there, from their first moment on. Another kernel may start in that
    moment, long before this work is at its end and `renew` or `sign` comes.
    """
    from .block import origins_of

    with suppress(PixiError):
        approval, origins = find_approval(workspace), origins_of(lock)
        if approval is None or not is_trusted(workspace):
            return
        if text is not None and text != workspace.manifest_text:
            _announce(workspace, approval, _block(workspace, text), origins)
        elif not origins <= set(approval.origins):
            _store(workspace, approval.by, (*approval.origins, *origins))


def settle(workspace: Workspace) -> None:
    """The manifest that was covered before it was written will not come: the work has failed."""
    with suppress(PixiError):
        approval = find_approval(workspace)
        if approval is not None and approval.coming:
            _announce(workspace, approval, "", ())


def _announce(workspace: Workspace, approval: Approval, coming: str, origins: Iterable[str]) -> None:
    store = store_folder(workspace.environ)
    told = approval.replace(coming=coming, origins=tuple(sorted({*approval.origins, *origins})))
    write_approval(store, make_key(store), told)


def renew(workspace: Workspace, *, by: str | None = None) -> None:
    """After our own work on an approved workspace: what the solver chose is covered, too. Whatever has changed in the
    manifest by other hands stays unapproved; a store that cannot be written stays as it is.
    """
    approval = find_approval(workspace)
    if (
        approval is None
        or _unchanged(workspace, approval)
        or _block(workspace) not in (approval.block, approval.coming)
    ):
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
    path = approval_file(store_folder(workspace.environ), manifest_place(workspace.manifest_path))
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
            import shutil  # lazy: once in the life of a workspace

            shutil.rmtree(folder, ignore_errors=True)


# ---------------------------------------------------------------- comparing


def _unchanged(workspace: Workspace, approval: Approval) -> bool:
    """Whether every file that was looked at then holds what it held then."""
    from .block import file_digest

    here = {"": _text_digest(workspace.manifest_text), "pixi.lock": _text_digest(workspace.lock_text())}
    return all((here[name] if name in here else file_digest(Path(name))) == digest
               for name, digest in approval.seen.items())  # fmt: skip


def _covers(workspace: Workspace, approval: Approval) -> bool:
    from .block import lock_origins

    here = _block(workspace)
    same = any(hmac.compare_digest(here, block) for block in (approval.block, approval.coming) if block)
    return same and lock_origins(workspace) <= set(approval.origins)


def _block(workspace: Workspace, text: str | None = None) -> str:
    """The HMAC of what counts, of the manifest as it stands or with another `text`."""
    from .block import canonical_block

    key = read_key(store_folder(workspace.environ))
    if key is None:
        return ""
    return mac(key, [manifest_place(workspace.manifest_path), canonical_block(workspace, text)])


def _text_digest(text: str | None) -> str:
    return "" if text is None else hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _store(workspace: Workspace, by: str, origins: Iterable[str]) -> Approval:
    from datetime import UTC, datetime

    from .block import file_digest, lock_origins, watched_files
    from .lines import describe, line_digest

    store = store_folder(workspace.environ)
    key = make_key(store)
    seen = {str(path): file_digest(path) for path in watched_files(workspace)}
    seen |= {"": _text_digest(workspace.manifest_text), "pixi.lock": _text_digest(workspace.lock_text())}
    approval = Approval(
        manifest=manifest_place(workspace.manifest_path),
        block=_block(workspace),
        origins=tuple(sorted({*origins, *lock_origins(workspace)})),
        seen=seen,
        lines=tuple(line_digest(line) for line in describe(workspace)),
        by=by,
        approved=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    write_approval(store, key, approval)
    return approval

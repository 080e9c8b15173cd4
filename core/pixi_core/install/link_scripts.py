"""The scripts that a few conda packages bring: `.<name>-post-link.sh`, `.<name>-pre-unlink.sh` and the `.bat` forms.

They run as the user and may do anything, so they run only where the configuration says `run-post-link-scripts =
"insecure"`; otherwise the user is told which ones were left out.
"""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import InstallError
from ..model.platform import operating_system
from ..model.record import RepoDataRecord
from ..names import safe_component
from .conda_meta import read_record
from .fingerprint import META_FOLDER
from .journal import LinkConda, Transaction
from .link import LinkOptions


def script_path(name: str, kind: str, *, windows: bool) -> str:
    """Where a package keeps a script, relative to the prefix."""
    checked = safe_component(name)
    return f"Scripts/.{checked}-{kind}.bat" if windows else f"bin/.{checked}-{kind}.sh"


def skipped_scripts(transaction: Transaction, options: LinkOptions) -> list[str]:
    """A sentence naming the packages whose scripts were not run."""
    if options.run_link_scripts:
        return []
    names = sorted(link.record.name for link in transaction.conda if _has_script(link))
    if not names:
        return []
    advice = '(set `run-post-link-scripts = "insecure"` to run them)'
    return [f"scripts that run after linking were skipped for {', '.join(names)} {advice}"]


def _has_script(link: LinkConda) -> bool:
    wanted = {
        script_path(link.record.name, kind, windows=windows)
        for kind in ("post-link", "pre-link")
        for windows in (False, True)
    }
    return not wanted.isdisjoint(link.targets)


def run_post_link(prefix: Path, transaction: Transaction, options: LinkOptions) -> list[str]:
    """Run the scripts of the packages that were linked; what they wrote for the user. Raises `InstallError`."""
    if not options.run_link_scripts:
        return []
    windows = operating_system(transaction.platform.subdir) == "win"
    told: list[str] = []
    for link in transaction.conda:
        told += _run(prefix, link.record, "post-link", options, windows=windows, strict=True)
    return told


def run_pre_unlink(prefix: Path, transaction: Transaction, options: LinkOptions) -> list[str]:
    """Run the scripts of the packages that go, as far as they are still there; a failing one does not hold us up."""
    if not options.run_link_scripts:
        return []
    windows = operating_system(transaction.platform.subdir) == "win"
    told: list[str] = []
    for file in transaction.old_meta:
        path = prefix / META_FOLDER / file
        if path.exists():
            told += _run(prefix, read_record(path).record, "pre-unlink", options, windows=windows, strict=False)
    return told


def _run(
    prefix: Path, record: RepoDataRecord, kind: str, options: LinkOptions, *, windows: bool, strict: bool
) -> list[str]:
    script = prefix / script_path(record.name, kind, windows=windows)
    if not script.exists():
        return []
    environ = {
        **os.environ,
        "PREFIX": str(prefix),
        "PKG_NAME": record.name,
        "PKG_VERSION": record.version,
        "PKG_BUILDNUM": str(record.build_number),
    }
    argv = ["cmd.exe", "/d", "/c", str(script)] if windows else ["/bin/sh", "-e", str(script)]
    code, output = options.runner(argv, environ, prefix)
    if code and strict:
        raise InstallError(
            f"the {kind} script of {record} failed with exit code {code}: {output.strip()[-500:]}",
            hints=["leave scripts out with `run-post-link-scripts = false`"],
        )
    messages = prefix / ".messages.txt"
    told = []
    if messages.exists():
        told.append(f"{record.name}: {messages.read_text(encoding='utf-8', errors='replace').strip()}")
        messages.unlink()
    return told

"""`--script FILE` where the script is not run: its block, the workspace it describes, and the lock file beside it.

A change of the block solves nothing, unless the script has a lock file: that is then kept up to date.
"""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ManifestError, UsageError
from ..fs import FileLock, atomic_write, ensure_dir
from ..progress import SILENT, Reporter
from .lock import Locked, outdated_reasons, relock
from .script import script_file, script_workspace, sidecar

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..manifest.script_block import ScriptEditor
    from ..workspace import Services, Workspace

_PYTHON = ">=3.11"
"""What a new script asks for."""


def init_script(path: Path, *, channels: Sequence[str]) -> None:
    """Write a block into a script, which is made where there is none. Raises `ManifestError` where it has one."""
    import tomlkit

    from ..manifest.script_block import only_block, with_block

    text = _read(path) if path.exists() else ""
    if only_block(text, source=str(path)) is not None:
        hint = f"add packages to it: `pixi add --script {path.name} NAME`"
        raise ManifestError(f"{path} says already what it needs", hints=[hint])
    tables = tomlkit.dumps({"tool": {"pixi": {"workspace": {"channels": list(channels)}}}})
    content = f'requires-python = "{_PYTHON}"\ndependencies = []\n\n{tables}'
    atomic_write(path, with_block(text, content, source=str(path)))


def add_to_script(path: Path, specs: Sequence[str], *, pypi: bool, platforms: Sequence[str] = ()) -> dict[str, str]:
    """Write packages into the block, which a script without one gets; returns each name and what stands there now.

    Raises `SpecError`, `ManifestError`; the script is then as it was.
    """
    from ..model.match_spec import parse_match_spec
    from ..model.pypi_requirement import parse_requirement

    editor, text = _edit(path)
    said: dict[str, str] = {}
    for given in specs:
        for platform in platforms or (None,):
            if pypi:
                requirement = parse_requirement(given)
                editor.add_pypi(requirement, platform=platform)
                said[requirement.name] = str(requirement).removeprefix(str(requirement.name)) or "*"
            else:
                spec = parse_match_spec(given)
                if spec.name is None:
                    raise ManifestError(f"'{given}' names no package")
                editor.add_conda(spec.name, spec, platform=platform)
                said[spec.name] = str(spec).removeprefix(str(spec.name)).strip() or "*"
    _write(path, text, editor)
    return said


def remove_from_script(path: Path, names: Sequence[str], *, pypi: bool, platforms: Sequence[str] = ()) -> None:
    """Take packages out of the block. Raises `ManifestError` with near names; the script is then as it was."""
    editor, text = _edit(path)
    for name in names:
        for platform in platforms or (None,):
            if pypi:
                editor.remove_pypi(name, platform=platform)
            else:
                editor.remove_conda(name, platform=platform)
    _write(path, text, editor)


def lock_script(
    services: Services, path: Path, *, write: bool = True, only_present: bool = False, reporter: Reporter = SILENT
) -> Locked | None:
    """Solve a script and write the lock file beside it; None where it has none and `only_present`.

    Raises what solving raises; the file is then as it was.
    """
    beside = sidecar(path)
    is_new = not beside.is_file()
    if only_present and is_new:
        return None
    with opened_script(services, path, reporter=reporter) as workspace:
        if is_new:
            workspace.lock_path.unlink(missing_ok=True)
        lock = workspace.lock()
        reasons = outdated_reasons(workspace, lock)
        if lock is not None and not reasons:
            return Locked(lock=lock, changed=False)
        locked = relock(workspace, lock, reasons=reasons, write=write, reporter=reporter)
        if is_new and write:
            atomic_write(beside, workspace.lock_path.read_text(encoding="utf-8"))
        return locked


@contextmanager
def opened_script(services: Services, path: Path, *, reporter: Reporter = SILENT) -> Iterator[Workspace]:
    """The workspace of a script, which lies in the cache and is nobody else's meanwhile. Its lock file is that beside
    the script; where there is none, what `run --script` came to the last time. What is locked anew meanwhile is in the
    file beside the script, too, when this context ends. Raises `UsageError`, `ManifestError`.
    """
    from ..workspace import Workspace

    beside = sidecar(path)
    home, manifest = script_workspace(services, script_file(path), folder=path.parent)
    with FileLock(home.with_name(f"{home.name}.lock"), on_wait=lambda who: reporter.message(f"waiting for {who}")):
        atomic_write(ensure_dir(home) / "pixi.toml", manifest)
        workspace = Workspace.open(home / "pixi.toml", environ=services.environ)
        try:
            workspace.configure(reporter=reporter)
            before = beside.read_text(encoding="utf-8") if beside.is_file() else None
            if before is not None:
                atomic_write(workspace.lock_path, before)
            yield workspace
            after = workspace.lock_text()
            if before is not None and after is not None and after != before:
                atomic_write(beside, after)
        finally:
            workspace.close()


def _edit(path: Path) -> tuple[ScriptEditor, str]:
    """An editor of the block, and the text of the script. Raises `UsageError`, `ManifestError`."""
    from ..manifest.script_block import ScriptEditor, only_block

    text = _read(path)
    block = only_block(text, source=str(path))
    content = f'requires-python = "{_PYTHON}"\ndependencies = []\n' if block is None else "\n".join([*block[1], ""])
    return ScriptEditor(content), text


def _write(path: Path, text: str, editor: ScriptEditor) -> None:
    from ..manifest.script_block import with_block

    atomic_write(path, with_block(text, editor.text, source=str(path)))


def _read(path: Path) -> str:
    """The text with its line ends as they are. Raises `UsageError`."""
    try:
        return path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the script {path} cannot be read: {getattr(error, 'strerror', None) or error}") from None

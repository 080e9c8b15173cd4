"""A notebook as a script with inline metadata (PEP 723), and back.

The block `# /// script` says what the notebook's manifest says, in the form that `pixi run --script` reads; plain PyPI
requirements and the Python stand where every tool looks for them. Cells are parted by `# %%` lines, the convention of
editors; what is no Python (magics, shell lines) becomes a comment.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pixi_core.errors import NotebookError, SpecError

TABLES = ("workspace", "dependencies", "pypi-dependencies", "target", "pypi-options")
CELL, TEXT_CELL = "# %%", "# %% [markdown]"
_KEPT_OF_WORKSPACE = ("channels", "platforms", "channel-priority", "exclude-newer", "solve-strategy")
_NO_PYTHON = re.compile(r"\s*(?:[%!]|\?|[^#'\"]*\?$)")


def script_of(manifest: str, cells: Sequence[Mapping[str, Any]], *, source: str) -> str:
    """The script of a notebook with this manifest. Raises `NotebookError` where the manifest says more than the block
    of a script can.
    """
    parts = [block_of(manifest, source=source)]
    for cell in cells:
        text = "".join(cell.get("source", ""))
        if cell.get("cell_type") == "code":
            parts.append(f"{CELL}\n{python_only(text)}".rstrip())
        else:
            parts.append("\n".join([TEXT_CELL, *(f"# {line}".rstrip() for line in text.splitlines())]))
    return "\n\n".join(parts) + "\n"


def block_of(manifest: str, *, source: str) -> str:
    """The metadata block. Raises `NotebookError`."""
    import tomli
    import tomlkit

    tables: dict[str, Any] = tomli.loads(manifest)
    more = [key for key, value in tables.items() if key not in TABLES and value]
    if more:
        raise NotebookError(
            f"{source}: a script has no place for {', '.join(f'[{key}]' for key in more)}",
            hints=["take the notebook's workspace into a folder: `pixi notebook extract`"],
        )
    workspace = tables.get("workspace", {})
    pixi: dict[str, Any] = {"workspace": {key: workspace[key] for key in _KEPT_OF_WORKSPACE if key in workspace}}
    conda, pypi = dict(tables.get("dependencies", {})), dict(tables.get("pypi-dependencies", {}))
    block: dict[str, Any] = {}
    if _is_python_version(conda.get("python")):
        block["requires-python"] = conda.pop("python")
    block["dependencies"] = [text for text in (_plain(name, pypi) for name in list(pypi)) if text]
    pixi.update({"dependencies": conda, "pypi-dependencies": pypi})
    pixi.update({key: tables[key] for key in ("target", "pypi-options") if key in tables})
    text = tomlkit.dumps({**block, "tool": {"pixi": {key: value for key, value in pixi.items() if value}}})
    return "\n".join(["# /// script", *(f"# {line}".rstrip() for line in text.rstrip().splitlines()), "# ///"])


def _is_python_version(text: object) -> bool:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        return isinstance(text, str) and bool(SpecifierSet(text))
    except InvalidSpecifier:
        return False


def _plain(name: str, pypi: dict[str, Any]) -> str:
    """The requirement of a package whose manifest entry is a version; it is then taken out of `pypi`."""
    from pixi_core.model.pypi_requirement import parse_requirement

    version = pypi[name]
    if not isinstance(version, str):
        return ""
    text = name if version == "*" else name + version
    try:
        parse_requirement(text)
    except SpecError:
        return ""
    del pypi[name]
    return text


def python_only(text: str) -> str:
    """A cell without what only IPython understands: those lines become comments."""
    if text.startswith("%%"):
        return "\n".join(f"# {line}".rstrip() for line in text.splitlines())
    if _parses(text):
        return text
    lines = []
    for line in text.splitlines():
        indent = line[: len(line) - len(line.lstrip())]
        is_python = not line.strip() or not _NO_PYTHON.match(line)
        lines.append(line if is_python else f"{indent}pass  # {line.strip()}" if indent else f"# {line}")
    changed = "\n".join(lines)
    return changed if _parses(changed) else "\n".join(f"# {line}".rstrip() for line in text.splitlines())


def _parses(text: str) -> bool:
    try:
        # the top level of a cell may await
        compile(text, "<cell>", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    except (SyntaxError, ValueError):
        return False
    return True


def cells_of(script: str) -> list[dict[str, Any]]:
    """The cells of a script: parted where it says so, its metadata block left out."""
    return [
        _cell(kind, lines)
        for kind, lines in _sections(_without_block(script.splitlines()))
        if any(map(str.strip, lines))
    ]


def _without_block(lines: Sequence[str]) -> list[str]:
    if "# /// script" not in lines:
        return list(lines)
    start = lines.index("# /// script")
    end = next((n for n in range(start, len(lines)) if lines[n] == "# ///"), start)
    return [*lines[:start], *lines[end + 1 :]]


def _sections(lines: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    kind, section = CELL, list[str]()
    for line in lines:
        if line.startswith(CELL):
            yield kind, section
            kind, section = (TEXT_CELL if line.startswith(TEXT_CELL) else CELL), []
        else:
            section.append(line)
    yield kind, section


def _cell(kind: str, lines: Sequence[str]) -> dict[str, Any]:
    text = "\n".join(lines).strip("\n")
    if kind == CELL:
        return {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": text}
    shown = [line.removeprefix("#").removeprefix(" ") for line in text.splitlines()]
    return {"cell_type": "markdown", "metadata": {}, "source": "\n".join(shown)}

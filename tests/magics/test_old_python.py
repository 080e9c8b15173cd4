"""What runs in the user's kernel is written for Python 3.8, with the standard library and IPython alone."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

import pixi_magics
from pixi_provisioner import bootstrap

FILES = [*sorted(Path(pixi_magics.__file__).parent.glob("*.py")), Path(bootstrap.__file__)]
ALLOWED = {"IPython", "ipykernel", "pixi_magics", "__future__"}
WHERE_IT_IS = {"panel.py": {"ipywidgets"}}
"""What a module may import inside a function, where it may be missing."""


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_syntax_and_imports(path: Path) -> None:
    tree = ast.parse(path.read_text(), feature_version=(3, 8))
    imported = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            imported.add((node.module or "").partition(".")[0])
    others = imported - set(sys.stdlib_module_names) - ALLOWED
    assert others <= WHERE_IT_IS.get(path.name, set())
    assert not [node for node in tree.body if isinstance(node, ast.Import) and {a.name for a in node.names} & others]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_annotations_are_not_evaluated_or_old(path: Path) -> None:
    """`list[str]` and `a | b` in an annotation need 3.9 and 3.10, unless annotations stay text."""
    text = path.read_text()
    if "from __future__ import annotations" in text:
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
            assert node.value.id not in {"list", "dict", "tuple", "set", "frozenset", "type"}
        if isinstance(node, (ast.arg, ast.AnnAssign)) and node.annotation is not None:
            assert not [part for part in ast.walk(node.annotation) if isinstance(part, ast.BitOr)]

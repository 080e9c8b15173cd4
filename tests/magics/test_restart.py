"""The restart verdict: a table of changes against what a process has loaded."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pixi_magics.restart import READY, RECOMMENDED, REQUIRED, Loaded, judge

PREFIX = "/envs/default"
SITE = "lib/python3.11/site-packages"


def in_memory(modules: dict[str, str], mapped: tuple[str, ...] = (), environ: dict[str, str] | None = None) -> Loaded:
    """A process that loaded `modules` (file below the prefix -> module) and maps further files."""
    files = {f"{PREFIX}/{file}" if not file.startswith("/") else file: [name] for file, name in modules.items()}
    return Loaded(files, frozenset(f"{PREFIX}/{file}" for file in mapped), environ or {})


def package(name: str, files: list[str], kind: str = "pypi") -> dict[str, Any]:
    return {"name": name, "kind": kind, "version": "1.0", "files": files}


def change(name: str, old: list[str], new: list[str] | None = None, kind: str = "pypi") -> dict[str, Any]:
    return {
        "name": name,
        "kind": kind,
        "old_version": "1.0",
        "new_version": "2.0",
        "old_files": old,
        "new_files": old if new is None else new,
    }


PURE = f"{SITE}/pure/__init__.py"
FAST = f"{SITE}/fast/_core.cpython-311-x86_64-linux-gnu.so"
LIBRARY = "lib/libopenblas.so.0"
NOTHING: dict[str, str] = {}

CASES: list[tuple[str, dict[str, Any], dict[str, str | None], Loaded, str, str]] = [
    ("nothing", {}, {}, in_memory({}), READY, "ready now"),
    ("new pure package", {"added": [package("pure", [PURE])]}, {}, in_memory({}), READY, "ready now"),
    ("new compiled package", {"added": [package("fast", [FAST])]}, {}, in_memory({}), READY, "ready now"),
    ("changed, not loaded", {"changed": [change("pure", [PURE])]}, {}, in_memory({}), READY, "ready now"),
    (
        "changed, loaded",
        {"changed": [change("pure", [PURE])]},
        {},
        in_memory({PURE: "pure"}),
        RECOMMENDED,
        "restart recommended: pure 1.0 → 2.0 (loaded: pure)",
    ),
    (
        "one of its submodules is loaded",
        {"changed": [change("pure", [f"{SITE}/ns/part.py"])]},
        {},
        in_memory({f"{SITE}/ns/part.py": "ns.part"}),
        RECOMMENDED,
        "loaded: ns",
    ),
    (
        "changed extension module, loaded",
        {"changed": [change("fast", [FAST, f"{SITE}/fast/__init__.py"])]},
        {},
        in_memory({FAST: "fast._core", f"{SITE}/fast/__init__.py": "fast"}),
        REQUIRED,
        "restart required: fast 1.0 → 2.0 (compiled and loaded: fast)",
    ),
    (
        "pure part loaded of a package with an extension",
        {"changed": [change("fast", [FAST, f"{SITE}/fast/__init__.py"])]},
        {},
        in_memory({f"{SITE}/fast/__init__.py": "fast"}),
        RECOMMENDED,
        "loaded: fast",
    ),
    (
        "library mapped by no module's file",
        {"changed": [change("libopenblas", [LIBRARY], kind="conda")]},
        {},
        in_memory({}, mapped=(LIBRARY,)),
        REQUIRED,
        "compiled and loaded: libopenblas.so.0",
    ),
    ("library not mapped", {"changed": [change("libopenblas", [LIBRARY])]}, {}, in_memory({}), READY, "ready now"),
    (
        "removed, loaded",
        {"removed": [package("pure", [PURE])]},
        {},
        in_memory({PURE: "pure"}),
        RECOMMENDED,
        "pure was removed (loaded: pure)",
    ),
    ("removed, not loaded", {"removed": [package("pure", [PURE])]}, {}, in_memory({}), READY, "ready now"),
    (
        "removed library, mapped",
        {"removed": [package("libx", [LIBRARY])]},
        {},
        in_memory({}, mapped=(LIBRARY,)),
        RECOMMENDED,
        "libopenblas.so.0",
    ),
    (
        "Python itself",
        {"changed": [change("python", ["bin/python3.11"], kind="conda")]},
        {},
        in_memory({}),
        REQUIRED,
        "python 1.0 → 2.0 (Python itself)",
    ),
    (
        "Python removed",
        {"removed": [package("python", ["bin/python3.11"], "conda")]},
        {},
        in_memory({}),
        REQUIRED,
        "removed",
    ),
    (
        "a PyPI project called python is none",
        {"changed": [change("python", [f"{SITE}/x.py"])]},
        {},
        in_memory({}),
        READY,
        "",
    ),
    (
        "removed .pth",
        {"removed": [package("editable", [f"{SITE}/__editable__.pth"])]},
        {},
        in_memory({}),
        RECOMMENDED,
        ".pth",
    ),
    (
        "another .pth in place of the old one",
        {"changed": [change("editable", [f"{SITE}/a.pth"], [f"{SITE}/b.pth"])]},
        {},
        in_memory({}),
        RECOMMENDED,
        "a.pth was read at start",
    ),
    ("new .pth", {"added": [package("editable", [f"{SITE}/e.pth"])]}, {}, in_memory({}), READY, "ready now"),
    (
        "data of a package, none loaded",
        {"changed": [change("data", ["share/data/table.csv"])]},
        {},
        in_memory({}),
        READY,
        "",
    ),
    (
        "data of a loaded package",
        {"changed": [change("pure", [PURE, f"{SITE}/pure/table.csv"])]},
        {},
        in_memory({PURE: "pure"}),
        RECOMMENDED,
        "loaded: pure",
    ),
    (
        "hidden by a module from elsewhere",
        {"added": [package("traitlets", [f"{SITE}/traitlets/__init__.py"])]},
        {},
        in_memory({"/cache/kernels/abc/traitlets/__init__.py": "traitlets"}),
        RECOMMENDED,
        "traitlets is loaded from elsewhere",
    ),
    ("harmless variable", {}, {"PROJ_DATA": "/envs/default/share/proj"}, in_memory({}), READY, "ready now"),
    ("loader variable", {}, {"LD_LIBRARY_PATH": "/envs/default/lib"}, in_memory({}), REQUIRED, "LD_LIBRARY_PATH"),
    ("loader variable unset", {}, {"LD_PRELOAD": None}, in_memory({}, environ={"LD_PRELOAD": "x"}), REQUIRED, "LD_P"),
    (
        "loader variable as it was",
        {},
        {"LD_LIBRARY_PATH": "/l"},
        in_memory({}, (), {"LD_LIBRARY_PATH": "/l"}),
        READY,
        "",
    ),
    ("PYTHONPATH", {}, {"PYTHONPATH": "/somewhere"}, in_memory({}), RECOMMENDED, "PYTHONPATH"),
    (
        "the worst one wins",
        {"changed": [change("pure", [PURE]), change("fast", [FAST])]},
        {},
        in_memory({PURE: "pure", FAST: "fast._core"}),
        REQUIRED,
        "restart required: fast",
    ),
]


@pytest.mark.parametrize(
    ("transaction", "variables", "loaded", "level", "line"),
    [case[1:] for case in CASES],
    ids=[case[0].replace(" ", "-") for case in CASES],
)
def test_verdict(
    transaction: dict[str, Any], variables: dict[str, str | None], loaded: Loaded, level: str, line: str
) -> None:
    verdict = judge(transaction, variables, PREFIX, loaded)
    assert verdict.level == level
    assert line in verdict.line()


def test_modules_are_named_once_and_many_are_counted() -> None:
    files = [f"{SITE}/m{number}.py" for number in range(6)]
    loaded = in_memory({file: f"m{number}" for number, file in enumerate(files)})
    verdict = judge({"changed": [change("many", files)]}, {}, PREFIX, loaded)
    assert verdict.modules == [f"m{number}" for number in range(6)]
    assert verdict.line().endswith("(loaded: m0, m1, m2, m3 and 2 more)")


LIVE = """
import importlib, json, os, sys
from pixi_magics import restart
prefix, site_folder, case = sys.argv[1], sys.argv[2], sys.argv[3]
sys.path.append(site_folder)
importlib.invalidate_caches()
answer = {}
relative = os.path.relpath(site_folder, prefix)
if case == "new":
    try:
        import fresh
    except ImportError:
        pass
    os.mkdir(os.path.join(site_folder, "fresh"))
    open(os.path.join(site_folder, "fresh", "__init__.py"), "w").write("x = 1")
    transaction = {"added": [{"name": "fresh", "version": "1", "files": [relative + "/fresh/__init__.py"]}]}
elif case == "pth":
    target = os.path.join(prefix, "sources"); os.mkdir(target)
    open(os.path.join(target, "edited.py"), "w").write("x = 1")
    open(os.path.join(site_folder, "edited.pth"), "w").write(target + "\\n")
    transaction = {"added": [{"name": "edited", "version": "1", "files": [relative + "/edited.pth"]}]}
else:
    open(os.path.join(site_folder, "old.py"), "w").write("x = 1")
    import old
    os.unlink(os.path.join(site_folder, "old.py")); open(os.path.join(site_folder, "old.py"), "w").write("x = 22")
    files = [relative + "/old.py"]
    change = {"name": "old", "old_version": "1", "new_version": "2", "old_files": files, "new_files": files}
    transaction = {"changed": [change]}
variables = {"FROM_ACTIVATION": "yes", "LD_LIBRARY_PATH": "/never"}
verdict = restart.judge(transaction, {"FROM_ACTIVATION": "yes"}, prefix, restart.loaded_here())
restart.refresh(transaction, variables, prefix)
name = {"new": "fresh", "pth": "edited", "old": "old"}[case]
print(json.dumps({"level": verdict.level, "x": __import__(name).x, "variable": os.environ.get("FROM_ACTIVATION"),
                  "loader": os.environ.get("LD_LIBRARY_PATH")}))
"""


@pytest.mark.parametrize(("case", "level", "value"), [("new", READY, 1), ("pth", READY, 1), ("old", RECOMMENDED, 1)])
def test_verdict_agrees_with_a_live_interpreter(tmp_path: Path, case: str, level: str, value: int) -> None:
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    site_folder = tmp_path / "lib" / version / "site-packages"
    site_folder.mkdir(parents=True)
    environ = {name: text for name, text in os.environ.items() if name != "LD_LIBRARY_PATH"}
    done = subprocess.run(
        [sys.executable, "-c", LIVE, str(tmp_path), str(site_folder), case],
        capture_output=True, text=True, check=True, env=environ,
    )  # fmt: skip
    assert json.loads(done.stdout) == {"level": level, "x": value, "variable": "yes", "loader": None}

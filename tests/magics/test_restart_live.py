"""The restart verdict against what really happens: a living interpreter before, and a new one after each change.

*Ready* is right when both see the same; each other verdict when they do not. A few verdicts are more careful than
that, where nobody can know what a process has read; these say so.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import pixi_magics
from pixi_magics.restart import READY, RECOMMENDED, REQUIRED
from tests.support.live_python import LivePython, interpreters, live_python

pytestmark = pytest.mark.slow

VERSIONS = ("3.9", "3.10", "3.11", "3.12", "3.13", "3.14")
"""A version that the machine lacks is skipped."""

Files = Mapping[str, str | bytes]


@cache
def library(answer: int) -> bytes:
    """A shared library whose function `answer` returns a number."""
    return compiled("libanswer.so", f"int answer(void) {{ return {answer}; }}", ())


@cache
def extension(answer: int) -> bytes:
    """A module `NAME` of Python's stable ABI, the same for all versions; its `x` is a number."""
    return compiled("fastmod.abi3.so", _EXTENSION.replace("ANSWER", str(answer)), ("-DPy_LIMITED_API=0x03080000",))


@cache
def linked_extension() -> bytes:
    """An extension module whose function `x` asks the library `libanswer.so` of the same folder."""
    return compiled("linked.abi3.so", _LINKED, ("-DPy_LIMITED_API=0x03080000",), library(1))


_EXTENSION = """
#include <Python.h>
static struct PyModuleDef def = {PyModuleDef_HEAD_INIT, "fastmod", 0, -1, 0};
PyMODINIT_FUNC PyInit_fastmod(void) {
  PyObject *m = PyModule_Create(&def);
  PyModule_AddIntConstant(m, "x", ANSWER);
  return m;
}
"""
_LINKED = """
#include <Python.h>
int answer(void);
static PyObject *x(PyObject *self, PyObject *args) { return PyLong_FromLong(answer()); }
static PyMethodDef methods[] = {{"x", x, METH_NOARGS, 0}, {0, 0, 0, 0}};
static struct PyModuleDef def = {PyModuleDef_HEAD_INIT, "linked", 0, -1, methods};
PyMODINIT_FUNC PyInit_linked(void) { return PyModule_Create(&def); }
"""


def compiled(name: str, source: str, flags: tuple[str, ...], needs: bytes | None = None) -> bytes:
    """What the C compiler makes of a source text; `needs` is a `libanswer.so` to link to. Skips without a compiler."""
    import sysconfig
    import tempfile

    compiler = shutil.which("cc") or shutil.which("gcc")
    headers = sysconfig.get_paths()["include"]
    if compiler is None or not Path(headers, "Python.h").is_file():
        pytest.skip("no C compiler, or no header files of Python")
    with tempfile.TemporaryDirectory() as folder:
        source_file, made = Path(folder, "source.c"), Path(folder, name)
        source_file.write_text(source)
        words = [compiler, "-shared", "-fPIC", "-I", headers, *flags, "-o", str(made), str(source_file)]
        if needs is not None:
            Path(folder, "libanswer.so").write_bytes(needs)
            words += ["-L", folder, "-lanswer", "-Wl,-rpath,$ORIGIN"]
        subprocess.run(words, check=True, capture_output=True)
        return made.read_bytes()


@dataclass(frozen=True)
class Case:
    """A change of one package.

    File names are below the prefix, `SITE` stands for site-packages, `NAME` (in names and texts) for the package, and
    what is below `outside` (the sources of an editable package) does not belong to it.
    `load` is run by the living process before the change; `look` puts what it sees afterwards into `answer`, there and
    in a new process. `careful`: the verdict is on the safe side.
    """

    level: str
    before: Callable[[], Files] = dict
    after: Callable[[], Files] = dict
    load: str = ""
    look: str = "import NAME; answer = NAME.x"
    variables: Mapping[str, str] = field(default_factory=dict)
    package: str = ""
    kind: str = "pypi"
    careful: bool = False


def module(x: object) -> Callable[[], Files]:
    """A package that is one file."""
    return lambda: {"SITE/NAME.py": f"x = {x!r}\n"}


def parts(first: int, second: int, **more: str) -> Callable[[], Files]:
    """A package of two submodules, and other files."""
    return lambda: {
        "SITE/NAME/__init__.py": "",
        "SITE/NAME/first.py": f"x = {first}\n",
        "SITE/NAME/second.py": f"x = {second}\n",
        **{f"SITE/NAME/{key}.txt": text for key, text in more.items()},
    }


BOTH = "import NAME.first, NAME.second; answer = [NAME.first.x, NAME.second.x]"
FAST = "from NAME import fastmod; answer = fastmod.x"
GUESS = "import NAME; answer = getattr(NAME, 'x', 0)"
VARIABLE = "import os; answer = os.environ.get('{}')"
VERSION = "import importlib.metadata as m; answer = m.version('NAME')"
POINTS = """
import importlib.metadata as m
found = m.entry_points()
chosen = found.select(group='NAME') if hasattr(found, 'select') else found.get('NAME', [])
answer = sorted(point.name for point in chosen)
"""
TABLE = """
import os, sys
answer = next(open(p).read() for p in (os.path.join(e, 'NAME', 'table.txt') for e in sys.path) if os.path.exists(p))
"""
READS_AT_IMPORT = "import os\nx = open(os.path.join(os.path.dirname(__file__), 'table.txt')).read()\n"
NATIVE = "import ctypes, sys; answer = ctypes.CDLL(sys.prefix + '/lib/libNAME.so').answer()"
# by the handle that a process holds: what it has opened stays open
HELD = """
import ctypes, sys
handle = globals().get('handle') or ctypes.CDLL(sys.prefix + '/lib/libNAME.so')
answer = handle.answer()
"""


def info(version: str, points: str = "") -> dict[str, str]:
    """The metadata folder of a distribution; of one name whatever its version, so that it changes in place."""
    return {
        "SITE/NAME.dist-info/METADATA": f"Metadata-Version: 2.1\nName: NAME\nVersion: {version}\n",
        "SITE/NAME.dist-info/entry_points.txt": points,
    }


CASES: dict[str, Case] = {
    "new package": Case(READY, after=module(1)),
    "new package that was looked for before": Case(
        READY, after=module(1), load="try:\n    import NAME\nexcept ImportError:\n    pass"
    ),
    "new compiled package": Case(
        READY,
        after=lambda: {"SITE/NAME/fastmod.abi3.so": extension(1)},
        look="from NAME import fastmod; answer = fastmod.x",
    ),
    "pure, loaded": Case(RECOMMENDED, module(1), module(2), "import NAME"),
    "pure, not loaded": Case(READY, module(1), module(2)),
    "upgraded dependency that is not loaded": Case(
        READY, parts(1, 1), parts(1, 2), load="import json", look="import NAME.second; answer = NAME.second.x"
    ),
    "one submodule loaded, another imported later": Case(
        RECOMMENDED, parts(1, 1), parts(2, 2), "import NAME.first", BOTH
    ),
    "loaded files as they were, another submodule changed": Case(
        RECOMMENDED, parts(1, 1), parts(1, 2), "import NAME.first", BOTH, careful=True
    ),
    "built once more, all as it was": Case(
        READY,
        lambda: {"SITE/NAME/__init__.py": "x = 1\n", "SITE/NAME/fastmod.abi3.so": extension(1), **info("1")},
        lambda: {"SITE/NAME/__init__.py": "x = 1\n", "SITE/NAME/fastmod.abi3.so": extension(1), **info("2")},
        "from NAME import fastmod",
        FAST,
    ),
    "built once more, one file is another": Case(
        RECOMMENDED,
        lambda: {"SITE/NAME/__init__.py": READS_AT_IMPORT, "SITE/NAME/table.txt": "old", **info("1")},
        lambda: {"SITE/NAME/__init__.py": READS_AT_IMPORT, "SITE/NAME/table.txt": "new", **info("1")},
        "import NAME",
    ),
    "removed, loaded": Case(RECOMMENDED, module(1), load="import NAME"),
    "removed, not loaded": Case(READY, module(1)),
    "submodule removed, package loaded": Case(
        RECOMMENDED,
        parts(1, 1),
        lambda: {"SITE/NAME/__init__.py": "", "SITE/NAME/first.py": "x = 2\n"},
        "import NAME.first, NAME.second",
        BOTH,
    ),
    "package became a module": Case(
        RECOMMENDED, parts(1, 1), module(3), "import NAME.first", "import NAME; answer = getattr(NAME, 'x', 0)"
    ),
    "namespace package, other part loaded": Case(
        RECOMMENDED,
        lambda: {"SITE/NAME/deep/first.py": "x = 1\n"},
        lambda: {"SITE/NAME/deep/first.py": "x = 2\n"},
        "import NAME.deep.first",
        "import NAME.deep.first as m; answer = m.x",
    ),
    "namespace package, new part": Case(
        READY,
        lambda: {"SITE/NAME/one.py": "x = 1\n"},
        lambda: {"SITE/NAME/one.py": "x = 1\n", "SITE/NAME/two.py": "x = 2\n"},
        "import NAME",
        "import NAME.two; answer = NAME.two.x",
    ),
    "extension module, loaded": Case(
        REQUIRED,
        lambda: {"SITE/NAME/fastmod.abi3.so": extension(1)},
        lambda: {"SITE/NAME/fastmod.abi3.so": extension(2)},
        "from NAME import fastmod",
        FAST,
    ),
    "extension module, not loaded": Case(
        READY,
        lambda: {"SITE/NAME/fastmod.abi3.so": extension(1)},
        lambda: {"SITE/NAME/fastmod.abi3.so": extension(2)},
        "",
        FAST,
    ),
    "native library of a loaded extension": Case(
        REQUIRED,
        lambda: {"SITE/NAME/linked.abi3.so": linked_extension(), "SITE/NAME/libanswer.so": library(1)},
        lambda: {"SITE/NAME/linked.abi3.so": linked_extension(), "SITE/NAME/libanswer.so": library(2)},
        "from NAME import linked",
        "from NAME import linked; answer = linked.x()",
    ),
    "library in use by ctypes": Case(
        REQUIRED,
        lambda: {"lib/libNAME.so": library(1)},
        lambda: {"lib/libNAME.so": library(2)},
        HELD,
        HELD,
        kind="conda",
    ),
    "library not in use": Case(
        READY, lambda: {"lib/libNAME.so": library(1)}, lambda: {"lib/libNAME.so": library(2)}, "", NATIVE, kind="conda"
    ),
    "data only": Case(
        READY, lambda: {"SITE/NAME/table.txt": "old"}, lambda: {"SITE/NAME/table.txt": "new"}, TABLE, TABLE
    ),
    "data of a loaded package, read at import": Case(
        RECOMMENDED,
        lambda: {"SITE/NAME/__init__.py": READS_AT_IMPORT, "SITE/NAME/table.txt": "old"},
        lambda: {"SITE/NAME/__init__.py": READS_AT_IMPORT, "SITE/NAME/table.txt": "new"},
        "import NAME",
    ),
    "data of a loaded package, read when used": Case(
        RECOMMENDED, parts(1, 1, table="old"), parts(1, 1, table="new"), "import NAME.first", TABLE, careful=True
    ),
    "metadata only": Case(READY, lambda: info("1"), lambda: info("2"), VERSION, VERSION),
    "entry points": Case(
        READY, lambda: info("1", "[NAME]\na = m:f\n"), lambda: info("1", "[NAME]\na = m:f\nb = m:f\n"), POINTS, POINTS
    ),
    "new .pth": Case(
        READY, after=lambda: {"outside/NAME/NAME.py": "x = 1\n", "SITE/NAME.pth": "PREFIX/outside/NAME\n"}
    ),
    ".pth removed": Case(
        RECOMMENDED, lambda: {"outside/NAME/NAME.py": "x = 1\n", "SITE/NAME.pth": "PREFIX/outside/NAME\n"}
    ),
    "editable, its folder moved": Case(
        RECOMMENDED,
        lambda: {"outside/old-NAME/NAME.py": "x = 1\n", "SITE/NAME-1.pth": "PREFIX/outside/old-NAME\n"},
        lambda: {
            "outside/old-NAME/NAME.py": "x = 1\n",
            "outside/new-NAME/NAME.py": "x = 2\n",
            "SITE/NAME-2.pth": "PREFIX/outside/new-NAME\n",
        },
    ),
    "loader variable": Case(
        REQUIRED,
        look="import os; answer = os.environ.get('LD_LIBRARY_PATH')",
        variables={"LD_LIBRARY_PATH": "/nowhere"},
    ),
    "harmless variable": Case(READY, look=VARIABLE.format("HARMLESS"), variables={"HARMLESS": "yes"}),
    "Python's own path": Case(
        RECOMMENDED, look="import sys; answer = '/nowhere' in sys.path", variables={"PYTHONPATH": "/nowhere"}
    ),
    "Python itself": Case(
        REQUIRED,
        lambda: {"bin/python": b"this"},
        lambda: {"bin/python": b"other"},
        look="import sys; answer = list(sys.version_info[:2])",
        package="python",
        kind="conda",
    ),
}


class Environment:
    """A prefix of one Python, and the process that lives in it."""

    def __init__(self, prefix: Path, version: str) -> None:
        self.prefix = prefix
        self.version = version
        self.site = f"lib/python{version}/site-packages"
        self.environ = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
        for name in ("LD_LIBRARY_PATH", "PYTHONPATH", "HARMLESS"):
            self.environ.pop(name, None)
        subprocess.run(
            [interpreters()[version].path, "-m", "venv", "--without-pip", "--symlinks", str(prefix)], check=True
        )

    @property
    def python(self) -> Path:
        """Whatever stands for Python there now."""
        return self.prefix / "bin" / "python"

    def filled(self, text: str, name: str) -> str:
        """A text with its placeholders replaced."""
        return text.replace("NAME", name).replace("SITE", self.site).replace("PREFIX", str(self.prefix))

    def put(self, files: Files, name: str) -> list[str]:
        """Write files as the installer does, a new file for an old one; the names of those that are the package's."""
        names = []
        for key, content in files.items():
            path = self.prefix / self.filled(key, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
            if not key.startswith("outside/"):
                names.append(str(path.relative_to(self.prefix)))
            if key == "bin/python":
                path.symlink_to(self._program(content))
            elif isinstance(content, bytes):
                path.write_bytes(content)
            else:
                path.write_text(self.filled(content, name))
        return names

    def _program(self, which: object) -> str:
        if which == b"this":
            return interpreters()[self.version].path
        return next(found.path for version, found in interpreters().items() if version != self.version)

    def take(self, names: list[str]) -> None:
        """Delete files, and folders that become empty."""
        for name in names:
            path = self.prefix / name
            path.unlink(missing_ok=True)
            for folder in path.parents:
                if folder == self.prefix / self.site or folder == self.prefix or any(folder.iterdir()):
                    break
                folder.rmdir()


@pytest.fixture(scope="module", params=VERSIONS)
def environment(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """One for each Python of this machine."""
    if request.param not in interpreters():
        pytest.skip(f"no Python {request.param} on this machine")
    return Environment(tmp_path_factory.mktemp("live") / "prefix", request.param)


@pytest.fixture(scope="module")
def living(environment: Environment) -> Iterator[LivePython]:
    """A process that lives through all changes."""
    with live_python(environment.python, environment.environ) as process:
        folder = str(Path(pixi_magics.__file__).parents[1])
        process.run(f"import sys; sys.path.append({folder!r}); from pixi_magics import restart")
        yield process


JUDGE = """
loaded = restart.loaded_here()
verdict = restart.judge({transaction!r}, {variables!r}, {prefix!r}, loaded)
restart.refresh({transaction!r}, {variables!r}, {prefix!r})
answer = [verdict.level, verdict.line()]
"""


@pytest.mark.parametrize("title", CASES)
def test_verdict(title: str, environment: Environment, living: LivePython) -> None:
    case = CASES[title]
    if title == "Python itself" and len(interpreters()) < 2:
        pytest.skip("no second Python on this machine")
    name = "case" + "".join(letter for letter in title if letter.isalnum()).lower()
    old = environment.put(case.before(), name)
    if old and ".pth" in "".join(old):
        living.run(f"import site; site.addsitedir({str(environment.prefix / environment.site)!r})")
    living.run("import importlib; importlib.invalidate_caches()")
    assert living.run(environment.filled(case.load, name) + "\nanswer = 'loaded'") == "loaded"
    new = environment.put(case.after(), name)
    environment.take([one for one in old if one not in new])

    contents = {environment.filled(key, name): content for key, content in case.after().items()}
    same = [key for key, content in case.before().items() if contents.get(environment.filled(key, name)) == content]
    same = [environment.filled(key, name) for key in same]
    transaction = changed(case.package or name, case.kind, old, new, same)
    judge = JUDGE.format(transaction=transaction, variables=dict(case.variables), prefix=str(environment.prefix))
    level, line = living.run(judge)
    seen = living.run(environment.filled(case.look, name))
    with live_python(environment.python, {**environment.environ, **case.variables}) as fresh:
        truth = fresh.run(environment.filled(case.look, name))
    assert level == case.level, line
    if case.careful:
        assert level != READY
    else:
        assert (seen == truth) == (level == READY), (seen, truth)


def changed(name: str, kind: str, old: list[str], new: list[str], same: list[str]) -> dict[str, Any]:
    """The transaction of the wire format."""
    both = {"name": name, "kind": kind, "old_version": "1", "new_version": "2"}
    one = {"name": name, "kind": kind, "version": "1"}
    if old and new:
        return {"changed": [{**both, "old_files": old, "new_files": new, "same_files": same}]}
    if old:
        return {"removed": [{**one, "files": old}]}
    return {"added": [{**one, "files": new}]} if new else {}

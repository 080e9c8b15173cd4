"""After packages changed under a running kernel: what can be used at once, and what needs a restart, and why.

Three verdicts: *ready now*, *restart recommended* (old code of a changed or removed package is loaded) and *restart
required* (a loaded compiled library was replaced, Python itself changed, the dynamic loader's variables changed). They
come from comparing the file lists of the transaction with `sys.modules` and with the libraries that the process maps.
"""

import importlib
import os
import site
import sys
from typing import Any, Dict, FrozenSet, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Set, Tuple

READY = "ready"
RECOMMENDED = "recommended"
REQUIRED = "required"
LEVELS = (READY, RECOMMENDED, REQUIRED)
"""The verdicts, from good to bad."""

LOADER_VARIABLES = ("LD_LIBRARY_PATH", "LD_PRELOAD", "DYLD_", "PYTHONHOME", "PYTHONMALLOC")
"""Read once, when a process starts: setting them later changes nothing in this one."""

_COMPILED = (".so", ".pyd", ".dll", ".dylib")
_KEPT_VARIABLES = ("JPY_", "PYDEVD_", "MPLBACKEND", "PYTHONPATH")
_SHOWN = 4


class Finding(NamedTuple):
    """One reason: its level, the sentence, and the loaded modules that it concerns."""

    level: str
    text: str
    modules: Tuple[str, ...] = ()


class Verdict(NamedTuple):
    """The worst of the findings, and all of them, worst first."""

    level: str
    findings: Tuple[Finding, ...]

    @property
    def modules(self) -> List[str]:
        """Every loaded module which is stale, in the order of the findings."""
        return list(dict.fromkeys(name for finding in self.findings for name in finding.modules))

    def line(self) -> str:
        """`ready now`, `restart recommended: …` or `restart required: …`, on one line."""
        if self.level == READY:
            return "ready now"
        return "restart %s: %s" % (self.level, "; ".join(f.text for f in self.findings if f.level == self.level))


class Loaded(NamedTuple):
    """What a process has in memory. Paths are real paths.

    `modules` maps a file to the modules that came from it, `mapped` are the files that the process maps (a replaced one
    is mapped still, under its old name), `environ` its environment variables.
    """

    modules: Mapping[str, Sequence[str]]
    mapped: FrozenSet[str]
    environ: Mapping[str, str]


def loaded_here() -> Loaded:
    """The state of this process; costs a few milliseconds for a thousand modules."""
    folders: Dict[str, str] = {}
    modules: Dict[str, List[str]] = {}
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and file:
            modules.setdefault(_real(file, folders), []).append(name)
    return Loaded(modules, frozenset(mapped_files("/proc/self/maps")), dict(os.environ))


def judge(
    transaction: Mapping[str, Any],
    variables: Mapping[str, Optional[str]],
    prefix: str,
    loaded: Loaded,
    refreshed: bool = True,
) -> Verdict:
    """The verdict on a transaction of the environment `prefix` for a process in the state `loaded`.

    `transaction` is that of the wire format (file names relative to the prefix), `variables` are those that activation
    now sets (None: unsets). Where the process will not be `refreshed`, what that would do is a reason, too.
    """
    root = os.path.realpath(prefix)
    findings: List[Finding] = []
    for package in transaction.get("changed", ()):
        findings += _changed(package, root, loaded)
    for package in transaction.get("removed", ()):
        findings += _removed(package, root, loaded)
    for package in transaction.get("added", ()):
        findings += _added(package, root, loaded)
    findings += _variables(variables, loaded.environ)
    if not refreshed:
        findings += _unseen(transaction, variables, root, loaded.environ)
    findings.sort(key=lambda finding: -LEVELS.index(finding.level))
    return Verdict(findings[0].level if findings else READY, tuple(findings))


def _changed(package: Mapping[str, Any], root: str, loaded: Loaded) -> List[Finding]:
    name = str(package.get("name"))
    change = "%s %s → %s" % (name, package.get("old_version"), package.get("new_version"))
    if package.get("old_version") == package.get("new_version"):
        change = "%s %s was replaced" % (name, package.get("new_version"))
    if _is_python(package):
        return [Finding(REQUIRED, "%s (Python itself)" % change)]
    if _is_the_same(package):
        return []  # what is loaded of it is what would be loaded again
    old = _paths(package.get("old_files", ()), root)
    modules, compiled = _in_use(old, loaded)
    if compiled:
        return [Finding(REQUIRED, "%s (compiled and loaded: %s)" % (change, _names(modules) or compiled), modules)]
    if modules:
        return [Finding(RECOMMENDED, "%s (loaded: %s)" % (change, _names(modules)), modules)]
    gone = [path for path in old if path.endswith(".pth")]
    if gone and set(gone) - set(_paths(package.get("new_files", ()), root)):
        return [Finding(RECOMMENDED, "%s (its old %s was read at start)" % (change, os.path.basename(gone[0])))]
    return []


def _is_the_same(package: Mapping[str, Any]) -> bool:
    """Whether all files have the content that they had, but for the metadata: the same sources, built once more. (Of a
    package in which anything else differs any loaded module may have read that.)
    """
    before, after = ({f for f in package.get(key, ()) if ".dist-info/" not in f} for key in ("old_files", "new_files"))
    return before == after and before <= set(package.get("same_files", ()))


def _removed(package: Mapping[str, Any], root: str, loaded: Loaded) -> List[Finding]:
    name = str(package.get("name"))
    if _is_python(package):
        return [Finding(REQUIRED, "%s was removed (Python itself)" % name)]
    old = _paths(package.get("files", ()), root)
    modules, compiled = _in_use(old, loaded)
    if modules or compiled:
        return [Finding(RECOMMENDED, "%s was removed (loaded: %s)" % (name, _names(modules) or compiled), modules)]
    if any(path.endswith(".pth") for path in old):
        return [Finding(RECOMMENDED, "%s was removed (its .pth file was read at start)" % name)]
    return []


def _added(package: Mapping[str, Any], root: str, loaded: Loaded) -> List[Finding]:
    """A new package stays unseen where a module of that name came from elsewhere (the kernel's own support files)."""
    if _is_python(package):
        return [Finding(REQUIRED, "%s was added (Python itself)" % package.get("name"))]
    by_name = {name: path for path, names in loaded.modules.items() for name in names}
    hidden = []
    for path in _paths(package.get("files", ()), root):
        module = _module_of(path)
        if module and "." not in module and by_name.get(module, path) != path:
            hidden.append(module)
    if not hidden:
        return []
    text = "%s is loaded from elsewhere, %s %s is not in use yet"
    return [
        Finding(
            RECOMMENDED, text % (_names(hidden), package.get("name"), package.get("version")), tuple(sorted(hidden))
        )
    ]


def _variables(variables: Mapping[str, Optional[str]], environ: Mapping[str, str]) -> List[Finding]:
    changed = [name for name, value in sorted(variables.items()) if environ.get(name) != value]
    loader = [name for name in changed if name.startswith(LOADER_VARIABLES)]
    findings = []
    if loader:
        findings.append(Finding(REQUIRED, "%s changed (read when a process starts)" % ", ".join(loader)))
    if "PYTHONPATH" in changed:
        findings.append(Finding(RECOMMENDED, "PYTHONPATH changed (read when Python starts)"))
    return findings


def _unseen(
    transaction: Mapping[str, Any], variables: Mapping[str, Optional[str]], root: str, environ: Mapping[str, str]
) -> List[Finding]:
    """What `refresh` would let the process see."""
    harmless = [name for name, _ in _harmless(variables, environ)]
    paths = [os.path.basename(path) for path in _new_pth_files(transaction, root)]
    findings = []
    if harmless:
        findings.append(Finding(RECOMMENDED, "activation sets %s anew" % _names(harmless)))
    if paths:
        findings.append(Finding(RECOMMENDED, "%s is read when Python starts" % ", ".join(paths[:_SHOWN])))
    return findings


def refresh(transaction: Mapping[str, Any], variables: Mapping[str, Optional[str]], prefix: str) -> List[str]:
    """Let the running interpreter see a finished transaction: environment variables that take effect at once, new site
    folders, new `.pth` files, and no stale listing of any folder. Returns what was done, one line each.
    """
    done = ["%s=%s" % (name, value) for name, value in _apply_variables(variables)]
    root = os.path.realpath(prefix)
    for folder in _site_folders(root):
        if folder not in {os.path.realpath(entry) for entry in sys.path if entry}:
            _insert_site_folder(folder)
            done.append("sys.path: %s" % folder)
    for path in _new_pth_files(transaction, root):
        before = set(sys.path)
        site.addpackage(os.path.dirname(path), os.path.basename(path), None)
        done += ["sys.path: %s" % entry for entry in sys.path if entry not in before]
    importlib.invalidate_caches()
    return done


def _apply_variables(variables: Mapping[str, Optional[str]]) -> Iterable[Tuple[str, Optional[str]]]:
    for name, value in list(_harmless(variables, os.environ)):
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
        yield name, value


def _harmless(
    variables: Mapping[str, Optional[str]], environ: Mapping[str, str]
) -> Iterable[Tuple[str, Optional[str]]]:
    """The changed variables that take effect at once where they are set."""
    for name, value in variables.items():
        if not name.startswith(LOADER_VARIABLES + _KEPT_VARIABLES) and environ.get(name) != value:
            yield name, value


def _site_folders(root: str) -> List[str]:
    """Site folders of the environment that exist (one may have come into being with the first package)."""
    folders = [os.path.realpath(folder) for folder in site.getsitepackages([root])]
    return [folder for folder in dict.fromkeys(folders) if os.path.isdir(folder)]


def _insert_site_folder(folder: str) -> None:
    """Behind the standard library, before whatever was appended for the kernel's sake."""
    library = os.path.realpath(os.path.dirname(os.__file__))
    places = [index for index, entry in enumerate(sys.path) if os.path.realpath(entry or ".").startswith(library)]
    sys.path.insert(max(places) + 1 if places else len(sys.path), folder)


def _new_pth_files(transaction: Mapping[str, Any], root: str) -> List[str]:
    folders = set(_site_folders(root))
    found: List[str] = []
    for package in transaction.get("added", ()):
        found += _paths(package.get("files", ()), root)
    for package in transaction.get("changed", ()):
        old = set(_paths(package.get("old_files", ()), root))
        found += [path for path in _paths(package.get("new_files", ()), root) if path not in old]
    return sorted(path for path in found if path.endswith(".pth") and os.path.dirname(path) in folders)


# ---------------------------------------------------------------- helpers


def _in_use(files: Sequence[str], loaded: Loaded) -> Tuple[Tuple[str, ...], str]:
    """The modules loaded from some files, and the name of a compiled file among those in use (empty: none)."""
    modules: Set[str] = set()
    compiled = ""
    for path in files:
        names = loaded.modules.get(path, ())
        modules.update(names)
        if _is_compiled(path) and (names or path in loaded.mapped):
            compiled = compiled or os.path.basename(path)
    return tuple(sorted(modules)), compiled


def _is_compiled(path: str) -> bool:
    name = os.path.basename(path)
    return name.endswith(_COMPILED) or ".so." in name


def _is_python(package: Mapping[str, Any]) -> bool:
    return package.get("name") == "python" and package.get("kind", "conda") == "conda"


def _paths(files: Iterable[str], root: str) -> List[str]:
    folders: Dict[str, str] = {}
    return [_real(os.path.join(root, *str(file).split("/")), folders) for file in files]


def real_path(path: str) -> str:
    """A file by the name that `Loaded` knows it by: links among its folders resolved, not its own."""
    return _real(path, {})


def _real(path: str, folders: Dict[str, str]) -> str:
    """The path with links among its folders resolved; `folders` remembers them, as many files share one."""
    folder, name = os.path.split(path)
    real = folders.get(folder)
    if real is None:
        real = folders[folder] = os.path.realpath(folder)
    return os.path.join(real, name)


def _module_of(path: str) -> str:
    """The module that a file below a site folder is imported as; empty where it is none."""
    _, found, tail = path.rpartition(os.sep + "site-packages" + os.sep)
    if not found or not tail.endswith(".py"):
        return ""
    parts = tail[:-3].replace(os.sep, "/").split("/")
    if parts[-1] == "__init__":
        parts.pop()
    return ".".join(parts)


def _names(modules: Iterable[str]) -> str:
    """The top-level names, a few of them."""
    names = list(dict.fromkeys(name.partition(".")[0] for name in sorted(modules)))
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (" and %d more" % more if more > 0 else "")


def environment_of(environ: str) -> Dict[str, str]:
    """The variables in `/proc/<pid>/environ` (proc(5)), those a process started with; none where there is no such
    file.
    """
    try:
        with open(environ, "rb") as stream:
            rows = os.fsdecode(stream.read()).split("\0")
    except OSError:
        return {}
    return dict(row.partition("=")[::2] for row in rows if "=" in row)


def mapped_files(maps: str) -> Iterable[str]:
    """The files in `/proc/<pid>/maps` (proc(5)); nothing where there is no such file."""
    try:
        with open(maps, "rb") as stream:
            lines = stream.read().splitlines()
    except OSError:
        return
    for line in lines:
        fields = line.split(None, 5)
        if len(fields) == 6 and fields[5].startswith(b"/"):
            path = os.fsdecode(fields[5])
            yield path[: -len(" (deleted)")] if path.endswith(" (deleted)") else path

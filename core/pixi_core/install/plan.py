"""The difference between a prefix and what it should hold, as data. Nothing is changed here.

conda packages are compared by digest where both sides have one, else by name, version, build and subdir. A Python of
another minor version relinks every `noarch: python` package and every PyPI distribution. Of PyPI distributions only
those that pixi installed are removed; those of other installers are replaced where they are wanted, and left alone
where not (pixi.md 4.3, 4.4).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal

from ..model.record import PypiRecord, RepoDataRecord
from ..names import PypiName, pypi_name
from ..value import Value
from .direct_url import direct_url_of, same_source
from .prefix import InstalledDistribution, InstalledPackage, PrefixState
from .python_info import PythonInfo, conda_python

Kind = Literal["install", "change", "reinstall", "remove"]
_VERBS = {"install": "+", "change": "~", "reinstall": "=", "remove": "-"}


class CondaOperation(Value, kw_only=True):
    """One conda package: `old` is what is there, `new` what shall be; `reason` explains a reinstall."""

    kind: Kind
    name: str
    old: InstalledPackage | None = None
    new: RepoDataRecord | None = None
    reason: str = ""

    def line(self) -> str:
        """`+ numpy 2.1.0 py311_0` and the like."""
        old = _label(self.old.record) if self.old else None
        return _line(self.kind, self.name, old, _label(self.new) if self.new else None, self.reason)


class PypiOperation(Value, kw_only=True):
    """One PyPI distribution, likewise."""

    kind: Kind
    name: PypiName
    old: InstalledDistribution | None = None
    new: PypiRecord | None = None
    reason: str = ""

    def line(self) -> str:
        """`~ requests 2.31.0 → 2.32.3 (pypi)` and the like."""
        new = (self.new.version or "(dynamic)") if self.new else None
        return _line(self.kind, self.name, self.old.version if self.old else None, new, self.reason) + " (pypi)"


class Plan(Value, kw_only=True):
    """Every operation, by name, and what they were computed from, so that the writer can plan anew when another
    process changed the prefix in between (`state` is what they were compared with). `python` is the Python that the
    prefix will have; `repair` says that something besides packages is to be put right (leftovers of an interrupted
    work, a moved folder). Packages named in `untouched` stay as they are, there or not.
    """

    conda: tuple[CondaOperation, ...] = ()
    pypi: tuple[PypiOperation, ...] = ()
    wanted_conda: tuple[RepoDataRecord, ...] = ()
    wanted_pypi: tuple[PypiRecord, ...] = ()
    reinstall: frozenset[str] = frozenset()
    untouched: frozenset[str] = frozenset()
    python: PythonInfo | None = None
    repair: bool = False
    state: PrefixState | None = None

    @property
    def is_empty(self) -> bool:
        """Whether the prefix is as it should be."""
        return not (self.conda or self.pypi or self.repair)

    @property
    def conda_to_link(self) -> tuple[RepoDataRecord, ...]:
        """The conda packages whose files are needed."""
        return tuple(operation.new for operation in self.conda if operation.new is not None)

    @property
    def pypi_to_link(self) -> tuple[PypiRecord, ...]:
        """The wheels whose files are needed."""
        return tuple(operation.new for operation in self.pypi if operation.new is not None)

    def summary(self) -> tuple[str, ...]:
        """One line per operation."""
        return (*(operation.line() for operation in self.conda), *(operation.line() for operation in self.pypi))

    def to_json(self) -> list[dict[str, Any]]:
        """The operations as data, for `--dry-run --json`."""
        lines: list[dict[str, Any]] = []
        for conda in self.conda:
            old, new = (conda.old.record if conda.old else None), conda.new
            lines.append(_operation_json("conda", conda.kind, conda.name, old, new, conda.reason))
        lines.extend(
            _operation_json("pypi", pypi.kind, pypi.name, pypi.old, pypi.new, pypi.reason) for pypi in self.pypi
        )
        return lines


def make_plan(
    wanted_conda: Sequence[RepoDataRecord],
    wanted_pypi: Sequence[PypiRecord],
    prefix: PrefixState,
    *,
    reinstall: Collection[str] = (),
    untouched: Collection[str] = (),
) -> Plan:
    """What has to be done to `prefix` so that it holds exactly the wanted packages. `reinstall` names packages (in
    either spelling) that are to be linked again even where they are right, `untouched` those (in the spelling of their
    records) that are neither put in nor taken out.
    """
    kept = frozenset(untouched)
    again = frozenset(name.lower() for name in reinstall) | frozenset(_compared(name) for name in reinstall)
    python = _wanted_python(wanted_conda, prefix, kept)
    pypi = _plan_pypi(wanted_pypi, prefix, python, again)
    pypi = tuple(operation for operation in pypi if operation.name not in kept)
    pypi = _with_sharing(pypi, wanted_pypi, prefix)
    overwritten = _overwritten_by_removed(prefix, pypi)
    conda = _plan_conda(wanted_conda, prefix, python, again, overwritten)
    return Plan(
        conda=tuple(operation for operation in conda if operation.name not in kept),
        pypi=pypi,
        wanted_conda=tuple(wanted_conda),
        wanted_pypi=tuple(wanted_pypi),
        reinstall=again,
        untouched=kept,
        python=python,
        repair=bool(prefix.unsettled or prefix.interrupted or prefix.moved),
        state=prefix,
    )


def _wanted_python(
    wanted: Sequence[RepoDataRecord], prefix: PrefixState, untouched: frozenset[str]
) -> PythonInfo | None:
    if "python" in untouched and prefix.python is not None:
        return prefix.python
    for record in wanted:
        if record.name == "python":
            return conda_python(record)
    # a prefix that had a conda Python and shall have none keeps none; a host environment keeps its interpreter
    return prefix.python if prefix.python is not None and prefix.python.kind == "host" else None


# ---------------------------------------------------------------- conda


def _plan_conda(
    wanted: Sequence[RepoDataRecord],
    prefix: PrefixState,
    python: PythonInfo | None,
    again: frozenset[str],
    overwritten: Mapping[str, str],
) -> tuple[CondaOperation, ...]:
    operations: list[CondaOperation] = []
    names = {record.name for record in wanted}
    for record in wanted:
        old = prefix.conda.get(record.name)
        if old is None:
            operations.append(CondaOperation(kind="install", name=record.name, new=record))
            continue
        if not same_package(old.record, record) and not old.broken:
            operations.append(CondaOperation(kind="change", name=record.name, old=old, new=record))
            continue
        reason = overwritten.get(record.name) or _reinstall_reason(old, record, prefix, python, again)
        if reason:
            operations.append(CondaOperation(kind="reinstall", name=record.name, old=old, new=record, reason=reason))
    for name, old in prefix.conda.items():
        if name not in names:
            operations.append(CondaOperation(kind="remove", name=name, old=old))
    operations += [
        CondaOperation(kind="remove", name=old.record.name, old=old, reason="it is recorded twice")
        for old in prefix.duplicates
    ]
    return tuple(sorted(operations, key=lambda operation: operation.name))


def _reinstall_reason(
    old: InstalledPackage,
    record: RepoDataRecord,
    prefix: PrefixState,
    python: PythonInfo | None,
    again: frozenset[str],
) -> str:
    """Why a package that is there already must be linked again; empty where it need not be."""
    if old.broken:
        return "its record cannot be read"
    if record.name in again:
        return "asked for"
    if prefix.interrupted:
        return "an installation was interrupted"
    if prefix.moved:
        return "the environment was moved"
    if record.noarch == "python" and python is not None:
        before = prefix.python
        if before is None or (before.short, before.site_packages) != (python.short, python.site_packages):
            return f"python {before.short if before else '(none)'} → {python.short}"
    return ""


def same_package(left: RepoDataRecord, right: RepoDataRecord) -> bool:
    """Whether two records mean the same bytes."""
    if left.sha256 and right.sha256:
        return left.sha256 == right.sha256
    if left.md5 and right.md5:
        return left.md5 == right.md5
    return left.identity == right.identity


def _overwritten_by_removed(prefix: PrefixState, pypi: Sequence[PypiOperation]) -> dict[str, str]:
    """Which conda packages must be linked again because a distribution that now goes had replaced their files."""
    leaving = [operation for operation in pypi if operation.old is not None]
    if not leaving or not prefix.conda:
        return {}
    gone: dict[str, str] = {}
    for operation in leaving:
        if operation.old is not None:
            for path in operation.old.files(prefix.path):
                gone.setdefault(path, operation.name)
    found: dict[str, str] = {}
    for name, package in prefix.conda.items():
        if package.broken:
            continue
        shared = next((path for path in package.files if path in gone), None)
        if shared is not None:
            found[name] = f"{shared} had been replaced by {gone[shared]} (pypi)"
    return found


# ---------------------------------------------------------------- PyPI


def _plan_pypi(
    wanted: Sequence[PypiRecord], prefix: PrefixState, python: PythonInfo | None, again: frozenset[str]
) -> tuple[PypiOperation, ...]:
    operations: list[PypiOperation] = []
    names = {pypi_name(record.name): record for record in wanted}
    for name, record in names.items():
        old = prefix.pypi.get(name)
        if old is None:
            operations.append(PypiOperation(kind="install", name=name, new=record))
            continue
        if record.version is not None and not _same_version(old.version, record.version):
            operations.append(PypiOperation(kind="change", name=name, old=old, new=record))
            continue
        reason = _pypi_reason(old, record, prefix, python, again)
        if reason:
            operations.append(PypiOperation(kind="reinstall", name=name, old=old, new=record, reason=reason))
    operations += [
        PypiOperation(kind="remove", name=name, old=old)
        for name, old in prefix.pypi.items()
        if name not in names and old.is_ours
    ]
    operations += [
        PypiOperation(kind="remove", name=old.name, old=old, reason="of another Python") for old in prefix.stale
    ]
    return tuple(sorted(operations, key=lambda operation: (operation.name, operation.kind)))


def _pypi_reason(
    old: InstalledDistribution,
    record: PypiRecord,
    prefix: PrefixState,
    python: PythonInfo | None,
    again: frozenset[str],
) -> str:
    if old.name in again:
        return "asked for"
    if prefix.interrupted:
        return "an installation was interrupted"
    if prefix.moved:
        return "the environment was moved"
    if not old.is_ours:
        return f"it was installed by {old.installer or 'another tool'}"
    if not old.has_record:
        return "its RECORD is missing"
    if python is not None and old.site_packages != python.site_packages:
        return f"python is now {python.short}"
    if not same_source(old.direct_url, direct_url_of(record)):
        return "it comes from another place"
    if record.stamp is not None and record.stamp != old.stamp(prefix.path):
        return "its source changed"
    return ""


def _with_sharing(
    operations: tuple[PypiOperation, ...], wanted: Sequence[PypiRecord], prefix: PrefixState
) -> tuple[PypiOperation, ...]:
    """Wheels that share a file with one that goes must be linked again: the file may have been the other's."""
    touched = {operation.name for operation in operations}
    staying = {pypi_name(record.name): record for record in wanted if pypi_name(record.name) not in touched}
    leaving = [operation.old for operation in operations if operation.old is not None]
    if not leaving or not staying:
        return operations
    gone = {path for old in leaving for path in old.files(prefix.path)}
    again = []
    for name, record in staying.items():
        old = prefix.pypi[name]
        shared = next((path for path in old.files(prefix.path) if path in gone), None)
        if shared is not None:
            reason = f"{shared} belongs to another distribution too"
            again.append(PypiOperation(kind="reinstall", name=name, old=old, new=record, reason=reason))
    return tuple(sorted((*operations, *again), key=lambda operation: (operation.name, operation.kind)))


def _same_version(left: str, right: str) -> bool:
    """Whether two spellings mean the same version (`1.0` and `1.0.0`; a dist-info name writes `+` and `-` as `_`)."""
    if left == right or left.replace("_", "-") == right.replace("_", "-"):
        return True
    from packaging.version import InvalidVersion, Version  # lazy: only where spellings differ

    try:
        return Version(left.replace("_", "+")) == Version(right)
    except InvalidVersion:
        return False


# ---------------------------------------------------------------- telling it


def _compared(name: str) -> str:
    from ..errors import SpecError

    try:
        return pypi_name(name)
    except SpecError:
        return name


def _label(record: RepoDataRecord) -> str:
    return f"{record.version} {record.build}"


def _line(kind: Kind, name: str, old: str | None, new: str | None, reason: str) -> str:
    change = f"{old} → {new}" if old and new and old != new else (new or old or "")
    return f"{_VERBS[kind]} {name} {change}" + (f" ({reason})" if reason else "")


def _operation_json(
    kind: str,
    operation: Kind,
    name: str,
    old: RepoDataRecord | InstalledDistribution | None,
    new: RepoDataRecord | PypiRecord | None,
    reason: str,
) -> dict[str, Any]:
    line: dict[str, Any] = {"operation": operation, "kind": kind, "name": name}
    if old is not None:
        line["old_version"] = old.version
    if new is not None:
        line["new_version"] = new.version
    if reason:
        line["reason"] = reason
    return line

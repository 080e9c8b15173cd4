"""What is installed in a prefix, read from disk: conda records, PyPI distributions, the Python, the markers.

Reading is made for the case that nothing has to be done: of each conda record only the few keys that planning compares
are decoded, file lists wait until somebody asks for them.
"""

from __future__ import annotations

import base64
import csv
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import PixiError, UnsafePath
from ..model.platform import Subdir
from ..model.record import RepoDataRecord
from ..names import PypiName, pypi_name, safe_relative_path
from ..value import EMPTY, Value
from .conda_meta import decode_head, read_paths, read_record, repodata_from_meta, requested_from_meta
from .fingerprint import INSTALLING, JOURNAL_FILE, META_FOLDER
from .markers import compute_fingerprint, is_moved, read_fingerprint
from .python_info import PythonInfo, conda_python, host_python

if TYPE_CHECKING:
    from .path_entry import PathEntry, PrefixRecord

INSTALLER_NAME = "uv-pixi"
STAMP_FILE = "pixi-source-stamp"
"""In `.dist-info` of what was built from a folder: the state of the folder then."""
_READS = 5
_DIST_INFO = re.compile(r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._]*[A-Za-z0-9])?)-(?P<version>[^-/]+)\.dist-info\Z")


class InstalledPackage:
    """One conda package of a prefix. `broken` says that its record cannot be read: only its name (from the name of the
    file) is known then, and it owns no files.
    """

    __slots__ = ("_paths", "broken", "meta_file", "record", "requested_specs")

    def __init__(
        self, record: RepoDataRecord, meta_file: Path, requested_specs: tuple[str, ...] = (), *, broken: bool = False
    ) -> None:
        self.record = record
        self.meta_file = meta_file
        self.requested_specs = requested_specs
        self.broken = broken
        self._paths: tuple[PathEntry, ...] | None = () if broken else None

    def load(self) -> PrefixRecord:
        """The whole record. Raises `InstallError` where it cannot be read."""
        return read_record(self.meta_file)

    @property
    def paths(self) -> tuple[PathEntry, ...]:
        """Everything the package put there. Raises `InstallError` where that cannot be read. A package that is gone by
        now (whoever plans does not hold the lock yet) owns nothing.
        """
        if self._paths is None:
            try:
                self._paths = read_paths(self.meta_file)
            except FileNotFoundError:
                return ()
        return self._paths

    @property
    def files(self) -> tuple[str, ...]:
        """Prefix-relative paths of everything the package put there."""
        return tuple([entry.path for entry in self.paths])

    @property
    def version(self) -> str:
        """Its version as written."""
        return self.record.version

    def contents(self, _prefix: Path) -> dict[str, str]:
        """What tells whether its files are the same as others, by path (`PathEntry.content`)."""
        return {entry.path: entry.content for entry in self.paths if entry.content}


class InstalledDistribution(Value, kw_only=True):
    """One Python distribution that no conda package brought. `dist_info` is the prefix-relative path of its folder;
    `direct_url` is the parsed `direct_url.json`, None for one from an index.
    """

    name: PypiName
    version: str
    dist_info: str
    installer: str
    requested: bool = False
    has_record: bool = True
    direct_url: Mapping[str, Any] | None = None

    @property
    def is_ours(self) -> bool:
        """Whether pixi installed it (and may remove it)."""
        return self.installer == INSTALLER_NAME

    @property
    def site_packages(self) -> str:
        """The folder it lies in."""
        return self.dist_info.rpartition("/")[0]

    def stamp(self, prefix: Path) -> str:
        """In which state the source folder was that it was built from; empty where nobody noted it."""
        return _text(prefix / self.dist_info / STAMP_FILE).strip()

    def files(self, prefix: Path) -> tuple[str, ...]:
        """The prefix-relative paths of everything in its RECORD; a path that leaves the prefix is refused with
        `UnsafePath` (GHSA-pjjw-68hj-v9mw). Without a RECORD: the files of the `dist-info` folder.
        """
        return read_record_csv(prefix, self.dist_info)

    def contents(self, prefix: Path) -> dict[str, str]:
        """What tells whether its files are the same as others, by path: their SHA-256 (hex) as its RECORD gives them.

        Raises `UnsafePath`.
        """
        return {path: digest for path, digest in _record_rows(prefix, self.dist_info) if digest}


class PrefixState(Value, kw_only=True):
    """A prefix as it is. `conda` and `pypi` map compared names; `unsettled` says that an interrupted work is waiting in
    the journal (the packages it names are left out of both), `interrupted` that another tool left its work half done,
    `moved` that the folder was made at another path.
    """

    path: Path
    conda: Mapping[str, InstalledPackage] = EMPTY
    pypi: Mapping[PypiName, InstalledDistribution] = EMPTY
    duplicates: tuple[InstalledPackage, ...] = ()
    stale: tuple[InstalledDistribution, ...] = ()
    python: PythonInfo | None = None
    unsettled: bool = False
    interrupted: bool = False
    moved: bool = False


def read_prefix(path: Path) -> PrefixState:
    """The state of a prefix, which need not exist. Never fails for what is broken in it: that is part of the state.

    Needs no lock: where a writer began or ended its work meanwhile, the prefix is read once more.
    """
    for _ in range(_READS):
        before = read_fingerprint(path)
        conda, duplicates, pypi, stale, python = _read_everything(path)
        unsettled = _unsettled_names(path)
        if read_fingerprint(path) == before:
            break
    if unsettled is not None:
        conda = {name: package for name, package in conda.items() if name not in unsettled}
        pypi = {name: found for name, found in pypi.items() if name not in unsettled}
    return PrefixState(
        path=path,
        conda=conda,
        pypi=pypi,
        duplicates=duplicates,
        stale=stale,
        python=python,
        unsettled=unsettled is not None,
        interrupted=unsettled is None and read_fingerprint(path) == INSTALLING,
        moved=is_moved(path),
    )


def _read_everything(
    path: Path,
) -> tuple[
    dict[str, InstalledPackage],
    tuple[InstalledPackage, ...],
    dict[PypiName, InstalledDistribution],
    tuple[InstalledDistribution, ...],
    PythonInfo | None,
]:
    conda, duplicates = _read_conda(path)
    python = read_python(path, conda)
    return conda, duplicates, *_read_pypi(path, python), python


def installed_fingerprint(path: Path) -> bytes:
    """The 16 bytes for what is installed now."""
    conda, _, pypi, _, _ = _read_everything(path)
    return fingerprint_of(conda, pypi)


def fingerprint_of(conda: Mapping[str, InstalledPackage], pypi: Mapping[PypiName, InstalledDistribution]) -> bytes:
    """The 16 bytes for some packages."""
    pairs = [(name, package.record.sha256 or package.record.dist_name) for name, package in conda.items()]
    for name, found in pypi.items():
        if found.is_ours:
            origin = json.dumps(found.direct_url, sort_keys=True) if found.direct_url is not None else ""
            pairs.append((f"pypi:{name}", f"{found.version} {origin}"))
    return compute_fingerprint(pairs)


def installed_bytes(state: PrefixState) -> dict[str, int]:
    """Bytes of the files of each package of a prefix, as the file system says; a link counts as itself, and a file
    that shares its room with the cache counts whole.
    """
    prefix = state.path
    found = {name: _bytes_of(prefix, package.files) for name, package in state.conda.items()}
    found.update({str(name): _bytes_of(prefix, dist.files(prefix)) for name, dist in state.pypi.items()})
    return found


def _bytes_of(prefix: Path, files: Iterable[str]) -> int:
    total = 0
    for file in files:
        with suppress(OSError):  # gone by now, or never there: `pixi doctor` says so
            total += (prefix / file).lstat().st_size
    return total


def read_conda(path: Path) -> dict[str, InstalledPackage]:
    """The conda packages of a prefix by name, whatever the journal says."""
    return _read_conda(path)[0]


def has_journal(path: Path) -> bool:
    """Whether an interrupted work waits to be finished."""
    return os.path.lexists(path / META_FOLDER / JOURNAL_FILE)


def read_python(path: Path, conda: Mapping[str, InstalledPackage] | None = None) -> PythonInfo | None:
    """The Python of a prefix: its conda package, or what `pyvenv.cfg` says."""
    if conda is None:
        conda = _read_conda(path)[0]
    package = conda.get("python")
    if package is not None and not package.broken:
        return conda_python(package.record)
    settings = read_pyvenv(path)
    version = settings.get("version_info") or settings.get("version")
    if version is None:
        return None
    windows = (path / "Scripts").is_dir()
    try:
        return host_python(version, Subdir("win-64" if windows else "linux-64"))
    except PixiError:
        return None


def read_pyvenv(path: Path) -> dict[str, str]:
    """The settings of `pyvenv.cfg`; empty where there is none."""
    try:
        text = (path / "pyvenv.cfg").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return {}
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line)
    return {key.strip().lower(): value.strip() for key, _, value in pairs}


# ---------------------------------------------------------------- conda


def _read_conda(path: Path) -> tuple[dict[str, InstalledPackage], tuple[InstalledPackage, ...]]:
    """Packages by name, and the older ones of those that stand there twice."""
    found: dict[str, InstalledPackage] = {}
    twice: list[InstalledPackage] = []
    for file in sorted(_listed(path / META_FOLDER)):
        if not file.endswith(".json") or file.startswith("."):
            continue
        package = _read_package(path / META_FOLDER / file)
        if package is None:
            continue
        known = found.get(package.record.name)
        if known is not None:
            twice.append(known)
        found[package.record.name] = package
    return found, tuple(twice)


def _read_package(file: Path) -> InstalledPackage | None:
    """What planning needs of a record; None where not even its file name says whose it is."""
    try:
        data = decode_head(file.read_bytes())
        return InstalledPackage(repodata_from_meta(data), file, requested_from_meta(data))
    except (OSError, ValueError, TypeError, KeyError, AttributeError, PixiError):
        parts = file.name.removesuffix(".json").rsplit("-", 2)
        if len(parts) != 3:
            return None
        record = RepoDataRecord(
            name=parts[0].lower(),
            version=parts[1],
            build=parts[2],
            build_number=0,
            subdir=Subdir("noarch"),
            file_name="",
            url="",
        )
        return InstalledPackage(record, file, broken=True)


def _listed(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []


# ---------------------------------------------------------------- PyPI


def site_packages_folders(path: Path) -> Iterator[str]:
    """Every `site-packages` of a prefix, also those of Pythons that are gone, relative to it."""
    for name in sorted(_listed(path / "lib")):
        if name.startswith(("python", "pypy")) and os.path.isdir(path / "lib" / name / "site-packages"):
            yield f"lib/{name}/site-packages"
    if os.path.isdir(path / "Lib" / "site-packages"):
        yield "Lib/site-packages"


def _read_pypi(
    path: Path, python: PythonInfo | None
) -> tuple[dict[PypiName, InstalledDistribution], tuple[InstalledDistribution, ...]]:
    """Distributions by name, and our own ones that lie in the folder of another Python or stand there twice."""
    found: dict[PypiName, InstalledDistribution] = {}
    stale: list[InstalledDistribution] = []
    folders = dict.fromkeys(site_packages_folders(path))
    if python is not None:
        folders.pop(python.site_packages, None)
        folders[python.site_packages] = None  # the present one last: it wins
    for folder in folders:
        for distribution in _distributions(path, folder):
            current = python is None or folder == python.site_packages
            if current:
                known = found.get(distribution.name)
                if known is not None and known.is_ours:
                    stale.append(known)
                found[distribution.name] = distribution
            elif distribution.is_ours:
                stale.append(distribution)
    return found, tuple(stale)


def _distributions(path: Path, folder: str) -> Iterator[InstalledDistribution]:
    for name in sorted(_listed(path / folder)):
        match = _DIST_INFO.match(name)
        if match is None:
            continue
        base = path / folder / name
        installer = _text(base / "INSTALLER").strip()
        if installer == "conda":
            continue
        try:
            compared = pypi_name(match["name"].replace("_", "-"))
        except PixiError:
            continue
        yield InstalledDistribution(
            name=compared,
            version=match["version"],
            dist_info=f"{folder}/{name}",
            installer=installer,
            requested=(base / "REQUESTED").exists(),
            has_record=(base / "RECORD").exists(),
            direct_url=_direct_url(base / "direct_url.json"),
        )


def _direct_url(path: Path) -> Mapping[str, Any] | None:
    text = _text(path)
    if not text:
        return None
    try:
        data = json.loads(text)
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def read_record_csv(prefix: Path, dist_info: str) -> tuple[str, ...]:
    """The files of a distribution, relative to the prefix. Raises `UnsafePath`."""
    return tuple([path for path, _ in _record_rows(prefix, dist_info)])


def _record_rows(prefix: Path, dist_info: str) -> Iterator[tuple[str, str]]:
    """Each file with its SHA-256 in hex; without a usable one it is empty."""
    folder = dist_info.rpartition("/")[0]
    try:
        text = (prefix / dist_info / "RECORD").read_text(encoding="utf-8")
    except FileNotFoundError:
        for name in sorted(_listed(prefix / dist_info)):
            yield f"{dist_info}/{name}", ""
        return
    except UnicodeDecodeError:
        raise UnsafePath(f"{prefix / dist_info / 'RECORD'} is not text") from None
    for row in csv.reader(text.splitlines()):
        if row and row[0]:
            yield inside(prefix, folder, row[0]), _hexadecimal(row[1]) if len(row) > 1 else ""


def _hexadecimal(digest: str) -> str:
    kind, _, encoded = digest.partition("=")
    try:
        return base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).hex() if kind == "sha256" else ""
    except ValueError:
        return ""


def inside(prefix: Path, folder: str, name: str) -> str:
    """A path of a RECORD, relative to `folder` or absolute, as a path below the prefix. Raises `UnsafePath`."""
    shown = name.replace("\\", "/") if os.name == "nt" else name
    if Path(shown).is_absolute():
        relative = os.path.relpath(os.path.normpath(shown), prefix).replace(os.sep, "/")
    else:
        relative = os.path.normpath(f"{folder}/{shown}").replace(os.sep, "/")
    if relative.split("/", 1)[0] in ("..", ".", META_FOLDER):
        raise UnsafePath(f"the RECORD in {prefix / folder} names {name!r}, which is outside of the environment")
    return safe_relative_path(relative, what="RECORD entry")


# ---------------------------------------------------------------- the journal, as far as reading goes


def _unsettled_names(path: Path) -> frozenset[str] | None:
    """The packages that an interrupted work touches; None where there is no journal."""
    try:
        data = json.loads((path / META_FOLDER / JOURNAL_FILE).read_bytes())
        return frozenset(data["names"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        return frozenset()

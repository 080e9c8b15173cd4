"""Where the files of a wheel go (the wheel format's "installing" part), and what is written beside them.

Everything that names a path comes from the archive, so every one of them is checked; digests of the files are those of
the cache, which has read every byte. The RECORD is written anew: it holds what really stands in the prefix.
"""

from __future__ import annotations

import binascii
import configparser
import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from ..errors import ArchiveError
from ..model.digest import Sha256
from ..model.record import PypiRecord
from ..names import pypi_name
from .direct_url import direct_url_of
from .items import Item, Layout, UnpackedWheel, checked_path
from .path_entry import PathEntry
from .paths import EntryPoint, entry_point_items, parse_entry_point, written
from .placeholder import SHEBANG_LIMIT, python_shebang
from .prefix import INSTALLER_NAME, STAMP_FILE
from .python_info import PythonInfo

_NOT_COPIED = frozenset(["RECORD", "RECORD.jws", "RECORD.p7s", "INSTALLER", "REQUESTED", "direct_url.json", STAMP_FILE])
_URLSAFE = bytes.maketrans(b"+/", b"-_")


def wheel_layout(
    record: PypiRecord,
    wheel: UnpackedWheel,
    python: PythonInfo,
    *,
    prefix: str,
    requested: bool = False,
    editable: bool = False,
) -> Layout:
    """Every file of a wheel with its place in the prefix. Raises `ArchiveError`, `UnsafePath`."""
    source = Path(str(wheel.path))
    dist_info = find_dist_info(record, (path for path, *_ in wheel.files))
    target_info = f"{python.site_packages}/{dist_info}"
    project = dist_info.split("-", 1)[0]
    bases = {
        "purelib": f"{python.site_packages}/",
        "platlib": f"{python.site_packages}/",
        "headers": f"{python.include}/{project}/",
        "data": "",
    }
    items: list[Item] = []
    for path, digest, size, executable in wheel.files:
        folder, _, name = path.rpartition("/")
        if folder == dist_info and name in _NOT_COPIED:
            continue
        scheme, inner = split_scheme(path)
        if scheme == "scripts":
            items.append(_script(path, inner, Sha256(digest), size, python, source, prefix))
            continue
        if scheme not in bases:
            raise ArchiveError(f"the wheel of {record.name} has files of an unknown kind: {path!r}")
        target = checked_path(bases[scheme] + inner, what=f"a path of {project}:")
        entry = PathEntry(path=target, path_type="hardlink", sha256=Sha256(digest), size=size)
        items.append(Item(target, "link", path, entry, mode=0o755 if executable else 0o644))
    for point, gui in read_wheel_entry_points(source / dist_info):
        items += entry_point_items(point, python, prefix=prefix, gui=gui)
    items.append(written(f"{target_info}/INSTALLER", INSTALLER_NAME.encode(), "hardlink"))
    if requested:
        items.append(written(f"{target_info}/REQUESTED", b"", "hardlink"))
    origin = direct_url_of(record, editable=editable)
    if origin is not None:
        items.append(written(f"{target_info}/direct_url.json", json.dumps(origin).encode(), "hardlink"))
    if record.stamp is not None:
        items.append(written(f"{target_info}/{STAMP_FILE}", record.stamp.encode(), "hardlink"))
    unique = {item.target: item for item in items}
    lines = record_lines(unique.values(), python.site_packages, f"{target_info}/RECORD")
    unique[f"{target_info}/RECORD"] = written(f"{target_info}/RECORD", lines, "hardlink")
    version = record.version or dist_info.removesuffix(".dist-info").rpartition("-")[2]
    return Layout(
        name=pypi_name(record.name), kind="pypi", version=version, source=str(source), items=tuple(unique.values())
    )


def find_dist_info(record: PypiRecord, paths: Iterable[str]) -> str:
    """The one `.dist-info` folder of a wheel. Raises `ArchiveError` where there is none, or another project's."""
    firsts = {path.split("/", 1)[0] for path in paths if ".dist-info/" in path}
    folders = {first for first in firsts if first.endswith(".dist-info")}
    if len(folders) != 1:
        found = ", ".join(sorted(folders)) or "none"
        raise ArchiveError(f"the wheel of {record.name} must hold one .dist-info folder, it holds: {found}")
    folder = folders.pop()
    checked_path(folder, what="the .dist-info folder")
    project, dash, _ = folder.removesuffix(".dist-info").partition("-")
    if not dash or pypi_name(project) != pypi_name(record.name):
        raise ArchiveError(f"the wheel of {record.name} says that it is {folder}")
    return folder


def split_scheme(path: str) -> tuple[str, str]:
    """The scheme of a path in a wheel (`purelib` for what is not below `.data`) and the path inside of it."""
    if ".data/" not in path:
        return "purelib", path  # nearly every one
    first, _, rest = path.partition("/")
    if first.endswith(".data") and rest:
        scheme, _, inner = rest.partition("/")
        return scheme, inner
    return "purelib", path


def _script(path: str, name: str, digest: Sha256, size: int, python: PythonInfo, source: Path, prefix: str) -> Item:
    """A file of the `scripts` scheme: executable, and its `#!python` made the environment's own."""
    target = checked_path(f"{python.scripts}/{name}", what="a script:")
    with open(source / path, "rb") as file:
        start = file.read(len(b"#!python"))
        if start != b"#!python":
            # copied: the mode is changed, which must not reach the cache through a hard link
            entry = PathEntry(path=target, path_type="hardlink", sha256=digest, size=size)
            return Item(target, "copy", path, entry, mode=0o755)
        line, _, rest = (start + file.read()).partition(b"\n")
    interpreter = f"{prefix}/{python.executable}"
    if line.startswith(b"#!pythonw") and python.windows:
        interpreter = interpreter.replace("python.exe", "pythonw.exe")
    arguments = line.partition(b" ")[2].strip()
    first = python_shebang(interpreter, limit=SHEBANG_LIMIT["linux"]).encode()
    if arguments and b"\n" not in first:
        first += b" " + arguments
    return written(target, first + b"\n" + rest, "hardlink", mode=0o755)


def read_wheel_entry_points(dist_info: Path) -> list[tuple[EntryPoint, bool]]:
    """The console and (True) window scripts of `entry_points.txt`. Raises `ArchiveError`, `UnsafePath`."""
    try:
        text = (dist_info / "entry_points.txt").read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    except UnicodeDecodeError:
        raise ArchiveError(f"{dist_info.name}/entry_points.txt is not UTF-8") from None
    parser = configparser.RawConfigParser(delimiters=("=",), strict=False, empty_lines_in_values=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # names of commands keep their case
    try:
        parser.read_string(text)
    except configparser.Error as error:
        raise ArchiveError(f"{dist_info.name}/entry_points.txt cannot be read: {error}") from None
    points = []
    for section in ("console_scripts", "gui_scripts"):
        if parser.has_section(section):
            for name, value in parser.items(section):
                points.append((parse_entry_point(f"{name} = {value}"), section == "gui_scripts"))
    return points


def record_lines(items: Iterable[Item], site_packages: str, own: str) -> bytes:
    """The RECORD: path relative to `site-packages`, digest and size of every item, and itself without either."""
    up = "../" * (site_packages.count("/") + 1)
    start = f"{site_packages}/"
    rows = []
    for item in items:
        entry = item.entry
        digest = f"sha256={urlsafe(entry.sha256)}" if entry.sha256 else ""
        rows.append((_relative(item.target, start, up), digest, "" if entry.size is None else entry.size))
    rows.append((_relative(own, start, up), "", ""))
    return "".join([f"{_quoted(path)},{digest},{size}\n" for path, digest, size in sorted(rows)]).encode()


def _relative(target: str, start: str, up: str) -> str:
    return target[len(start) :] if target.startswith(start) else up + target


def _quoted(path: str) -> str:
    """A path as a field of a CSV file; `checked_path` lets no line breaks through."""
    if "," not in path and '"' not in path:
        return path
    escaped = path.replace('"', '""')
    return f'"{escaped}"'


def urlsafe(digest: str) -> str:
    """A hexadecimal digest as RECORD writes it."""
    return binascii.b2a_base64(bytes.fromhex(digest), newline=False).translate(_URLSAFE, b"=").decode()


def digest_of(content: bytes) -> Sha256:
    """The SHA-256 of some bytes, in hex."""
    return Sha256(hashlib.sha256(content).hexdigest())

"""Wheels turned into conda packages: pure ones into noarch python, compiled ones into packages of this platform."""

from __future__ import annotations

import base64
import configparser
import csv
import email.message
import email.parser
import hashlib
import io
import re
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.tags import Tag
from packaging.utils import canonicalize_name, parse_wheel_filename

from .host_python import compile_files
from .package_writer import PLACEHOLDER, ArchiveKind, Recipe, WrittenPackage, describe_path, walk, write_package

CONDA_NAMES = {
    "brotli": "brotli-python", "build": "python-build", "fastjsonschema": "python-fastjsonschema",
    "graphviz": "python-graphviz", "ipython-pygments-lexers": "ipython_pygments_lexers",
    "jupyter-client": "jupyter_client", "jupyter-core": "jupyter_core", "jupyter-events": "jupyter_events",
    "jupyter-server": "jupyter_server", "jupyter-server-terminals": "jupyter_server_terminals",
    "jupyterlab-pygments": "jupyterlab_pygments", "jupyterlab-server": "jupyterlab_server", "msgpack": "msgpack-python",
    "prometheus-client": "prometheus_client", "pure-eval": "pure_eval", "ruamel-yaml": "ruamel.yaml",
    "stack-data": "stack_data", "tables": "pytables", "torch": "pytorch", "typing-extensions": "typing_extensions",
    "tzdata": "python-tzdata",
}  # fmt: skip
"""Where conda's name is not the normalised PyPI name. (Unmapped, PyPI's tzdata would pass for conda's.)"""
LEGACY_PLATFORMS = {
    "manylinux1_": "manylinux_2_5_", "manylinux2010_": "manylinux_2_12_", "manylinux2014_": "manylinux_2_17_",
}  # fmt: skip
SCRIPT = """\
#!{prefix}/bin/python
import re
import sys

from {module} import {name}

if __name__ == "__main__":
    sys.argv[0] = re.sub(r"(-script\\.pyw?|\\.exe)?$", "", sys.argv[0])
    sys.exit({call}())
"""
LICENSE_FILE = re.compile(r"(?i)(licen[sc]e|copying|notice|authors)")


@dataclass(frozen=True)
class Wheel:
    """A wheel opened for conversion: archive, metadata, the folder of its metadata, and what its tags say."""

    archive: zipfile.ZipFile
    name: str
    version: str
    tags: frozenset[Tag]
    dist_info: str
    metadata: email.message.Message

    @property
    def pure(self) -> bool:
        """Runs anywhere."""
        return all(tag.platform == "any" for tag in self.tags)


def open_wheel(path: Path) -> Wheel:
    """Read the head of a wheel."""
    name, version, _, tags = parse_wheel_filename(path.name)
    archive = zipfile.ZipFile(path)
    metadata_name = next(member for member in archive.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", member))
    metadata = email.parser.BytesParser().parsebytes(archive.read(metadata_name))
    return Wheel(archive, str(name), str(version), tags, metadata_name.partition("/")[0], metadata)


def convert_wheel(
    path: Path, channel: Path, *, python: str, subdir: str, archive: ArchiveKind = ".conda", build_number: int = 0
) -> WrittenPackage:
    """Write the wheel at `path` into `channel` as a conda package; compiled ones for `python` (`3.11`) alone."""
    wheel = open_wheel(path)
    with wheel.archive, tempfile.TemporaryDirectory() as folder:
        stage = Path(folder)
        site_packages = "site-packages" if wheel.pure else f"lib/python{python}/site-packages"
        stage_wheel(wheel, stage, site_packages)
        entry_points = read_entry_points(wheel)
        if not wheel.pure:
            write_scripts(stage, entry_points)
            compile_files(stage, stage / site_packages, workers=1)
        write_record(stage, site_packages, wheel.dist_info)
        recipe = wheel_recipe(wheel, entry_points, python=python, subdir=subdir, build_number=build_number)
        return write_package(recipe, stage, channel, archive=archive)


def wheel_recipe(wheel: Wheel, entry_points: Sequence[str], *, python: str, subdir: str, build_number: int) -> Recipe:
    """What the conda package says about itself."""
    tag = f"py{python.replace('.', '')}"
    purl = f"pkg:pypi/{canonicalize_name(wheel.name)}"
    words = wheel.metadata
    return Recipe(
        name=conda_name(wheel.name),
        version=wheel.version,
        build=f"pyhd8ed1ab_{build_number}" if wheel.pure else f"{tag}h{tag_digest(wheel)}_{build_number}",
        build_number=build_number,
        subdir="noarch" if wheel.pure else subdir,
        noarch="python" if wheel.pure else None,
        depends=[*python_dependencies(wheel, python), *conda_dependencies(wheel, python)],
        license=str(words["License-Expression"] or words["License"] or "unknown").splitlines()[0][:60],
        summary=str(words["Summary"] or ""),
        home=str(words["Home-page"] or ""),
        entry_points=entry_points if wheel.pure else None,
        extra_index={"purls": [purl]},
        info_files=license_files(wheel),
    )


def tag_digest(wheel: Wheel) -> str:
    """Seven characters that stand for the wheel's tags."""
    return hashlib.sha256(" ".join(sorted(map(str, wheel.tags))).encode()).hexdigest()[:7]


def conda_name(name: str) -> str:
    """conda's name for a PyPI project."""
    normalised = canonicalize_name(name)
    return CONDA_NAMES.get(normalised, normalised)


def conda_version_spec(specifiers: SpecifierSet) -> str:
    """A PEP 440 specifier set in conda's words; `!=` and `==` with `.*` read alike in both."""
    parts = []
    for specifier in sorted(specifiers, key=str):
        version = specifier.version
        if specifier.operator == "~=":
            parts += [f">={version}", version.rpartition(".")[0] + ".*"]
        elif specifier.operator == "==" and version.endswith(".*"):
            parts.append(version)
        else:
            parts.append({"===": "=="}.get(specifier.operator, specifier.operator) + version)
    return ",".join(parts)


def python_dependencies(wheel: Wheel, python: str) -> list[str]:
    """The dependency on python, and for compiled wheels on its ABI, glibc and the compiler's runtimes."""
    if wheel.pure:
        required = conda_version_spec(SpecifierSet(wheel.metadata["Requires-Python"] or ">=3.8"))
        return [f"python {required}".strip()]
    major, minor = python.split(".")
    abi = f"python_abi {python}.* *_cp{major}{minor}"
    return [
        f"__glibc >={glibc_floor(wheel)}",
        "libgcc",
        "libstdcxx",
        f"python >={python},<{major}.{int(minor) + 1}.0a0",
        abi,
    ]


def glibc_floor(wheel: Wheel) -> str:
    """The lowest glibc that one of the wheel's tags promises to run on (PEP 600), at least conda's own 2.17."""
    platforms = " ".join(sorted(tag.platform for tag in wheel.tags))
    for legacy, modern in LEGACY_PLATFORMS.items():
        platforms = platforms.replace(legacy, modern)
    floors = [(int(major), int(minor)) for major, minor in re.findall(r"manylinux_(\d+)_(\d+)_", platforms)]
    return "{}.{}".format(*max(min(floors, default=(2, 17)), (2, 17)))


def conda_dependencies(wheel: Wheel, python: str) -> list[str]:
    """`Requires-Dist` without extras, where the marker holds for CPython on Linux."""
    environment = {
        "python_version": python, "python_full_version": f"{python}.99", "implementation_version": f"{python}.99",
        "sys_platform": "linux", "platform_system": "Linux", "os_name": "posix", "platform_machine": "x86_64",
        "implementation_name": "cpython", "platform_python_implementation": "CPython", "extra": "",
        "platform_release": "", "platform_version": "",
    }  # fmt: skip
    requirements = [Requirement(text) for text in wheel.metadata.get_all("Requires-Dist") or []]
    return [
        f"{conda_name(requirement.name)} {conda_version_spec(requirement.specifier)}".strip()
        for requirement in requirements
        if requirement.marker is None or requirement.marker.evaluate(environment)
    ]


def stage_wheel(wheel: Wheel, stage: Path, site_packages: str) -> None:
    """Unpack the wheel into the layout of a prefix, its RECORD left out, INSTALLER naming conda."""
    for member in wheel.archive.infolist():
        target = wheel_target(wheel, member.filename, site_packages)
        if member.is_dir() or target is None:
            continue
        data = wheel.archive.read(member)
        executable = bool(member.external_attr >> 16 & 0o111)
        if target.startswith(("bin/", "python-scripts/")):
            executable = True
            data = re.sub(rb"\A#!python[w]?", b"#!" + PLACEHOLDER.encode() + b"/bin/python", data)
        path = stage / target
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        path.chmod(0o755 if executable else 0o644)
    (stage / site_packages / wheel.dist_info / "INSTALLER").write_text("conda\n")
    (stage / site_packages / wheel.dist_info / "REQUESTED").touch()


def wheel_target(wheel: Wheel, member: str, site_packages: str) -> str | None:
    """Where a member of the wheel goes in the package (PEP 427's schemes); None: nowhere.

    Compiled packages come without their tests, as conda splits those off too.
    """
    head, *rest = PurePosixPath(member).parts
    if member == f"{wheel.dist_info}/RECORD" or (not wheel.pure and "tests" in rest):
        return None
    if not head.endswith(".data") or len(rest) < 2:
        return f"{site_packages}/{member}"
    scheme, inner = rest[0], "/".join(rest[1:])
    return {
        "purelib": f"{site_packages}/{inner}",
        "platlib": f"{site_packages}/{inner}",
        "data": inner,
        "scripts": f"python-scripts/{inner}" if wheel.pure else f"bin/{inner}",
        "headers": f"include/{wheel.name}/{inner}",
    }[scheme]


def read_entry_points(wheel: Wheel) -> list[str]:
    """`name = module:call` of the wheel's commands."""
    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # names keep their case; documented so
    try:
        parser.read_string(wheel.archive.read(f"{wheel.dist_info}/entry_points.txt").decode())
    except KeyError:
        return []
    sections = [section for section in ("console_scripts", "gui_scripts") if parser.has_section(section)]
    return [f"{name} = {value.partition('[')[0].strip()}" for s in sections for name, value in parser.items(s)]


def write_scripts(stage: Path, entry_points: Sequence[str]) -> None:
    """Compiled packages bring their commands ready made, with the placeholder in the first line."""
    for entry_point in entry_points:
        command, _, target = (part.strip() for part in entry_point.partition("="))
        module, _, call = (part.strip() for part in target.partition(":"))
        path = stage / "bin" / command
        path.parent.mkdir(parents=True, exist_ok=True)
        text = SCRIPT.format(prefix=PLACEHOLDER, module=module, name=call.partition(".")[0], call=call)
        path.write_text(text)
        path.chmod(0o755)


def write_record(stage: Path, site_packages: str, dist_info: str) -> None:
    """PEP 376's RECORD of the files in site-packages and beside it; commands are the installer's to list."""
    buffer = io.StringIO()
    rows = csv.writer(buffer, lineterminator="\n")
    for relative in sorted(walk(stage)):
        if relative.startswith(("bin/", "python-scripts/")):
            continue
        entry = describe_path(stage, relative)
        path = PurePosixPath(relative)
        named = path.relative_to(site_packages) if relative.startswith(site_packages) else upwards(path, site_packages)
        digest = base64.urlsafe_b64encode(bytes.fromhex(entry["sha256"])).rstrip(b"=").decode()
        rows.writerow([named, "" if relative.endswith(".pyc") else f"sha256={digest}", entry["size_in_bytes"]])
    rows.writerow([f"{dist_info}/RECORD", "", ""])
    (stage / site_packages / dist_info / "RECORD").write_text(buffer.getvalue())


def upwards(path: PurePosixPath, site_packages: str) -> PurePosixPath:
    """`path` as seen from site-packages; noarch packages are laid out below `lib/pythonX.Y` when installed."""
    depth = 3 if site_packages == "site-packages" else len(PurePosixPath(site_packages).parts)
    return PurePosixPath(*[".."] * depth, path)


def license_files(wheel: Wheel) -> dict[str, bytes]:
    """The licence texts among the wheel's metadata, for `info/licenses/`."""
    members = [name for name in wheel.archive.namelist() if name.startswith(wheel.dist_info) and name[-1] != "/"]
    return {
        f"licenses/{PurePosixPath(name).name}": wheel.archive.read(name)
        for name in members
        if LICENSE_FILE.search(PurePosixPath(name).name)
    }

"""The interpreter that runs the tests, repacked as a relocatable conda `python` with packages for its libraries.

The standard library and the executable are copied from the base interpreter (a virtual environment's parent), the
libraries that `ldd` shows go into packages named as conda names them, and everything finds everything by rpath.
Such a python works in any prefix, but it is tied to this machine's C library and must never leave the machine.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from dataclasses import dataclass
from pathlib import Path

from .elf import copy_library, host_library, loaded_libraries, set_rpath, strip_symbols
from .package_writer import PLACEHOLDER, STAMP, Recipe, WrittenPackage, write_package

LEFT_OUT = {
    "site-packages", "dist-packages", "__pycache__", "test", "tests", "idlelib", "turtledemo", "lib2to3", "tkinter",
    "ensurepip", "__phello__", "sitecustomize.py", "EXTERNALLY-MANAGED", "LICENSE.txt",
}  # fmt: skip
LEFT_OUT_MODULES = ("_tkinter", "_dbm", "_gdbm", "nis", "_ctypes_test", "_test", "xx", "ossaudiodev")
LIBRARY_PACKAGES = {
    "libssl": "openssl", "libcrypto": "openssl", "libffi": "libffi", "libz": "libzlib", "libbz2": "bzip2",
    "liblzma": "liblzma", "libsqlite3": "libsqlite", "libreadline": "readline", "libtinfo": "ncurses",
    "libtinfow": "ncurses", "libncurses": "ncurses", "libncursesw": "ncurses", "libpanel": "ncurses",
    "libpanelw": "ncurses", "libuuid": "libuuid", "libexpat": "libexpat",
}  # fmt: skip
"""conda's package for a library, by the part of its name before `.so`; others stay inside `python`."""
RUNTIMES = {"libgcc": "libgcc_s.so.1", "libstdcxx": "libstdc++.so.6"}
# `site` is frozen into the interpreter since 3.11, so Debian's idea of dist-packages can only be undone from here
SITECUSTOMIZE = """\
import os
import site
import sys

_VERSION = "python%d.%d" % sys.version_info[:2]


def _site_packages(prefixes=None):
    return [os.path.join(p, "lib", _VERSION, "site-packages") for p in dict.fromkeys(prefixes or site.PREFIXES) if p]


if sys.prefix == sys.base_prefix:
    sys.path[:] = [p for p in sys.path if not p.endswith("/dist-packages")]
    site.getsitepackages = _site_packages
    for _folder in _site_packages():
        site.addsitedir(_folder)
"""


@dataclass(frozen=True)
class Interpreter:
    """The base interpreter: its executable, standard library, prefix and full version."""

    executable: Path
    standard_library: Path
    prefix: str
    version: str

    @property
    def minor(self) -> str:
        """`3.11`"""
        return ".".join(self.version.split(".")[:2])

    @property
    def tag(self) -> str:
        """`cp311`"""
        return "cp" + self.minor.replace(".", "")

    @property
    def abi_build(self) -> str:
        """The end of conda's build string for such a python: `cpython` up to 3.12, `cp313` from there."""
        return "cpython" if int(self.minor.split(".")[1]) < 13 else self.tag

    def digest(self) -> str:
        """A key for what would be packed: executable, shared library and version."""
        content = hashlib.sha256(self.version.encode() + os.fsencode(self.executable) + platform.platform().encode())
        for file in [self.executable, *sorted(loaded_libraries(self.executable).values())]:
            content.update(file.read_bytes())
        return content.hexdigest()


def running_interpreter() -> Interpreter:
    """The interpreter below the running one (itself outside virtual environments)."""
    executable = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
    return Interpreter(executable, Path(sysconfig.get_path("stdlib")), sys.base_prefix, platform.python_version())


def interpreter_at(executable: Path) -> Interpreter:
    """The interpreter of a path, asked in a process of its own."""
    question = (
        "import platform, sys, sysconfig;"
        "print(sysconfig.get_path('stdlib'), sys.base_prefix, platform.python_version(), sep='\\n')"
    )
    answer = subprocess.run([executable, "-I", "-c", question], capture_output=True, text=True, check=True).stdout
    standard_library, prefix, version = answer.splitlines()
    return Interpreter(executable.resolve(), Path(standard_library), prefix, version)


def pack_python(channel: Path, subdir: str, interpreter: Interpreter) -> list[WrittenPackage]:
    """Write `python`, `python_abi` and the packages of the libraries they load into `channel`."""
    with tempfile.TemporaryDirectory() as folder:
        stage = Path(folder) / "python"
        libraries = stage_python(stage, interpreter)
        packages = pack_libraries(channel, subdir, Path(folder), stage, libraries)
        own = interpreter.minor
        abi = [f"python_abi {own}.* *_{interpreter.tag}"]
        recipe = Recipe(
            name="python",
            version=interpreter.version,
            build=f"h{interpreter.digest()[:7]}_0_{interpreter.abi_build}",
            subdir=subdir,
            depends=[glibc_floor(), *sorted(need for package in packages for need in package.run_exports["weak"])]
            + (abi if interpreter.abi_build != "cpython" else []),
            constrains=abi,
            license="Python-2.0",
            summary="The interpreter that runs the tests, made relocatable",
            run_exports={"noarch": ["python"], "weak": abi},
            extra_index={"python_site_packages_path": f"lib/python{own}/site-packages"},
        )
        packages.append(write_package(recipe, stage, channel))
    return [*packages, pack_abi(channel, interpreter), *pack_runtimes(channel, subdir)]


def pack_abi(channel: Path, interpreter: Interpreter) -> WrittenPackage:
    """`python_abi`: no files, holds compiled packages to their python."""
    minor = interpreter.minor
    recipe = Recipe(
        name="python_abi", version=minor, build=f"8_{interpreter.tag}", build_number=8, subdir="noarch",
        noarch="generic", constrains=[f"python {minor}.* *_{interpreter.abi_build}"], license="BSD-3-Clause",
    )  # fmt: skip
    return write_package(recipe, None, channel)


def pack_libraries(
    channel: Path, subdir: str, work: Path, python_stage: Path, libraries: dict[str, Path]
) -> list[WrittenPackage]:
    """One package for each of conda's library packages that `libraries` (name → host file) has members of."""
    members: dict[str, dict[str, Path]] = {}
    for name, path in libraries.items():
        package = LIBRARY_PACKAGES.get(name.partition(".so")[0])
        if package is None:
            copy_library(path, python_stage / "lib" / name)
        else:
            members.setdefault(package, {})[name] = path
    written = []
    for package, files in sorted(members.items()):
        for name, path in files.items():
            copy_library(path, work / package / "lib" / name)
        version = library_version(package, max(files.values()))
        exports = {"weak": [f"{package} >={version},<{int(version.partition('.')[0]) + 1}.0a0"]}
        needs = ["ncurses"] if package == "readline" else []
        members_digest = hashlib.sha256(" ".join(sorted(files)).encode()).hexdigest()[:7]
        recipe = Recipe(
            name=package, version=version, build=f"h{members_digest}_0", subdir=subdir, depends=[glibc_floor(), *needs],
            run_exports=exports,
        )  # fmt: skip
        written.append(write_package(recipe, work / package, channel))
    return written


def library_version(package: str, file: Path) -> str:
    """The library's own word for its version, else what its real file name ends in (`libz.so.1.2.13` → `1.2.13`)."""
    if package == "openssl":
        import ssl

        return ssl.OPENSSL_VERSION.split()[1]
    if package == "libsqlite":
        import sqlite3

        return sqlite3.sqlite_version
    found = re.search(r"\.so\.([\d.]+)$", file.resolve().name)
    return found[1] if found else "1"


def pack_runtimes(channel: Path, subdir: str) -> list[WrittenPackage]:
    """`libgcc` and `libstdcxx`, the compiler's runtimes that wheels expect to find; empty where the host has none."""
    written = []
    for name, library in RUNTIMES.items():
        with tempfile.TemporaryDirectory() as folder:
            source = host_library(library)
            (Path(folder) / "lib").mkdir()
            if source is not None:
                copy_library(source, Path(folder) / "lib" / library)
            needs = ["libgcc"] if name == "libstdcxx" else []
            recipe = Recipe(name=name, version="12.2.0", build="h0_0", subdir=subdir, depends=[glibc_floor(), *needs])
            written.append(write_package(recipe, Path(folder), channel))
    return written


DEFAULT_GLIBC = "2.28"


def glibc_floor() -> str:
    """The dependency on glibc: the machine's own version, but at most the one that a plain `linux-64` in a manifest
    promises. What is copied from here may need more, and this channel is for this machine alone; a floor above the
    default would make every workspace of the tests declare a richer platform than its users write.
    """
    own = platform.libc_ver()[1] or "2.17"
    return f"__glibc >={min(own, DEFAULT_GLIBC, key=lambda text: [int(part) for part in text.split('.')])}"


def stage_python(stage: Path, interpreter: Interpreter) -> dict[str, Path]:
    """Lay `interpreter` out below `stage` as conda's python is; returns the host libraries it needs."""
    library = stage / "lib" / f"python{interpreter.minor}"
    executable = stage / "bin" / f"python{interpreter.minor}"
    shutil.copytree(interpreter.standard_library, library, ignore=left_out, ignore_dangling_symlinks=True)
    (library / "site-packages").mkdir()
    (library / "site-packages" / "README.txt").write_text("Packages of this environment.\n")
    executable.parent.mkdir(parents=True)
    shutil.copyfile(interpreter.executable, executable)
    executable.chmod(0o755)
    for name in ("python", "python3"):
        executable.with_name(name).symlink_to(executable.name)
    modules = sorted((library / "lib-dynload").glob("*.so"))
    libraries: dict[str, Path] = {}
    for file in [executable, *modules]:
        libraries |= loaded_libraries(interpreter.executable if file == executable else file)
    for module in modules:
        set_rpath(module, "$ORIGIN/../../")
    strip_symbols(executable)
    set_rpath(executable, "$ORIGIN/../lib")
    write_placeholders(library, interpreter.prefix)
    undo_debian(library, stage, executable, libraries)
    compile_files(stage, library, python=interpreter.executable)
    return libraries


def left_out(folder: str, names: list[str]) -> list[str]:
    """Tests, GUI, the builder's configuration and other packages' files stay behind."""
    return [
        name for name in names
        if name in LEFT_OUT
        or name.startswith("config-")
        or (Path(folder).name == "lib-dynload" and name.startswith(LEFT_OUT_MODULES))
    ]  # fmt: skip


def write_placeholders(library: Path, prefix: str) -> None:
    """Where `sysconfig`'s data name the interpreter's old prefix, name the placeholder instead."""
    for file in library.glob("_sysconfigdata*.py"):
        old = rf"(?<![\w.-]){re.escape(prefix)}(?=[/'])"
        file.write_text(re.sub(old, PLACEHOLDER, file.read_text(encoding="utf-8")), encoding="utf-8")


def undo_debian(library: Path, stage: Path, executable: Path, libraries: dict[str, Path]) -> None:
    """Debian's python installs into `dist-packages` by a scheme of its own: bring back the upstream layout."""
    environment = {"LD_LIBRARY_PATH": ":".join(sorted({str(path.parent) for path in libraries.values()}))}
    question = "import sysconfig; print(sysconfig.get_default_scheme())"
    answer = subprocess.run(
        [executable, "-S", "-E", "-B", "-c", question], capture_output=True, text=True, check=True, env=environment
    )
    if answer.stdout.strip() != "posix_local":
        return
    for name in ("sysconfig.py", "sysconfig/__init__.py"):
        file = library / name
        if file.exists():
            text = file.read_text(encoding="utf-8").replace("= 'posix_local'", "= 'posix_prefix'")
            file.write_text(text, encoding="utf-8")
    (library / "sitecustomize.py").write_text(SITECUSTOMIZE, encoding="utf-8")


def compile_files(stage: Path, folder: Path, *, python: Path = Path(sys.executable), workers: int = 2) -> None:
    """Let `python` byte-compile everything below `folder` as of the time stamp that the archive gives every file.

    A `.pyc` remembers its source's time: were it another, python would write the file anew on first import, through
    the hard link and into the package cache. For the same reason files that name the prefix get none: replacing the
    placeholder gives them another time.
    """
    for source in folder.rglob("*.py"):
        os.utime(source, (STAMP, STAMP))
    options = ["-qq", "-f", "-j", str(workers), "-r", "30", "-s", str(stage), "-p", PLACEHOLDER]
    subprocess.run([python, "-m", "compileall", *options, folder], check=False)  # some files are no code, on purpose
    for source in folder.rglob("*.py"):
        if PLACEHOLDER.encode() in source.read_bytes():
            for compiled in source.parent.glob(f"__pycache__/{source.stem}.*.pyc"):
                compiled.unlink()

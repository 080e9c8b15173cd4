"""Synthetic packages without Python in them: each shows one thing that installers and solvers must get right.

| packages | what they show |
|---|---|
| `prefix-text`, `prefix-binary` | commands that work only where the placeholder was replaced in text, data and ELF |
| `prefix-short` | a binary placeholder that a real prefix is too long for |
| `old-metadata`, `menu-entry` | no `paths.json`, only `files` and `has_prefix`; a `Menu/` file |
| `activation-scripts`, `link-scripts` | activate.d/deactivate.d and env_vars.d; post-link and pre-unlink |
| `accelerated`, `needs-glibc` | variants chosen by `__cuda` and `__glibc`; `track_features` |
| `native-library`, `native-tool` | run exports, two compiled versions, a tool that wants one of them |
| `pure-library`, `pure-tool` | two noarch python versions; entry points |
| `old-archive`, `both-archives` | `.tar.bz2` only; the same package as `.tar.bz2` and `.conda` |
| `clobber-one`, `clobber-two` | two packages that bring the same path |
| `needs-one`, `needs-two`, `needs-absent`, `shared` | a conflict; a dependency that does not exist |
| `cycle-one`, `cycle-two` | packages that need each other |
| `odd-paths`, `links`, `unlinked` | unusual names, symbolic links, `no_link` |
| `empty-folder` | a `directory` entry (which rattler refuses) |
| `dated` | two versions a year and a half apart |
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from .elf import host_library, patchelf
from .package_writer import PLACEHOLDER, STAMP, ArchiveKind, Recipe, WrittenPackage, write_package
from .subdirs import host_subdir

Stage = Callable[[Path], None]
FORMER = 1_686_787_200_000
"""2023-06-15 in milliseconds."""
ACTIVATE = {
    "sh": 'export CHANNEL_ACTIVATED="$CONDA_PREFIX"\n',
    "fish": 'set -gx CHANNEL_ACTIVATED "$CONDA_PREFIX"\n',
    "ps1": "$Env:CHANNEL_ACTIVATED = $Env:CONDA_PREFIX\n",
    "bat": '@set "CHANNEL_ACTIVATED=%CONDA_PREFIX%"\n',
    "xsh": "$CHANNEL_ACTIVATED = $CONDA_PREFIX\n",
}
DEACTIVATE = {
    "sh": "unset CHANNEL_ACTIVATED\n",
    "fish": "set -e CHANNEL_ACTIVATED\n",
    "ps1": "Remove-Item Env:CHANNEL_ACTIVATED\n",
    "bat": '@set "CHANNEL_ACTIVATED="\n',
    "xsh": "del $CHANNEL_ACTIVATED\n",
}
POST_LINK = """\
#!/bin/sh
set -e
echo "$PKG_NAME $PKG_VERSION $PKG_BUILDNUM" > "$PREFIX/share/link-scripts/built"
echo "link-scripts: the table was built" >> "$PREFIX/.messages.txt"
"""
POST_LINK_BATCH = '@echo %PKG_NAME% %PKG_VERSION% %PKG_BUILDNUM% > "%PREFIX%\\share\\link-scripts\\built"\n'
PRE_UNLINK = """\
#!/bin/sh
rm -f "$PREFIX/share/link-scripts/built"
"""
SHORT = "/opt/short"
"""A placeholder that no real prefix fits into."""
MENU = '{"menu_name": "Test channel", "menu_items": [{"name": "menu-entry", "command": ["true"], "platforms": {}}]}\n'


@dataclass(frozen=True)
class Fixture:
    """A recipe with what fills its prefix (None: nothing) and the kinds of archive to write."""

    recipe: Recipe
    stage: Stage | None = None
    archives: tuple[ArchiveKind, ...] = (".conda",)


def write_fixtures(channel: Path, subdirs: Sequence[str]) -> list[WrittenPackage]:
    """Write every fixture for each of `subdirs` and for noarch into `channel`."""
    written = []
    for fixture in [*(fixture for subdir in subdirs for fixture in fixtures(subdir)), *noarch_fixtures()]:
        with tempfile.TemporaryDirectory() as folder:
            stage = Path(folder)
            if fixture.stage:
                fixture.stage(stage)
            written += [write_package(fixture.recipe, stage, channel, archive=kind) for kind in fixture.archives]
    return written


def fixtures(subdir: str) -> list[Fixture]:
    """The fixtures that belong to a platform."""
    recipe = partial(Recipe, subdir=subdir, version="1.0", build="h1a2b3c4_0")
    accelerated = partial(recipe, name="accelerated")
    return [
        Fixture(recipe(name="prefix-text"), stage_text_prefix),
        Fixture(recipe(name="prefix-binary"), partial(stage_binary_prefix, subdir)),
        Fixture(recipe(name="prefix-short", placeholder=SHORT), files({"share/prefix-short/table": f"\0{SHORT}/x\0"})),
        Fixture(recipe(name="link-scripts"), stage_link_scripts),
        Fixture(accelerated(build="cpu_0", track_features="accelerated-cpu"), files({"share/accelerated": "cpu\n"})),
        Fixture(
            accelerated(build="cuda12_100", build_number=100, depends=["__cuda >=12"]),
            files({"share/accelerated": "cuda\n"}),
        ),
        Fixture(recipe(name="needs-glibc", depends=["__glibc >=2.17"]), files({"share/needs-glibc": "1\n"})),
        Fixture(
            recipe(name="needs-glibc", version="2.0", depends=["__glibc >=2.99"]), files({"share/needs-glibc": "2\n"})
        ),
        *[native_library(recipe, version) for version in ("1.0", "1.1", "2.0")],
        Fixture(
            recipe(name="native-tool", depends=["native-library >=1.0,<2.0a0"]), files({"share/native-tool": "tool\n"})
        ),
        Fixture(recipe(name="old-archive"), files({"share/old-archive": "bzip2\n"}), (".tar.bz2",)),
        Fixture(
            recipe(name="old-metadata", legacy=True),
            files({"share/old-metadata": f"{PLACEHOLDER}/share\n"}),
            (".tar.bz2",),
        ),
        Fixture(recipe(name="both-archives"), files({"share/both-archives": "either\n"}), (".conda", ".tar.bz2")),
        *[
            Fixture(
                recipe(name=f"clobber-{number}"),
                files({"share/clobber/shared": f"{number}\n", f"share/clobber/{number}": f"{number}\n"}),
            )
            for number in ("one", "two")
        ],
        Fixture(recipe(name="links"), stage_links),
        Fixture(
            recipe(name="unlinked", no_link=frozenset({"share/unlinked/state"})),
            files({"share/unlinked/state": "mine to change\n", "share/unlinked/other": "shared\n"}),
        ),
        Fixture(recipe(name="odd-paths"), files(dict.fromkeys(ODD_PATHS, "odd\n"))),
        Fixture(recipe(name="empty-folder"), lambda stage: (stage / "share/empty-folder/empty").mkdir(parents=True)),
    ]


ODD_PATHS = (
    "share/odd-paths/with space", "share/odd-paths/été/naïve.txt", "share/odd-paths/雪.txt", "share/odd-paths/.hidden",
    "share/odd-paths/" + "deep/" * 12 + "file", "share/odd-paths/quote'\"s", "share/odd-paths/dollar$HOME",
)  # fmt: skip


def native_library(recipe: Callable[..., Recipe], version: str) -> Fixture:
    """A version of a library that exports its major version to what is built against it."""
    major = int(version.partition(".")[0])
    exports = {"weak": [f"native-library >={version},<{major + 1}.0a0"]}
    text = f"native library {version}\n"
    stage = files({f"lib/native-library-{major}.data": text, "share/native-library": text})
    return Fixture(recipe(name="native-library", version=version, run_exports=exports), stage)


def noarch_fixtures() -> list[Fixture]:
    """The fixtures that belong to no platform."""
    generic = partial(Recipe, subdir="noarch", noarch="generic", version="1.0", build="0")
    return [
        Fixture(generic(name="activation-scripts"), stage_activation),
        *[
            Fixture(
                generic(name="shared", version=v, summary="What two others want"), files({"share/shared": f"{v}\n"})
            )
            for v in ("1.0", "2.0")
        ],
        Fixture(generic(name="needs-one", depends=["shared 1.*"]), files({"share/needs-one": "\n"})),
        Fixture(generic(name="needs-two", depends=["shared 2.*"]), files({"share/needs-two": "\n"})),
        Fixture(generic(name="needs-absent", depends=["no-such-package >=1"])),
        Fixture(generic(name="cycle-one", depends=["cycle-two"]), files({"share/cycle-one": "\n"})),
        Fixture(generic(name="cycle-two", depends=["cycle-one"]), files({"share/cycle-two": "\n"})),
        Fixture(generic(name="menu-entry"), files({"Menu/menu-entry.json": MENU})),
        Fixture(generic(name="dated", timestamp=FORMER), files({"share/dated": "1\n"})),
        Fixture(generic(name="dated", version="2.0", timestamp=STAMP * 1000), files({"share/dated": "2\n"})),
        *[pure_library(version) for version in ("1.0", "1.1", "2.0")],
        pure_tool(),
    ]


def pure_library(version: str) -> Fixture:
    """A noarch python package of one module; version 2.0 wants a younger python."""
    floor = "3.12" if version == "2.0" else "3.8"
    module = f'"""A library of the test channel."""\n\n__version__ = "{version}"\n'
    recipe = Recipe(
        name="pure-library", version=version, build="pyhd8ed1ab_0", subdir="noarch", noarch="python",
        depends=[f"python >={floor}"], extra_index={"purls": ["pkg:pypi/pure-library"]},
    )  # fmt: skip
    return Fixture(recipe, distribution("pure-library", version, {"pure_library/__init__.py": module}))


def pure_tool() -> Fixture:
    """A noarch python package with a command made from an entry point and one shipped as a script."""
    recipe = Recipe(
        name="pure-tool", version="1.0", build="pyhd8ed1ab_0", subdir="noarch", noarch="python",
        depends=["python >=3.8", "pure-library"], entry_points=["pure-tool = pure_tool.command:main"],
        extra_index={"purls": ["pkg:pypi/pure-tool"]},
    )  # fmt: skip
    command = (
        "import sys\n\nimport pure_library\n\n\n"
        "def main() -> int:\n    print(sys.prefix, pure_library.__version__)\n    return 0\n"
    )
    modules = {"pure_tool/__init__.py": "", "pure_tool/command.py": command}
    stage_modules = distribution("pure-tool", "1.0", modules)
    script = files(
        {"python-scripts/pure-tool-script": f"#!{PLACEHOLDER}/bin/python\nimport sys\n\nprint(sys.prefix)\n"},
        mode=0o755,
    )
    return Fixture(recipe, lambda stage: (stage_modules(stage), script(stage))[0])


def distribution(name: str, version: str, modules: Mapping[str, str]) -> Stage:
    """Modules below site-packages with the metadata that importlib.metadata reads."""
    dist_info = f"site-packages/{name.replace('-', '_')}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    texts = {f"site-packages/{path}": text for path, text in modules.items()}
    return files({**texts, f"{dist_info}/METADATA": metadata, f"{dist_info}/INSTALLER": "conda\n"})


def files(texts: Mapping[str, str], mode: int = 0o644) -> Stage:
    """A stage that writes `texts` by relative path."""

    def stage_files(stage: Path) -> None:
        for relative, text in texts.items():
            path = stage / relative
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            path.chmod(mode)

    return stage_files


def stage_text_prefix(stage: Path) -> None:
    """A command that reads a file by its absolute path, a pkg-config file, and a first line that names the prefix."""
    files({"share/prefix-text/greeting": "hello from the prefix\n"})(stage)
    files({"lib/pkgconfig/prefix-text.pc": f"prefix={PLACEHOLDER}\nName: prefix-text\nVersion: 1.0\n"})(stage)
    files({"bin/prefix-text": f'#!/bin/sh\ncat "{PLACEHOLDER}/share/prefix-text/greeting"\n'}, mode=0o755)(stage)
    # /bin/sh as a package's own file: the interpreter of the next script exists only below the new prefix
    files({"bin/prefix-text-shebang": f"#!{PLACEHOLDER}/bin/prefix-sh\necho shebang\n"}, mode=0o755)(stage)
    shutil.copy(Path(shutil.which("sh") or "/bin/sh").resolve(), stage / "bin/prefix-sh")


def stage_binary_prefix(subdir: str, stage: Path) -> None:
    """A data file with the prefix between NULs, read by a command; and the platform's own kind of program.

    On Linux that is one which must find a library by the prefix; for macOS it only begins like a program: enough to
    see that it would be signed again.
    """
    files({"share/prefix-binary/greeting": "hello from the binary\n"})(stage)
    table = b"\x7fTABLE\0" + f"{PLACEHOLDER}/share/prefix-binary/greeting".encode() + b"\0END\0"
    (stage / "share/prefix-binary/table").write_bytes(table)
    reader = (
        "#!/bin/sh\n"
        'here=$(dirname "$0")\n'
        """file=$(tr '\\0' '\\n' < "$here/../share/prefix-binary/table" | grep greeting)\n"""
        'cat "$file"\n'
    )
    files({"bin/prefix-binary": reader}, mode=0o755)(stage)
    if subdir.startswith("osx-"):
        (stage / "bin/prefix-program").write_bytes(b"\xcf\xfa\xed\xfe" + table)
        (stage / "bin/prefix-program").chmod(0o755)
    library = host_library("libgcc_s.so.1") if sys.platform == "linux" and subdir == host_subdir() else None
    if library is not None:
        stage_shell(stage, library)


def stage_shell(stage: Path, library: Path) -> None:
    """A copy of the host's shell that needs a library of its own, which only its absolute rpath leads to."""
    shell, own = stage / "bin/prefix-shell", stage / "lib/prefix-shell/libprefix-shell.so"
    own.parent.mkdir(parents=True)
    shutil.copyfile(Path(shutil.which("sh") or "/bin/sh").resolve(), shell)
    shutil.copyfile(library, own)
    shell.chmod(0o755)
    own.chmod(0o755)
    patchelf("--set-soname", own.name, own)
    rpath = f"{PLACEHOLDER}/lib/prefix-shell"
    patchelf("--force-rpath", "--add-needed", own.name, "--set-rpath", rpath, shell)


def stage_link_scripts(stage: Path) -> None:
    """Scripts that run after linking and before unlinking."""
    files({"share/link-scripts/data": "data\n"})(stage)
    scripts = {"bin/.link-scripts-post-link.sh": POST_LINK, "bin/.link-scripts-pre-unlink.sh": PRE_UNLINK}
    files(scripts, mode=0o755)(stage)
    batch = {
        "Scripts/.link-scripts-post-link.bat": POST_LINK_BATCH,
        "Scripts/.link-scripts-pre-unlink.bat": "@exit /b 0\n",
    }
    files(batch)(stage)


def stage_activation(stage: Path) -> None:
    """Scripts for every shell, and variables as JSON."""
    for folder, scripts in (("activate.d", ACTIVATE), ("deactivate.d", DEACTIVATE)):
        files({f"etc/conda/{folder}/activation-scripts.{kind}": text for kind, text in scripts.items()})(stage)
    files({"etc/conda/env_vars.d/activation-scripts.json": '{"CHANNEL_VARIABLE": "from env_vars.d"}'})(stage)


def stage_links(stage: Path) -> None:
    """Links to a file, to a link, to a folder and to nothing."""
    files({"share/links/folder/file": "linked\n"})(stage)
    for name, target in {
        "to-file": "folder/file",
        "to-link": "to-file",
        "to-folder": "folder",
        "dangling": "nowhere",
    }.items():
        (stage / "share/links" / name).symlink_to(target)

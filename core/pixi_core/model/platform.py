"""Conda subdirs, virtual packages, and the platforms of a workspace.

Vocabulary and defaults are those of pixi (`linux-64` means `__linux >=4.18`, `__glibc >=2.28` …).
"""

from __future__ import annotations

from ..errors import SpecError
from ..suggest import did_you_mean
from ..value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NewType

    Subdir = NewType("Subdir", str)
else:
    Subdir = str

NOARCH = Subdir("noarch")

SUBDIRS: tuple[Subdir, ...] = tuple(
    Subdir(s)
    for s in (
        "emscripten-wasm32",
        "linux-32",
        "linux-64",
        "linux-aarch64",
        "linux-armv6l",
        "linux-armv7l",
        "linux-ppc64",
        "linux-ppc64le",
        "linux-riscv32",
        "linux-riscv64",
        "linux-s390x",
        "noarch",
        "osx-64",
        "osx-arm64",
        "wasi-wasm32",
        "win-32",
        "win-64",
        "win-arm64",
        "zos-z",
    )
)

_MACHINE = {
    "32": "x86",
    "64": "x86_64",
    "arm64": "arm64",
    "aarch64": "aarch64",
    "armv6l": "armv6l",
    "armv7l": "armv7l",
    "ppc64": "ppc64",
    "ppc64le": "ppc64le",
    "riscv32": "riscv32",
    "riscv64": "riscv64",
    "s390x": "s390x",
    "wasm32": "wasm32",
    "z": "z",
}


def subdir(text: str) -> Subdir:
    """A checked subdir name. Raises `SpecError` with the nearest known names."""
    if text in SUBDIRS:
        return Subdir(text)
    hint = did_you_mean(text, SUBDIRS, f"known platforms: {', '.join(SUBDIRS)}")
    raise SpecError(f"'{text}' is not a known platform", source=text, hints=[hint])


def operating_system(name: Subdir) -> str:
    """`linux`, `osx`, `win`, `noarch`, `emscripten`, `wasi` or `zos`."""
    return name.split("-", 1)[0]


def architecture(name: Subdir) -> str | None:
    """The machine part in conda's words (`x86_64`, `aarch64`, `arm64` …); None for noarch."""
    _, _, machine = name.partition("-")
    return _MACHINE.get(machine)


def is_unix(name: Subdir) -> bool:
    """Whether paths of this platform use `/` and `bin/`."""
    return operating_system(name) not in ("win", "noarch")


class VirtualPackage(Value):
    """A property of a machine that packages may depend on, such as `__glibc 2.36`.

    `version` and `build` are None where a manifest or lock file leaves them out; the solver then uses "0".
    """

    name: str
    version: str | None = None
    build: str | None = None

    def __lt__(self, other: VirtualPackage) -> bool:
        return self._key < other._key

    @property
    def _key(self) -> tuple[str, str, str]:
        return self.name, self.version or "", self.build or ""

    def __str__(self) -> str:
        """The form of lock files: `__name`, `__name=version` or `__name=version=build`."""
        text = self.name
        if self.version is not None:
            text += f"={self.version}"
            if self.build is not None:
                text += f"={self.build}"
        return text

    @classmethod
    def parse(cls, text: str) -> VirtualPackage:
        """The inverse of `str()`. Raises `SpecError`."""
        name, _, rest = text.partition("=")
        if not name.startswith("__") or len(name) < 3:
            raise SpecError(f"'{text}' is not a virtual package (`__name[=version[=build]]`)", source=text)
        version, _, build = rest.partition("=")
        return cls(name, version or None, build or None)


def default_virtual_packages(name: Subdir) -> tuple[VirtualPackage, ...]:
    """What every machine of a platform is assumed to have, in the order lock files list it."""
    system = operating_system(name)
    found: list[VirtualPackage] = []
    if is_unix(name):
        found.append(VirtualPackage("__unix", "0", "0"))
    if system == "linux":
        found += [VirtualPackage("__linux", "4.18"), VirtualPackage("__glibc", "2.28")]
    elif system == "osx":
        found.append(VirtualPackage("__osx", "13.0"))
    elif system == "win":
        found.append(VirtualPackage("__win", "10.0"))
    generic = "m1" if name == "osx-arm64" else architecture(name)
    if generic is not None and system in ("linux", "osx", "win"):
        found.append(VirtualPackage("__archspec", "0", generic))
    return tuple(found)


class Platform(Value):
    """A platform of a workspace: a subdir plus the virtual packages its machines have.

    `virtual_packages` holds the declared ones first (manifest order), then the defaults which were not declared.
    """

    name: str
    subdir: Subdir
    virtual_packages: tuple[VirtualPackage, ...]

    @classmethod
    def bare(cls, name: Subdir) -> Platform:
        """The platform that a plain subdir string means."""
        return cls(name, name, default_virtual_packages(name))

    @classmethod
    def declared(cls, name: str, of: Subdir, declared: tuple[VirtualPackage, ...]) -> Platform:
        """A rich platform: `declared` replaces the defaults of the same name."""
        names = {v.name for v in declared}
        rest = tuple(v for v in default_virtual_packages(of) if v.name not in names)
        return cls(name, of, (*declared, *rest))

    @property
    def customised(self) -> frozenset[VirtualPackage]:
        """The virtual packages that differ from the subdir's defaults (what satisfiability compares)."""
        return frozenset(self.virtual_packages) - frozenset(default_virtual_packages(self.subdir))

    def version_of(self, name: str) -> str | None:
        """The version of a virtual package, None where the platform does not have it."""
        for package in self.virtual_packages:
            if package.name == name:
                return package.version or "0"
        return None

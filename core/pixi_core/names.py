"""Names as receipts: only the functions here mint them, so whoever holds one knows that it was checked.

Nothing of package metadata may be joined to a path unless it went through `safe_component` or
`safe_relative_path` (CVE-2026-47425, CVE-2026-53940, CVE-2026-53956, GHSA-pjjw-68hj-v9mw are what happens
otherwise).
"""

from __future__ import annotations

from .errors import SpecError, UnsafePath

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NewType

    PackageName = NewType("PackageName", str)
    """A conda package name in its compared form: lower case."""

    PypiName = NewType("PypiName", str)
    """A PyPI project name in its compared form (PEP 503): lower case, runs of `-_.` as one `-`."""

    EnvironmentName = NewType("EnvironmentName", str)
    FeatureName = NewType("FeatureName", str)
    TaskName = NewType("TaskName", str)
    SafeComponent = NewType("SafeComponent", str)
    """One path component that cannot leave its folder on any operating system."""
else:
    # on the start-up path of every command: neither `typing` nor `re`
    PackageName = PypiName = EnvironmentName = FeatureName = TaskName = SafeComponent = str

WRITING = ".writing"
"""The folder of a cache in which its files are written before they are put in place."""

DEFAULT_ENVIRONMENT = EnvironmentName("default")
DEFAULT_FEATURE = FeatureName("default")

DEFAULT_MANIFEST_VARIABLE = "PIXI_JUPYTER_DEFAULT_MANIFEST"
"""Names the workspace of notebooks that neither carry a manifest nor lie below one (a JupyterHub's class)."""
DEFAULT_ENVIRONMENT_VARIABLE = "PIXI_JUPYTER_DEFAULT_ENVIRONMENT"
"""Names the environment of it."""

_LOWER = frozenset("abcdefghijklmnopqrstuvwxyz")
_DIGITS = frozenset("0123456789")
_ALPHANUMERIC = _LOWER | frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ") | _DIGITS
_NAME = _ALPHANUMERIC | frozenset("-_.")
_ENVIRONMENT = _LOWER | _DIGITS | {"-"}
_FORBIDDEN = frozenset('/\\:*?"<>|\x7f') | {chr(code) for code in range(0x20)}
_NO_PARTS = frozenset(["", ".", ".."])
_WINDOWS_DEVICES = frozenset(
    ["con", "prn", "aux", "nul", *(f"com{i}" for i in range(1, 10)), *(f"lpt{i}" for i in range(1, 10))]
)


def package_name(text: str) -> PackageName:
    """The compared form of a conda package name. Raises `SpecError`."""
    if not text or text[0] in "-." or not _NAME.issuperset(text):
        raise SpecError(f"'{text}' is not a valid conda package name", source=text)
    return PackageName(text.lower())


def pypi_name(text: str) -> PypiName:
    """The compared form of a PyPI project name. Raises `SpecError`."""
    if not text or not _NAME.issuperset(text) or not _ALPHANUMERIC.issuperset((text[0], text[-1])):
        raise SpecError(f"'{text}' is not a valid PyPI project name", source=text)
    parts = text.lower().replace("_", "-").replace(".", "-").split("-")
    return PypiName("-".join(filter(None, parts)))


def environment_name(text: str) -> EnvironmentName:
    """A checked environment name (lower-case letters, digits, `-`). Raises `SpecError`."""
    if not text or not _ENVIRONMENT.issuperset(text):
        raise SpecError(
            f"'{text}' is not a valid environment name",
            source=text,
            hints=["use lower-case letters, digits and `-` only"],
        )
    return EnvironmentName(text)


def task_name(text: str) -> TaskName:
    """A checked task name: not empty, no white space, no `$`. Raises `SpecError`."""
    if not text or "$" in text or any(c.isspace() for c in text):
        raise SpecError(f"'{text}' is not a valid task name", source=text, hints=["no white space and no `$`"])
    return TaskName(text)


def safe_component(text: str, *, what: str = "name") -> SafeComponent:
    """`text` as one path component; refuses separators, `.`/`..`, control characters, names that Windows
    reserves, trailing dots and blanks, and more than 255 bytes. Raises `UnsafePath`.
    """
    if (
        not text
        or text in (".", "..")
        or not _FORBIDDEN.isdisjoint(text)
        or text[-1] in ". "
        or text.split(".", 1)[0].lower() in _WINDOWS_DEVICES
        or len(text.encode("utf-8", "surrogatepass")) > 255
        or any(0xD800 <= ord(c) <= 0xDFFF for c in text)
    ):
        raise UnsafePath(f"{what} {text!r} cannot be used as a file name")
    return SafeComponent(text)


def safe_relative_path(text: str, *, what: str = "path") -> str:
    """`text` as a `/`-separated path below its root: relative, no `..`, no empty parts, no backslash, no drive, no
    control characters, at most 4,096 bytes and 255 per part. Raises `UnsafePath`.
    """
    parts = text.split("/")
    # nearly every path is printable ASCII: two looks in C instead of a walk over its characters
    plain = text.isascii() and text.isprintable()
    short = plain and len(text) <= 255
    if (
        len(text) > 4096
        or not _NO_PARTS.isdisjoint(parts)
        or "\\" in text
        or (not plain and any(ord(c) < 0x20 or ord(c) == 0x7F or 0xD800 <= ord(c) <= 0xDFFF for c in text))
        or (len(parts[0]) >= 2 and parts[0][1] == ":")
        or (not short and any(len(part.encode("utf-8", "surrogatepass")) > 255 for part in parts))
    ):
        raise UnsafePath(f"{what} {text!r} is not a safe relative path")
    return text

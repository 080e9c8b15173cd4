"""Requirements files of pip, as a manifest can say them: requirements, and options of where to look.

The format is pip's (its documentation, "Requirements File Format"): logical lines with continuations, comments,
options of the file (`-r`, `-c`, `--index-url` …) and of single requirements (`--hash` …). Relative paths start, as with
pip, from the folder one works in (`root`); where nothing is there, from the file. What a manifest has no place for is
reported with its file and line, never dropped in silence.
"""

from __future__ import annotations

import codecs
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError, SpecError
from ..model.channel import without_credentials
from ..model.pypi_requirement import PathSource, PypiRequirement, parse_requirement

if TYPE_CHECKING:
    from collections.abc import Iterator

_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_COMMENT = re.compile(r"(^|\s)#.*$")
_OPTION = re.compile(r"(?P<word>--[a-z][a-z-]*|-[a-zA-Z])(?:\s*=\s*|\s+|(?=\S)|$)(?P<rest>.*)\Z")
_OF_ONE = re.compile(r"\s(?=--?[a-z])")
_VARIABLE = re.compile(r"\$\{[A-Z0-9_]+\}")
_MARKER = re.compile(r"\s+;\s*|;\s+")
_REPOSITORY = re.compile(r"(git|hg|svn|bzr)\+")
_SHORT = {
    "-r": "--requirement",
    "-c": "--constraint",
    "-e": "--editable",
    "-i": "--index-url",
    "--pypi-url": "--index-url",
    "-f": "--find-links",
}


@dataclass(slots=True)
class Requirements:
    """What files ask for. `options` are entries of `[pypi-options]`; `ignored` says what has no place in a manifest,
    each with file and line.
    """

    pypi: list[PypiRequirement] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)
    ignored: list[str] = field(default_factory=list)


class RequirementsReader:
    """Reads files and single lines into `found`; call `finish` at the end. `root` is where relative paths start."""

    def __init__(self, root: Path, found: Requirements) -> None:
        self.root = root
        self.found = found
        self._seen: set[Path] = set()
        self._constraints: list[tuple[PypiRequirement, str]] = []

    def read(self, path: Path, *, constrain: bool = False) -> None:
        """A file with those that it includes, each once. Raises `InputError`, `SpecError`, with file and line."""
        if path.resolve() in self._seen:
            return
        self._seen.add(path.resolve())
        for number, line in logical_lines(text_of(path)):
            self.line(line, path, f"{path.name}:{number}", constrain=constrain)

    def line(self, line: str, path: Path, where: str, *, constrain: bool = False) -> None:
        """One logical line of the file `path`. Raises `InputError`, `SpecError`."""
        if _VARIABLE.search(line):
            self._ignore(where, line, "values of variables are not written into a manifest")
        elif line.startswith("-"):
            self._option(line, path, where, constrain=constrain)
        else:
            requirement = self._requirement(line, path, where)
            if requirement is not None and constrain:
                self._constraints.append((requirement, where))
            elif requirement is not None:
                self.found.pypi.append(requirement)

    def finish(self) -> None:
        """Let constraints bind the requirements that they name."""
        for constraint, where in self._constraints:
            bound = False
            for index, wanted in enumerate(self.found.pypi):
                if wanted.name == constraint.name and wanted.is_registry and constraint.is_registry:
                    both = ",".join(filter(None, (wanted.specifier, constraint.specifier)))
                    self.found.pypi[index] = wanted.replace(specifier=both)
                    bound = True
            if not bound:
                self._ignore(where, str(constraint), "a constraint on what nothing here asks for itself")

    def _ignore(self, where: str, text: str, why: str) -> None:
        self.found.ignored.append(f"{where}: {text} ({why})")

    # ---------------------------------------------------------------- options

    def _option(self, line: str, path: Path, where: str, *, constrain: bool) -> None:
        parts = _OPTION.match(line)
        if parts is None:
            raise InputError(f"{where}: '{line}' is neither a requirement nor an option")
        word, rest = _SHORT.get(parts["word"], parts["word"]), parts["rest"].strip().strip("\"'")
        if word in ("--requirement", "--constraint"):
            other = path.parent / rest
            if not other.is_file():
                raise InputError(f"{where}: {rest} cannot be read", hints=[f"it is looked for in {path.parent}"])
            self.read(other, constrain=constrain or word == "--constraint")
        elif word == "--editable":
            self._editable(rest, path, where)
        elif word in ("--index-url", "--extra-index-url", "--find-links"):
            self._place(word, rest, where)
        elif word in ("--no-binary", "--only-binary"):
            self._choice("no-binary" if word == "--no-binary" else "no-build", rest, where)
        elif word == "--pre":
            self.found.options["prerelease-mode"] = "allow"
        else:
            self._ignore(where, line, "a manifest has no such option")

    def _place(self, word: str, place: str, where: str) -> None:
        """An index, or a folder or page of distributions."""
        public = without_credentials(place)
        if public != place:
            self._ignore(where, f"the password in {public}", "keep it with `pixi auth login`")
        options = self.found.options
        if word == "--index-url":
            options["index-url"] = public
        elif word == "--extra-index-url":
            options.setdefault("extra-index-urls", []).append(public)
        else:
            link = {"url": public} if "://" in place else {"path": place}
            options.setdefault("find-links", []).append(link)

    def _choice(self, key: str, rest: str, where: str) -> None:
        """`:all:`, `:none:` or names; each line adds to those before it."""
        options = self.found.options
        for word in filter(None, (one.strip() for one in rest.split(","))):
            if word == ":all:":
                options[key] = True
            elif word == ":none:":
                options.pop(key, None)
            elif word.startswith(":"):
                self._ignore(where, word, "neither :all: nor :none: nor a name")
            elif options.get(key) is not True:
                options.setdefault(key, []).append(word)

    def _editable(self, rest: str, path: Path, where: str) -> None:
        requirement = self._requirement(rest, path, where)
        if requirement is None:
            return
        source = requirement.source
        if isinstance(source, PathSource):
            requirement = requirement.replace(source=source.replace(editable=True))
        else:
            self._ignore(where, f"that {requirement.name} is editable", "only folders can be")
        self.found.pypi.append(requirement)

    # ---------------------------------------------------------------- requirements

    def _requirement(self, line: str, path: Path, where: str) -> PypiRequirement | None:
        text, *own = _OF_ONE.split(line)
        try:
            requirement = self._parsed(text.strip(), path)
        except SpecError as error:
            raise SpecError(f"{where}: {error.message}", source=error.source, hints=error.hints) from None
        if requirement is None:
            self._ignore(where, text.strip(), "of repositories, only git's can be used")
            return None
        if any(option.startswith("--hash") for option in own):
            self._ignore(where, f"the hashes of {requirement.name}", "the lock file has its own")
        for option in own:
            if not option.startswith("--hash"):
                self._ignore(where, f"{option} of {requirement.name}", "a manifest has no such option")
        return requirement

    def _parsed(self, text: str, path: Path) -> PypiRequirement | None:
        """A requirement of any form; None for one on a repository that is not git's. Raises `SpecError`."""
        target, *marker = _MARKER.split(text, maxsplit=1)
        kind = _REPOSITORY.match(target)
        if kind and kind[1] != "git":
            return None
        if kind or re.match(r"(https?|file)://", target):
            return parse_requirement(_joined(_name_in(target), target, marker))
        if target.startswith((".", "~")) or ("@" not in target and ("/" in target or os.sep in target)):
            place, extras = re.fullmatch(r"(.*?)(\[[^\]]*\])?", target).groups("")  # type: ignore[union-attr]  # all fits
            found, written = self._local(place, path)
            return parse_requirement(_joined(project_name(found) + extras, written, marker))
        requirement = parse_requirement(text)
        if isinstance(requirement.source, PathSource) and "://" not in text:
            _, written = self._local(requirement.source.path, path)
            return requirement.replace(source=requirement.source.replace(path=written))
        return requirement

    def _local(self, place: str, path: Path) -> tuple[Path, str]:
        """What a path of the file `path` leads to, and how it is written from `root`. Raises `SpecError`."""
        given = Path(place).expanduser()
        for base in (self.root, path.parent):
            found = Path(os.path.normpath(base / given))
            if found.exists():
                break
        else:
            raise SpecError(
                f"there is nothing at {place}", source=place, hints=[f"paths start from {self.root}, as with pip"]
            )
        if given.is_absolute():
            return found, found.as_posix()
        relative = Path(os.path.relpath(found, self.root)).as_posix()
        return found, relative if relative.startswith("..") else f"./{relative}" if relative != "." else "."


def _joined(name: str, target: str, marker: list[str]) -> str:
    """A PEP 508 text."""
    return f"{name} @ {target}" + (f" ; {marker[0]}" if marker else "")


def _name_in(url: str) -> str:
    """The package that a URL is of: `#egg=`, the file's name, or the repository's. Raises `SpecError`."""
    plain, _, fragment = url.partition("#")
    egg = re.search(r"(?:^|&)egg=([^&\[]+)(\[[^&\]]*\])?", fragment)
    if egg:
        return egg[1] + (egg[2] or "")
    last = plain.partition("?")[0].rstrip("/").rpartition("/")[2]
    if url.startswith("git+"):
        return re.split(r"@|\.git\b", last)[0]
    return archive_name(last) or last


def archive_name(file_name: str) -> str | None:
    """The project in the name of a wheel or sdist; None for the name of anything else."""
    from packaging.utils import InvalidSdistFilename, InvalidWheelFilename, parse_sdist_filename, parse_wheel_filename

    try:
        if file_name.endswith(".whl"):
            return str(parse_wheel_filename(file_name)[0])
        return str(parse_sdist_filename(file_name)[0])
    except (InvalidWheelFilename, InvalidSdistFilename):
        return None


def project_name(place: Path) -> str:
    """How the project of a folder or archive calls itself, else the folder's name."""
    from tomli import TOMLDecodeError, loads

    if place.is_file():
        return archive_name(place.name) or place.stem
    try:
        name = loads((place / "pyproject.toml").read_text(encoding="utf-8"))["project"]["name"]
    except (OSError, UnicodeDecodeError, TOMLDecodeError, KeyError, TypeError):
        name = None
    return name if isinstance(name, str) else place.resolve().name


def logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """The lines with something in them, and the number of the first of each: continued ones joined, no comments."""
    parts: list[str] = []
    begin = 0
    for number, line in enumerate([*text.splitlines(), ""], 1):
        begin = begin if parts else number
        continued = line.endswith("\\") and not _COMMENT.match(line)
        parts.append(line[:-1] if continued else line)
        if continued:
            continue
        joined = " ".join(_COMMENT.sub("", " ".join(parts)).split())
        parts = []
        if joined:
            yield begin, joined


def text_of(path: Path) -> str:
    """The text of a file in UTF-8, or in what its byte order mark says. Raises `InputError`."""
    try:
        content = path.read_bytes()
        return content.decode(next((name for bom, name in _BOMS if content.startswith(bom)), "utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from error

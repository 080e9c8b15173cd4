"""The PyPI half of satisfiability: requirements, markers and sources against the locked distributions.

In the host kind the lock does not say for which interpreter it was made: markers that ask for the Python version are
then not decided, which neither requires a package nor makes one superfluous.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from urllib.parse import parse_qsl, unquote, urlsplit

from ..errors import EnvironmentUnavailable, SpecError
from ..model.channel import without_credentials
from ..model.marker_environment import PYTHON_VARIABLES, marker_environment
from ..model.package_index import default_index
from ..model.pep508 import Marker, evaluate, parse, variables
from ..model.platform import Platform
from ..model.purl import pypi_names
from ..model.pypi_options import PypiOptions
from ..model.pypi_requirement import GitSource, IndexSource, PathSource, PypiRequirement, UrlSource, from_pep508
from ..model.pypi_target import PypiTarget
from ..model.record import PypiRecord, RepoDataRecord
from ..names import PypiName, pypi_name

SOME_PYTHON = "3.12.0"
"""Stands in where the interpreter is not known and only the platform is asked about."""


class PypiWalk:
    """One environment on one platform. `python` is the locked interpreter's version, None in the host kind. After
    `run`, `used_conda` holds the names of the conda packages that PyPI requirements rest on.
    """

    python: str | None
    target: PypiTarget | None

    def __init__(
        self,
        records: Sequence[PypiRecord],
        conda: Sequence[RepoDataRecord],
        platform: Platform,
        options: PypiOptions,
    ) -> None:
        self.records: dict[PypiName, PypiRecord] = {}
        self.texts: list[str] = []
        for record in records:
            name = pypi_name(record.name)
            if name in self.records:
                self.texts.append(f"'{name}' is locked twice")
            self.records[name] = record
        self.conda = {
            name: (record.name, version or record.version)
            for record in conda
            for name, version in pypi_names(record).items()
        }
        self.used_conda: set[str] = set()
        try:
            locked = PypiTarget.for_conda(platform, conda)
            self.target = locked or PypiTarget.for_platform(platform, SOME_PYTHON)
        except EnvironmentUnavailable:
            locked = self.target = None  # PyPI knows no such platform
        self.python = None if locked is None else locked.python_version
        self.environment = marker_environment(platform, self.python or "0")
        self.options = options
        self.overrides = {requirement.name: requirement for requirement in options.dependency_overrides}

    def run(self, requirements: Iterable[PypiRequirement]) -> list[str]:
        """What is not met or superfluous, in words."""
        waiting = [(requirement, "the manifest", frozenset[str]()) for requirement in requirements]
        self._check_options()
        reached: dict[PypiName, set[str]] = {}
        maybe: set[PypiName] = set()
        while waiting:
            requirement, origin, extras = waiting.pop()
            decided = self._applies(requirement.marker, extras)
            if decided is False:
                continue
            requirement = self.overrides.get(requirement.name, requirement)
            record = self._meet(requirement, origin, required=decided is True)
            if record is None:
                continue
            name = requirement.name
            maybe.add(name)
            wanted = {str(pypi_name(extra)) for extra in requirement.extras}
            if name in reached and wanted <= reached[name]:
                continue
            reached.setdefault(name, set()).update(wanted)
            waiting += [(needed, str(record), frozenset(reached[name])) for needed in self._needs(record)]
        self.texts += [f"{r} is locked, but nothing needs it" for n, r in self.records.items() if n not in maybe]
        return sorted(dict.fromkeys(self.texts))

    def _check_options(self) -> None:
        for name, record in self.records.items():
            if self.options.forbids_build(name) and not record.is_wheel and not _is_path(record.location):
                self.texts.append(f"{record} would have to be built, which `no-build` forbids")
            if self.options.forbids_binary(name) and record.is_wheel and record.is_registry:
                self.texts.append(f"{record} is a wheel, which `no-binary` forbids")
            if self.python is not None and not _allows(record.requires_python, self.python):
                text = f"{record} requires Python {record.requires_python}, but {self.python} is locked"
                self.texts.append(text)
            if record.is_wheel and not self._runs(record.file_name):
                self.texts.append(f"{record.file_name} is locked, which does not run on this platform")

    def _runs(self, wheel: str) -> bool:
        if self.target is None:
            return False
        return self.target.fits(wheel) if self.python is not None else self.target.fits_with_some_python(wheel)

    def _applies(self, marker: Marker | None, extras: frozenset[str]) -> bool | None:
        """Whether a requirement counts; None where that depends on an interpreter the lock does not know."""
        if marker is None:
            return True
        if self.python is None and not PYTHON_VARIABLES.isdisjoint(variables(marker)):
            return None
        return evaluate(marker, self.environment, extras)

    def _needs(self, record: PypiRecord) -> list[PypiRequirement]:
        found: list[PypiRequirement] = []
        for line in record.requires_dist:
            try:
                found.append(from_pep508(parse(line)))
            except SpecError:
                continue
        return found

    def _meet(self, requirement: PypiRequirement, origin: str, *, required: bool) -> PypiRecord | None:
        """The locked distribution that meets a requirement; None where a conda package does, or none."""
        record = self.records.get(requirement.name)
        if record is None:
            carrier, version = self.conda.get(requirement.name, ("", ""))
            if carrier:
                self.used_conda.add(carrier)
            if not carrier:
                if required:
                    self.texts.append(f"{origin} requires '{requirement}', and no such package is locked")
            elif not requirement.is_registry:
                self.texts.append(f"{origin} requires '{requirement}', but conda provides that package")
            elif not _allows(requirement.specifier, version):
                self.texts.append(f"{origin} requires '{requirement}', but conda provides version {version}")
            return None
        problem = _difference(requirement, record, from_manifest=origin == "the manifest")
        if problem:
            self.texts.append(f"{origin} requires '{requirement}', but {problem} is locked")
        return record


def _difference(requirement: PypiRequirement, record: PypiRecord, *, from_manifest: bool) -> str | None:
    """What is locked instead of what is required; None where it fits."""
    source = requirement.source
    if isinstance(source, IndexSource):
        if record.version is not None and not _allows(requirement.specifier, record.version):
            return str(record)
        if not from_manifest:
            return None
        if not record.is_registry and not record.location.startswith("file:"):
            return record.location
        locked_index = without_credentials(record.index or default_index()).rstrip("/")
        if source.index is not None and locked_index != without_credentials(source.index).rstrip("/"):
            return f"{record} of {locked_index}"
        return None
    location = record.location
    if isinstance(source, UrlSource):
        written = location.removeprefix("direct+").partition("#")[0]
        same = without_credentials(source.url) == without_credentials(written)
        return None if same and (source.sha256 in (None, record.sha256)) else location
    if isinstance(source, PathSource):
        return None if not from_manifest or _path(source.path) == _path(location) else location
    return None if _same_git(source, location) else location


def _same_git(source: GitSource, location: str) -> bool:
    if not location.startswith("git+"):
        return False
    parts = urlsplit(location.removeprefix("git+"))
    query = dict(parse_qsl(parts.query))
    url = f"{parts.scheme}://{parts.netloc}{parts.path}"
    reference = all(query.get(key) == getattr(source, key) for key in ("branch", "tag"))
    revision = source.rev is None or query.get("rev") == source.rev or parts.fragment.startswith(source.rev)
    return (
        _bare_git(url) == _bare_git(source.url)
        and reference
        and revision
        and query.get("subdirectory") == source.subdirectory
        and (query.get("lfs") == "true") == source.lfs
    )


def _bare_git(url: str) -> str:
    return without_credentials(url.partition("?")[0]).rstrip("/").removesuffix(".git")


def _path(text: str) -> str:
    import posixpath

    return posixpath.normpath(unquote(text.removeprefix("file://")).replace("\\", "/"))


def _is_path(location: str) -> bool:
    return "://" not in location


def _allows(specifier: str | None, version: str) -> bool:
    if not specifier:
        return True
    from packaging.specifiers import InvalidSpecifier, SpecifierSet
    from packaging.version import InvalidVersion

    try:
        return SpecifierSet(specifier).contains(version, prereleases=True)
    except (InvalidSpecifier, InvalidVersion):
        return True

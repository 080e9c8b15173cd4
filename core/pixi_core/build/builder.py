"""Source code to metadata and wheels: the one that the resolver and the installer ask.

What need not be built is not: results are kept by the content of the source, the Python and whether the build was
isolated; an sdist whose `pyproject.toml` says everything is only read.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from ..archive.extract import extract_sdist
from ..cache.wheels import CachedWheel
from ..errors import ArchiveError, BuildError, PixiError
from ..fs import os_errors
from ..model.pypi_options import applies
from ..model.record import PypiRecord
from ..names import safe_relative_path
from ..pypi.build import SourceTree
from ..pypi.direct import static_metadata
from ..pypi.metadata import CoreMetadata, parse_core_metadata
from ..pypi.versions import try_version
from .hooks import MISSING, Hooks, file_name_of
from .project import read_build_system
from .python import BuildPython, build_variables
from .results import result_key, tree_key
from .sources import source_of
from .stamp import source_stamp
from .tools import BuildTools

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SourceBuilder:
    """Builds with `tools`. `above` are the sources whose build requirements are being made, the first one asked for
    first: what needs itself to be built is refused. `python` overrules that of the tools.
    """

    tools: BuildTools
    above: tuple[str, ...] = ()
    own_python: BuildPython | None = None

    # ---------------------------------------------------------------- questions

    def metadata(self, source: SourceTree) -> CoreMetadata:
        """The metadata that a wheel built from the source would have, by the cheapest way that tells it.

        Raises `BuildError`, `ArchiveError`, `NetworkError`, `Unsatisfiable` (build requirements), `Cancelled`.
        """
        results = self.tools.results
        content = source.digest or source_stamp(_project(source.path, source))
        read = result_key("static", content, source.subdirectory or "")
        known = results.metadata(read)
        if known is not None:
            return known
        self._check(source)
        with results.workshop(read, self.tools.should_stop) as work:
            known = results.metadata(read) or self._built_metadata(source, content)
            if known is not None:
                return known
            static = static_metadata(_opened(source, work, copied=False))
            if static is not None and "version" not in static.dynamic:
                return results.keep_metadata(read, static)
        return self._made(
            source,
            content,
            lambda: self._built_metadata(source, content),
            lambda hooks, out: self._ask_metadata(source, hooks, out, content),
        )

    def wheel(self, source: SourceTree) -> CachedWheel:
        """The wheel (PEP 660's for an editable source), unpacked in the cache. Raises as `metadata`."""
        results = self.tools.results
        content = source.digest or source_stamp(_project(source.path, source), editable=source.editable)
        portable, here = self._keys(source, content)
        found = results.wheel(portable) or results.wheel(here)
        if found is not None:
            return found
        self._check(source)
        return self._made(
            source,
            content,
            lambda: results.wheel(portable) or results.wheel(here),
            lambda hooks, out: self._keep(source, content, self._call_build(source, hooks, out)),
        )

    def wheel_of(self, record: PypiRecord, *, editable: bool = False) -> CachedWheel:
        """The wheel of a locked source. Raises as `wheel`, and `BuildError` for one that is not what is locked."""
        source = source_of(record, self.tools, editable=editable)
        wheel = self.wheel(source)
        metadata = _wheel_metadata(wheel, source)
        same = record.version is None or try_version(metadata.version) == try_version(record.version)
        if metadata.name != record.name or not same:
            raise BuildError(
                f"{source.identity} was built, but the wheel says that it is {metadata.name} {metadata.version}",
                hints=["its metadata is not what was locked: run `pixi lock`, or ask its authors"],
            )
        return wheel

    # ---------------------------------------------------------------- what is known already

    @property
    def python(self) -> BuildPython:
        """The Python that builds."""
        return self.own_python or self.tools.python()

    def _isolated(self, source: SourceTree) -> bool:
        choice = self.tools.options.no_build_isolation
        return not (choice if isinstance(choice, bool) else source.name is not None and applies(choice, source.name))

    def _keys(self, source: SourceTree, content: str) -> tuple[str, str]:
        """The names of a result that any environment with the same Python may use, and of one that only this may."""
        python, isolated = self.python, self._isolated(source)
        place = str(source.path) if source.editable else ""
        parts = (content, source.subdirectory or "", place, python.tag, "" if isolated else python.identity)
        return result_key(*parts), result_key(*parts, python.identity)

    def _built_metadata(self, source: SourceTree, content: str) -> CoreMetadata | None:
        portable, here = self._keys(source, content)
        results = self.tools.results
        known = results.metadata(portable)
        if known is not None:
            return known
        wheel = results.wheel(portable) or results.wheel(here)
        return None if wheel is None else _wheel_metadata(wheel, source)

    # ---------------------------------------------------------------- building

    def _check(self, source: SourceTree) -> None:
        """Refuse what must not be built (`no-build`, except editable folders) and what needs itself."""
        forbidden = self.tools.options.no_build
        if not source.editable and (
            forbidden if isinstance(forbidden, bool) else source.name is not None and applies(forbidden, source.name)
        ):
            raise BuildError(
                f"{source.identity} would have to be built, which `no-build` forbids",
                hints=["use a wheel, or take the package out of `no-build` in [pypi-options]"],
            )
        if source.identity in self.above:
            story = " → ".join((*self.above[self.above.index(source.identity) :], source.identity))
            raise BuildError(f"{source.identity} needs itself to be built: {story}")

    def _made(
        self,
        source: SourceTree,
        content: str,
        find: Callable[[], T | None],
        make: Callable[[Hooks, Path], T],
    ) -> T:
        """What `find` finds, else what `make` makes with the back end's hooks and a folder for what they give.

        The source is locked while it is read and while hooks run, and never while an environment is made for them: that
        may build other sources, which may be waiting for this one (in another process, where `above` cannot tell). So
        the lock is taken up to three times: to read what a build needs, to ask the back end what more, and to build.
        """
        tools, kind = self.tools, _kind(source)
        here = self._keys(source, content)[1]
        isolated, asked = self._isolated(source), False
        requires: tuple[str, ...] | None = None
        while True:
            prefix = self._environment(source, requires) if isolated and requires is not None else None
            with tools.results.workshop(here, tools.should_stop) as work:
                found = find()
                if found is not None:
                    return found
                if isolated and requires is None:
                    requires = read_build_system(_opened(source, work, copied=False)).requires
                    continue
                hooks = self._hooks(source, _opened(source, work), work, prefix)
                if isolated and not asked:
                    asked = True
                    more = hooks.call(f"get_requires_for_build_{kind}", None)
                    if more is not MISSING and more:
                        requires = (*(requires or ()), *more)
                        continue
                out = work / "out"
                out.mkdir()
                return make(hooks, out)

    def _ask_metadata(self, source: SourceTree, hooks: Hooks, out: Path, content: str) -> CoreMetadata:
        """From the hook that gives only metadata, or from a wheel (which is kept) where the back end has no such."""
        hook = f"prepare_metadata_for_build_{_kind(source)}"
        answer = hooks.call(hook, str(out), None)
        if answer is MISSING:
            found = _wheel_metadata(self._keep(source, content, self._call_build(source, hooks, out)), source)
        else:
            path = out / file_name_of(answer, hook, source.identity) / "METADATA"
            try:
                found = parse_core_metadata(path.read_bytes(), what=source.identity)
            except OSError as error:
                raise BuildError(f"{source.identity} could not be built: `{hook}` left no METADATA") from error
        results = self.tools.results
        if source.digest is None:
            results.keep_metadata(tree_key(content), found)
        return results.keep_metadata(self._keys(source, content)[0], found)

    def _keep(self, source: SourceTree, content: str, wheel: Path) -> CachedWheel:
        """Take a wheel into the cache; what is compiled against one environment must not get into another."""
        portable, here = self._keys(source, content)
        return self.tools.results.keep_wheel(portable if wheel.name.endswith("-none-any.whl") else here, wheel)

    def _call_build(self, source: SourceTree, hooks: Hooks, out: Path) -> Path:
        kind = _kind(source)
        with self.tools.reporter.phase("build", detail=source.identity) as phase:
            answer = hooks.call(f"build_{kind}", str(out), None, None)
            phase.finish(source.identity)
        if answer is MISSING:
            raise BuildError(
                f"{source.identity} cannot be installed editable: {hooks.system.backend} has no `build_editable`",
                hints=["leave out `editable`, or use a build backend that knows PEP 660"],
            )
        wheel = out / file_name_of(answer, f"build_{kind}", source.identity)
        if wheel.suffix != ".whl" or not wheel.is_file():
            raise BuildError(f"{source.identity} could not be built: `build_{kind}` made no wheel called {wheel.name}")
        return wheel

    def _hooks(self, source: SourceTree, folder: Path, work: Path, prefix: Path | None) -> Hooks:
        """The back end's hooks, in the isolated environment `prefix`, or in that of the Python that builds."""
        system = read_build_system(folder)
        python, tools = self.python, self.tools
        executable, hint = python.executable, None
        if prefix is not None:
            executable = prefix / ("Scripts/python.exe" if (prefix / "Scripts").is_dir() else "bin/python")
        else:
            needed = ", ".join(system.requires) or "nothing"
            hint = (
                f"it is built without isolation, with what {python.executable} can import; it says that it needs "
                f"{needed}"
            )
        return Hooks(
            python=executable,
            environ=build_variables(python.environ, python.platform, prefix),
            folder=folder,
            work=work,
            system=system,
            identity=source.identity,
            logs=tools.logs,
            bytecode=tools.dirs.build_environments / ".bytecode",
            hint=hint,
            should_stop=tools.should_stop,
        )

    def _environment(self, source: SourceTree, requires: tuple[str, ...]) -> Path:
        """An isolated environment to build a source in."""
        inner = replace(self, above=(*self.above, source.identity))
        try:
            return self.tools.isolated(requires, inner, inner.wheel_of, shared=not self.above)
        except PixiError as error:
            error.add_note(f"while making an environment to build {source.identity} in")
            raise


def _kind(source: SourceTree) -> str:
    """What is built of a source, as PEP 517 and 660 call it."""
    return "editable" if source.editable else "wheel"


def _opened(source: SourceTree, work: Path, *, copied: bool = True) -> Path:
    """The project's folder: the folder itself where somebody works in it or where it is only read (`copied` false),
    else a copy in `work` that a build may fill with its products.
    """
    if source.fetch is not None:
        source.fetch()
    if source.digest is None or (not copied and source.path.is_dir()):
        return _project(source.path, source)
    top = work / "source"
    if source.path.is_dir():
        with os_errors(top):
            shutil.copytree(source.path, top, symlinks=True)
    else:
        top.mkdir()
        extract_sdist(source.path, top, file_name=source.path.name)
        top = _only_folder(top, source.identity)
    return _project(top, source)


def _project(top: Path, source: SourceTree) -> Path:
    """The folder of the project in a source tree. Raises `ArchiveError`, `UnsafePath`."""
    folder = top
    if source.subdirectory:
        safe_relative_path(source.subdirectory, what="subdirectory")
        folder = top / source.subdirectory
    if not folder.is_dir():
        raise ArchiveError(f"{source.identity} has no folder '{source.subdirectory or top}'")
    return folder


def _only_folder(work: Path, identity: str) -> Path:
    """The one top folder of an extracted sdist."""
    found = sorted(work.iterdir())
    if len(found) != 1 or not found[0].is_dir():
        raise ArchiveError(f"{identity} is not a source distribution: it must hold exactly one folder")
    return found[0]


def _wheel_metadata(wheel: CachedWheel, source: SourceTree) -> CoreMetadata:
    """The metadata of an unpacked wheel."""
    for path, *_ in wheel.files:
        if path.endswith(".dist-info/METADATA") and path.count("/") == 1:
            return parse_core_metadata((wheel.path / path).read_bytes(), what=source.identity)
    raise ArchiveError(f"the wheel of {source.identity} has no METADATA")

"""Every error this package raises on purpose.

::

    PixiError                       exit code 1
      UsageError                    exit code 2: the words of a call are wrong
      InputError                    something the user wrote: file, line, column, excerpt
        SpecError                   a version, a match spec, a requirement, a marker
        ManifestError               pixi.toml, pyproject.toml (all issues at once)
        LockFileError               pixi.lock cannot be read
        ConfigError                 config.toml
        NotebookError               an .ipynb that cannot be read or used
      LockOutdated                  the lock file does not match the manifest (with reasons)
      NoWorkspace                   no manifest was found
      SolveError
        Unsatisfiable               no solution exists (with the story)
        SolveTimeout                the conflict budget or the clock ran out
      NetworkError                  URL (already redacted) and cause
        Offline                     the network was needed but is switched off or unreachable
        HttpStatusError             the server answered, but not with the thing
        Truncated                   the body ended early
      ArchiveError                  a package archive that must not be used
        HashMismatch                bytes differ from the promised digest
        UnsafePath                  a name that would leave its folder
      InstallError                  an environment could not be changed
        DiskFull                    path, needed and free bytes
        PrefixBusy                  another process holds the environment
      EnvironmentUnavailable        this machine cannot run the environment
      BuildError                    a source distribution did not build
      TaskError
        CommandNotFound             exit code 127
      TrustRequired                 the manifest was not approved by this user
      PolicyRefused                 the administrator of the machine does not allow it
      Cancelled                     exit code 130

Errors are data first: they carry the objects they speak of, `str()` makes the one-line prose, and advice
lives apart in `hints`, which the edges print as `hint:` lines.
"""

from __future__ import annotations

from .value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Any

MALFORMED = (ValueError, LookupError, TypeError, AttributeError, RecursionError, OverflowError)
"""What decoders raise over damaged content, and whoever takes apart what they gave: not this format, not this text
encoding, another type than promised, nested without end, a number too large.
"""


class PixiError(Exception):
    """Base of every expected failure.

    `hints` are imperative sentences (what to do), printed after the message. `details` are further lines
    that belong to the message itself (a conflict story, a list of reasons).
    """

    exit_code = 1

    def __init__(self, message: str, *, hints: Sequence[str] = (), details: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.hints = tuple(hints)
        self.details = tuple(details)

    def __str__(self) -> str:
        return "\n".join((self.message, *self.details))

    @property
    def circumstances(self) -> tuple[str, ...]:
        """What was being done (`while solving test/win-64`): the notes that were added on the way, each once."""
        return tuple(dict.fromkeys(getattr(self, "__notes__", ())))

    def __reduce__(self) -> tuple[Any, ...]:
        # the default would call the constructor with the message alone, which is too little for some
        return _restored, (type(self), self.args, self.__dict__)


def error_text(error: PixiError | OSError) -> str:
    """An error for people, where there is only text: message, details, hints, a line each."""
    hints = error.hints if isinstance(error, PixiError) else ()
    return "\n".join([str(error), *(f"hint: {hint}" for hint in hints)])


def _restored(kind: type[PixiError], arguments: tuple[Any, ...], state: dict[str, Any]) -> PixiError:
    """What unpickling calls: an error from another process, whole."""
    error = kind.__new__(kind, *arguments)
    error.__dict__.update(state)
    return error


class UsageError(PixiError):
    """The call itself is wrong (unknown option, missing argument)."""

    exit_code = 2


class Location(Value):
    """A place in a file: 1-based line and column; either may be unknown (0)."""

    path: Path | str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        parts = [str(self.path)]
        if self.line:
            parts.append(str(self.line))
            if self.column:
                parts.append(str(self.column))
        return ":".join(parts)


class Issue(Value):
    """One mistake in a file: what is wrong, where, the source line it stands on, and what to do."""

    message: str
    location: Location
    excerpt: str = ""
    hint: str = ""

    def lines(self) -> tuple[str, ...]:
        """`path:line:column: message`, then the excerpt with a caret under the column, then the hint."""
        shown = [f"{self.location}: {self.message}"]
        if self.excerpt:
            shown.append(f"    {self.excerpt}")
            if self.location.column:
                shown.append("    " + " " * (self.location.column - 1) + "^")
        if self.hint:
            shown.append(f"    hint: {self.hint}")
        return tuple(shown)


class InputError(PixiError):
    """Something the user wrote is wrong; `issues` lists every mistake found, not only the first."""

    def __init__(
        self, message: str, *, issues: Sequence[Issue] = (), hints: Sequence[str] = (), details: Sequence[str] = ()
    ) -> None:
        rendered = tuple(line for issue in issues for line in issue.lines())
        super().__init__(message, hints=hints, details=(*rendered, *details))
        self.issues = tuple(issues)


class SpecError(InputError):
    """A version, version spec, match spec, requirement or marker that cannot be parsed.

    `source` is the whole text, `offset` the 0-based position where it went wrong.
    """

    def __init__(self, message: str, *, source: str = "", offset: int = 0, hints: Sequence[str] = ()) -> None:
        super().__init__(message, hints=hints)
        self.source = source
        self.offset = offset


class ManifestError(InputError):
    """A manifest that cannot be read, or that says something impossible."""


class PixiTooOld(ManifestError):
    """The manifest asks for another pixi than this (`requires-pixi`)."""


class LockFileError(InputError):
    """A lock file that cannot be read."""


class ConfigError(InputError):
    """A configuration file that cannot be used."""


class NotebookError(InputError):
    """A notebook that cannot be read, or whose own manifest cannot be used."""


class LockOutdated(PixiError):
    """The lock file does not satisfy the manifest; `reasons` says in which environment and platform, and why."""

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__(
            "lock file not up-to-date with the workspace",
            details=[f"  - {reason}" for reason in reasons],
            hints=["run `pixi lock` to update it"],
        )
        self.reasons = tuple(reasons)


class NoWorkspace(PixiError):
    """No manifest was found from `start` upwards."""

    def __init__(self, start: Path | str) -> None:
        super().__init__(
            f"could not find pixi.toml or pyproject.toml with [tool.pixi] in {start} or any folder above it",
            hints=["create one with `pixi init`"],
        )
        self.start = start


class SolveError(PixiError):
    """The solver gave no answer."""


class Unsatisfiable(SolveError):
    """No set of packages satisfies the request; `story` is the readable explanation, one line each, and `explanation`
    the same as data where a solver made it (conda's is a `solve.story.Story`).
    """

    def __init__(
        self, message: str, *, story: Sequence[str] = (), hints: Sequence[str] = (), explanation: object = None
    ) -> None:
        super().__init__(message, details=story, hints=hints)
        self.story = tuple(story)
        self.explanation = explanation


class SolveTimeout(SolveError):
    """The search was given up after its budget of conflicts or seconds."""


class NetworkError(PixiError):
    """A request failed. `url` carries no credentials."""

    def __init__(self, message: str, *, url: str = "", hints: Sequence[str] = ()) -> None:
        super().__init__(message, hints=hints)
        self.url = url


class Offline(NetworkError):
    """The network is switched off (`--offline`) or no server could be reached, and nothing is cached."""

    @classmethod
    def switched_off(cls, url: str) -> Offline:
        """For something that is not here while `--offline` forbids to fetch it; `url` carries no credentials."""
        return cls(
            f"{url} is not in the cache, and the network is switched off",
            url=url,
            hints=["run the command once without `--offline`"],
        )


class HttpStatusError(NetworkError):
    """The server answered with a status that is not success."""

    def __init__(self, message: str, *, url: str, status: int, hints: Sequence[str] = ()) -> None:
        super().__init__(message, url=url, hints=hints)
        self.status = status


class Truncated(NetworkError):
    """The body was shorter than announced."""


class ArchiveError(PixiError):
    """A package archive is malformed or refused."""


class HashMismatch(ArchiveError):
    """The bytes received are not the bytes promised (both digests in lower-case hex)."""

    def __init__(self, what: str, *, expected: str, actual: str, hints: Sequence[str] = ()) -> None:
        super().__init__(
            f"hash mismatch for {what}", details=[f"  expected: {expected}", f"  actual:   {actual}"], hints=hints
        )
        self.expected = expected
        self.actual = actual


class UnsafePath(ArchiveError):
    """A name from package metadata that would be unsafe as a path."""


class InstallError(PixiError):
    """An environment could not be brought to its wanted state."""


class DiskFull(InstallError):
    """No space, or no quota, left at `path`; byte counts where they are known. Without `names` there are bytes, and no
    inodes: no further file can be made. `limit` says what else than the file system sets an end, `way` what to do about
    it.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        needed: int | None = None,
        free: int | None = None,
        names: bool = True,
        limit: str = "",
        way: str = "free some space",
    ) -> None:
        numbers = [f"{n:,} bytes {what}" for n, what in ((needed, "needed"), (free, "free")) if n is not None]
        numbers += [] if names else ["no inodes: the file system holds as many files as it can"]
        numbers += [limit] if limit else []
        super().__init__(
            f"no space left at {path}" + (f" ({', '.join(numbers)})" if numbers else ""),
            hints=[f"{way} and run the same command again; it will continue where it stopped"],
        )
        self.path = path
        self.needed = needed
        self.free = free


class PrefixBusy(InstallError):
    """Another process is changing the environment."""


class EnvironmentUnavailable(PixiError):
    """The environment cannot exist on this machine (platform, virtual package, missing interpreter)."""


class BuildError(PixiError):
    """A source tree or sdist failed to build; `output` is the tail of what the build printed."""

    def __init__(self, message: str, *, output: Sequence[str] = (), hints: Sequence[str] = ()) -> None:
        super().__init__(message, details=output, hints=hints)
        self.output = tuple(output)


class TaskError(PixiError):
    """A task is unknown, ambiguous, cyclic or malformed."""


class CommandNotFound(TaskError):
    """Neither a task nor an executable has this name."""

    exit_code = 127


class TrustRequired(PixiError):
    """Nothing of this manifest may be installed or run before its user approves it; `subject` is what to approve."""

    def __init__(
        self, message: str, *, hints: Sequence[str] = (), details: Sequence[str] = (), subject: str = ""
    ) -> None:
        super().__init__(message, hints=hints, details=details)
        self.subject = subject


class Refusal(Value):
    """One rule of a policy that something met: where it stands, its key, the value that met it, and why that is not
    allowed, as a sentence; `hint` says what to do.
    """

    location: Location
    key: str
    value: str
    reason: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.location}: `{self.key}`: {self.reason}"


class PolicyRefused(PixiError):
    """The administrator of the machine does not allow it; `refusals` lists every rule that was met."""

    def __init__(self, refusals: Sequence[Refusal]) -> None:
        hints = dict.fromkeys(refusal.hint for refusal in refusals if refusal.hint)
        super().__init__(
            "the policy of this machine does not allow this",
            details=[f"  - {refusal}" for refusal in refusals],
            hints=[*hints, "ask the administrator of this machine for an exception"],
        )
        self.refusals = tuple(refusals)


class Cancelled(PixiError):
    """The user interrupted; everything on disk is whole, or will be healed by the next command."""

    exit_code = 130

    def __init__(self, message: str = "interrupted") -> None:
        super().__init__(message)

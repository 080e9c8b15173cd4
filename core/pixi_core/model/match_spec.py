"""Match specs: which conda packages are meant. Every written form, as data, with matching and a canonical text.

The forms: `name`, `name=1.2`, `name >=1,<2 py*`, `name=1.2=py_0`, `channel/subdir::name[version='>=1',build_number=3]`,
an archive (`https://…/x-1-0.conda`, an absolute path), and the tables of manifests (`MatchSpec.from_table`). The rules
are those of conda's MatchSpec as resolvers in use apply them: `name=1.2` is `1.2.*`, but `name=1.2=build` is exact.

`parse_match_spec(str(spec)) == spec` holds for every spec that has a name.
"""

from __future__ import annotations

from ..errors import SpecError
from ..value import Value
from .version_spec import AnyVersion, VersionSpec, glob_matches, regex_matches

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from .record import RepoDataRecord

    TableValue = str | int | list[str] | Mapping[str, object]
else:
    TableValue = object  # for modules that import it by name

_NUMBER_OPERATORS = ("==", "!=", "<=", ">=", "<", ">")
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-+*")


class StringMatcher(Value):
    """How a build string must look: exact, a glob (`py*_0`) or a regular expression (`^py.*$`)."""

    pattern: str

    @property
    def kind(self) -> str:
        """`exact`, `glob` or `regex`."""
        if self.pattern.startswith("^") and self.pattern.endswith("$"):
            return "regex"
        return "glob" if "*" in self.pattern else "exact"

    def matches(self, text: str) -> bool:
        """Whether the whole of `text` fits."""
        kind = self.kind
        if kind == "exact":
            return text == self.pattern
        return glob_matches(self.pattern, text) if kind == "glob" else regex_matches(self.pattern, text)

    def __str__(self) -> str:
        return self.pattern


class BuildNumberSpec(Value):
    """A comparison with the build number: `operator` is one of `== != < <= > >=`."""

    operator: str
    number: int

    @classmethod
    def parse(cls, text: str) -> BuildNumberSpec:
        """`3`, `==3`, `>=3` … Raises `SpecError`."""
        stripped = text.strip()
        operator = next((o for o in _NUMBER_OPERATORS if stripped.startswith(o)), "")
        digits = stripped[len(operator) :].strip()
        if not (digits.isdigit() and digits.isascii() and len(digits) <= 40):
            raise SpecError(
                f"'{text}' is not a build number (a number, or one of {' '.join(_NUMBER_OPERATORS)} and a number)",
                source=text,
            )
        return cls(operator or "==", int(digits))

    def matches(self, number: int) -> bool:
        """Whether a build number fits."""
        wanted = self.number
        return {
            "==": number == wanted,
            "!=": number != wanted,
            "<": number < wanted,
            "<=": number <= wanted,
            ">": number > wanted,
            ">=": number >= wanted,
        }[self.operator]

    def __str__(self) -> str:
        return f"{self.operator}{self.number}"


class Condition(Value):
    """When a dependency counts (repodata v3): a match spec, or several joined by `and` and `or`."""

    def packages(self) -> tuple[MatchSpec, ...]:
        """Every match spec in the condition, from left to right."""
        raise TypeError("the kinds of conditions are subclasses")


class HasPackage(Condition):
    """Some package of the solution matches."""

    spec: MatchSpec

    def packages(self) -> tuple[MatchSpec, ...]:
        return (self.spec,)

    def __str__(self) -> str:
        return str(self.spec)


class AllOf(Condition):
    """All parts hold."""

    parts: tuple[Condition, ...]

    def packages(self) -> tuple[MatchSpec, ...]:
        return tuple(spec for part in self.parts for spec in part.packages())

    def __str__(self) -> str:
        return " and ".join(f"({part})" if isinstance(part, AnyOf) else str(part) for part in self.parts)


class AnyOf(Condition):
    """At least one part holds."""

    parts: tuple[Condition, ...]

    def packages(self) -> tuple[MatchSpec, ...]:
        return tuple(spec for part in self.parts for spec in part.packages())

    def __str__(self) -> str:
        return " or ".join(str(part) for part in self.parts)


class MatchSpec(Value):
    """A set of conda packages; every field that is not None (or empty) narrows it.

    `name` is lower-case and may be a glob (`py*`) or a regular expression (`^py.*$`). `channel` is a name or a URL as
    written, without the subdir. `url` names one archive. `when` says under which condition a dependency counts; it and
    `extras` are for the solver and do not take part in `matches`. `namespace` is carried along, nothing more.
    """

    name: str | None = None
    version: VersionSpec | None = None
    build: StringMatcher | None = None
    build_number: BuildNumberSpec | None = None
    channel: str | None = None
    subdir: str | None = None
    file_name: str | None = None
    url: str | None = None
    md5: str | None = None
    sha256: str | None = None
    extras: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    license: str | None = None
    license_family: str | None = None
    track_features: tuple[str, ...] = ()
    when: Condition | None = None
    namespace: str | None = None

    @classmethod
    def from_table(cls, name: str, value: TableValue) -> MatchSpec:
        """A dependency as a manifest writes it: a version spec, or a table of fields. Raises `SpecError`."""
        from .match_spec_table import from_table

        return from_table(name, value)

    def to_manifest(self) -> str | dict[str, object]:
        """The value to write for this dependency: a version spec where that says everything, else a table."""
        from .match_spec_table import to_table

        return to_table(self)

    @property
    def has_exact_name(self) -> bool:
        """Whether the name stands for one package (no glob, no regular expression)."""
        return self.name is not None and "*" not in self.name and not self.name.startswith("^")

    @property
    def is_simple(self) -> bool:
        """Whether there is nothing but an exact name, a version and a build."""
        rest = self.as_tuple()[3:]
        return self.has_exact_name and not any(rest)

    def nameless(self) -> MatchSpec:
        """The same without its name."""
        return self.replace(name=None)

    def matches_name(self, name: str) -> bool:
        """Whether a package name (lower case) fits."""
        wanted = self.name
        if wanted is None or wanted == name:
            return True
        if wanted.startswith("^"):
            return regex_matches(wanted, name)
        return "*" in wanted and glob_matches(wanted, name)

    def matches(self, record: RepoDataRecord) -> bool:
        """Whether a package is in the set. Raises `SpecError` where the record's version is none."""
        return (
            self.matches_name(record.name)
            and (self.version is None or isinstance(self.version, AnyVersion) or self.version.matches(record.version))
            and (self.build is None or self.build.matches(record.build))
            and (self.build_number is None or self.build_number.matches(record.build_number))
            and (self.sha256 is None or self.sha256 == record.sha256)
            and (self.md5 is None or self.md5 == record.md5)
            and (self.url is None or self.url == record.url)
            and (self.file_name is None or self.file_name == record.file_name)
            and (self.subdir is None or self.subdir == record.subdir)
            and (self.channel is None or self._is_channel(record.channel))
            and (self.license is None or self.license == record.license)
            and (self.license_family is None or self.license_family == record.license_family)
            and set(self.track_features) <= set(record.track_features)
            and all(any(glob_matches(flag, have) for have in record.flags) for flag in self.flags)
        )

    def _is_channel(self, base_url: str | None) -> bool:
        """Whether the channel with this base URL is the one the spec names."""
        if base_url is None or self.channel is None:
            return False
        from .channel import channel

        return channel(self.channel).url.rstrip("/") == base_url.rstrip("/")

    def __str__(self) -> str:
        text = self.name or "*"
        if self.namespace is not None and self.channel is not None:
            text = f"{self.namespace}:{text}"
        inline_channel = self.channel is not None and _fits_before_name(self.channel)
        if inline_channel:
            separator = ":" if self.namespace is not None else "::"
            text = f"{self.channel}{f'/{self.subdir}' if self.subdir else ''}{separator}{text}"
        inline_build = self.version is not None and self.build is not None and _fits_behind_version(self.build.pattern)
        if self.version is not None:
            text += f" {self.version}"
        if inline_build:
            text += f" {self.build}"
        keys = self._brackets(inline_build=inline_build, inline_channel=inline_channel)
        return f"{text}[{', '.join(keys)}]" if keys else text

    def _brackets(self, *, inline_build: bool, inline_channel: bool) -> list[str]:
        """`key="value"` for what has no other place."""
        keys: list[str] = []
        if self.extras:
            keys.append(f"extras=[{', '.join(self.extras)}]")
        if self.flags:
            keys.append(f"flags=[{', '.join(self.flags)}]")
        values: dict[str, object | None] = {
            "md5": self.md5,
            "sha256": self.sha256,
            "build": None if inline_build else self.build,
            "build_number": self.build_number,
            "fn": self.file_name,
            "url": self.url,
            "channel": None if inline_channel else self.channel,
            "subdir": None if inline_channel else self.subdir,
            "namespace": None if inline_channel else self.namespace,
            "license": self.license,
            "license_family": self.license_family,
            "track_features": " ".join(self.track_features) or None,
            "when": self.when,
        }
        keys += [f"{key}={_quoted(str(value))}" for key, value in values.items() if value is not None]
        return keys


def parse_match_spec(text: str) -> MatchSpec:
    """Parse any written form. Raises `SpecError` that names the whole text."""
    from .match_spec_text import parse

    return parse(text)


def _quoted(text: str) -> str:
    """In the quote it does not contain (a backslash would be part of the text)."""
    return f"'{text}'" if '"' in text else f'"{text}"'


def _fits_before_name(channel: str) -> bool:
    return not any(character.isspace() or character in "[]'\"" for character in channel)


def _fits_behind_version(build: str) -> bool:
    inner = build[1:-1] if build.startswith("^") and build.endswith("$") else build
    return bool(inner) and all(character in _PLAIN for character in inner)

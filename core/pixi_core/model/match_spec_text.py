"""The text forms of match specs: from what people type and repodata contains to `MatchSpec`."""

from __future__ import annotations

import re
from functools import lru_cache

from ..errors import SpecError
from ..suggest import did_you_mean
from .digest import md5 as md5_digest
from .digest import sha256 as sha256_digest
from .match_spec import AllOf, AnyOf, BuildNumberSpec, Condition, HasPackage, MatchSpec, StringMatcher
from .platform import SUBDIRS
from .version_spec import compiled, parse_version_spec

ARCHIVE_EXTENSIONS = (".conda", ".tar.bz2")
_NAME_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_.-")
_KEYS = (
    "version",
    "build",
    "build_number",
    "channel",
    "subdir",
    "namespace",
    "fn",
    "file_name",
    "url",
    "md5",
    "sha256",
    "extras",
    "flags",
    "license",
    "license_family",
    "track_features",
    "when",
)


@lru_cache(maxsize=65536)
def parse(text: str) -> MatchSpec:
    """Parse a match spec. Raises `SpecError`."""
    try:
        return _parse(_without_comment(text).strip())
    except SpecError as error:
        message = error.message
        if message.startswith(f"'{text}' is not a valid match spec"):
            raise
        raise SpecError(
            f"'{text}' is not a valid match spec: {message}",
            source=text,
            offset=error.offset,
            hints=error.hints or ("write `name`, `name>=1.2,<2`, `name=1.2` or `channel::name`",),
        ) from None


def _parse(text: str) -> MatchSpec:
    if not text:
        raise SpecError("the package name is missing")
    if text.split("[", 1)[0].rstrip().partition("; if ")[1]:
        raise SpecError("`; if` is no longer understood", hints=['write the condition as `[when="…"]`'])
    head, keys = _split_brackets(text)
    archive = archive_spec(head)
    if archive is not None:
        return _with_keys(archive, keys)
    channel, subdir, namespace, rest = _split_channel(head)
    name, constraint = _split_name(rest)
    version, build = split_version_and_build(constraint)
    spec = MatchSpec(
        name=checked_name(name),
        version=parse_version_spec(version) if version else None,
        build=build_matcher(build) if build else None,
        channel=channel,
        subdir=subdir,
        namespace=namespace,
    )
    return _with_keys(spec, keys) if keys else spec


def _without_comment(text: str) -> str:
    if text.startswith("#"):
        return ""
    at = text.find(" #")
    return text if at < 0 or text.find("]", at) >= 0 else text[:at]


def checked_name(text: str) -> str:
    """A package name in its compared form; globs and `^…$` are allowed. Raises `SpecError`."""
    if text.startswith("^"):
        if not text.endswith("$"):
            raise SpecError(f"the name pattern '{text}' must end in `$`")
        _check_regex(text)
        return text
    name = text.lower()
    if not name:
        raise SpecError("the package name is missing")
    if not all(character in _NAME_CHARACTERS or character == "*" for character in name) or name[0] in ".-":
        raise SpecError(f"'{text}' is not a valid conda package name", hints=["letters, digits, `-`, `_` and `.` only"])
    return name


def build_matcher(text: str) -> StringMatcher:
    """A build string, glob or `^…$`. Raises `SpecError`."""
    matcher = StringMatcher(text.strip())
    if matcher.kind == "regex":
        _check_regex(matcher.pattern)
    elif matcher.pattern[:1] in "<>" or not matcher.pattern:
        raise SpecError(
            f"'{text}' is not a build string", hints=["separate several version constraints by `,`, not by a blank"]
        )
    return matcher


def _check_regex(pattern: str) -> None:
    try:
        compiled(pattern)
    except ValueError as error:
        raise SpecError(f"the regular expression {pattern} cannot be used: {error}") from None


# ---------------------------------------------------------------- the parts of the text


def _split_brackets(text: str) -> tuple[str, str]:
    """The text before the last `[…]`, and what is inside it; the brackets of a `^…$` name are none."""
    if not text.endswith("]"):
        return text, ""
    start = 0
    while True:
        start = text.find("[", start)
        if start < 0:
            raise SpecError("`]` without `[`")
        key = text[start + 1 :].split("=", 1)[0].strip()
        if key.replace("-", "_").isidentifier() or not text[start + 1 : -1].strip():
            return text[:start].rstrip(), text[start + 1 : -1].strip()
        if not text.startswith("^"):
            raise SpecError(f"'{text[start:]}' is not a list of `key=value`", offset=start)
        start += 1


def _split_channel(text: str) -> tuple[str | None, str | None, str | None, str]:
    """Channel, subdir, namespace and the rest of `channel/subdir:namespace:rest`."""
    if ":" not in text:
        return None, None, None, text
    parts = text.rsplit(":", 2)
    rest = parts[-1].strip()
    if len(parts) == 2:
        return None, None, _namespace(parts[0]), rest
    channel, namespace = parts[0].strip(), _namespace(parts[1])
    if not channel:
        raise SpecError("the channel before `::` is missing")
    return (*split_subdir(channel), namespace, rest)


def _namespace(text: str) -> str | None:
    """What stands between channel and name; mostly nothing."""
    name = text.strip()
    if name and not re.fullmatch(r"[\w.-]+", name):
        raise SpecError(f"'{name}' is not a namespace")
    return name or None


def split_subdir(channel: str) -> tuple[str, str | None]:
    """`conda-forge/linux-64` as channel and subdir."""
    if "::" in channel or any(character.isspace() for character in channel):
        raise SpecError(f"'{channel}' is not a channel")
    head, slash, tail = channel.rstrip("/").rpartition("/")
    return (head, tail) if slash and tail in SUBDIRS else (channel.rstrip("/"), None)


def _split_name(text: str) -> tuple[str, str]:
    """The name, and everything from the first blank or operator on."""
    if text.startswith("^"):
        end = text.find("$")
        while 0 <= end < len(text) - 1 and text[end + 1] not in " \t=<>!~":
            end = text.find("$", end + 1)
        return (text, "") if end < 0 else (text[: end + 1], text[end + 1 :].strip())
    for index, character in enumerate(text):
        if character in "=<>!~" or character.isspace():
            return text[:index], text[index:].strip()
    return text, ""


def split_version_and_build(text: str) -> tuple[str, str]:
    """`>=1, <2 py*` as version and build. They are parted by the first blank or `=` that is not part of an operator;
    `=1.2` with a build is exact, hence `1.2`; a leading `==` without one says nothing (`==2.7.*` is `2.7.*`).
    """
    at = _end_of_version(text)
    version, build = text[:at].strip(), text[at:].lstrip(" \t=").strip()
    if not build:
        return (version[2:].strip() if version.startswith("==") else version) or version, ""
    if version.startswith("=") and not version.startswith("==") and "," not in version and "|" not in version:
        version = version[1:].strip()
    return version, build


def _end_of_version(text: str) -> int:
    if text.startswith("^"):
        end = text.find("$") + 1
        return end or len(text)
    previous = ","  # the last character that is not blank
    index = 0
    while index < len(text):
        character = text[index]
        if character.isspace():
            following = text[index:].lstrip()
            if previous not in ",|(<>=!~" and following[:1] not in ("", ",", "|", ")"):
                return index
        elif character == "=" and previous not in ",|(<>=!~" and text[index + 1 : index + 2] != "=":
            return index
        else:
            previous = character
        index += 1
    return len(text)


# ---------------------------------------------------------------- archives


def archive_spec(text: str) -> MatchSpec | None:
    """The spec of a URL or path of an archive (`#<md5>` or `#sha256:<hex>` may follow); None for any other text."""
    location, _, fragment = text.partition("#")
    if not location.endswith(ARCHIVE_EXTENSIONS) or ("/" not in location and "\\" not in location):
        return None
    if "::" in location or (" " in location and "://" not in location and location[:1] not in "/~.\\"):
        return None
    url = archive_url(location)
    stem = location.replace("\\", "/").rpartition("/")[2]
    for extension in ARCHIVE_EXTENSIONS:
        stem = stem.removesuffix(extension)
    pieces = stem.rsplit("-", 2)
    if len(pieces) != 3 or not all(pieces):
        raise SpecError(f"the file name in '{location}' is not `name-version-build`")
    spec = MatchSpec(name=checked_name(pieces[0]), url=url)
    if not fragment:
        return spec
    digest = fragment.removeprefix("sha256:").removeprefix("sha256=").removeprefix("md5:").removeprefix("md5=")
    if len(digest) == 64:
        return spec.replace(sha256=sha256_digest(digest))
    return spec.replace(md5=md5_digest(digest))


def archive_url(location: str) -> str:
    """An absolute path as a `file://` URL; URLs and relative paths stay as they are."""
    if "://" in location:
        return location
    path = location.replace("\\", "/")
    if path.startswith("/") or (len(path) > 2 and path[1:3] == ":/"):
        from pathlib import PurePosixPath

        from .channel import file_url

        return file_url(PurePosixPath(path))
    if path.startswith(("./", "../", "~/")):
        return path
    return "./" + path


# ---------------------------------------------------------------- brackets


def _with_keys(spec: MatchSpec, text: str) -> MatchSpec:
    """The spec with what stands in the brackets (which wins over what stands before them)."""
    for key, value in _key_values(text):
        spec = _with_key(spec, key.replace("-", "_"), value)
    return spec


def _with_key(spec: MatchSpec, key: str, value: str) -> MatchSpec:
    match key:
        case "version":
            return spec.replace(version=parse_version_spec(value))
        case "build":
            return spec.replace(build=build_matcher(value))
        case "build_number":
            return spec.replace(build_number=BuildNumberSpec.parse(value))
        case "channel":
            channel, subdir = split_subdir(value)
            return spec.replace(channel=channel, subdir=subdir or spec.subdir)
        case "fn" | "file_name":
            return spec.replace(file_name=value)
        case "url":
            return _with_url(spec, value)
        case "md5":
            return spec.replace(md5=md5_digest(value))
        case "sha256":
            return spec.replace(sha256=sha256_digest(value))
        case "extras":
            return spec.replace(extras=_list(value))
        case "flags":
            return spec.replace(flags=_list(value))
        case "track_features":
            return spec.replace(track_features=tuple(value.replace(",", " ").split()))
        case "when":
            return spec.replace(when=parse_condition(value))
        case "subdir":
            return spec.replace(subdir=value)
        case "license":
            return spec.replace(license=value)
        case "license_family":
            return spec.replace(license_family=value)
        case "namespace":
            return spec.replace(namespace=_namespace(value))
    raise SpecError(
        f"'{key}' is not a key of a match spec",
        hints=[did_you_mean(key, _KEYS, f"known keys: {', '.join(_KEYS)}")],
    )


def _with_url(spec: MatchSpec, value: str) -> MatchSpec:
    if not value.split("#", 1)[0].endswith(ARCHIVE_EXTENSIONS):
        raise SpecError(f"'{value}' is not the URL or path of a package archive")
    archive = archive_spec(value if "/" in value or "\\" in value else "./" + value)
    if archive is None:
        raise SpecError(f"'{value}' is not the URL or path of a package archive")
    return spec.replace(url=archive.url, md5=archive.md5 or spec.md5, sha256=archive.sha256 or spec.sha256)


def _key_values(text: str) -> list[tuple[str, str]]:
    """`key=value` pairs parted by commas; values may be quoted, or lists in brackets."""
    pairs: list[tuple[str, str]] = []
    position = 0
    while position < len(text):
        equals = text.find("=", position)
        if equals < 0:
            raise SpecError(f"'{text[position:].strip()}' has no value", offset=position)
        key = text[position:equals].strip()
        value, position = _value(text, equals + 1)
        pairs.append((key, value))
        rest = text[position:].lstrip()
        if rest and not rest.startswith(","):
            raise SpecError(f"a comma is missing before '{rest}'", offset=position)
        position = len(text) - len(rest) + 1
    return pairs


def _value(text: str, position: int) -> tuple[str, int]:
    """One value and the position behind it."""
    while position < len(text) and text[position].isspace():
        position += 1
    opening = text[position : position + 1]
    if opening in ("'", '"'):
        end = text.find(opening, position + 1)
        if end < 0:
            raise SpecError(f"the quote {opening} is not closed", offset=position)
        return text[position + 1 : end], end + 1
    if opening == "[":
        end = text.find("]", position)
        if end < 0:
            raise SpecError("`[` is not closed", offset=position)
        return text[position : end + 1], end + 1
    end = text.find(",", position)
    end = len(text) if end < 0 else end
    return text[position:end].strip(), end


def _list(text: str) -> tuple[str, ...]:
    inner = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    return tuple(item.strip().strip("'\"") for item in inner.split(",") if item.strip())


# ---------------------------------------------------------------- conditions


def parse_condition(text: str) -> Condition:
    """`python >=3.6 and (numpy or bar)`; `and` binds tighter. Raises `SpecError`."""
    tokens = text.replace("(", " ( ").replace(")", " ) ").split()
    condition, position = _either(tokens, 0, text)
    if position < len(tokens):
        raise SpecError(f"'{text}' is not a valid condition: unexpected '{tokens[position]}'", source=text)
    return condition


def _either(tokens: list[str], position: int, text: str) -> tuple[Condition, int]:
    part, position = _both(tokens, position, text)
    parts = [part]
    while position < len(tokens) and tokens[position] == "or":
        part, position = _both(tokens, position + 1, text)
        parts.append(part)
    flat = [inner for one in parts for inner in (one.parts if isinstance(one, AnyOf) else (one,))]
    return (flat[0] if len(flat) == 1 else AnyOf(tuple(flat))), position


def _both(tokens: list[str], position: int, text: str) -> tuple[Condition, int]:
    part, position = _one(tokens, position, text)
    parts = [part]
    while position < len(tokens) and tokens[position] == "and":
        part, position = _one(tokens, position + 1, text)
        parts.append(part)
    flat = [inner for one in parts for inner in (one.parts if isinstance(one, AllOf) else (one,))]
    return (flat[0] if len(flat) == 1 else AllOf(tuple(flat))), position


def _one(tokens: list[str], position: int, text: str) -> tuple[Condition, int]:
    if position < len(tokens) and tokens[position] == "(":
        inner, position = _either(tokens, position + 1, text)
        if position >= len(tokens) or tokens[position] != ")":
            raise SpecError(f"'{text}' is not a valid condition: `)` is missing", source=text)
        return inner, position + 1
    end, depth = position, 0
    while end < len(tokens) and not (depth == 0 and tokens[end] in ("and", "or", ")")):
        # parentheses inside a version spec (`python (3.8|3.9)`) belong to the spec
        depth += {"(": 1, ")": -1}.get(tokens[end], 0)
        end += 1
    if end == position:
        raise SpecError(f"'{text}' is not a valid condition: a package is missing", source=text)
    return HasPackage(parse(" ".join(tokens[position:end]))), end

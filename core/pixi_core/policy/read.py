"""Read the policy that holds here: found (`place`), believed or not, parsed with every mistake at its place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..errors import ConfigError, Location, ManifestError, SpecError
from ..manifest.read import parse_toml
from ..manifest.spans import find_spans
from ..manifest.table import Problems, Table
from ..manifest.times import parse_cutoff
from ..model.channel import channel
from ..model.match_spec import MatchSpec, parse_match_spec
from .model import NO_POLICY, Policy, Rules
from .patterns import check_pattern
from .place import HERE, Machine, groups, place, weakness

KEYS = (
    "channels", "indexes", "mirrors", "exclude-newer", "maximum-size", "required", "denied", "locked-only",
)  # fmt: skip
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(i?)B?", re.IGNORECASE)
_POWERS = ("", "K", "M", "G", "T")


def load_policy(environ: Mapping[str, str], machine: Machine = HERE, *, now: datetime | None = None) -> Policy:
    """The policy of this machine for a process with these variables.

    A file that its users could change is no policy: a warning says so. Raises `ConfigError` for one that cannot be
    read or holds mistakes: then nothing is solved or installed until its administrator has put it right.
    """
    path = place(environ, machine)
    if path is None:
        return NO_POLICY
    try:
        weak = weakness(path, machine)
        text = "" if weak else Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError(f"the policy {path} cannot be read: {reason}", hints=[_ADMINISTRATOR]) from None
    if weak:
        warning = f"the policy {path} does not count, because {weak}"
        return Policy(warnings=(warning,))
    return read_policy(text, Path(path), groups=groups(environ), now=now)


_ADMINISTRATOR = "ask the administrator of this machine to put it right"


def read_policy(text: str, path: Path, *, groups: tuple[str, ...] = (), now: datetime | None = None) -> Policy:
    """The policy in `text` for members of `groups`; ages are counted from `now`. Raises `ConfigError` with every
    mistake, those in the tables of other groups too.
    """
    problems = Problems(path, text)
    moment = now or datetime.now(UTC)
    try:
        document = Table(parse_toml(text, problems), (), problems)
        document.allow((*KEYS, "group"), where="the policy")
        tables = {"": _rules(document, moment)}
        for name, table in document.table("group").tables():
            table.allow(KEYS, where=f"`[group.{name}]`")
            tables[name] = _rules(table, moment)
        problems.raise_any()
    except ManifestError as error:
        raise ConfigError(error.message, issues=error.issues, hints=(*error.hints, _ADMINISTRATOR)) from None
    chosen = tuple(name for name in groups if name in tables and name)
    return Policy(path=path, tables=tuple(tables[name] for name in ("", *chosen)), groups=chosen)


def _rules(table: Table, now: datetime) -> Rules:
    """One table; what is wrong in it has been noted."""
    cutoff = table.data.get("exclude-newer")
    return Rules(
        channels=_patterns(table, "channels"),
        indexes=_patterns(table, "indexes"),
        mirrors=_mirrors(table.table("mirrors")),
        exclude_newer=None if cutoff is None else table.convert("exclude-newer", lambda: parse_cutoff(cutoff, now)),
        maximum_size=_size(table),
        required=_specs(table, "required"),
        denied=_specs(table, "denied"),
        locked_only=table.get("locked-only", bool) or False,
        where=_places(table),
    )


def _places(table: Table) -> dict[str, Location]:
    """Where the keys stand. A policy is read when something is solved or installed: there is time for it."""
    problems = table.problems
    spans = find_spans(problems.text)
    found = {}
    for key in table.data:
        offset = spans.find((*table.path, key), key=True)
        line = 0 if offset is None else problems.text.count("\n", 0, offset) + 1
        found[key] = Location(problems.path, line)
    return found


def _patterns(table: Table, key: str) -> tuple[str, ...] | None:
    """Address patterns; a bare word among `channels` is the channel that a manifest would mean by it."""
    texts = table.texts(key)
    if texts is None:
        return None
    return tuple(_each(table, key, texts, lambda text: check_pattern(_spelled_out(key, text))))


def _spelled_out(key: str, text: str) -> str:
    return channel(text).url if key == "channels" and "://" not in text else text


def _mirrors(table: Table) -> dict[str, tuple[str, ...]]:
    found = {}
    for prefix in table.data:
        table.convert(prefix, lambda prefix=prefix: check_pattern(prefix), at_key=True)  # type: ignore[misc]  # bound now
        texts = table.texts(prefix) or ()
        found[prefix] = tuple(_each(table, prefix, texts, check_pattern))
    return found


def _specs(table: Table, key: str) -> tuple[MatchSpec, ...]:
    return tuple(_each(table, key, table.texts(key) or (), _spec))


def _spec(text: str) -> MatchSpec:
    found = parse_match_spec(text)
    if found.name is None:
        raise SpecError(f"'{text}' names no package", source=text)
    return found


def _each(table: Table, key: str, texts: tuple[str, ...], parse: Any) -> list[Any]:
    """What `parse` makes of each; the `SpecError` of one is a mistake at its place."""
    found = []
    for number, text in enumerate(texts):
        try:
            found.append(parse(text))
        except SpecError as error:
            table.problems.add((*table.path, key, number), error.message, hint="; ".join(error.hints))
    return found


def _size(table: Table) -> int | None:
    value = table.data.get("maximum-size")
    return None if value is None else table.convert("maximum-size", lambda: parse_size(value))


def parse_size(value: object) -> int:
    """Bytes from a number or a text: `10 GB` (powers of 1000), `512 MiB` (of 1024). Raises `SpecError`."""
    found = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    if found is None:
        raise SpecError(f"'{value}' is no size", source=str(value), hints=["write bytes, `10 GB` or `512 MiB`"])
    return int(float(found[1]) * (1024 if found[3] else 1000) ** _POWERS.index(found[2].upper()))

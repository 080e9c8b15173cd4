"""What the Pythons of a cluster are, and where they do not fit together. Knows no engine.

Everybody is asked the same question, as text: each Python compiles it by itself, whatever its version, and needs
nothing of ours.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from ..errors import EnvironmentUnavailable
from ..names import pypi_name
from ..store.entry import LAYOUT

QUESTION = (
    "__import__('json').dumps({"
    "'python': __import__('platform').python_version(), "
    "'prefix': __import__('os').path.realpath(__import__('sys').prefix), "
    "'pid': __import__('os').getpid(), "
    "'packages': {str(d.metadata['Name']): d.version"
    " for d in __import__('importlib.metadata').metadata.distributions()}"
    "})"
)
"""An expression whose value is JSON."""

SPOKEN = frozenset(map(pypi_name, ("cloudpickle", "dask", "distributed", "msgpack", "tornado")))
"""What a scheduler and its workers must have alike to understand each other; a scheduler runs nobody's code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Participant:
    """One process. `role` is client, scheduler or worker; `digest` the key of the store's entry that it runs in, empty
    elsewhere; `packages` maps normalised names to versions.
    """

    role: str
    name: str
    python: str
    prefix: str
    digest: str
    packages: Mapping[str, str]

    @classmethod
    def told(cls, role: str, name: str, answer: str) -> Participant:
        """From an answer to `QUESTION`."""
        said: dict[str, Any] = json.loads(answer)
        return cls(
            role=role,
            name=name,
            python=said["python"],
            prefix=said["prefix"],
            digest=digest_of(said["prefix"]),
            packages={str(pypi_name(found)): version for found, version in said["packages"].items()},
        )

    def __str__(self) -> str:
        return f"{self.role} {self.name}".rstrip()

    def to_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "role": self.role,
            "name": self.name,
            "python": self.python,
            "prefix": self.prefix,
            "digest": self.digest,
            "packages": len(self.packages),
        }


def digest_of(prefix: str) -> str:
    """The key of the store's entry at a path of any machine, which need not be this one; empty for other paths."""
    path = PurePath(prefix)
    return path.parent.name if path.name == "env" and path.parent.parent.name == LAYOUT else ""


def ask_python(python: str, role: str = "client") -> Participant:
    """What an interpreter of this machine is. Raises `EnvironmentUnavailable` for one that does not run."""
    try:
        done = subprocess.run(
            [python, "-I", "-c", f"print({QUESTION})"], capture_output=True, text=True, timeout=60, check=True
        )
        return Participant.told(role, "", done.stdout)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise EnvironmentUnavailable(f"the Python {python} does not run: {error}") from error


def mismatches(client: Participant, others: Sequence[Participant], digest: str = "") -> list[str]:
    """A sentence for each difference that can make work fail or give other results; workers also run in the entry
    `digest`, where one is named.
    """
    return [line for other in others for line in _differences(client, other, digest)]


def _differences(client: Participant, other: Participant, digest: str) -> Iterator[str]:
    minor = _minor(other.python)
    if minor != _minor(client.python):
        yield f"{other}: Python {other.python}, the client has {client.python}"
    worker = other.role == "worker"
    if worker and digest and other.digest != digest:
        yield f"{other}: runs in {other.digest or other.prefix}, locked is {digest}"
    for name, version in sorted(client.packages.items()):
        found = other.packages.get(name)
        if found == version or not (worker or name in SPOKEN):
            continue
        yield f"{other}: {name} {found or 'is missing'}, the client has {version}"


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])

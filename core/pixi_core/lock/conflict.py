"""Lock files in which git has left both sides of a merge."""

from __future__ import annotations

from .model import LockedEnvironment, LockFile

_PACKAGES = "\npackages:\n"
_OURS, _BASE, _SPLIT, _THEIRS = "<<<<<<<", "|||||||", "=======", ">>>>>>>"


def has_conflict(text: str) -> bool:
    """Whether a line begins as git's markers do."""
    return any(line.startswith((f"{_OURS} ", f"{_THEIRS} ")) for line in text.splitlines())


def sides(text: str) -> tuple[str, str]:
    """The text as it was on our side of the merge and on theirs (what is between markers of a common ancestor, which
    git writes on request, belongs to neither). Where git saw no conflict it took over what either side had, and so may
    have made an environment name a package whose record is on the other side: each gets the other's records, too.
    """
    ours: list[str] = []
    theirs: list[str] = []
    here = ""
    for line in text.splitlines(keepends=True):
        marker = line[:7]
        if marker == _OURS or (here and marker in (_BASE, _SPLIT)):
            here = marker
        elif here and marker == _THEIRS:
            here = ""
        else:
            if here in ("", _OURS):
                ours.append(line)
            if here in ("", _SPLIT):
                theirs.append(line)
    mine, other = "".join(ours), "".join(theirs)
    return _with_records(mine, other), _with_records(other, mine)


def _with_records(text: str, other: str) -> str:
    """A lock file with the records of packages that only another one has; they stand at the end of both."""
    own, more = text.partition(_PACKAGES)[2], other.partition(_PACKAGES)[2]
    known = {record.partition("\n")[0] for record in _records(own)}
    added = [record for record in _records(more) if record.partition("\n")[0] not in known]
    return text + "".join(added) if own.endswith("\n") else text


def _records(section: str) -> list[str]:
    """The items of a list, each with its first line in front."""
    return [f"- {item.rstrip()}\n" for item in f"\n{section}".split("\n- ")[1:]]


def preferring(ours: LockFile, theirs: LockFile) -> LockFile:
    """What was locked on either side, ours where both have a package: what a solve of the merged manifest may keep."""
    environments = dict(theirs.environments)
    for name, mine in ours.environments.items():
        other = environments.get(name, LockedEnvironment())
        packages = dict(other.packages)
        for platform, records in mine.packages.items():
            names = {(type(record), record.name) for record in records}
            added = [record for record in packages.get(platform, ()) if (type(record), record.name) not in names]
            packages[platform] = (*records, *added)
        environments[name] = mine.replace(packages=packages)
    platforms = {platform.name: platform for platform in (*theirs.platforms, *ours.platforms)}
    return ours.replace(platforms=tuple(platforms.values()), environments=environments)

"""Small synthetic channels and the exhaustive search that the solver is compared with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from random import Random

from pixi_core.model.channel import Channel
from pixi_core.model.match_spec import MatchSpec, parse_match_spec
from pixi_core.model.platform import Subdir
from pixi_core.model.record import RepoDataRecord
from pixi_core.solve import RecordSource, Solution, SolveRequest, solve

FORGE = Channel("https://channels.example/forge/", "forge")
OTHER = Channel("https://channels.example/other/", "other")


def record(
    text: str,
    depends: Sequence[str] = (),
    *,
    constrains: Sequence[str] = (),
    channel: Channel = FORGE,
    number: int = 0,
    timestamp: int | None = None,
    track_features: Sequence[str] = (),
    subdir: str = "linux-64",
    extra_depends: Mapping[str, tuple[str, ...]] | None = None,
) -> RepoDataRecord:
    """A record from `name version [build]`."""
    name, version, *rest = text.split()
    build = rest[0] if rest else f"h_{number}"
    file_name = f"{name}-{version}-{build}.conda"
    return RepoDataRecord(
        name=name,
        version=version,
        build=build,
        build_number=number,
        subdir=Subdir(subdir),
        file_name=file_name,
        url=f"{channel.url}{subdir}/{file_name}",
        channel=channel.url,
        depends=tuple(depends),
        constrains=tuple(constrains),
        timestamp=timestamp,
        track_features=tuple(track_features),
        extra_depends=extra_depends or {},
    )


def source(*records: RepoDataRecord) -> RecordSource:
    """Records of the channels `forge` and `other`, in this order of priority."""
    return RecordSource([(channel, [r for r in records if r.channel == channel.url]) for channel in (FORGE, OTHER)])


def specs(*texts: str) -> tuple[MatchSpec, ...]:
    """Parsed match specs."""
    return tuple(parse_match_spec(text) for text in texts)


def shown(solution: Solution) -> list[str]:
    """`name version build` of each record."""
    return [str(r) for r in solution.records]


def solved(records: Iterable[RepoDataRecord], *wanted: str) -> list[str]:
    """The answer for plain specs."""
    return shown(solve(SolveRequest(specs=specs(*wanted)), source(*records)))


# ---------------------------------------------------------------- random problems


def random_problem(random: Random) -> tuple[list[RepoDataRecord], list[str]]:
    """A few names with a few versions each, requiring and constraining each other (rarely themselves) at random, and
    some roots.
    """
    names = [f"p{i}" for i in range(random.randint(3, 6))]
    records = []
    for name in names:
        for version in range(1, random.randint(2, 4)):
            but = name if random.random() < 0.9 else ""
            depends = [_random_spec(random, names, but) for _ in range(random.choice((0, 1, 1, 2, 3)))]
            constrains = [_random_spec(random, names, but) for _ in range(random.choice((0, 0, 0, 1)))]
            records.append(record(f"{name} {version}", depends, constrains=constrains))
    roots = [_random_spec(random, names, "") for _ in range(random.randint(1, 3))]
    return records, roots


def _random_spec(random: Random, names: Sequence[str], but: str) -> str:
    name = random.choice([other for other in names if other != but] + (["absent"] if random.random() < 0.03 else []))
    return name + random.choice(("", " >=2", " <2", " 1.*", " 2.*", " >=1,<3", " !=2", " 3"))


def is_valid(chosen: Sequence[RepoDataRecord], roots: Sequence[str]) -> bool:
    """Whether every root and dependency is met, every constraint is kept, and no name occurs twice."""
    versions = {r.name: r.version for r in chosen}
    needed = [*roots, *(dependency for r in chosen for dependency in r.depends)]
    limits = [constraint for r in chosen for constraint in r.constrains]
    return (
        len(versions) == len(chosen)
        and all(_fits(text, versions.get(text.partition(" ")[0])) for text in needed)
        and all(_fits(text, versions.get(text.partition(" ")[0])) is not False for text in limits)
    )


@cache
def _fits(text: str, version: str | None) -> bool | None:
    """Whether a version is in a spec; None for a package that is not there."""
    spec = parse_match_spec(text)
    return None if version is None else spec.version is None or spec.version.matches(version)


def has_solution(records: Sequence[RepoDataRecord], roots: Sequence[str]) -> bool:
    """Exhaustive search over every choice of at most one record per name."""
    by_name: dict[str, list[RepoDataRecord]] = {}
    for r in records:
        by_name.setdefault(r.name, []).append(r)
    return any(is_valid(chosen, roots) for chosen in _choices(list(by_name.values())))


def _choices(groups: Sequence[Sequence[RepoDataRecord]]) -> Iterator[list[RepoDataRecord]]:
    if not groups:
        yield []
        return
    for rest in _choices(groups[1:]):
        yield rest
        for r in groups[0]:
            yield [r, *rest]

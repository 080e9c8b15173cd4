"""A failed resolution as a story: who asked for what, why that could not be had, and what to try.

A line of the story is a sentence. Every requirement is traced back to the manifest by the chain of packages that
brought it in, and what the conda solution fixed is named with its conda package.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from resolvelib.structs import RequirementInformation

from ..errors import NetworkError, Unsatisfiable
from ..names import PypiName
from .candidate import Candidate, Wanted
from .mapping import Provided
from .smallest import Stated, reached, smallest
from .versions import contains

if TYPE_CHECKING:
    from .provider import Provider

    Information = RequirementInformation[Wanted, Candidate]

SHOWN = 6
"""How many requirements on one project, and how many refused files, are listed."""


class CondaConflict(Unsatisfiable):
    """PyPI requirements that the conda solution does not meet.

    `bounds` are match specs (`numpy >=2,<3`) which, added to the conda solve, would let it meet them.
    """

    def __init__(
        self, message: str, *, story: Sequence[str] = (), hints: Sequence[str] = (), bounds: Sequence[str] = ()
    ) -> None:
        super().__init__(message, story=story, hints=hints)
        self.bounds = tuple(bounds)


def explain(provider: Provider, requirements: Sequence[Stated], causes: Collection[Information]) -> Unsatisfiable:
    """The error for a resolution of some requirements that failed with these causes; `CondaConflict` where conda's
    choice is one. The story is of as few of the requirements as fail by themselves. Raises `Cancelled`.
    """
    bounds = _conda_bounds(provider, causes)
    kept, causes = smallest(provider, requirements, causes)
    lines = [f"{line}," for line in _ways(provider, kept, causes)]
    causes = [*causes, *_never(provider, causes)]
    hints: list[str] = []
    by_project: dict[PypiName, list[Information]] = {}
    for cause in causes:
        by_project.setdefault(cause.requirement.name, []).append(cause)
    for name, informations in by_project.items():
        provided = provider.policy.provided.get(name)
        lines += [f"{line}," for line in sentences(informations)[:SHOWN]]
        if provided is not None:
            lines.append(f"but {name} {provided.version} is pinned by the conda solve ({provided}).")
            hints.append(
                f"loosen the requirement on `{name}`, or ask for a fitting version of the conda package: "
                f"`pixi add '{name}{_bounds(informations)}'`"
            )
        else:
            lines += _no_candidates(provider, name, [cause.requirement for cause in informations], hints)
    lines = list(dict.fromkeys(lines))
    message = f"cannot find PyPI packages for {provider.catalog.target.description} that fit together"
    advice = list(dict.fromkeys(hints)) or ["loosen or remove one of the requirements named above"]
    if bounds:
        return CondaConflict(message, story=lines, hints=advice, bounds=bounds)
    return Unsatisfiable(message, story=lines, hints=advice)


def _conda_bounds(provider: Provider, causes: Collection[Information]) -> list[str]:
    """Match specs that would let the conda solution meet what failed."""
    by_project: dict[PypiName, list[Information]] = {}
    for cause in causes:
        if cause.requirement.name in provider.policy.provided:
            by_project.setdefault(cause.requirement.name, []).append(cause)
    found = []
    for name, informations in by_project.items():
        record = provider.policy.provided[name].record
        bounds = _bounds(informations).replace("===", "==")
        found.append(f"{name if record is None else record.name} {bounds}".rstrip())
    return found


def _never(provider: Provider, causes: Collection[Information]) -> list[Information]:
    """Why other versions of what the causes speak of would not do either; what conda provides is told by itself."""
    known = {(cause.parent, cause.requirement) for cause in causes}
    learned = provider.learned_about({cause.requirement.name for cause in causes})
    return [
        RequirementInformation(wanted, candidate)
        for candidate, wanted in learned
        if (candidate, wanted) not in known and wanted.name not in provider.policy.provided
    ]


def _ways(provider: Provider, requirements: Sequence[Stated], causes: Collection[Information]) -> list[str]:
    """How the requirements lead to the causes, without the causes themselves."""
    told = {sentence(cause) for cause in causes}
    parents = {cause.parent.identifier for cause in causes if cause.parent is not None}
    lines: dict[str, None] = {}
    for stated in requirements:
        lines[f"the manifest asks for {stated[0]}"] = None
        for wanted in stated:
            came_by = reached(provider, wanted)
            for parent in sorted(parents & came_by.keys()):
                lines.update(dict.fromkeys(reversed(_steps(provider, came_by, parent))))
    return [line for line in lines if line not in told][:SHOWN]


def _steps(provider: Provider, came_by: Mapping[str, str | None], last: str) -> list[str]:
    """What needed a project, and what needed that, back to the manifest."""
    steps = []
    needed, needing = last, came_by[last]
    while needing is not None:
        who = [RequirementInformation(wanted, parent) for parent, wanted in provider.who_needs(needing, needed)]
        steps += sentences(who)[:1]
        needed, needing = needing, came_by[needing]
    return steps


def sentence(cause: Information) -> str:
    """`pandas 2.1 needs numpy<2` or `the manifest asks for numpy>=2`."""
    wanted, parent = cause.requirement, cause.parent
    if parent is None:
        return f"the manifest asks for {wanted}"
    if wanted.impossible is not None:
        return f"{parent.name} {parent.version} cannot be used: {wanted.impossible}"
    return f"{parent.identifier} {parent.version} needs {wanted}"


def sentences(causes: Iterable[Information]) -> list[str]:
    """A sentence for each cause; versions of one package that need the same thing share one."""
    grouped: dict[tuple[str, str], list[Information]] = {}
    for cause in causes:
        # what is wrong with a release is its own affair
        parent = "" if cause.parent is None else cause.parent.identifier
        single = sentence(cause) if cause.parent is None or cause.requirement.impossible is not None else ""
        grouped.setdefault((parent, single or str(cause.requirement)), []).append(cause)
    found: list[str] = []
    for group in grouped.values():
        versions = sorted({cause.parent.version for cause in group if cause.parent is not None})
        if len(versions) < 2:
            found.append(sentence(group[0]))
        else:
            span = f"{len(versions)} versions of {group[0].parent.identifier} ({versions[0]} to {versions[-1]})"  # type: ignore[union-attr]  # a version means a parent
            found.append(f"{span} need {group[0].requirement}")
    return found


def _bounds(causes: Iterable[Information]) -> str:
    """All the specifiers together, as one."""
    return ",".join(dict.fromkeys(c.requirement.specifier for c in causes if c.requirement.specifier))


def _no_candidates(provider: Provider, name: PypiName, wanted: list[Wanted], hints: list[str]) -> list[str]:
    """Why no release of a project meets all of these."""
    if any(w.direct is not None for w in wanted):
        return [f"but {name} is taken from {next(w.direct.location for w in wanted if w.direct is not None)}."]
    if all(w.impossible is not None for w in wanted):
        return []
    try:
        project = provider.catalog.project(name)
    except NetworkError as error:
        return [f"but the index cannot be asked about {name}: {error.message}"]
    if not project.found:
        near = provider.catalog.index.suggestions(name)
        if near:
            hints.append(f"did you mean {' or '.join(f'`{n}`' for n in near)}?")
        else:
            hints.append(f"check the spelling of `{name}`; conda packages are added without `--pypi`")
        return [f"but no index has a project {name}."]
    constraint = provider.policy.constraints.get(name, "")
    specifiers = [w.specifier for w in wanted] + [constraint]
    fitting = [o for o in project.offers if all(contains(s, o.version) for s in specifiers)]
    if not fitting:
        newest = f"; the newest is {project.offers[0].version}" if project.offers else ""
        also = f" (a constraint says {constraint})" if constraint else ""
        return [f"and no version of {name} satisfies that{also}{newest}."]
    return _refused(provider, name, {str(o.version) for o in fitting}, fitting_prereleases(provider, name), hints)


def fitting_prereleases(provider: Provider, name: PypiName) -> bool:
    """Whether pre-releases of a project are left out by the mode."""
    return provider.policy.prereleases != "allow" and name not in provider.policy.explicit


def _refused(
    provider: Provider, name: PypiName, versions: set[str], prereleases_left_out: bool, hints: list[str]
) -> list[str]:
    lines: list[str] = []
    for offer, refusals in provider.catalog.refusals(name):
        if str(offer.version) in versions and refusals and len(lines) < SHOWN:
            lines.append(f"  {name} {offer.version}: {_summary([refusal.reason for refusal in refusals])}")
    lines += [
        f"  {candidate.name} {candidate.version}: {reason}"
        for candidate, reason in provider.unusable[:SHOWN]
        if candidate.name == name
    ]
    offers = [o for o in provider.catalog.project(name).offers if str(o.version) in versions]
    if prereleases_left_out and offers and all(offer.prerelease for offer in offers):
        hints.append(f"ask for the pre-release explicitly: `{name}>={offers[0].version}`")
        lines.append(f"  {name} {offers[0].version} is a pre-release, and those are left out")
    return [f"and of the versions of {name} that do, none can be used:", *lines] if lines else []


def _summary(reasons: Sequence[str]) -> str:
    """Each reason once, with how many files it covers."""
    counts: dict[str, int] = {}
    for reason in reasons:
        counts[reason] = counts.get(reason, 0) + 1
    return "; ".join(
        f"{count} files: {reason}" if count > 1 else f"one file {reason}" for reason, count in counts.items()
    )


def provided_conflict(name: PypiName, provided: Mapping[PypiName, Provided], what: str) -> Unsatisfiable:
    """A direct reference to a project which conda already brings."""
    return Unsatisfiable(
        f"`{name}` is asked for from {what}, but the conda package {provided[name]} already provides it",
        hints=[f"remove `{name}` from the conda dependencies, or drop the reference"],
    )

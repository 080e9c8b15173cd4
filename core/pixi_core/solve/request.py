"""What is asked of the solver, and what it answers."""

from __future__ import annotations

from ..value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..model.exclude_newer import ExcludeNewer
    from ..model.match_spec import MatchSpec
    from ..model.platform import VirtualPackage
    from ..model.record import RepoDataRecord
    from .preference import Strategy
    from .source import ChannelPriority


class SolveRequest(Value, kw_only=True):
    """One problem.

    `specs` must be satisfied; `constraints` only bind packages that are needed anyway. `locked` records are kept where
    nothing speaks against it, `pinned` ones are used whenever their package is needed, even if no channel has them
    any more. `timeout` is in seconds, `conflict_budget` counts dead ends of the search: a real problem has fewer than a
    few hundred, so reaching it means that no answer is to be expected.
    """

    specs: tuple[MatchSpec, ...]
    constraints: tuple[MatchSpec, ...] = ()
    virtual_packages: tuple[VirtualPackage, ...] = ()
    locked: tuple[RepoDataRecord, ...] = ()
    pinned: tuple[RepoDataRecord, ...] = ()
    strategy: Strategy = "highest"
    channel_priority: ChannelPriority = "strict"
    exclude_newer: ExcludeNewer | None = None
    timeout: float | None = None
    conflict_budget: int = 20_000


class Solution(Value, kw_only=True):
    """The chosen records, by name; `conflicts` and `decisions` tell how hard the search was, `loaded` how many names
    it looked at.
    """

    records: tuple[RepoDataRecord, ...]
    conflicts: int
    decisions: int
    loaded: int

"""The conda solver, as a library of its own.

::

    from pixi_core.model.match_spec import parse_match_spec
    from pixi_core.solve import RecordSource, SolveRequest, solve

    source = RecordSource([(channel, records)])  # or repodata.Gateway(...).source(channels, subdirs)
    request = SolveRequest(specs=(parse_match_spec("numpy >=2"),), virtual_packages=(...))
    solution = solve(request, source)  # Solution.records: RepoDataRecord, sorted by name

Shapes: a *domain* is an integer, bit 0 "not installed", bit i+1 the i-th best candidate of a name; a *table* is
everything known of one name. Units: timestamps are milliseconds since 1970, timeouts seconds, the budget counts
conflicts. Errors: `Unsatisfiable` carries a story (made by `solve.explain`), `SolveTimeout` means that the budget or
the time ran out, `Cancelled` that `should_stop` said so; a source may raise its own.

Modules: `engine` (the search; standard library only), `ranges` (version specs to domains), `table` (candidates of one
name, storable), `source` (where tables come from), `problem` (a request in the engine's terms), `explain` (why there
is no solution), `solver` (the front door).
"""

from __future__ import annotations

from .request import Solution, SolveRequest
from .solver import solve
from .source import CandidateSource, RecordSource

__all__ = ["CandidateSource", "RecordSource", "Solution", "SolveRequest", "solve"]

"""What the administrator of a machine allows: read from a file that its users cannot write.

| module | |
|---|---|
| `place` | where the file is, whether it can be believed, and by what a change of it is noticed |
| `patterns` | which addresses an address pattern covers |
| `read` | the file as a value, or its mistakes with their places |
| `model` | the rules, and what they refuse, with the line that says so |

Whoever solves or installs asks `Services.policy`; docs/policy.md says what a policy cannot do.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from .model import Policy


def load(environ: Mapping[str, str]) -> Policy:
    """The policy of this machine; most have none, and load no reader for it. Raises `ConfigError`."""
    from .place import place

    if place(environ) is None:
        from .model import NO_POLICY

        return NO_POLICY
    from .read import load_policy

    return load_policy(environ)

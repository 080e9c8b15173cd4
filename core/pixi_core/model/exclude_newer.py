"""Cut-off dates for packages: `exclude-newer` with its overrides for single channels and packages."""

from __future__ import annotations

from ..value import EMPTY, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


class ExcludeNewer(Value):
    """Packages newer than a cut-off do not exist. Times are milliseconds since 1970; None means no cut-off.

    The most specific entry wins: the package's, then the channel's (by canonical base URL), then `cutoff`. A package
    whose age is unknown is allowed.
    """

    cutoff: int | None = None
    channels: Mapping[str, int | None] = EMPTY
    packages: Mapping[str, int | None] = EMPTY

    def limit(self, name: str, channel: str | None) -> int | None:
        """The cut-off for one package of one channel."""
        if name in self.packages:
            return self.packages[name]
        if channel is not None and channel in self.channels:
            return self.channels[channel]
        return self.cutoff

    def allows(self, name: str, channel: str | None, timestamp: int | None) -> bool:
        """Whether a package of this age may be used."""
        limit = self.limit(name, channel)
        return limit is None or timestamp is None or timestamp <= limit

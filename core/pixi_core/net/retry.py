"""How long to wait before another attempt."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

_FIRST = 0.25
_LONGEST = 8.0


def pause(attempt: int, asked: float | None, jitter: Callable[[], float]) -> float:
    """Seconds before attempt number `attempt` (1 is the first repetition): what the server asked for, else twice as
    long each time, a random part of it so that many clients do not come back together.
    """
    if asked is not None:
        return asked
    return min(_LONGEST, _FIRST * 2.0 ** (attempt - 1)) * (0.5 + jitter() / 2)


def retry_after(headers: Mapping[str, str], now: Callable[[], float] = time.time) -> float | None:
    """Seconds that a `Retry-After` header asks for, written as seconds or as a date; None where there is none."""
    text = headers.get("retry-after", "").strip()
    if text.isdigit():
        return float(text)
    if not text:
        return None
    from email.utils import parsedate_to_datetime  # lazy: hardly any server writes dates

    try:
        moment: float = parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError):
        return None
    return max(0.0, moment - now())

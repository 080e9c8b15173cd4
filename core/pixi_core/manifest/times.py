"""`exclude-newer`: a moment, a day, or an age, as a cut-off in milliseconds since 1970."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

from ..errors import SpecError

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}\Z")
_PART = re.compile(r"\s*(\d+)\s*([a-zA-Z]+)")
_UNITS: dict[str, float] = {
    "ms": 0.001, "msec": 0.001, "s": 1, "sec": 1, "secs": 1, "second": 1, "seconds": 1,
    "m": 60, "min": 60, "mins": 60, "minute": 60, "minutes": 60, "h": 3600, "hr": 3600, "hrs": 3600, "hour": 3600,
    "hours": 3600, "d": 86400, "day": 86400, "days": 86400, "w": 604800, "week": 604800, "weeks": 604800,
    "M": 2630016, "month": 2630016, "months": 2630016, "y": 31557600, "year": 31557600, "years": 31557600,
}  # fmt: skip


def parse_cutoff(value: object, now: datetime) -> int:
    """RFC 3339, `YYYY-MM-DD` (the end of that day, UTC) or an age such as `14d` or `1 week`. Raises `SpecError`."""
    if isinstance(value, datetime):
        moment = value if value.tzinfo else value.replace(tzinfo=UTC)
    elif isinstance(value, date):
        moment = datetime(value.year, value.month, value.day, tzinfo=UTC) + timedelta(days=1)
    elif isinstance(value, str):
        moment = _parse_text(value.strip(), now)
    else:
        raise SpecError(
            "`exclude-newer` must be a date or an age",
            source=str(value),
            hints=['write "2026-01-31", "2026-01-31T12:00:00Z" or an age such as "14d"'],
        )
    return int(moment.timestamp() * 1000)


def _parse_text(text: str, now: datetime) -> datetime:
    try:
        if _DAY.match(text):
            return datetime.fromisoformat(text).replace(tzinfo=UTC) + timedelta(days=1)
        if text[:4].isdigit() and "T" in text.upper():
            moment = datetime.fromisoformat(text)
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return now - timedelta(seconds=_seconds(text))
    except (ValueError, OverflowError):
        raise SpecError(
            f"'{text}' is neither a date nor an age",
            source=text,
            hints=["write `2026-01-31`, `2026-01-31T12:00:00Z` or an age such as `14d`"],
        ) from None


def _seconds(text: str) -> float:
    total, position = 0.0, 0
    while position < len(text):
        part = _PART.match(text, position)
        if part is None or (part[2] not in _UNITS and part[2].lower() not in _UNITS):
            raise ValueError(text)
        total += int(part[1]) * _UNITS.get(part[2], _UNITS.get(part[2].lower(), 0))
        position = part.end()
    if position == 0:
        raise ValueError(text)
    return total

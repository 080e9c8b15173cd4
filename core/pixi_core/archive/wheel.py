"""Wheels: extracted, then compared with their own `RECORD`."""

from __future__ import annotations

import base64
import csv
from pathlib import Path

from ..errors import ArchiveError, HashMismatch
from ..names import safe_relative_path
from .extract import Source, extract_wheel
from .limits import DEFAULT_LIMITS, Limits
from .sink import Extracted


def extract_checked_wheel(source: Source, target: Path, *, what: str, limits: Limits = DEFAULT_LIMITS) -> Extracted:
    """A wheel whose files are what its `RECORD` says. Raises `HashMismatch` for a file that is not, `ArchiveError` for
    a wheel without exactly one `RECORD`, `UnsafePath` for one that lists something outside. Files that `RECORD` leaves
    out are let pass, as other installers do.
    """
    extracted = extract_wheel(source, target, what=what, limits=limits)
    records = [
        file.path for file in extracted.files if file.path.endswith(".dist-info/RECORD") and file.path.count("/") == 1
    ]
    if len(records) != 1:
        raise ArchiveError(f"{what} is not a wheel: it has {len(records)} RECORD files")
    try:
        text = (target / records[0]).read_text(encoding="utf-8")
        rows = [row for row in csv.reader(text.splitlines()) if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ArchiveError(f"the RECORD of {what} cannot be read: {error}") from None
    known = {file.path: file for file in extracted.files}
    for row in rows:
        file = known.get(row[0])
        if file is None:  # who removes by this list would look there
            safe_relative_path(row[0].replace("\\", "/"), what=f"a path in the RECORD of {what}:")
            continue
        if len(row) < 2 or not row[1].startswith("sha256="):
            continue
        if _hex(row[1][len("sha256=") :]) != file.sha256:
            raise HashMismatch(f"{file.path} in {what}", expected=row[1], actual=f"sha256={file.sha256} (hexadecimal)")
    return extracted


def _hex(text: str) -> str:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).hex()
    except ValueError:
        return ""

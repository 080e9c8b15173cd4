"""What versions before 7 of the lock file say in another way, put into the words of version 7.

Versions 4 and 5 spell fields out: a `noarch` that is missing is none and not derived from the location. They left out
the build number 0 as well as one that the build string ends with; like py-rattler, which can no more tell, we derive
it. Before version 7 a source tree had a version and a digest of its files, which in version 7 would make it an
archive.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_SDISTS = (".tar.gz", ".zip", ".tgz", ".tar", ".tar.xz", ".tar.bz2", ".tar.zst", ".whl")
_OF_ARCHIVES = ("version", "sha256", "md5", "index", "editable")


def explicit(fields: Mapping[str, Any], version: int) -> Mapping[str, Any]:
    """One entry of `packages` of a lock file of `version`, as version 7 would say it."""
    if "pypi" in fields or fields.get("kind") == "pypi":
        location = fields.get("pypi") or fields.get("url") or fields.get("path")
        if isinstance(location, str) and is_source_tree(location):
            return {key: value for key, value in fields.items() if key not in _OF_ARCHIVES}
        return fields
    if version > 5:
        return fields
    number = {} if fields.get("build_number") != "0" else {"build_number": None}
    return {"noarch": None, **fields, **number}


def is_source_tree(location: str) -> bool:
    """Whether a PyPI package is a folder: a path that is not that of an archive."""
    return "://" not in location and not location.endswith(_SDISTS)

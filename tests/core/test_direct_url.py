"""Whether what is installed comes from where the lock file says (PEP 610)."""

from __future__ import annotations

from typing import Any

import pytest

from pixi_core.install.direct_url import direct_url_of, same_source
from pixi_core.model.digest import Sha256
from pixi_core.model.record import PypiRecord

OLD, NEW = "0" * 40, "1" * 40
GIT = "git+https://git.example/thing"
ARCHIVE = "direct+https://files.example/thing-1.0.tar.gz"


def origin(location: str, sha256: Sha256 | None = None) -> dict[str, Any] | None:
    return direct_url_of(PypiRecord(location=location, name="thing", version="1.0", sha256=sha256))


@pytest.mark.parametrize(
    ("installed", "wanted", "same"),
    [
        (f"{GIT}?branch=main#{OLD}", f"{GIT}?tag=v1#{OLD}", True),
        (f"{GIT}?branch=main#{OLD}", f"{GIT}?branch=main#{NEW}", False),
        (f"{GIT}#{OLD}", f"git+https://git.example/fork#{OLD}", False),
        (f"{GIT}?subdirectory=a#{OLD}", f"{GIT}?subdirectory=b#{OLD}", False),
        (f"{GIT}#{OLD}", f"{GIT}?subdirectory=b#{OLD}", False),
        (f"{GIT}#{OLD}", f"{GIT}?lfs=true#{OLD}", False),
        (f"{GIT}?lfs=true#{OLD}", f"{GIT}?branch=main&lfs=true#{OLD}", True),
        (ARCHIVE, f"{GIT}#{OLD}", False),
        (ARCHIVE, ARCHIVE, True),
        (ARCHIVE, "https://files.example/thing-1.0.tar.gz", False),
        ("./thing", "../elsewhere/thing", True),
    ],
)
def test_the_same_source(installed: str, wanted: str, same: bool) -> None:
    assert same_source(origin(installed), origin(wanted)) is same


@pytest.mark.parametrize(
    ("before", "after", "same"), [("a", "a", True), ("a", "b", False), (None, "b", True), ("a", None, True)]
)
def test_an_archive_of_another_content_is_another(before: str | None, after: str | None, same: bool) -> None:
    digests = [None if letter is None else Sha256(letter * 64) for letter in (before, after)]
    assert same_source(*(origin(ARCHIVE, digest) for digest in digests)) is same

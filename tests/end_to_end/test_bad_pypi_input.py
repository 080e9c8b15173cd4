"""What a PyPI index can give that is wrong: each is refused by the real command with a message of its own, and nothing
in the workspace has moved.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.archives import ZipMember, ZipParts, zip_archive
from tests.support.command import pixi
from tests.support.pypi_index import FakeIndex, core_metadata, serving, wheel_bytes
from tests.support.trees import tree

INFO = "bad-1.0.dist-info"
WHEEL = b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
METADATA = core_metadata("bad", "1.0")


def members(*more: ZipMember, record: bytes | None = None) -> list[ZipMember]:
    """The members of a wheel whose RECORD lists only what it must."""
    sound = [ZipMember(f"{INFO}/METADATA", METADATA), ZipMember(f"{INFO}/WHEEL", WHEEL)]
    rows = "".join(f"{member.name!s},,\n" for member in (*sound, *more)) + f"{INFO}/RECORD,,\n"
    return [*sound, *more, ZipMember(f"{INFO}/RECORD", rows.encode() if record is None else record)]


def holding(*parts: ZipMember, record: bytes | None = None) -> Callable[[FakeIndex], None]:
    """The index has a wheel of these members."""

    def spoil(index: FakeIndex) -> None:
        index.wheel("bad", "1.0").content = zip_archive(ZipParts(members(*parts, record=record)))

    return spoil


def wrong_hash(index: FakeIndex) -> None:
    index.wheel("bad", "1.0", faults=["wrong-hash"])


def yanked_only(index: FakeIndex) -> None:
    index.wheel("bad", "1.0", yanked="it deletes your files")


def missing(index: FakeIndex) -> None:
    index.wheel("bad", "1.0", faults=["missing"])


def login_page(index: FakeIndex) -> None:
    index.wheel("bad", "1.0")
    index.page_faults["bad"] = "login-page"


def broken_page(index: FakeIndex) -> None:
    index.wheel("bad", "1.0")
    index.page_faults["bad"] = "bad-json"


def half(index: FakeIndex) -> None:
    index.wheel("bad", "1.0", faults=["truncated"])


def cut_before_upload(index: FakeIndex) -> None:
    file = index.wheel("bad", "1.0")
    file.content = file.content[: len(file.content) // 2]


def other_name(index: FakeIndex) -> None:
    index.wheel("bad", "1.0", faults=["other-name"])


def other_project_inside(index: FakeIndex) -> None:
    """The page says `bad`, the wheel brings the files of another project."""
    index.wheel("bad", "1.0").content = wheel_bytes("impostor", "1.0", core_metadata("impostor", "1.0"))


def no_record(index: FakeIndex) -> None:
    index.wheel("bad", "1.0").content = zip_archive(ZipParts(members()[:-1]))


def not_a_zip(index: FakeIndex) -> None:
    index.wheel("bad", "1.0").content = b"<html>please log in</html>"


SCRIPT = b"[console_scripts]\n../../../escaped = bad:main\n"
CASES: dict[str, tuple[Callable[[FakeIndex], None], list[str]]] = {
    "wrong hash": (wrong_hash, ["hash mismatch", "expected", "actual", "bad-1.0"]),
    "yanked only": (yanked_only, ["bad", "yanked"]),
    "missing file": (missing, ["404", "bad-1.0-py3-none-any.whl"]),
    "HTML where JSON is expected": (login_page, ["/simple/bad/", "page"]),
    "broken JSON": (broken_page, ["/simple/bad/"]),
    "half of a wheel": (half, ["bad-1.0-py3-none-any.whl", "has only 430 bytes"]),
    "cut before upload": (cut_before_upload, ["bad-1.0-py3-none-any.whl", "zip"]),
    "no zip at all": (not_a_zip, ["bad-1.0-py3-none-any.whl", "zip"]),
    "metadata of another project": (other_name, ["bad", "impostor"]),
    "files of another project": (other_project_inside, ["wheel of bad", "impostor"]),
    "two names": (holding(ZipMember("bad.py", b"x", local_name=b"not.py")), ["bad-1.0", "bad.py", "disagree"]),
    "two sizes": (holding(ZipMember("bad.py", b"1234", local_size=3)), ["bad-1.0", "bad.py", "disagree"]),
    "two files of one name": (holding(ZipMember("bad.py", b"1"), ZipMember("bad.py", b"2")), ["bad-1.0", "bad.py"]),
    "a member outside": (holding(ZipMember("../escaped", b"x")), ["bad-1.0", "../escaped"]),
    "a script outside": (holding(ZipMember(f"{INFO}/entry_points.txt", SCRIPT)), ["escaped"]),
    "data outside": (holding(ZipMember("bad-1.0.data/data/../../escaped", b"x")), ["bad-1.0", "escaped"]),
    "unknown scheme": (holding(ZipMember("bad-1.0.data/elsewhere/x", b"x")), ["bad-1.0", "elsewhere"]),
    "RECORD of something outside": (
        holding(record=f"../../escaped,sha256=AAAA,1\n{INFO}/METADATA,,\n{INFO}/WHEEL,,\n".encode()),
        ["bad-1.0", "RECORD", "../../escaped"],
    ),
    "no RECORD": (no_record, ["bad-1.0", "0 RECORD files"]),
    "RECORD with another hash": (
        holding(record=f"{INFO}/METADATA,sha256={'A' * 43},1\n{INFO}/WHEEL,,\n{INFO}/RECORD,,\n".encode()),
        ["bad-1.0", "METADATA"],
    ),
}


ALWAYS = {"wrong hash", "RECORD of something outside"}
SOME_ALWAYS = [
    pytest.param(*case, id=name, marks=() if name in ALWAYS else pytest.mark.slow) for name, case in CASES.items()
]


@pytest.mark.parametrize(("spoil", "said"), SOME_ALWAYS)
def test_it_is_refused(tmp_path: Path, spoil: Callable[[FakeIndex], None], said: list[str]) -> None:
    index = FakeIndex()
    index.wheel("good", "1.0")
    spoil(index)
    environ = {"PIXI_CACHE_DIR": str(tmp_path / "cache"), "PIXI_HOME": str(tmp_path / "home")}
    with serving(index) as running:
        folder = tmp_path / "demo"
        folder.mkdir()
        (folder / "pixi.toml").write_text(
            '[workspace]\nname = "demo"\nplatforms = ["linux-64"]\nchannels = []\n\n'
            f'[pypi-options]\nindex-url = "{running.url}"\n\n[pypi-dependencies]\ngood = "*"\n'
        )
        pixi("install", cwd=folder, environ=environ).succeeded()
        # what is about to be installed is pinned in the cache first, so that a killed command finds it again
        passing = ("conda-meta/", ".pixi/history-v1/pins/")
        before = tree(folder, without=passing)
        ran = pixi("add", "bad", cwd=folder, environ=environ).failed()
        assert tree(folder, without=passing) == before
        for word in said:
            assert word in ran.err, ran.err
        assert "unexpected" not in ran.err
        assert not list(tmp_path.rglob("escaped"))
        pixi("run", "python", "-c", "import good", cwd=folder, environ=environ).succeeded()

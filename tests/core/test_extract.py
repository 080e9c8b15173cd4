"""The threat matrix of archives: every published trick, in every format, leaves nothing outside and nothing done."""

from __future__ import annotations

import hashlib
import os
import random
import stat
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pixi_core.archive import compression
from pixi_core.archive.extract import extract_conda, extract_sdist, extract_tar_bz2, extract_wheel
from pixi_core.archive.limits import Limits
from pixi_core.archive.sink import Extracted, Sink
from pixi_core.archive.wheel import extract_checked_wheel
from pixi_core.errors import ArchiveError, HashMismatch, PixiError, UnsafePath
from tests.support import archives
from tests.support.archives import TarEntry, ZipMember, ZipParts, tar, zip_archive

Extract = Callable[[bytes, Path], Extracted]


def _run(function: Callable[..., Extracted], content: bytes, target: Path, **settings: object) -> Extracted:
    source = target.parent / f"{target.name}.archive"
    source.write_bytes(content)
    target.mkdir()
    return function(source, target, **settings)


def conda_of(content: bytes, target: Path) -> Extracted:
    return _run(extract_conda, archives.conda(content), target)


def tar_bz2_of(content: bytes, target: Path) -> Extracted:
    return _run(extract_tar_bz2, archives.tar_bz2(content), target)


def sdist_of(content: bytes, target: Path) -> Extracted:
    return _run(extract_sdist, archives.tar_gz(content), target, file_name="a-1.tar.gz")


TAR_FORMATS: dict[str, Extract] = {"conda": conda_of, "tar.bz2": tar_bz2_of, "sdist": sdist_of}


def listing(folder: Path) -> dict[str, str]:
    """Everything below a folder, links not followed."""
    found = {}
    for base, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(base) / name
            mode = path.lstat().st_mode
            what = os.readlink(path) if path.is_symlink() else "/" if stat.S_ISDIR(mode) else path.read_bytes().hex()
            found[str(path.relative_to(folder))] = f"{stat.S_IMODE(mode):o} {what}"
    return found


@contextmanager
def honeypot(folder: Path) -> Iterator[Path]:
    """A folder beside and around the target that must stay as it is."""
    outside = folder / "outside"
    (outside / "target-sibling").mkdir(parents=True)
    (outside / "secret").write_text("secret")
    (outside / "secret").chmod(0o600)
    before = listing(outside)
    yield outside
    assert listing(outside) == before


# ---------------------------------------------------------------- sound archives


@pytest.mark.parametrize("extract", TAR_FORMATS.values(), ids=TAR_FORMATS)
def test_sound_tar(extract: Extract, tmp_path: Path) -> None:
    content = tar(
        [
            TarEntry("./", kind=b"5", mode=0o700),
            TarEntry("./bin/", kind=b"5", mode=0o777),
            TarEntry("./bin/run", b"#!x", mode=0o4777),
            TarEntry("share/data", b"d" * 3_000_000, mode=0o600),
            TarEntry("bin/again", kind=b"1", link="bin/run"),
            TarEntry("lib/libx.so", kind=b"2", link="libx.so.1"),
            TarEntry("lib/deep/up", kind=b"2", link="../../bin/run"),
            TarEntry("lib/libx.so.1", b"elf"),
            TarEntry("Ω/ü", b"unicode"),
            TarEntry("file", b"tail", prefix=b"a/long/prefix"),
            TarEntry("short", b"pax", pax=[("path", "n" * 200), ("mtime", "1.5")]),
            TarEntry("././@LongLink", b"l/" + b"g" * 150 + b"\0", b"L", magic=b"ustar  \0"),
            TarEntry("l/ggg", b"gnu", magic=b"ustar  \0"),
            TarEntry("empty"),
        ]
    )
    result = extract(content, tmp_path / "target")
    made = listing(tmp_path / "target")
    assert made["bin/run"] == "755 " + b"#!x".hex()
    assert made["share/data"].startswith("644 ")
    assert made["lib/deep/up"].endswith("../../bin/run")
    assert made["n" * 200].startswith("644")
    assert made["l/" + "g" * 150] == "644 " + b"gnu".hex()
    assert made["a/long/prefix/file"] == "644 " + b"tail".hex()
    for file in result.files:
        data = (tmp_path / "target" / file.path).read_bytes()
        assert (file.sha256, file.size) == (hashlib.sha256(data).hexdigest(), len(data))
    assert {file.path for file in result.files if file.executable} == {"bin/run", "bin/again"}
    assert dict(result.links) == {"lib/libx.so": "libx.so.1", "lib/deep/up": "../../bin/run"}


TIMES = [
    ("a.py", b"14727234600\0", 0o14727234600),
    ("a.py", b"14727234600 ", 0o14727234600),
    ("a.txt", b"14727234600\0", None),
    ("a.py", b"\xff" * 12, None),
    ("a.py", b"yesterday\0\0\0", None),
    ("a.py", bytes(12), None),
]


@pytest.mark.parametrize(("name", "time", "modified"), TIMES)
def test_a_source_keeps_the_time_that_its_bytecode_names(
    name: str, time: bytes, modified: int | None, tmp_path: Path
) -> None:
    conda_of(tar([TarEntry(name, b"1", time=time)]), tmp_path / "target")
    found = int((tmp_path / "target" / name).stat().st_mtime)
    assert found == modified if modified is not None else found > 1_700_000_000


@pytest.fixture(params=["isal", "zlib"])
def inflating(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the fast library and, as on machines for which it is not built, without it."""
    if request.param == "zlib":
        monkeypatch.setattr(compression, "fast_zlib", zlib)
    assert compression.fast_zlib.__name__ in ("zlib", "isal.isal_zlib")


@pytest.mark.usefixtures("inflating")
@pytest.mark.parametrize("zip64", [False, True])
def test_sound_wheel(zip64: bool, tmp_path: Path) -> None:
    members = [
        ZipMember("demo/", mode=0o40755),
        ZipMember("demo/a.py", b"x = 1\n" * 1000, deflate=True),
        ZipMember("demo/run", b"#!", mode=0o100755),
        ZipMember("demo/streamed", b"s" * 5000, deflate=True, streamed=True),
        ZipMember("demo/ü", b"u"),
    ]
    result = _run(extract_wheel, zip_archive(ZipParts(members, zip64=zip64)), tmp_path / "target")
    assert {file.path: file.executable for file in result.files} == {
        "demo/a.py": False,
        "demo/run": True,
        "demo/streamed": False,
        "demo/ü": False,
    }


# ---------------------------------------------------------------- M1: names

NAMES = {
    "parent (CVE-2007-4559)": "../outside/target-sibling/x",
    "parent in the middle": "a/../../outside/x",
    "absolute": "/tmp/pixi-escape",
    "absolute, doubled": "//tmp/pixi-escape",
    "backslash": "..\\outside\\x",
    "drive": "C:/x",
    "drive, relative": "c:x",
    "empty part": "a//b",
    "dot part": "a/./b",
    "line feed": "a\nb",
    "escape": "a\x1b[31mb",
    "delete": "a\x7f",
    "255 bytes and more": "n" * 256,
    "4096 and more": "/".join(["d" * 200] * 25),
    "1500 folders deep": "/".join(["d"] * 1500),
}


def named(name: str) -> TarEntry:
    return TarEntry("x", b"escaped", pax=[("path", name)])


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
@pytest.mark.parametrize("extract", TAR_FORMATS.values(), ids=TAR_FORMATS)
def test_unsafe_names_in_tar(extract: Extract, name: str, tmp_path: Path) -> None:
    with honeypot(tmp_path), pytest.raises(ArchiveError):
        extract(tar([named(name)]), tmp_path / "target")
    assert listing(tmp_path / "target").keys() <= {"info", "info/index.json"}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_unsafe_names_in_zip(name: str, tmp_path: Path) -> None:
    with honeypot(tmp_path), pytest.raises(ArchiveError):
        _run(extract_wheel, zip_archive(ZipParts([ZipMember(name, b"escaped")])), tmp_path / "target")
    assert not any((tmp_path / "target").iterdir())


# ---------------------------------------------------------------- M2, M3, M5 in tar

A = TarEntry("a", b"1234")
TAR_TRICKS: dict[str, list[TarEntry]] = {
    "link outside": [TarEntry("l", kind=b"2", link="../outside/secret")],
    "link to an absolute path": [TarEntry("l", kind=b"2", link="/etc/passwd")],
    "link that climbs later": [TarEntry("l", kind=b"2", link="a/../../x")],
    "empty link": [TarEntry("l", kind=b"2")],
    "file through a link": [TarEntry("l", kind=b"2", link="d"), TarEntry("d", kind=b"5"), TarEntry("l/x", b"x")],
    "file over a link": [TarEntry("l", kind=b"2", link="d"), TarEntry("l", b"x")],
    "link over a file": [A, TarEntry("a", kind=b"2", link="b")],
    "link over a folder": [TarEntry("d/x", b""), TarEntry("d", kind=b"2", link="e")],
    "folder over a file": [A, TarEntry("a/b", b"x")],
    "chain of links (CVE-2025-4517)": [
        TarEntry("d/d/d/d", kind=b"5"),
        TarEntry("l", kind=b"2", link="d/d/d/d"),
        TarEntry("m", kind=b"2", link="l/../../../../../outside"),
    ],
    "climbing out of a link": [
        TarEntry("p/q/x", kind=b"2", link="../.."),
        TarEntry("y", kind=b"2", link="p/q/x/../../outside"),
    ],
    "hard link outside": [TarEntry("l", kind=b"1", link="../outside/secret")],
    "hard link to an absolute path": [TarEntry("l", kind=b"1", link="/etc/passwd")],
    "hard link to a link (CVE-2026-82049)": [
        TarEntry("s", kind=b"2", link="a"),
        TarEntry("l", kind=b"1", link="s"),
    ],
    "hard link to nothing": [TarEntry("l", kind=b"1", link="nothing")],
    "hard link to what comes later": [TarEntry("l", kind=b"1", link="a"), A],
    "hard link to a folder": [TarEntry("d", kind=b"5"), TarEntry("l", kind=b"1", link="d")],
    "character device": [TarEntry("x", kind=b"3")],
    "block device": [TarEntry("x", kind=b"4")],
    "pipe": [TarEntry("x", kind=b"6")],
    "contiguous": [TarEntry("x", kind=b"7")],
    "sparse": [TarEntry("x", kind=b"S")],
    "sparse by pax": [TarEntry("x", pax=[("GNU.sparse.major", "1")])],
    "volume": [TarEntry("x", kind=b"V")],
    "old file with a slash": [TarEntry("x/", b"", kind=b"\0")],
    "another content": [A, TarEntry("a", b"5678")],
    "another mode": [A, TarEntry("a", b"1234", mode=0o755)],
    "negative size": [TarEntry("x", size=b"\xff" * 12)],
    "huge size": [TarEntry("x", size=b"\x80" + b"\x7f" * 11)],
    "no number": [TarEntry("x", size=b"12x45678901\0")],
    "blank inside a number": [TarEntry("x", size=b"0000 000001\0")],
    "more than there is": [TarEntry("x", b"1", size=4096)],
    "two sizes (CVE-2025-62518)": [TarEntry("x", b"1" * 600, size=0, pax=[("size", "600")])],
    "two sizes, the other way": [TarEntry("x", b"1" * 600, pax=[("size", "0")])],
    "data on a link": [TarEntry("l", b"x" * 512, b"2", link="a")],
    "data on a folder": [TarEntry("d", b"x" * 512, b"5")],
    "name by pax and by GNU": [TarEntry("L", b"one\0", b"L"), TarEntry("x", pax=[("path", "two")])],
    "name by GNU twice": [TarEntry("L", b"one\0", b"L"), TarEntry("L", b"two\0", b"L"), TarEntry("x")],
    "name by pax twice": [TarEntry("x", pax=[("path", "one"), ("path", "two")])],
    "NUL in a pax name": [TarEntry("x", pax=[("path", "a\0b")])],
    "NUL in a GNU name": [TarEntry("L", b"a\0b\0", b"L"), TarEntry("x")],
    "name without an entry": [A, TarEntry("L", b"one\0", b"L")],
    "names for all": [TarEntry("g", archives.pax_data([("path", "x")]), b"g"), A],
    "another character set": [TarEntry("x", pax=[("hdrcharset", "BINARY")])],
    "malformed pax": [TarEntry("p", b"99 path=x\n", b"x"), A],
    "pax length that starts with zero": [TarEntry("p", b"010 path=x\n"[:10], b"x"), A],
    "prefix in GNU format": [TarEntry("x", magic=b"ustar  \0", prefix=b"hidden")],
    "unknown magic": [TarEntry("x", magic=b"\0" * 8)],
    "wrong checksum": [TarEntry("x", checksum=1)],
    "not UTF-8": [TarEntry(b"\xff\xfe")],
    "no name": [TarEntry("")],
    "surrogates": [TarEntry(b"\xed\xa0\x80")],
}


@pytest.mark.parametrize("entries", TAR_TRICKS.values(), ids=TAR_TRICKS)
@pytest.mark.parametrize("extract", TAR_FORMATS.values(), ids=TAR_FORMATS)
def test_tricks_in_tar(extract: Extract, entries: list[TarEntry], tmp_path: Path) -> None:
    with honeypot(tmp_path), pytest.raises(ArchiveError):
        extract(tar(entries), tmp_path / "target")


ENDS = {
    "no end": b"",
    "half an end": bytes(512),
    "something behind": bytes(1024) + tar([A]),
    "one empty block, then more": bytes(512) + tar([A]),
    "a byte behind": bytes(1024) + b"x",
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
@pytest.mark.parametrize("extract", TAR_FORMATS.values(), ids=TAR_FORMATS)
def test_ends_of_tar(extract: Extract, end: bytes, tmp_path: Path) -> None:
    with pytest.raises(ArchiveError):
        extract(tar([A], end=end), tmp_path / "target")


@pytest.mark.parametrize("kind", ["file", "hard link", "symbolic link"])
def test_a_file_system_that_folds_case(kind: str, tmp_path: Path) -> None:
    """It shows a file that the archive calls otherwise: a second name for it stands for that here."""
    with Sink(tmp_path, "an archive", allowed=100) as sink:
        sink.file("Readme", [b"one"], 3, executable=False)
        sink.file("other", [b"two"], 3, executable=False)
        os.link(tmp_path / "Readme", tmp_path / "README")
        if kind == "symbolic link":
            sink.symbolic_link("README", "other")
        again: dict[str, Callable[[], object]] = {
            "file": lambda: sink.file("README", [b"two"], 3, executable=False),
            "hard link": lambda: sink.hard_link("README", "other"),
            "symbolic link": sink.finish,
        }
        with pytest.raises(ArchiveError, match="cannot keep apart: 'README'"):
            again[kind]()
    assert (tmp_path / "README").read_bytes() == b"one"


def test_the_same_twice_is_let_pass(tmp_path: Path) -> None:
    result = tar_bz2_of(tar([A, A]), tmp_path / "target")
    assert [file.path for file in result.files] == ["a"]


def test_users_mask_is_honoured(tmp_path: Path) -> None:
    old = os.umask(0o077)
    try:
        tar_bz2_of(tar([TarEntry("d/x", b"", mode=0o777)]), tmp_path / "target")
    finally:
        os.umask(old)
    assert listing(tmp_path / "target") == {"d": "700 /", "d/x": "700 "}


# ---------------------------------------------------------------- zip

M = ZipMember("a", b"1234")
ZIP_TRICKS: dict[str, ZipParts] = {
    "bytes before (polyglot)": ZipParts([M], before=tar([A]), directory_shift=0),
    "bytes before, unnoticed by offsets": ZipParts([M], before=b"#!/bin/sh\n"),
    "bytes behind": ZipParts([M], after=b"x"),
    "tar behind (CVE-2026-3219)": ZipParts([M], after=tar([A])),
    "comment": ZipParts([M], comment=b"hello"),
    "second end in the comment": ZipParts([M], comment=zip_archive(ZipParts([]))),
    "shifted directory": ZipParts([M], directory_shift=-1),
    "fewer than there are": ZipParts([M, ZipMember("b", b"")], count=1),
    "more than there are": ZipParts([M], count=2),
    "two names": ZipParts([ZipMember("a", b"1234", local_name=b"b")]),
    "two names of different length": ZipParts([ZipMember("a", b"1234", local_name=b"longer")]),
    "two sizes": ZipParts([ZipMember("a", b"1234", local_size=3)]),
    "two checksums": ZipParts([ZipMember("a", b"1234", local_crc=3)]),
    "wrong checksum": ZipParts([ZipMember("a", b"1234", crc=3)]),
    "wrong size": ZipParts([ZipMember("a", b"1234", size=3)]),
    "wrong size, packed": ZipParts([ZipMember("a", b"1234" * 99, deflate=True, size=3)]),
    "too large a size, packed": ZipParts([ZipMember("a", b"1234", deflate=True, size=99)]),
    "wrong checksum, packed": ZipParts([ZipMember("a", b"1234", deflate=True, crc=3)]),
    "hidden bytes": ZipParts([ZipMember("a", b"1234", gap=b"hidden"), ZipMember("b", b"")]),
    "hidden entry": ZipParts([ZipMember("a", b"1234", gap=zip_archive(ZipParts([M])))]),
    "overlap": ZipParts([M, ZipMember("b", b"1234", offset=0)]),
    "the same place twice": ZipParts([M, ZipMember("a", b"1234", offset=0)]),
    "twice, with other content": ZipParts([M, ZipMember("a", b"5678")]),
    "encrypted": ZipParts([ZipMember("a", b"1234", flags=1)]),
    "symbolic link": ZipParts([ZipMember("a", b"/etc/passwd", mode=0o120777)]),
    "device": ZipParts([ZipMember("a", b"", mode=0o020666)]),
    "folder with contents": ZipParts([ZipMember("a/", b"1234", mode=0o40755)]),
    "folder that is a file": ZipParts([ZipMember("a", b"", mode=0o40755)]),
    "name in no encoding": ZipParts([ZipMember(b"\x81", b"")], before=b""),
    "NUL in a name": ZipParts([ZipMember(b"a\0b", b"")]),
    "no name": ZipParts([ZipMember(b"", b"")]),
    "a second name": ZipParts([ZipMember("a", b"", extra=b"\x75\x70\x01\x00x")]),
    "extra field cut short": ZipParts([ZipMember("a", b"", extra=b"\x01\x00\xff\x00x")]),
    "file and folder": ZipParts([M, ZipMember("a/b", b"")]),
}


@pytest.mark.usefixtures("inflating")
@pytest.mark.parametrize("parts", ZIP_TRICKS.values(), ids=ZIP_TRICKS)
def test_tricks_in_zip(parts: ZipParts, tmp_path: Path) -> None:
    with honeypot(tmp_path), pytest.raises(ArchiveError):
        _run(extract_wheel, zip_archive(parts), tmp_path / "target")


LARGE = random.Random(7).randbytes(600_000)  # does not shrink: the decompressor gets it in several parts
PACKED = archives.deflated(LARGE)


@pytest.mark.usefixtures("inflating")
def test_large_members_of_zip(tmp_path: Path) -> None:
    members = [ZipMember("large", LARGE, deflate=True), ZipMember("zeros", bytes(5_000_000), deflate=True)]
    _run(extract_wheel, zip_archive(ZipParts(members)), tmp_path / "target")
    assert (tmp_path / "target/large").read_bytes() == LARGE
    assert (tmp_path / "target/zeros").read_bytes() == bytes(5_000_000)


@pytest.mark.usefixtures("inflating")
@pytest.mark.parametrize(
    "packed",
    [
        pytest.param(PACKED[: 1 << 18], id="ends with a part"),
        pytest.param(PACKED[:-1], id="ends early"),
        pytest.param(PACKED + b"x", id="a byte behind the end"),
        pytest.param(PACKED + bytes(1 << 18), id="a part behind the end"),
        pytest.param(b"", id="empty"),
    ],
)
def test_large_members_of_zip_that_lie(packed: bytes, tmp_path: Path) -> None:
    archive = zip_archive(ZipParts([ZipMember("large", LARGE, deflate=True, packed=packed)]))
    with pytest.raises(ArchiveError, match="size"):
        _run(extract_wheel, archive, tmp_path / "target")


CONDA_TRICKS: dict[str, list[ZipMember]] = {
    "a stranger": [ZipMember("setup.py", b"")],
    "a second pkg": [ZipMember("pkg-b.tar.zst", b"")],
    "a pkg in a folder": [ZipMember("x/pkg-b.tar.zst", b"")],
}


@pytest.mark.parametrize("more", CONDA_TRICKS.values(), ids=CONDA_TRICKS)
def test_strangers_in_conda(more: list[ZipMember], tmp_path: Path) -> None:
    sound = [
        ZipMember("metadata.json", b'{"conda_pkg_format_version": 2}'),
        ZipMember("pkg-a.tar.zst", b""),
        ZipMember("info-a.tar.zst", b""),
    ]
    with pytest.raises(ArchiveError, match="it holds"):
        _run(extract_conda, zip_archive(ZipParts([*sound, *more])), tmp_path / "target")


# ---------------------------------------------------------------- M4: bombs

SMALL = Limits(max_bytes=10_000_000, free_bytes=1_000_000, max_files=1000, max_window=1 << 23)


def test_bombs_stop_early(tmp_path: Path) -> None:
    zeros = tar([TarEntry(f"f{n}", bytes(400_000)) for n in range(20)])
    bombs = {
        "conda": (extract_conda, archives.conda(zeros)),
        "bz2": (extract_tar_bz2, archives.tar_bz2(zeros)),
        "zip": (
            extract_wheel,
            zip_archive(ZipParts([ZipMember(f"f{n}", bytes(400_000), deflate=True) for n in range(20)])),
        ),
    }
    for name, (function, content) in bombs.items():
        with pytest.raises(ArchiveError, match="unpacks to more"):
            _run(function, content, tmp_path / name, limits=SMALL)
        assert sum(path.stat().st_size for path in (tmp_path / name).iterdir()) <= 4_000_000


def test_too_many_files(tmp_path: Path) -> None:
    many = tar([TarEntry(f"f{n}") for n in range(1100)])
    with pytest.raises(ArchiveError, match="more than 1,000 files"):
        _run(extract_tar_bz2, archives.tar_bz2(many), tmp_path / "target", limits=SMALL)


def test_zstd_window(tmp_path: Path) -> None:
    content = archives.conda(tar([TarEntry("a", os.urandom(1 << 20) * 40)]), window=27)
    with pytest.raises(ArchiveError, match="zstd"):
        _run(extract_conda, content, tmp_path / "target", limits=SMALL)


# ---------------------------------------------------------------- wheels and their RECORD


def test_record_is_believed_only_when_true(tmp_path: Path) -> None:
    sound = archives.wheel({"demo/__init__.py": b"x = 1\n"})
    assert len(_run(extract_checked_wheel, sound, tmp_path / "sound", what="w").files) == 4
    changed = {"demo/a": b"x", "demo-1.0.dist-info/RECORD": b"demo/a,sha256=AAAA,1\n"}
    content = zip_archive(ZipParts([ZipMember(path, data) for path, data in changed.items()]))
    with pytest.raises(HashMismatch):
        _run(extract_checked_wheel, content, tmp_path / "changed", what="w")
    with pytest.raises(ArchiveError, match="0 RECORD"):
        _run(extract_checked_wheel, zip_archive(ZipParts([M])), tmp_path / "none", what="w")


# ---------------------------------------------------------------- fuzzing

SOUND_TAR = tar([A, TarEntry("d/x", b"2" * 700, mode=0o755), TarEntry("l", kind=b"2", link="a"), named("n" * 120)])
SEEDS = {
    "tar.gz": SOUND_TAR,
    "conda": archives.conda(SOUND_TAR),
    "wheel": archives.wheel({"demo/__init__.py": b"x = 1\n", "demo/ü": b"2"}),
}


@pytest.mark.parametrize("kind", SEEDS)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(changes=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=6), cut=st.floats(0, 1))
def test_damaged_archives_are_refused_or_read(
    kind: str, changes: list[tuple[float, int]], cut: float, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    content = bytearray(SEEDS[kind])
    for place, value in changes:
        content[min(len(content) - 1, int(place * len(content)))] = value
    if cut > 0.8:
        content = content[: int((cut - 0.8) * 5 * len(content))]
    with honeypot(folder):
        try:
            if kind == "tar.gz":
                sdist_of(bytes(content), folder / "target")
            elif kind == "conda":
                _run(extract_conda, bytes(content), folder / "target")
            else:
                _run(extract_checked_wheel, bytes(content), folder / "target", what="w")
        except PixiError:
            pass


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(name=st.text(max_size=40), target=st.text(max_size=40))
def test_any_name_stays_inside(name: str, target: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    entries = [
        TarEntry("x", b"1", pax=[("path", name or "x")] if "\n" not in name else ()),
        TarEntry("deep/er/link", b"", b"2", link=target),
    ]
    with honeypot(folder):
        try:
            sdist_of(tar(entries), folder / "target")
        except (UnsafePath, ArchiveError):
            return
    assert Path(os.path.realpath(folder / "target/deep/er/link")).is_relative_to(os.path.realpath(folder / "target"))

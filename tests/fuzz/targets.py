"""Everything that reads bytes which somebody else wrote, as functions of the bytes: what may happen is a value or an
error of ours, and where the bytes are a text that a user writes, the error has a place in it.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
import zstandard

from pixi_core.archive.extract import extract_conda, extract_sdist, extract_tar_bz2, extract_wheel
from pixi_core.archive.limits import Limits
from pixi_core.archive.wheel import extract_checked_wheel
from pixi_core.cache.entry import read_marker
from pixi_core.cache.layout import CacheDirs
from pixi_core.config.load import load_config
from pixi_core.errors import InputError, PixiError, SpecError, TaskError
from pixi_core.install.conda_meta import read_paths as read_installed_paths
from pixi_core.install.conda_meta import read_record
from pixi_core.install.history import FOLDER as HISTORY
from pixi_core.install.history import History
from pixi_core.install.journal import journal_path, read_journal
from pixi_core.install.paths import conda_layout, read_entry_points
from pixi_core.install.prefix import read_prefix
from pixi_core.install.python_info import host_python
from pixi_core.install.verify import verify
from pixi_core.install.wheel import read_wheel_entry_points
from pixi_core.lock.read import read_lock
from pixi_core.lock.write import write_lock
from pixi_core.manifest.model import ManifestKind
from pixi_core.manifest.read import read_manifest
from pixi_core.model.channel import Channel, file_url
from pixi_core.model.match_spec import parse_match_spec
from pixi_core.model.pep508 import evaluate, parse_marker
from pixi_core.model.platform import NOARCH, Platform, Subdir
from pixi_core.model.pypi_requirement import parse_requirement
from pixi_core.model.pypi_target import PypiTarget
from pixi_core.model.record import RepoDataRecord
from pixi_core.model.version import parse_version
from pixi_core.model.version_spec import parse_version_spec
from pixi_core.names import pypi_name
from pixi_core.pypi.metadata import metadata_from_tail, parse_core_metadata
from pixi_core.pypi.requires import active, canonical
from pixi_core.pypi.simple import parse_filename, read_links, read_names, read_page
from pixi_core.pypi.versions import try_version
from pixi_core.repodata.gateway import Gateway
from pixi_core.repodata.indexing import read_archive
from pixi_core.repodata.shards import decode_shard, flatten_index
from pixi_core.tasks.shell import parse as parse_shell
from tests.core.repodata_support import PlainClient
from tests.core.test_lock_roundtrip import V5, V6, V7
from tests.core.test_manifest_read import FULL
from tests.support import archives
from tests.support.archives import TarEntry, tar

SMALL = Limits(max_bytes=10_000_000, free_bytes=1_000_000, max_files=1000, max_window=1 << 23)
LINUX = Platform.bare(Subdir("linux-64"))
TARGET = PypiTarget.for_platform(LINUX, "3.12.1")
PYTHON = host_python("3.12.1", Subdir("linux-64"))
RECORD = RepoDataRecord(
    name="x", version="1", build="0", build_number=0, subdir=Subdir("linux-64"), file_name="x-1-0.conda",
    url="https://channel.example/linux-64/x-1-0.conda", channel="https://channel.example/", noarch="python",
)  # fmt: skip
META = {
    "name": "x", "version": "1", "build": "0", "build_number": 0, "subdir": "linux-64", "fn": "x-1-0.conda",
    "url": RECORD.url, "channel": RECORD.channel, "depends": ["python >=3.8"], "files": ["share/x"],
    "paths_data": {"paths_version": 1, "paths": [
        {"_path": "share/x", "path_type": "hardlink", "sha256": "0" * 64, "size_in_bytes": 1}]},
    "link": {"source": "/cache/x", "type": 1}, "requested_specs": ["x"], "timestamp": 1750000000000,
}  # fmt: skip

ABSENT = re.compile(r"has no \[(workspace|tool\.pixi)\] table")
"""What is not there has no place."""
Read = Callable[[bytes, Path], object]


@dataclass(frozen=True)
class Target:
    """`read` gets the bytes and an empty folder; it may raise `PixiError`. `seeds` are sound inputs."""

    read: Read
    seeds: tuple[bytes, ...]
    is_written_by_users: bool = False

    def run(self, content: bytes, folder: Path) -> PixiError | None:
        """Read once; what was refused. Anything but an error of ours is raised, a missing place too."""
        try:
            self.read(content, folder)
        except PixiError as error:
            if self.is_written_by_users and not has_place(error):
                raise AssertionError("an error without a place") from error
            return error
        return None


def has_place(error: PixiError) -> bool:
    """Whether an error says where in its text it is."""
    if isinstance(error, SpecError):
        return 0 <= error.offset <= len(error.source)
    if isinstance(error, TaskError):
        return any(line.endswith("^") for line in error.details)
    placed = isinstance(error, InputError) and any(issue.location.line >= 1 for issue in error.issues)
    return placed or ABSENT.search(str(error)) is not None


def text_of(content: bytes) -> str:
    """As a file is read; what is no UTF-8 is refused before any reader sees it."""
    return content.decode("utf-8", "replace")


# ---------------------------------------------------------------- archives


def archive(extract: Callable[..., object], wrap: Callable[[bytes], bytes] = bytes, **settings: object) -> Read:
    """A reader that unpacks `wrap(content)` and looks whether anything left the folder."""

    def read(content: bytes, folder: Path) -> None:
        source, target, outside = folder / "archive", folder / "target", folder / "outside"
        source.write_bytes(wrap(content))
        target.mkdir()
        outside.mkdir()
        try:
            extract(source, target, limits=SMALL, **settings)
        finally:
            assert sorted(path.name for path in folder.iterdir()) == ["archive", "outside", "target"]
            assert not any(outside.iterdir())

    return read


SOUND_TAR = tar(
    [
        TarEntry("info/index.json", json.dumps(META).encode()),
        TarEntry("d/x", b"2" * 700, mode=0o755),
        TarEntry("l", kind=b"2", link="d/x"),
        TarEntry("h", kind=b"1", link="d/x"),
        TarEntry("x", b"1", pax=[("path", "n" * 120), ("mtime", "1.5")]),
    ]
)


def conda_around(content: bytes) -> bytes:
    """A package with this inside, and nothing beside it."""
    return archives.conda(content, tar([]))


def index_json(content: bytes, folder: Path) -> None:
    """What an archive says of itself, for an index."""
    place = folder / "x-1-0.tar.bz2"
    place.write_bytes(archives.tar_bz2(tar([TarEntry("info/index.json", content)])))
    read_archive(place)


def record_csv(content: bytes, folder: Path) -> None:
    """The RECORD of a wheel."""
    parts = archives.ZipParts([archives.ZipMember("x.py", b"1"), archives.ZipMember("x-1.dist-info/RECORD", content)])
    source, target = folder / "x.whl", folder / "target"
    source.write_bytes(archives.zip_archive(parts))
    target.mkdir()
    extract_checked_wheel(source, target, what="x", limits=SMALL)


# ---------------------------------------------------------------- packages and prefixes


def info_file(name: str) -> Read:
    """One file of `info/` of an unpacked package."""

    def read(content: bytes, folder: Path) -> None:
        info = folder / "info"
        info.mkdir()
        if name == "has_prefix":
            (info / "files").write_bytes(b"bin/x\n")
        if name == "link.json":
            (info / "paths.json").write_bytes(b'{"paths": []}')
        (info / name).write_bytes(content)
        if name == "link.json":
            read_entry_points(folder)
        conda_layout(RECORD, folder, PYTHON, prefix="/prefix")

    return read


def conda_meta(content: bytes, folder: Path) -> None:
    """A record of a prefix, asked for everything that is asked of records."""
    (folder / "conda-meta").mkdir()
    place = folder / "conda-meta" / "x-1-0.json"
    place.write_bytes(content)
    try:
        read_prefix(folder)
        verify(folder)
        read_installed_paths(place)
        read_record(place)
    except PixiError as error:
        if place.name not in str(error):
            raise AssertionError("an error that does not name the record") from error
        raise


def journal(content: bytes, folder: Path) -> None:
    """A journal that somebody else brought."""
    place = journal_path(folder)
    place.parent.mkdir()
    place.write_bytes(content)
    read_journal(folder)


def history(content: bytes, folder: Path) -> None:
    """The list of generations."""
    (folder / HISTORY).mkdir()
    (folder / HISTORY / "default.json").write_bytes(content)
    History(folder).generations("default")


def marker(content: bytes, folder: Path) -> None:
    """The completion marker of a cache entry."""
    (folder / ".pixi-complete.json").write_bytes(content)
    read_marker(folder)


def entry_points(content: bytes, folder: Path) -> None:
    """The commands of a wheel."""
    (folder / "entry_points.txt").write_bytes(content)
    read_wheel_entry_points(folder)


# ---------------------------------------------------------------- what users write


def lock(content: bytes, _: Path) -> None:
    """A lock file; what was read can be written, and is read as the same."""
    found = read_lock(text_of(content))
    text = write_lock(found)
    assert write_lock(read_lock(text)) == text


def manifest(kind: ManifestKind) -> Read:
    """A manifest with everything that is computed from it when a workspace is opened."""

    def read(content: bytes, folder: Path) -> None:
        found = read_manifest(text_of(content), path=folder / "pixi.toml", kind=kind)
        for environment in map(found.environment, found.environments):
            for platform in environment.platforms:
                environment.conda_specs(platform)

    return read


def config(content: bytes, folder: Path) -> None:
    """A configuration file: what is wrong in it is a warning."""
    place = folder / "config.toml"
    place.write_bytes(content)
    load_config(None, {"PIXI_CONFIG_FILE": str(place), "HOME": str(folder)})


def match_spec(content: bytes, _: Path) -> None:
    """A match spec; as it is written it means the same again."""
    spec = parse_match_spec(text_of(content))
    assert parse_match_spec(str(spec)) == spec
    spec.matches(RECORD)


def version(content: bytes, _: Path) -> None:
    """A version, compared with others."""
    found = parse_version(text_of(content))
    assert found == parse_version(str(found))
    assert sorted([found, parse_version("1.0"), found])


def version_spec(content: bytes, _: Path) -> None:
    """A version spec, asked about a version."""
    parse_version_spec(text_of(content)).matches(parse_version("1.2.3"))


def requirement(content: bytes, _: Path) -> None:
    """A PEP 508 requirement."""
    parse_requirement(text_of(content))


def environment_marker(content: bytes, _: Path) -> None:
    """A PEP 508 marker, evaluated."""
    evaluate(parse_marker(text_of(content)), TARGET.environment)


def shell(content: bytes, _: Path) -> None:
    """The command of a task."""
    parse_shell(text_of(content))


# ---------------------------------------------------------------- what indexes say


def channel(form: str) -> Read:
    """A channel with this index, asked for all its records and for a table of candidates."""

    def read(content: bytes, folder: Path) -> None:
        place = folder / "channel" / "linux-64"
        place.mkdir(parents=True)
        (place / "repodata.json").write_bytes(content)
        if form == "zst":
            (place / "repodata.json.zst").write_bytes(zstandard.compress(content))
        here = Channel(file_url(folder / "channel") + "/", "channel")
        with Gateway(PlainClient(), CacheDirs.below(folder / "cache")) as door:
            source = door.source([here], [Subdir("linux-64"), NOARCH])
            for name in source.names():
                source.records(name)
                source.table(name, "strict", None)

    return read


def shard_index(content: bytes, _: Path) -> None:
    """The index of a sharded channel."""
    flatten_index(zstandard.compress(content), url="https://channel.example/index")


def shard(content: bytes, _: Path) -> None:
    """The entries of one name."""
    decode_shard(zstandard.compress(content), url="https://channel.example/shard")


def simple_page(content_type: str) -> Read:
    """A page of an index, with every file of every release."""
    name = pypi_name("demo")

    def read(content: bytes, _: Path) -> None:
        page = read_page(content, content_type, url="https://pypi.example/simple/demo/", name=name, fetched=0.0)
        for release in page.releases:
            release.files(name)
        read_names(content, content_type, url="https://pypi.example/simple/")
        if content_type == "text/html":
            read_links(content, "https://pypi.example/simple/")

    return read


def core_metadata(content: bytes, _: Path) -> None:
    """METADATA, and what it requires."""
    found = parse_core_metadata(content, what="x")
    active(found.requires_dist, TARGET)
    canonical(found.requires_dist)
    try_version(found.version)


def wheel_tail(content: bytes, _: Path) -> None:
    """The end of a wheel, from which its metadata is read without the rest."""
    tail = content[len(content) // 2 :]
    metadata_from_tail(tail, len(content), lambda start, end: content[start:end], what="x")


def file_name(content: bytes, _: Path) -> None:
    """The name of a wheel or a sdist."""
    found = parse_filename(text_of(content), pypi_name("demo-package"))
    if found is not None:
        try_version(found[0])


# ---------------------------------------------------------------- the table

REPODATA = json.dumps({"info": {"subdir": "linux-64"}, "packages": {"x-1-0.tar.bz2": META}, "packages.conda": {
    "x-1-0.conda": META, "x-2-0.conda": {**META, "version": "2", "track_features": "a b", "noarch": "python"},
}})  # fmt: skip
SHARDS = msgspec.msgpack.encode({"info": {"base_url": "", "shards_base_url": "."}, "shards": {"x": bytes(32)}})
SHARD = msgspec.msgpack.encode({"packages": {}, "packages.conda": {"x-1-0.conda": {**META, "sha256": bytes(32)}}})
SIMPLE_JSON = json.dumps({"meta": {"api-version": "1.1"}, "projects": [{"name": "demo"}], "files": [
    {"filename": "demo-1.0-py3-none-any.whl", "url": "demo-1.0-py3-none-any.whl", "hashes": {"sha256": "0" * 64},
     "requires-python": ">=3.8", "yanked": False, "size": 1, "upload-time": "2024-01-01T00:00:00Z",
     "core-metadata": {"sha256": "0" * 64}},
    {"filename": "demo-1.0.tar.gz", "url": "../demo-1.0.tar.gz", "hashes": {}, "yanked": "broken"}]})  # fmt: skip
SIMPLE_HTML = b"""<!DOCTYPE html><html><head><base href="/files/"></head><body>
<a href="demo-1.0-py3-none-any.whl#sha256=00" data-requires-python="&gt;=3.8" data-core-metadata="sha256=00">x</a>
<a href="demo-1.0.tar.gz" data-yanked="">y</a></body></html>"""
METADATA = b"""Metadata-Version: 2.3
Name: demo
Version: 1.0
Requires-Python: >=3.8
Requires-Dist: words (>=2,<3) ; extra == 'x' and (python_version >= "3.8" or sys_platform == "win32")
Requires-Dist: other[a,b] @ https://files.example/other-1.0.zip
Provides-Extra: x
Dynamic: License

Text
"""
PYPROJECT = b"""[project]
name = "demo"
version = "1"
requires-python = ">=3.11"
dependencies = ["rich>=13; python_version > '3'"]
[project.optional-dependencies]
x = ["words"]
[dependency-groups]
dev = ["pytest", { include-group = "test" }]
test = ["words"]
[tool.pixi.workspace]
channels = ["conda-forge"]
platforms = ["linux-64"]
[tool.pixi.environments]
x = { features = ["x"] }
"""
JOURNAL = json.dumps({"version": 1, "pid": 1, "host": "h", "names": ["x"], "platform": ["linux-64", "linux-64", []],
    "python": None, "conda": [], "wheels": [], "remove": ["share/x"], "old_meta": ["x-1-0.json"],
    "make_way": [["a", "b"]], "move_back": [], "lost": {}, "marker": None})  # fmt: skip
ROWS = json.dumps({"version": 1, "generations": [{"number": 1, "at": 1, "command": "pixi install", "manifest": "0",
    "lock": "0", "packages": "0", "installed": True}]})  # fmt: skip
PATHS = json.dumps({"paths_version": 1, "paths": [
    {"_path": "site-packages/x.py", "path_type": "hardlink", "sha256": "0" * 64, "size_in_bytes": 1},
    {"_path": "bin/x", "path_type": "softlink", "prefix_placeholder": "/old", "file_mode": "text", "no_link": True},
]})  # fmt: skip
CONFIG = b"""default-channels = ["conda-forge"]
[pypi-config]
index-url = "https://pypi.example/simple"
[mirrors]
"https://channel.example" = ["https://mirror.example"]
[concurrency]
downloads = 5
"""


def written_by_users(read: Read, *seeds: str | bytes) -> Target:
    """A target whose errors must say where."""
    return Target(read, tuple(s.encode() if isinstance(s, str) else s for s in seeds), is_written_by_users=True)


def made_by_tools(read: Read, *seeds: str | bytes) -> Target:
    """A target whose errors name the file."""
    return Target(read, tuple(s.encode() if isinstance(s, str) else s for s in seeds))


TARGETS: Mapping[str, Target] = {
    "conda": made_by_tools(archive(extract_conda), archives.conda(SOUND_TAR, tar([]))),
    "conda-inner-tar": made_by_tools(archive(extract_conda, conda_around), SOUND_TAR),
    "tar-bz2": made_by_tools(archive(extract_tar_bz2), archives.tar_bz2(SOUND_TAR)),
    "sdist": made_by_tools(archive(extract_sdist, archives.tar_gz, file_name="x-1.tar.gz"), SOUND_TAR),
    "sdist-zip": made_by_tools(archive(extract_sdist, file_name="x-1.zip"), archives.wheel({"x-1/setup.py": b"1"})),
    "wheel": made_by_tools(archive(extract_wheel), archives.wheel({"demo/__init__.py": b"x = 1\n", "demo/ü": b"2"})),
    "wheel-tail": made_by_tools(wheel_tail, archives.wheel({"demo-1.0.dist-info/METADATA": METADATA})),
    "wheel-record": made_by_tools(record_csv, "x.py,sha256=a4ayc_80_OGda4BO_1o_V0etpOqiLx1JwB5S3beHW0s,1\n"),
    "entry-points": made_by_tools(entry_points, "[console_scripts]\nrun = pkg.mod:main\n[gui_scripts]\ng = a:b\n"),
    "index-json": made_by_tools(index_json, json.dumps(META)),
    "paths-json": made_by_tools(info_file("paths.json"), PATHS),
    "link-json": made_by_tools(
        info_file("link.json"), '{"noarch": {"type": "python", "entry_points": ["x = x.y:main"]}}'
    ),
    "files": made_by_tools(info_file("files"), "bin/x\nsite-packages/x.py\n"),
    "has-prefix": made_by_tools(info_file("has_prefix"), '/old text bin/x\n"/o ld" binary "bin/x"\nbin/x\n'),
    "conda-meta": made_by_tools(conda_meta, json.dumps(META)),
    "journal": made_by_tools(journal, JOURNAL),
    "history": made_by_tools(history, ROWS),
    "cache-marker": made_by_tools(
        marker, '{"format": 1, "sha256": "00", "count": 1, "size": 1, "files": [["a", "00", 1, false]], "links": []}'
    ),
    "lock": written_by_users(lock, V7, V6, V5),
    "pixi-toml": written_by_users(manifest("pixi"), FULL),
    "pyproject-toml": written_by_users(manifest("pyproject"), PYPROJECT),
    "config-toml": made_by_tools(config, CONFIG),
    "match-spec": written_by_users(
        match_spec, "numpy >=1.2,<2|==3 py*_0", "conda-forge/linux-64::a[version='>=1',build=*x]", "a=1.2.*=b"
    ),
    "version": written_by_users(version, "1!2.3.4rc1.post1+local_5", "2024a", "1.0_3"),
    "version-spec": written_by_users(version_spec, ">=1.2,<2.0a0|(~=3.1,!=3.1.4)|1.*|==2", "^1[.]2.*$"),
    "requirement": written_by_users(
        requirement, "a[b,c] >=1,!=2 ; python_version < '3' or extra == 'x'", "a @ git+https://git.example/a@main#egg=a"
    ),
    "marker": written_by_users(
        environment_marker, "(python_version >= '3.8' and 'linux' in sys_platform) or os_name != \"nt\""
    ),
    "task-shell": written_by_users(shell, "A=1 echo \"$A $(date)\" 'x' && (b | c > f || d 2>&1) ; sleep 1"),
    "repodata-json": made_by_tools(channel("json"), REPODATA),
    "repodata-zst": made_by_tools(channel("zst"), REPODATA),
    "shard-index": made_by_tools(shard_index, SHARDS),
    "shard": made_by_tools(shard, SHARD),
    "simple-json": made_by_tools(simple_page("application/vnd.pypi.simple.v1+json"), SIMPLE_JSON),
    "simple-html": made_by_tools(simple_page("text/html"), SIMPLE_HTML),
    "metadata": made_by_tools(core_metadata, METADATA),
    "file-name": made_by_tools(file_name, "demo_package-1.0-1-py3-none-any.whl", "demo-package-1.0-beta.tar.gz"),
}


def empty(folder: Path) -> Path:
    """The folder with nothing in it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder

"""The administrator's policy through the real executable: every way to an environment meets the same rules."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command import Ran, pixi
from tests.support.pypi_index import FakeIndex, serving
from tests.support.trees import tree

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not hasattr(os, "getuid") or os.getuid() != 0, reason="only root can write a policy that is believed"
    ),
]


@pytest.fixture
def workspace(tmp_path: Path, small_channel: Path) -> Path:
    """A locked workspace, not installed, made where no policy held."""
    folder = tmp_path / "workspace"
    folder.mkdir()
    (folder / "pixi.toml").write_text(
        f'[workspace]\nchannels = ["{small_channel.as_uri()}"]\nplatforms = ["linux-64"]\n\n'
        '[dependencies]\nshared = "*"\n'
    )
    pixi("lock", cwd=folder).succeeded()
    return folder


class Ruled:
    """Commands where a policy holds, each with a cache and a store of its own."""

    def __init__(self, folder: Path, channel: Path) -> None:
        self.folder, self.channel = folder, channel
        self.file = folder / "policy.toml"
        self.environ = {
            "PIXI_POLICY_FILE": str(self.file),
            "PIXI_STORE": str(folder / "store"),
            "PIXI_HOME": str(folder / "pixi-home"),
        }

    def says(self, text: str) -> None:
        """Write the policy."""
        self.file.write_text(text)
        self.file.chmod(0o644)

    def pixi(self, *words: str, cwd: Path, group: str = "") -> Ran:
        """Run a command under it; `CHANNEL` stands for the channel."""
        filled = [str(self.channel.as_uri()) if word == "CHANNEL" else word for word in words]
        return pixi(*filled, cwd=cwd, environ={**self.environ, "PIXI_POLICY_GROUP": group})


@pytest.fixture
def ruled(tmp_path: Path, small_channel: Path) -> Ruled:
    return Ruled(tmp_path, small_channel)


CASES = [
    # what the policy says, what is done, the key that refuses (None: it is allowed)
    ("", ["install"], None),
    ('channels = ["HERE"]', ["install"], None),
    ('channels = ["https://inside.example/conda"]', ["install"], "channels"),
    ('channels = ["https://inside.example/conda"]', ["add", "needs-glibc"], "channels"),
    ('channels = ["https://inside.example/conda"]', ["run", "echo", "hello"], "channels"),
    ('channels = ["https://inside.example/conda"]', ["materialize"], "channels"),
    ('channels = ["https://inside.example/conda"]', ["exec", "-c", "CHANNEL", "shared"], "channels"),
    ('channels = ["https://inside.example/conda"]', ["global", "install", "-c", "CHANNEL", "prefix-text"], "channels"),
    ('channels = ["https://inside.example/conda"]', ["search", "-c", "CHANNEL", "shared"], "channels"),
    ('denied = ["shared >=2"]', ["install"], "denied"),
    ('denied = ["shared >=2"]', ["materialize"], "denied"),
    ('denied = ["shared >=2"]', ["update"], "denied"),
    ('denied = ["shared <2"]', ["install"], None),
    ('denied = ["needs-*"]', ["add", "needs-glibc"], "denied"),
    ('denied = ["prefix-text"]', ["global", "install", "-c", "CHANNEL", "prefix-text"], "denied"),
    ('denied = ["shared"]', ["exec", "-c", "CHANNEL", "-s", "shared", "true"], "denied"),
    ('required = ["prefix-text"]', ["install"], "required"),
    ('required = ["prefix-text"]', ["add", "prefix-text"], None),
    ('required = ["shared"]', ["install"], None),
    ("maximum-size = 1", ["install"], "maximum-size"),
    ("maximum-size = 1", ["materialize"], "maximum-size"),
    ("maximum-size = 1", ["global", "install", "-c", "CHANNEL", "prefix-text"], "maximum-size"),
    ('maximum-size = "1 MB"', ["install"], None),
    ("locked-only = true", ["install", "--frozen"], None),
    ("locked-only = true", ["materialize"], None),
    ("locked-only = true", ["run", "echo", "hello"], None),
    ("locked-only = true", ["add", "prefix-text"], "locked-only"),
    ("locked-only = true", ["update"], "locked-only"),
    ("locked-only = true", ["exec", "-c", "CHANNEL", "-s", "shared", "true"], "locked-only"),
    ("locked-only = true", ["global", "install", "-c", "CHANNEL", "prefix-text"], "locked-only"),
    ('exclude-newer = "2001-01-01"', ["install"], "exclude-newer"),
    ('exclude-newer = "0d"', ["update"], None),
]  # fmt: skip


@pytest.mark.parametrize(("text", "words", "key"), CASES, ids=lambda value: str(value)[:40])
def test_what_a_policy_lets_through(
    text: str, words: list[str], key: str | None, ruled: Ruled, workspace: Path, small_channel: Path
) -> None:
    ruled.says("# rules\n" + text.replace("HERE", small_channel.as_uri()) + "\n")
    before = tree(workspace)
    ran = ruled.pixi(*words, cwd=workspace)
    if key is None:
        ran.succeeded()
        return
    assert "policy of this machine does not allow" in ran.failed().err, ran.err
    assert f"{ruled.file}:2: `{key}`" in ran.err, ran.err
    assert "hint: ask the administrator of this machine" in ran.err
    assert tree(workspace) == before, "a refusal changes nothing"


def test_what_was_installed_before_is_looked_at_again(ruled: Ruled, workspace: Path) -> None:
    """The note by which a prepared environment is recognised does not outlive the policy it was written under."""
    pixi("install", cwd=workspace).succeeded()
    ruled.says('denied = ["shared"]\n')
    assert "shared 2.0 is denied" in ruled.pixi("run", "echo", "hello", cwd=workspace).failed().err
    assert "shared 2.0 is denied" in ruled.pixi("run", "--as-is", "echo", "hello", cwd=workspace).failed().err
    assert "shared 2.0 is denied" in ruled.pixi("install", cwd=workspace).failed().err
    ruled.says('denied = ["other"]\n')
    assert ruled.pixi("run", "echo", "hello", cwd=workspace).succeeded().out == "hello\n"


def test_a_refusal_of_size_tells_what_would_be_written(ruled: Ruled, workspace: Path) -> None:
    ruled.says("maximum-size = 3\n")
    told = ruled.pixi("install", cwd=workspace).failed().err
    assert "bytes, 3 are allowed" in told
    assert "shared" in told
    assert not (workspace / ".pixi" / "envs").exists()


def test_a_cut_off_that_leaves_nothing_is_told_to_be_the_policys(ruled: Ruled, workspace: Path) -> None:
    ruled.says('exclude-newer = "2001-01-01"\n')
    for words in (["update"], ["global", "install", "-c", "CHANNEL", "prefix-text"]):
        told = ruled.pixi(*words, cwd=workspace).failed().err
        assert f"hint: {ruled.file}:1: `exclude-newer`: what was made after 2001-01-02" in told, told


def test_groups_have_less(ruled: Ruled, workspace: Path) -> None:
    ruled.says('[group.guests]\ndenied = ["shared"]\n')
    ruled.pixi("install", cwd=workspace, group="students").succeeded()
    assert f"{ruled.file}:2: `denied`" in ruled.pixi("install", cwd=workspace, group="x,guests").failed().err


def test_it_is_shown(ruled: Ruled, workspace: Path) -> None:
    ruled.says('denied = ["torch"]\nmaximum-size = "1 GB"\n')
    told = json.loads(ruled.pixi("info", "--json", cwd=workspace).succeeded().out)["policy"]
    assert told == {
        "path": str(ruled.file), "groups": [], "rules": [{"denied": ["torch"], "maximum-size": 10**9}]
    }  # fmt: skip
    assert json.loads(ruled.pixi("status", "--json", cwd=workspace).succeeded().out)["policy"] == told
    for words in (["status"], ["info"]):
        shown = ruled.pixi(*words, cwd=workspace).succeeded().out
        assert str(ruled.file) in shown
        assert 'denied = ["torch"]' in shown
    assert json.loads(pixi("info", "--json", cwd=workspace).succeeded().out)["policy"] is None


def test_a_policy_with_mistakes_lets_nothing_through(ruled: Ruled, workspace: Path) -> None:
    ruled.says('deneid = ["torch"]\n')
    told = ruled.pixi("install", cwd=workspace).failed().err
    assert "policy.toml:1:1: unknown key `deneid` in the policy" in told
    assert "did you mean `denied`?" in told


def test_a_file_of_the_users_is_no_policy(ruled: Ruled, workspace: Path) -> None:
    ruled.says("locked-only = true\n")
    os.chown(ruled.file, 4242, 4242)
    ran = ruled.pixi("add", "prefix-text", cwd=workspace).succeeded()
    assert f"{ruled.file} belongs to user 4242, not to root" in ran.err


# ---------------------------------------------------------------- PyPI


@pytest.fixture
def index() -> Iterator[FakeIndex]:
    """An index with an old and a new version."""
    index = FakeIndex()
    index.wheel("greeting", "1.0")
    index.wheel("greeting", "1.1")
    with serving(index) as running:
        yield running


@pytest.fixture
def hosted(tmp_path: Path, index: FakeIndex) -> Path:
    """A workspace of Python packages."""
    pixi("init", "hosted", "--host", "-p", "linux-64", cwd=tmp_path).succeeded()
    manifest = tmp_path / "hosted" / "pixi.toml"
    manifest.write_text(manifest.read_text() + f'\n[pypi-options]\nindex-url = "{index.url}"\n')
    return tmp_path / "hosted"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('indexes = ["HERE"]', None),
        ('indexes = ["https://inside.example/simple"]', "indexes"),
        ('denied = ["Greeting ==1.1"]', "denied"),
        ('denied = ["greeting ==1.0"]', None),
        ('required = ["ipykernel"]', "required"),
        ("maximum-size = 1", "maximum-size"),
        ("locked-only = true", "locked-only"),
    ],
)
def test_python_packages_are_under_the_same_rules(
    text: str, key: str | None, ruled: Ruled, hosted: Path, index: FakeIndex
) -> None:
    host = index.url.partition("/simple")[0]
    ruled.says(text.replace("HERE", host) + "\n")
    ran = ruled.pixi("add", "greeting", cwd=hosted)
    if key is None:
        ran.succeeded()
    else:
        assert f"{ruled.file}:1: `{key}`" in ran.failed().err, ran.err


@pytest.mark.parametrize(
    "requirement",
    [
        'greeting = { url = "http://127.0.0.1:9/greeting-1.0.tar.gz" }',
        'greeting = { git = "http://127.0.0.1:9/greeting.git" }',
        'greeting = { version = "*", index = "http://127.0.0.1:9/simple" }',
    ],
)
def test_what_points_elsewhere_is_refused_before_it_is_fetched(
    requirement: str, ruled: Ruled, hosted: Path, index: FakeIndex
) -> None:
    """Nobody listens there: another error would tell that somebody had asked."""
    manifest = hosted / "pixi.toml"
    manifest.write_text(manifest.read_text() + f"\n[pypi-dependencies]\n{requirement}\n")
    ruled.says(f'indexes = ["{index.url}"]\n')
    told = ruled.pixi("lock", cwd=hosted).failed().err
    assert f"{ruled.file}:1: `indexes`: http://127.0.0.1:9/" in told, told


def test_mirrors_of_the_policy_replace_those_of_the_user(ruled: Ruled, hosted: Path, index: FakeIndex) -> None:
    manifest = hosted / "pixi.toml"
    manifest.write_text(manifest.read_text().replace(index.url, "https://outside.example/simple"))
    host = index.url.partition("/simple")[0]
    ruled.says(f'[mirrors]\n"https://outside.example" = ["{host}"]\n')
    (hosted / ".pixi").mkdir(exist_ok=True)
    (hosted / ".pixi" / "config.toml").write_text('[mirrors]\n"https://outside.example" = ["http://127.0.0.1:9"]\n')
    ruled.pixi("add", "greeting", cwd=hosted).succeeded()
    assert "https://outside.example" in (hosted / "pixi.lock").read_text()
    assert (hosted / ".pixi/envs/default").is_dir()


def test_an_index_that_is_not_allowed_is_never_asked(ruled: Ruled, hosted: Path, index: FakeIndex) -> None:
    manifest = hosted / "pixi.toml"
    manifest.write_text(manifest.read_text().replace(index.url, "http://127.0.0.1:9/simple"))
    ruled.says('indexes = ["https://inside.example/simple"]\n')
    told = ruled.pixi("add", "greeting", cwd=hosted).failed().err
    assert f"{ruled.file}:1: `indexes`: http://127.0.0.1:9/simple is not allowed" in told

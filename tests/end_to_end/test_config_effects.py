"""What each key of the configuration changes in what the real command does; keys without an effect are named."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pixi_core.config.load import known_keys
from pixi_core.ops.init import open_services
from pixi_core.ops.installing import link_options
from pixi_core.virtual import host_subdir
from tests.end_to_end.test_least_change import entry, write_channel
from tests.end_to_end.test_run_shell import typed
from tests.support.certificates import authority
from tests.support.command import Ran, pixi
from tests.support.http_server import Answered, FaultServer, Seen, files_of, serving
from tests.support.projects import project
from tests.support.proxy_server import proxying
from tests.support.pypi_index import FakeIndex
from tests.support.pypi_index import serving as serving_index
from tests.support.s3_server import buckets

ROOT = Path(__file__).resolve().parent.parent.parent
WITHOUT_EFFECT = {
    "allow-symbolic-links", "cache.netfs-redirect", "experimental.use-environment-activation-cache", "tls-root-certs",
}  # fmt: skip
"""Taken for pixi's sake; the documentation says so of each."""
ELSEWHERE = {
    "jupyter.trust": ("core/test_trust.py", "[jupyter]"),
    "concurrency.solves": ("core/test_solving.py", "concurrent_solves"),
}
"""What cannot be seen from outside on every machine: the file and the name by which it is tested."""
CHANGES: dict[str, str] = {}

Test = Callable[..., None]


def changes(*keys: str) -> Callable[[Test], Test]:
    """Note which keys a test is about."""

    def note(test: Test) -> Test:
        CHANGES.update(dict.fromkeys(keys, test.__name__))
        return test

    return note


class Demo:
    """A workspace on the small channel, whose user has a configuration and a cache of their own."""

    def __init__(self, folder: Path, channel: Path) -> None:
        self.folder = folder / "demo"
        self.home = folder / "home"
        self.cache = folder / "cache"
        self.channel = channel
        self.home.mkdir()
        self.folder.mkdir()
        self.manifest('channels = ["CHANNEL"]')

    def manifest(self, said: str, more: str = "") -> None:
        said = said.replace("CHANNEL", self.channel.as_uri())
        text = f'[workspace]\nname = "demo"\nplatforms = ["{host_subdir()}"]\n{said}\n{more}'
        (self.folder / "pixi.toml").write_text(text)

    def says(self, *lines: str) -> None:
        """The configuration, with dotted keys."""
        (self.home / "config.toml").write_text("".join(f"{line}\n" for line in lines))

    def environ(self, **more: str) -> dict[str, str]:
        # the hosts of tests have no credentials, and nothing of this machine's proxies
        return {"PIXI_HOME": str(self.home), "PIXI_CACHE_DIR": str(self.cache), "UV_HTTP_RETRIES": "0", **more}

    def pixi(self, *words: str, **environ: str) -> Ran:
        return pixi(*words, cwd=self.folder, environ=self.environ(**environ))

    def file(self, path: str) -> Path:
        return self.folder / ".pixi" / "envs" / "default" / path


@pytest.fixture
def demo(tmp_path: Path, small_channel: Path) -> Demo:
    return Demo(tmp_path, small_channel)


def test_each_key_is_looked_at() -> None:
    assert {*CHANGES, *WITHOUT_EFFECT, *ELSEWHERE} == set(known_keys())
    assert len(CHANGES) + len(WITHOUT_EFFECT) + len(ELSEWHERE) == len(known_keys())
    rows = (ROOT / "docs" / "configuration.md").read_text().splitlines()
    for key in WITHOUT_EFFECT:
        assert any(row.startswith(f"| `{key}` ") and "for pixi's sake" in row for row in rows), key
    for file, name in ELSEWHERE.values():
        assert name in (ROOT / "tests" / file).read_text(), file


# ---------------------------------------------------------------- what commands write


@changes("default-channels")
def test_channels_of_new_workspaces(demo: Demo) -> None:
    demo.says('default-channels = ["https://own.example/forge"]')
    demo.pixi("init", "made", "--offline").succeeded()
    assert 'channels = ["https://own.example/forge"]' in (demo.folder / "made" / "pixi.toml").read_text()


@changes("pypi-config.index-url", "pypi-config.extra-index-urls")
def test_indexes_of_new_workspaces(demo: Demo) -> None:
    demo.says(
        'pypi-config.index-url = "https://a.example/simple"', 'pypi-config.extra-index-urls = ["https://b.example/"]'
    )
    demo.pixi("init", "made", "--host", "--offline").succeeded()
    text = (demo.folder / "made" / "pixi.toml").read_text()
    assert 'index-url = "https://a.example/simple"' in text
    assert 'extra-index-urls = ["https://b.example/"]' in text


@changes("pinning-strategy")
@pytest.mark.parametrize(("said", "written"), [("", ">=2.0,<3"), ('pinning-strategy = "exact-version"', "==2.0")])
def test_how_new_requirements_are_pinned(demo: Demo, said: str, written: str) -> None:
    demo.says(said)
    demo.pixi("add", "shared", "--no-install").succeeded()
    assert f'shared = "{written}"' in (demo.folder / "pixi.toml").read_text()


# ---------------------------------------------------------------- how the network is asked


def found(demo: Demo, url: str, **environ: str) -> bool:
    """Whether a package of a channel is found."""
    ran = demo.pixi("search", "shared", "-c", url, **environ)
    return ran.code == 0 and "shared" in ran.out


@changes("offline")
def test_offline(demo: Demo) -> None:
    with serving(files_of(demo.channel)) as server:
        demo.says("offline = true")
        assert not found(demo, server.url)
        assert server.seen == []
        demo.says("offline = false")
        assert found(demo, server.url)


@changes("mirrors")
def test_mirrors(demo: Demo) -> None:
    with serving(files_of(demo.channel)) as server:
        assert not found(demo, "https://channels.invalid/forge")
        demo.says(f'mirrors = {{ "https://channels.invalid/forge" = ["{server.url}"] }}')
        assert found(demo, "https://channels.invalid/forge")


@changes("authentication-override-file")
def test_the_file_of_credentials(demo: Demo) -> None:
    with serving(files_of(demo.channel)) as server:
        server.authorization["/"] = "Bearer open"
        assert not found(demo, server.url)
        held = demo.home / "held.json"
        held.write_text(json.dumps({server.url.removeprefix("http://"): {"BearerToken": "open"}}))
        demo.says(f'authentication-override-file = "{held}"')
        assert found(demo, server.url)


@changes("tls-no-verify", "pypi-config.allow-insecure-host")
@pytest.mark.parametrize("said", ["tls-no-verify = true", 'pypi-config.allow-insecure-host = ["127.0.0.1"]'])
def test_certificates(demo: Demo, said: str, tmp_path: Path) -> None:
    with serving(files_of(demo.channel), tls=authority(tmp_path).server()) as server:
        assert not found(demo, server.url)
        demo.says(said)
        assert found(demo, server.url)


@changes("s3-options")
def test_buckets(demo: Demo) -> None:
    files = {f"/conda/forge{path}": content for path, content in files_of(demo.channel).items()}
    with buckets(files) as server:
        server.public = True
        url = "s3://conda/forge"
        assert not found(demo, url, AWS_ENDPOINT_URL="http://127.0.0.1:1")
        options = f'endpoint-url = "{server.server.url}", region = "{server.region}", force-path-style = true'
        demo.says(f"s3-options.conda = {{ {options} }}")
        assert found(demo, url, AWS_ENDPOINT_URL="http://127.0.0.1:1")


NO_PROXIES = dict.fromkeys(
    [name for plain in ("http_proxy", "https_proxy", "all_proxy", "no_proxy") for name in (plain, plain.upper())], ""
)


@changes("proxy-config.http", "proxy-config.https", "proxy-config.non-proxy-hosts")
@pytest.mark.parametrize(
    ("scheme", "asked"), [("http", "GET http://channels.invalid/"), ("https", "CONNECT channels.invalid")]
)
def test_proxies(demo: Demo, scheme: str, asked: str) -> None:
    with proxying() as proxy:
        proxied = f'proxy-config.{scheme} = "{proxy.url}"'
        for lines in ((), (proxied, 'proxy-config.non-proxy-hosts = ["channels.invalid"]')):
            demo.says(*lines)
            demo.pixi("search", "shared", "-c", f"{scheme}://channels.invalid/forge", **NO_PROXIES).failed()
            assert proxy.seen == []
        demo.says(proxied)
        demo.pixi("search", "shared", "-c", f"{scheme}://channels.invalid/forge", **NO_PROXIES)
        assert any(line.startswith(asked) for line in proxy.seen)


@changes("repodata-config.disable-sharded", "repodata-config.disable-zstd", "repodata-config.disable-bzip2")
@pytest.mark.parametrize(
    ("key", "form"),
    [
        ("disable-sharded", "repodata_shards"),
        ("disable-zstd", "repodata.json.zst"),
        ("disable-bzip2", "repodata.json.bz2"),
    ],
)
def test_forms_of_indexes(demo: Demo, key: str, form: str) -> None:
    with serving({}) as server:
        for said, wanted in (("", True), (f"repodata-config.{key} = true", False)):
            demo.says(said)
            shutil.rmtree(demo.cache, ignore_errors=True)
            server.seen.clear()
            assert not found(demo, server.url)
            assert server.seen
            assert any(form in one.path for one in server.seen) == wanted
        demo.says(f'repodata-config."{server.url}".{key} = true')
        server.seen.clear()
        assert not found(demo, server.url)
        assert not any(form in one.path for one in server.seen)


KEYRING = '#!/bin/sh\necho "$@" >> "{log}"\necho secret\n'


@pytest.mark.skipif(os.name == "nt", reason="a program of a few lines, for POSIX")
@changes("pypi-config.keyring-provider")
@pytest.mark.parametrize(("provider", "asked"), [("subprocess", True), ("disabled", False)])
def test_the_key_ring(demo: Demo, provider: str, asked: bool) -> None:
    log, program = demo.home / "asked", demo.home / "bin" / "keyring"
    program.parent.mkdir()
    program.write_text(KEYRING.format(log=log))
    program.chmod(0o755)
    demo.manifest("channels = []")
    demo.says(f'pypi-config.keyring-provider = "{provider}"')
    with serving({}) as server:
        server.answer = lambda seen: Answered(401, {}, b"")
        index = server.url.replace("//", "//me@") + "/simple"
        path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
        assert "401" in demo.pixi("add", "--pypi", "thing", "--index", index, PATH=path).failed().err
    assert log.exists() == asked


class Meeting:
    """Holds the first request back until another has come; with one at a time none comes."""

    def __init__(self, server: FaultServer) -> None:
        self.server = server

    def __call__(self, seen: Seen) -> None:
        if seen.path.endswith((".conda", ".tar.bz2")) and self.server.most_at_once < 2:
            self.server.ended.wait(0.3)


@changes("concurrency.downloads")
@pytest.mark.parametrize(("said", "alone"), [("", False), ("concurrency.downloads = 1", True)])
def test_downloads_at_once(demo: Demo, said: str, alone: bool) -> None:
    with serving(files_of(demo.channel)) as server:
        server.answer = Meeting(server)
        demo.manifest(f'channels = ["{server.url}"]')
        demo.says(said)
        demo.pixi("add", "shared", "native-library", "prefix-text", "native-tool").succeeded()
        assert (server.most_at_once == 1) == alone


# ---------------------------------------------------------------- how environments are made


@changes("allow-hard-links")
@pytest.mark.parametrize("allowed", [True, False])
def test_links_to_the_cache(demo: Demo, allowed: bool) -> None:
    demo.says(f"allow-hard-links = {str(allowed).lower()}", "allow-ref-links = false")
    demo.pixi("add", "shared").succeeded()
    assert (demo.file("share/shared").stat().st_nlink > 1) == allowed


@changes("allow-ref-links")
@pytest.mark.parametrize("allowed", [True, False])
def test_clones_of_the_cache(demo: Demo, allowed: bool) -> None:
    """Few file systems have clones, so it is seen whether they would be tried."""
    demo.says(f"allow-ref-links = {str(allowed).lower()}")
    services = open_services({**os.environ, **demo.environ()})
    assert ("reflink" in link_options(services.config).allow) == allowed


@changes("run-post-link-scripts")
@pytest.mark.parametrize(("said", "ran"), [("false", False), ('"insecure"', True)])
def test_scripts_of_packages(demo: Demo, said: str, ran: bool) -> None:
    demo.says(f"run-post-link-scripts = {said}")
    demo.pixi("add", "link-scripts").succeeded()
    assert demo.file("share/link-scripts/built").exists() == ran


@changes("detached-environments", "cache.detached-environments")
def test_environments_elsewhere(demo: Demo, tmp_path: Path) -> None:
    for said, folder in (
        (("detached-environments = true",), demo.cache / "envs"),
        ((f'detached-environments = "{tmp_path / "one"}"',), tmp_path / "one"),
        (("detached-environments = true", f'cache.detached-environments = "{tmp_path / "two"}"'), tmp_path / "two"),
    ):
        demo.says(*said)
        shutil.rmtree(demo.folder / ".pixi", ignore_errors=True)
        demo.manifest('channels = ["CHANNEL"]')
        demo.pixi("add", "shared").succeeded()
        assert list(folder.glob("*/envs/default/share/shared")), said


# ---------------------------------------------------------------- shells and activation


SCRIPT = '[activation]\nscripts = ["count.sh"]\n'


@pytest.mark.skipif(os.name == "nt", reason="scripts of POSIX shells")
@changes("force-activate", "shell.force-activate")
@pytest.mark.parametrize(("said", "times"), [("", 1), ("force-activate = true", 3), ("shell.force-activate = true", 3)])
def test_how_often_scripts_run(demo: Demo, said: str, times: int) -> None:
    demo.manifest('channels = ["CHANNEL"]', SCRIPT)
    (demo.folder / "count.sh").write_text('echo once >> "$PIXI_PROJECT_ROOT/counted"\n')
    demo.says(said)
    for _ in range(3):
        demo.pixi("run", "true").succeeded()
    assert (demo.folder / "counted").read_text().count("once") == times


@pytest.mark.skipif(os.name == "nt", reason="terminals of POSIX")
@changes("change-ps1", "shell.change-ps1")
@pytest.mark.parametrize(
    ("said", "shown"), [("", True), ("change-ps1 = false", False), ("shell.change-ps1 = false", False)]
)
def test_the_prompt(demo: Demo, said: str, shown: bool) -> None:
    demo.says(said)
    _, screen = shell(demo, 'echo "<$PS1>"', "exit")
    assert ("\n<(demo) " in screen) == shown
    assert "\n<" in screen


@pytest.mark.skipif(os.name == "nt", reason="terminals of POSIX")
@changes("shell.source-completion-scripts")
@pytest.mark.parametrize("loaded", [True, False])
def test_completions_of_packages(demo: Demo, loaded: bool) -> None:
    demo.says(f"shell.source-completion-scripts = {str(loaded).lower()}")
    demo.pixi("install").succeeded()
    path = demo.file("share/bash-completion/completions/tool")
    path.parent.mkdir(parents=True)
    path.write_text("export COMPLETED=yes\n")
    _, screen = shell(demo, 'echo "<${COMPLETED}>"', "exit")
    assert ("\n<yes>" in screen) == loaded
    assert ("\n<>" in screen) != loaded


def shell(demo: Demo, *lines: str) -> tuple[int, str]:
    """What bash shows when lines are typed."""
    environ = demo.environ(HOME=str(demo.home), SHELL=str(shutil.which("bash")))
    return typed(list(lines), "shell", cwd=demo.folder, environ=environ)


# ---------------------------------------------------------------- caches


@changes("cache.root", "cache.conda-packages", "cache.repodata")
@pytest.mark.parametrize(
    ("key", "inside"), [("root", "conda-pkgs-v1/*/*"), ("conda-packages", "*/*"), ("repodata", "*")]
)
def test_caches_of_channels(demo: Demo, key: str, inside: str, tmp_path: Path) -> None:
    chosen = tmp_path / "chosen"
    demo.says(f'cache.{key} = "{chosen}"')
    with serving(files_of(demo.channel)) as server:
        demo.manifest(f'channels = ["{server.url}"]')
        environ = {"PIXI_CACHE_DIR": ""} if key == "root" else {}
        demo.pixi("add", "shared", **environ).succeeded()
    assert list(chosen.glob(inside))


@changes("cache.pypi-mapping")
def test_cache_of_names(demo: Demo, tmp_path: Path) -> None:
    demo.says(f'cache.pypi-mapping = "{tmp_path / "chosen"}"')
    index = FakeIndex()
    index.wheel("greeting", "1.0")
    with serving({"/names.json": b'{"python": null}'}) as names, serving_index(index) as running:
        write_channel(tmp_path / "channel", [entry("python", "3.12.0")])
        channel = (tmp_path / "channel").as_uri()
        table = f'conda-pypi-map = {{ "{channel}" = "{names.url}/names.json" }}'
        packages = '[dependencies]\npython = "*"\n[pypi-dependencies]\ngreeting = "*"\n'
        options = f'[pypi-options]\nindex-url = "{running.url}"\n'
        demo.manifest(f'channels = ["{channel}"]\n{table}', packages + options)
        demo.pixi("lock").succeeded()
    assert [path for path in (tmp_path / "chosen").rglob("*") if path.is_file()]


@changes("cache.read-only")
def test_caches_of_others(demo: Demo, tmp_path: Path) -> None:
    with serving(files_of(demo.channel)) as server:
        demo.manifest(f'channels = ["{server.url}"]')
        demo.pixi("add", "shared").succeeded()
        for said, fetched in ((f'cache.read-only = ["{demo.cache}"]', False), ("", True)):
            demo.says(said)
            shutil.rmtree(demo.folder / ".pixi")
            server.seen.clear()
            demo.pixi("install", "--frozen", PIXI_CACHE_DIR=str(tmp_path / f"fresh{fetched}")).succeeded()
            assert any(one.path.endswith((".conda", ".tar.bz2")) for one in server.seen) == fetched


@changes("cache.exec-environments")
def test_the_cache_of_exec(demo: Demo, tmp_path: Path) -> None:
    demo.says(f'cache.exec-environments = "{tmp_path / "chosen"}"')
    demo.pixi("exec", "-s", "shared", "-c", demo.channel.as_uri(), "true").succeeded()
    assert list((tmp_path / "chosen").rglob("share/shared"))


@changes("cache.pypi-wheels", "cache.build-tool-environments")
@pytest.mark.parametrize("key", ["pypi-wheels", "build-tool-environments"])
def test_caches_of_pypi(demo: Demo, key: str, tmp_path: Path) -> None:
    index = FakeIndex()
    index.wheel("greeting", "1.0")
    index.wheel("helper", "1.0")
    project(demo.folder / "built", "built", requires=["helper"])
    chosen = tmp_path / "chosen"
    demo.says(f'cache.{key} = "{chosen}"')
    with serving_index(index) as running:
        options = f'[pypi-options]\nindex-url = "{running.url}"\n'
        packages = '[pypi-dependencies]\ngreeting = "*"\nbuilt = { path = "built" }\n'
        demo.manifest("channels = []", options + packages)
        demo.pixi("install").succeeded()
    name = "greeting" if key == "pypi-wheels" else "helper"
    assert [path for path in chosen.rglob("*") if path.name == name]

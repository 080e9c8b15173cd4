"""The threats J1 to J9 of Jupyter, each with a test named after it.

J1 (a stranger's notebook or manifest) has its own files: `tests/core/test_trust.py` flips each field,
`tests/provisioner/test_trust.py` opens by nbclient, `tests/server_ext/test_trust.py` by REST. Here is the short form.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import nbformat.sign
import pytest

from pixi_core.errors import PixiError
from pixi_magics.display import Progress, final_bundle, running_bundle, table_bundle
from pixi_provisioner.overlay import COMPLETE, _remembered
from pixi_provisioner.resolve import Choice, find_place, find_target
from pixi_server_ext.picker import KernelPicker
from tests.provisioner.conftest import approve, write_notebook
from tests.server_ext.test_openapi import described
from tests.server_ext.test_sessions import until
from tests.support.fake_core import FakeCore
from tests.support.jupyter_server import TestServer, running_server
from tests.support.users import GUEST_TOKEN, OPTIONS

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("threats")]

MANIFEST = '[workspace]\nname = "{name}"\nchannels = []\nplatforms = ["linux-64"]\n'
CANARY = "canary-of-the-server"
REPOSITORY = str(Path(__file__).parents[2])


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the server serves: an approved workspace, a stranger's, and ways out."""
    outer = tmp_path_factory.mktemp("threats")
    root = outer / "served"
    for folder in (root / "demo", root / "strange", outer / "served-not", outer / "work"):
        folder.mkdir(parents=True)
        (folder / "pixi.toml").write_text(MANIFEST.format(name=folder.name))
    (root / "way-out").symlink_to(outer / "served-not")
    return root


@pytest.fixture(scope="module")
def core(served: Path) -> FakeCore:
    """Waits until it is told to go on, so that its process can be looked at."""
    return FakeCore(served.parent / "core", {"lock": [{"wait_for": str(served.parent / "gate")}]})


@pytest.fixture(scope="module")
def server(served: Path, core: FakeCore) -> Iterator[TestServer]:
    """A server with two users."""
    work = served.parent / "work"
    environ = {"PIXI_HOME": str(work / "home"), "PIXI_CACHE_DIR": str(work / "cache"), "JPY_API_TOKEN": CANARY}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PIXI_HOME", environ["PIXI_HOME"])
        approve(served / "demo")
    options = [f"--PixiExtension.core={core.path}", *OPTIONS]
    with running_server(served, work, *options, environ={**environ, "PYTHONPATH": REPOSITORY}) as running:
        yield running


def status(server: TestServer, path: str) -> Any:
    return server.request("GET", f"pixi/status?path={path}").json()


def test_j1_a_strangers_manifest_is_refused_and_leaves_nothing(server: TestServer, served: Path) -> None:
    assert status(server, "strange")["state"] == "untrusted"
    assert server.request("POST", "pixi/jobs", {"path": "strange", "command": "install"}).status == 403
    assert [path.name for path in (served / "strange").iterdir()] == ["pixi.toml"]


def test_j2_jupyters_own_trust_approves_nothing(server: TestServer, served: Path, tmp_path: Path) -> None:
    notebook = write_notebook(served / "signed.ipynb", "1", pixi=MANIFEST.format(name="signed"))
    notary = nbformat.sign.NotebookNotary(data_dir=str(tmp_path))
    document = nbformat.read(notebook, 4)
    notary.sign(document)
    assert notary.check_signature(document)
    notary.store.close()
    assert status(server, "signed.ipynb")["state"] == "untrusted"


BODIES: dict[str, Any] = {
    "/pixi/jobs": {"path": "demo", "command": "install"},
    "/pixi/trust": {"path": "demo", "fingerprint": "x"},
    "/pixi/kernelspecs": {},
}
CREDENTIALS = ("none", "wrong", "guest", "cookie without XSRF", "another site", "right")


@pytest.mark.parametrize("credential", CREDENTIALS)
@pytest.mark.parametrize("operation", sorted(described()), ids=" ".join)
def test_j3_every_endpoint_against_every_credential(
    operation: tuple[str, str], credential: str, server: TestServer
) -> None:
    method, path = operation
    reads = method == "get"
    login = server.request("GET", f"api/status?token={server.token}", token=None)
    cookie = {"Cookie": login.headers.get("Set-Cookie", "").split(";")[0]}
    table: dict[str, dict[str, Any]] = {
        "none": {"token": None},
        "wrong": {"token": "wrong"},
        "guest": {"token": GUEST_TOKEN},
        "cookie without XSRF": {"token": None, "headers": cookie},
        "another site": {"token": None, "headers": {**cookie, "Origin": "http://evil.example"}},
        "right": {},
    }
    address = path.lstrip("/").replace("{identifier}", "0")
    answer = server.request(method.upper(), address, BODIES.get(path), **table[credential])
    if credential == "right" or (reads and credential in ("cookie without XSRF", "another site")):
        assert answer.status in (200, 202, 404, 409)
    else:  # Jupyter denies that there is anything to a page of another site
        assert answer.status in ((401, 403, 404) if credential == "another site" else (401, 403))
    if credential != "right":  # Jupyter lets whoever brings a token call from anywhere
        assert not [name for name in answer.headers if name.lower().startswith("access-control-")]


OUTSIDE = [
    "..", "../served-not", "demo/../../served-not", "/etc/passwd", "//etc", "way-out", "way-out/pixi.toml", "~",
    "demo\x00", "..\\served-not", "\ud800", "a" * 5000, "/".join(["x"] * 3000), "RTC:../served-not", "file:///etc",
]  # fmt: skip


@pytest.mark.parametrize("path", OUTSIDE, ids=range(len(OUTSIDE)))
def test_j4_paths_lead_nowhere_but_below_the_root(path: str, server: TestServer) -> None:
    if not {"\ud800", "\0"} & set(path):  # the one has no place in a query, the other is taken out of it by tornado
        for method, address in sorted(described()):
            if method == "get" and address not in ("/pixi/openapi", "/pixi/jobs/{identifier}"):
                query = urlencode({"path": path, "query": "x"})
                assert server.request("GET", f"{address.lstrip('/')}?{query}").status == 404, address
    for address, body in BODIES.items():
        if "path" in body:
            answer = server.request("POST", address.lstrip("/"), {**body, "path": path})
            assert answer.status == 404, (address, answer.body)


@pytest.mark.parametrize("body", [b"[" * 200_000, b"\xff\xfe", b"", b"{", b'{"path": "demo", "command": "\\ud800"}'])
def test_j4_bodies_that_are_none(body: bytes, server: TestServer) -> None:
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", int(server.url.rstrip("/").rpartition(":")[2]))
    headers = {"Authorization": f"token {server.token}", "Content-Type": "application/json"}
    connection.request("POST", "/pixi/jobs", body, headers)
    assert connection.getresponse().status == 400
    connection.close()


MARKUP = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg/onload=alert(1)>',
    "</div><b>x",
    "&lt;b>",
]


@pytest.mark.parametrize("text", MARKUP)
def test_j5_markup_in_metadata_is_text_in_every_view(text: str, server: TestServer, served: Path) -> None:
    progress = Progress(text)
    progress.feed({"type": "phase", "id": 1, "name": text, "state": "start", "detail": text})
    for bundle in (running_bundle(progress), final_bundle(text, "ready", [text]), table_bundle([text], [[text]], text)):
        shown = bundle["text/html"]
        assert text not in shown
        assert "<script" not in shown
        assert "onerror=" not in shown.replace("onerror=alert(1)&gt;", "")
    folder = served / f"markup-{MARKUP.index(text)}"
    folder.mkdir(exist_ok=True)
    (folder / "pixi.toml").write_text(MANIFEST.format(name="x") + f"[activation.env]\nT = {json.dumps(text)}\n")
    answer = server.request("GET", f"pixi/status?path={folder.name}")
    assert text in "\n".join(answer.json()["trust"]["lines"])
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


CHOICES: list[Any] = [None, [], "x", {"pixi": "x"}, {"pixi": {"manifest": 3}}, {"pixi": {"environment": ["a"]}}]


@pytest.mark.parametrize("metadata", CHOICES)
def test_j6_a_kernel_spec_with_nonsense_chooses_nothing(metadata: Any) -> None:
    assert Choice.of_spec(metadata if isinstance(metadata, dict) else None) == Choice()


@pytest.mark.parametrize("name", ["../x", "a/b", "/etc", "..", "", 3, None, ["default"]])
def test_j6_what_a_notebook_says_of_kernels_names_no_path(name: object, tmp_path: Path) -> None:
    """Kernel spec metadata in a notebook are nobody's configuration; the environment's name is only a name."""
    (tmp_path / "pixi.toml").write_text(MANIFEST.format(name="here"))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "pixi.toml").write_text(MANIFEST.format(name="elsewhere"))
    notebook = write_notebook(tmp_path / "nb.ipynb", pixi={"environment": name})
    document = json.loads(notebook.read_text())
    config = {"pixi": {"manifest": str(elsewhere / "pixi.toml")}, "kernel_provisioner": {"config": {"x": "/bin/sh"}}}
    document["metadata"]["kernelspec"]["metadata"] = config
    notebook.write_text(json.dumps(document))
    place = find_place(str(tmp_path), {"JPY_SESSION_NAME": str(notebook)})
    try:
        target = find_target(place, Choice(), {})
    except PixiError:
        return  # there is no environment of that name
    assert target.workspace.name == "here"
    assert target.prefix == tmp_path / ".pixi" / "envs" / "default"


def test_j7_other_users_of_the_machine_get_nothing(own_pixi_home: None) -> None:
    """Neither read nor write: the key, the approvals, and the kernel specs that a server makes."""
    outer = Path(tempfile.mkdtemp(prefix="pixi-j7-"))
    try:
        outer.chmod(0o755)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PIXI_HOME", str(outer / "home"))
            (outer / "work").mkdir()
            (outer / "work" / "pixi.toml").write_text(MANIFEST.format(name="mine"))
            approve(outer / "work")
            picker = KernelPicker(outer / "work", outer / "kernels")
            assert picker.refresh()
        private = [outer / "home" / "trust", outer / "kernels"]
        assert {stat.S_IMODE(path.stat().st_mode) for path in private} == {0o700}
        if os.geteuid() != 0:
            pytest.skip("only root can act as another user")
        for path in private:
            for harm in ('ls "$1"', 'touch "$1/x"', 'cat "$1/key"'):
                words = ["sh", "-c", harm, "sh", str(path)]
                done = subprocess.run(
                    words, user=65534, group=65534, extra_groups=[], capture_output=True, text=True, cwd="/"
                )
                assert done.returncode != 0, harm
                assert "ermission denied" in done.stderr
    finally:
        shutil.rmtree(outer)


@pytest.mark.parametrize("name", ["../evil", "/{root}/evil", "evil/../../evil", "", "\0"])
def test_j8_a_poisoned_note_leads_to_no_other_kernel_support(name: str, tmp_path: Path) -> None:
    root = tmp_path / "kernels"
    (root / "for").mkdir(parents=True)
    evil = tmp_path / "evil"
    evil.mkdir()
    (evil / COMPLETE).write_text("1 files\n")
    (root / "for" / "key").write_text(name.replace("{root}", str(tmp_path).lstrip("/")))
    assert _remembered(root, root / "for" / "key") is None


def test_j9_the_core_sees_no_token_of_the_server(server: TestServer, served: Path, core: FakeCore) -> None:
    """Neither among its variables nor in a command line that everybody may read."""
    answer = server.request("POST", "pixi/jobs", {"path": "demo", "command": "lock"})
    assert answer.status == 202, answer.body
    assert until((core.folder / "waiting").exists)
    seen = core.calls()[-1]
    (served.parent / "gate").touch()
    text = json.dumps(seen)
    assert CANARY not in text
    assert server.token not in text
    assert server.token not in Path(f"/proc/{server.process.pid}/cmdline").read_text()

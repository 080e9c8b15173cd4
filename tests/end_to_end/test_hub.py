"""A class on a real JupyterHub, as docs/jupyterhub.md sets it up (`tests.support.hub_class`)."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import USER_ENVIRONMENT
from tests.support.hub import RunningHub, wait_for
from tests.support.hub_class import (
    ADA,
    BOB,
    IS_ROOT,
    Class,
    NoHub,
    bytes_since,
    messages,
    places_of,
    running_class,
    snapshot,
    start_kernel,
    stop_kernel,
    unmade_workspace,
)

pytestmark = [pytest.mark.hub, pytest.mark.channel, pytest.mark.xdist_group("hub")]

two_users = pytest.mark.skipif(not IS_ROOT, reason="two users of the machine are needed: run as root")
RATIO = 1.5
BYTES = 1_000_000
ROUNDS = 5


@pytest.fixture(scope="module")
def school(http_channel: str) -> Iterator[Class]:
    """The class of the page."""
    with ExitStack() as stack:
        try:
            found = stack.enter_context(running_class(http_channel, USER_ENVIRONMENT))
        except NoHub as reason:
            pytest.skip(str(reason))
        yield found


@pytest.fixture(scope="module")
def fresh(school: Class) -> Path:
    """A workspace that is offered, but whose environment nobody has made yet."""
    return unmade_workspace(school, "calculus")


@pytest.fixture(scope="module")
def ada(school: Class, fresh: Path) -> list[dict[str, Any]]:
    """The events of the start of the first user's server, in the workspace that nobody has made."""
    return school.hub.spawn("ada", {"workspace": "calculus"})


@pytest.fixture(scope="module")
def bob(school: Class, ada: list[dict[str, Any]]) -> dict[str, Any]:
    """The second user: the events of the start, the kernel, how long kernels took, and how much was written."""
    before = snapshot(*places_of(school, "bob"))
    events = school.hub.spawn("bob", {"workspace": "calculus"})
    kernel, first = start_kernel(school, "bob")
    size = bytes_since(before, *places_of(school, "bob"))
    times: dict[str, list[float]] = {"pixi": [], "python3": []}
    for number in range(ROUNDS):
        for name, found in times.items():
            identifier, taken = start_kernel(school, "bob", f"{name}-{number}.ipynb", name)
            found.append(taken)
            stop_kernel(school, "bob", identifier)
    return {"events": events, "kernel": kernel, "first": first, "times": times, "written": size}


def test_the_first_start_installs_and_says_so(school: Class, ada: list[dict[str, Any]]) -> None:
    assert ada[-1].get("ready"), ada
    told = messages(ada)
    assert any(line.startswith("linking") for line in told), told
    assert "calculus is ready (it was made just now)" in told
    kernel, _ = start_kernel(school, "ada")
    cell = "import sys, os, six, numpy; print(os.getuid(), sys.prefix, numpy.__file__)"
    (result,) = school.hub.server("ada").run_cells(kernel, cell)
    uid, prefix, numpy = result.text.split()
    assert Path(prefix).parent.parent == school.store / "v1"
    assert numpy.startswith(prefix)
    assert int(uid) == (ADA if IS_ROOT else os.geteuid())
    link = school.workspace("calculus") / ".pixi" / "envs" / "default"
    assert str(link.resolve()) == prefix


def test_the_second_user_waits_for_nothing(school: Class, bob: dict[str, Any]) -> None:
    assert bob["events"][-1].get("ready"), bob["events"]
    told = messages(bob["events"])
    assert "calculus is ready" in told
    assert not any(line.startswith(("linking", "downloading")) for line in told), told
    assert bob["written"] <= BYTES, f"{bob['written']:,} bytes were written for the second user"
    # the quickest of each: what others do on this machine meanwhile only ever makes a start slower
    ours, stock = (min(bob["times"][name]) for name in ("pixi", "python3"))
    assert ours <= RATIO * stock, f"{ours:.2f} s, a stock kernel {stock:.2f} s"


# ---------------------------------------------------------------- what one user can do to another


ATTEMPTS = {
    "write a module": "open(f'{prefix}/lib/{python}/site-packages/six.py', 'a')",
    "replace a module": "replace(f'{prefix}/lib/{python}/site-packages/six.py')",
    "add a module": "open(f'{prefix}/lib/{python}/site-packages/sitecustomize.py', 'w')",
    "add a .pth file": "open(f'{prefix}/lib/{python}/site-packages/evil.pth', 'w')",
    "add bytecode": "open(f'{prefix}/lib/{python}/__pycache__/evil.pyc', 'w')",
    "write the interpreter": "open(os.path.realpath(f'{prefix}/bin/python'), 'r+b')",
    "replace the interpreter": "replace(f'{prefix}/bin/python')",
    "remove a package": "shutil.rmtree(f'{prefix}/lib/{python}/site-packages/numpy')",
    "open a folder": "os.chmod(f'{prefix}/bin', 0o777)",
    "add an activation script": "os.makedirs(f'{prefix}/etc/conda/activate.d')",
    "move the environment": "os.rename(prefix, prefix + '-away')",
    "move the entry": "os.rename(os.path.dirname(prefix), f'{store}/v1/away')",
    "add an entry": "os.mkdir(f'{store}/v1/' + '0' * 32)",
    "undo an entry's note": "os.unlink(os.path.dirname(prefix) + '/entry.json')",
    "write an entry's note": "open(os.path.dirname(prefix) + '/entry.json', 'w')",
    "replace the store": "os.rename(store, store + '-away')",
    "remove a lock": "os.unlink(f'{store}/locks/{os.path.basename(os.path.dirname(prefix))}')",
    "end another's lease": "os.unlink(lease)",
    "replace the leases": "os.rename(f'{store}/leases', f'{store}/leases-away')",
    "edit the manifest": "open(f'{workspace}/pixi.toml', 'a')",
    "edit the lock file": "open(f'{workspace}/pixi.lock', 'a')",
    "remove the link": "os.unlink(f'{workspace}/.pixi/envs/default')",
    "put an own link in its place": "os.replace(own_link(), f'{workspace}/.pixi/envs/default')",
    "edit what starts read": "open(f'{workspace}/.pixi/prepared-v1/default.json', 'w')",
    "leave activated variables": "os.makedirs(f'{workspace}/.pixi/activation-env-v0')",
    "bring a configuration": "open(f'{workspace}/.pixi/config.toml', 'w')",
    "offer a workspace": "os.mkdir(os.path.dirname(workspace) + '/evil')",
    "write to the Hub's Python": "open(f'{hub}/lib/{python}/site-packages/evil.pth', 'w')",
    "write the Hub's configuration": "open(os.path.dirname(store) + '/jupyterhub_config.py', 'a')",
    "read the Hub's secrets": "open(os.path.dirname(store) + '/cookie_secret')",
    "look into another's home": "os.listdir(theirs)",
    "write into another's home": "open(f'{theirs}/.bashrc', 'a')",
    "connect to another's kernel": "open(connection_file)",
    "read another's variables": "open(f'/proc/{pid}/environ')",
    "write another's memory": "open(f'/proc/{pid}/mem', 'r+b')",
    "stop another's kernel": "os.kill(pid, 9)",
}
"""What ada tries, in a cell, against what bob's kernel executes and reads. Python expressions."""

TRIAL = """
import json, os, shutil, tempfile
globals().update(json.loads({names!r}))
def own_link():
    path = tempfile.mktemp(); os.symlink('/tmp', path); return path
def replace(path):
    with tempfile.NamedTemporaryFile(delete=False) as file: pass
    os.replace(file.name, path)
found = {{}}
for name, text in json.loads({attempts!r}).items():
    try: eval(text); found[name] = 'succeeded'
    except PermissionError as error: found[name] = 'refused'
    except BaseException as error: found[name] = repr(error)
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def tried(school: Class, bob: dict[str, Any]) -> dict[str, str]:
    """What came of each attempt; bob's kernel runs meanwhile, and still does so afterwards."""
    (told,) = school.hub.server("bob").run_cells(bob["kernel"], WHO)
    pid, prefix, connection_file = json.loads(told.text)
    key = Path(prefix).parent.name
    names = {
        "pid": pid,
        "prefix": prefix,
        "connection_file": connection_file,
        "store": str(school.store),
        "lease": next(str(path) for path in (school.store / "leases").glob(f"{key}.*") if path.stat().st_uid == BOB),
        "workspace": str(school.workspace("calculus")),
        "hub": str(school.folder / "hub"),
        "theirs": str(school.home("bob")),
        "python": next(Path(prefix, "lib").glob("python3.*")).name,
    }
    before = snapshot(Path(prefix), school.workspace("calculus"))
    kernel, _ = start_kernel(school, "ada", "trial.ipynb")
    code = TRIAL.format(names=json.dumps(names), attempts=json.dumps(ATTEMPTS))
    (result,) = school.hub.server("ada").run_cells(kernel, code)
    stop_kernel(school, "ada", kernel)
    assert snapshot(Path(prefix), school.workspace("calculus")) == before
    (alive,) = school.hub.server("bob").run_cells(bob["kernel"], "import six, numpy; print(numpy.arange(3).sum())")
    assert alive.text == "3\n"
    found: dict[str, str] = json.loads(result.text)
    return found


WHO = "import os, sys, json, ipykernel; print(json.dumps([os.getpid(), sys.prefix, ipykernel.get_connection_file()]))"


@two_users
@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_nobody_changes_what_another_executes(tried: dict[str, str], attempt: str) -> None:
    assert tried[attempt] == "refused"


def test_the_store_is_as_it_was_made(school: Class, bob: dict[str, Any]) -> None:
    assert school.pixi("store", "verify", "--store", str(school.store)) == ""


# ---------------------------------------------------------------- what is refused, and how that is told


def test_a_group_that_may_have_nothing(school: Class) -> None:
    events = school.hub.spawn("eve", {"workspace": "statistics"})
    assert events[-1].get("failed"), events
    assert "the workspace 'statistics' is not offered to you" in events[-1]["message"]
    assert "you may choose: nothing" in events[-1]["message"]


def test_a_lock_file_that_is_behind(school: Class, bob: dict[str, Any]) -> None:
    """The reason reaches the dialog of the notebook, and the page that waits for a server."""
    manifest = school.workspace("calculus") / "pixi.toml"
    text = manifest.read_text()
    try:
        manifest.write_text(text.replace("six =", 'pip = "*"\nsix ='))
        answer = school.hub.server("bob").open_session("late.ipynb")
        assert answer.status == 500
        assert "lock file not up-to-date" in answer.json()["message"]
        (still,) = school.hub.server("bob").run_cells(bob["kernel"], "import six")
        assert still.status == "ok"
        events = school.hub.spawn("grace", {"workspace": "calculus"})
        assert events[-1].get("failed"), events
        assert "lock file not up-to-date" in events[-1]["message"]
    finally:
        manifest.write_text(text)


# ---------------------------------------------------------------- what a user adds


@two_users
def test_who_adds_a_package_gets_an_environment_of_their_own(school: Class, bob: dict[str, Any]) -> None:
    """The class stays as it is; what it costs is told before; a restart of the kernel is in it."""
    shared = snapshot(school.store / "v1", school.workspace("calculus"))
    notebook = school.home("bob") / "mine.ipynb"
    notebook.write_text(json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    notebook.chmod(0o666)
    server = school.hub.server("bob")
    kernel, _ = start_kernel(school, "bob", "mine.ipynb")
    (before,) = server.run_cells(kernel, "import sys, six; print(sys.prefix)")
    (added,) = server.run_cells(kernel, "%pixi add jinja2")
    assert added.status == "ok", added.text
    told = added.displays[-1]["text/plain"]
    assert "calculus is shared and stays as it is: this notebook gets an environment of its own" in told
    assert "restart required" in told
    assert server.request("POST", f"api/kernels/{kernel}/restart").status == 200
    (after,) = server.run_cells(kernel, "import sys, six, jinja2; print(sys.prefix)")
    assert after.status == "ok", after.text
    assert before.text.startswith(str(school.store))
    prefix = Path(after.text.strip())
    assert prefix.is_relative_to(school.home("bob"))
    assert snapshot(school.store / "v1", school.workspace("calculus")) == shared
    stated = float(told.partition("takes about ")[2].split(" MB")[0]) * 1e6
    taken = sum({found[1]: found[0] for found in snapshot(prefix).values()}.values())
    assert 0.8 * stated < taken < 1.2 * stated
    answer = server.request("GET", "pixi/status?path=mine.ipynb")
    assert answer.status == 200, answer
    status = answer.json()
    assert (status["state"], status["own"]) == ("in-sync", True)
    (again,) = server.run_cells(kernel, "%pixi remove jinja2")
    assert again.status == "ok", again.text
    assert "is shared" not in again.displays[-1]["text/plain"]
    stop_kernel(school, "bob", kernel)
    other, _ = start_kernel(school, "bob", "other.ipynb")
    (still,) = server.run_cells(other, "import sys; print(sys.prefix)")
    assert still.text == before.text, "the other notebooks are in the shared environment"
    stop_kernel(school, "bob", other)


# ---------------------------------------------------------------- the administrator's policy


@two_users
def test_a_refusal_of_the_policy_reaches_notebook_and_page(school: Class, bob: dict[str, Any]) -> None:
    """What is refused names file, line and key, wherever it is asked for; with the rule away all is as before."""
    policy = school.folder / "policy.toml"
    said = policy.read_text()
    rule = f"{policy}:1: `denied`: six"
    try:
        policy.write_text('denied = ["six", "jinja2"]\n')
        answer = school.hub.server("bob").open_session("ruled.ipynb")
        assert answer.status == 500
        assert rule in answer.json()["message"]
        (added,) = school.hub.server("bob").run_cells(bob["kernel"], "%pixi add jinja2")
        assert added.status == "error"
        assert f"{policy}:1: `denied`" in added.text
        (shown,) = school.hub.server("bob").run_cells(bob["kernel"], "%pixi status")
        assert 'denied = ["six", "jinja2"]' in shown.displays[-1]["text/plain"]
        events = school.hub.spawn("grace", {"workspace": "calculus"})
        assert events[-1].get("failed"), events
        assert rule in events[-1]["message"]
    finally:
        policy.write_text(said)
    kernel, _ = start_kernel(school, "bob", "ruled.ipynb")
    stop_kernel(school, "bob", kernel)


# ---------------------------------------------------------------- the service


def test_the_service_shows_the_store_to_its_administrators(school: Class, bob: dict[str, Any]) -> None:
    hub = school.hub
    tokens = {user: hub.api("POST", f"users/{user}/tokens", {})["token"] for user in ("grace", "bob")}
    rebuilt = hub.request("POST", "services/pixi/api/build", token=tokens["grace"])
    assert rebuilt.status == 202, rebuilt.body
    report = wait_for(lambda: _report_when_built(hub, tokens["grace"]))
    rows = {row["workspace"]: row for row in report["environments"]}
    assert all(row["packages"] > 3 and row["bytes"] > 1e6 for row in rows.values())
    assert "bob" in rows["calculus"]["used_by"]
    assert report["stale"] == []
    shown = hub.request("GET", "services/pixi/", token=tokens["grace"])
    assert shown.status == 200
    assert "calculus" in shown.body.decode()
    headers = {name.lower(): value for name, value in shown.headers.items()}  # the proxy writes them small
    assert "default-src 'none'" in headers["content-security-policy"]
    for path in ("services/pixi/", "services/pixi/api/store"):
        assert hub.request("GET", path, token=tokens["bob"]).status == 403
        assert hub.request("GET", path, token="nobody").status in (302, 403)
    assert hub.request("POST", "services/pixi/api/build", token=tokens["bob"]).status == 403


def _report_when_built(hub: RunningHub, token: str) -> Any:
    report = hub.request("GET", "services/pixi/api/store", token=token).json()
    states = {row["workspace"]: row["state"] for row in report["environments"]}
    return report if states == {"calculus": "built", "statistics": "built"} else None

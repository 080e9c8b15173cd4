"""A class on a real JupyterHub, as docs/jupyterhub.md sets it up (`tests.support.hub_class`)."""

from __future__ import annotations

import os
import statistics
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import USER_ENVIRONMENT
from tests.support.hub_class import (
    ADA,
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


@pytest.fixture(scope="module")
def school(channel_url: str) -> Iterator[Class]:
    """The class of the page."""
    with ExitStack() as stack:
        try:
            found = stack.enter_context(running_class(channel_url, USER_ENVIRONMENT))
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
    for number in range(3):
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
    ours, stock = (statistics.median(bob["times"][name]) for name in ("pixi", "python3"))
    print(f"pixi {ours:.2f} s, stock {stock:.2f} s, first {bob['first']:.2f} s, {bob['written']:,} bytes")
    assert ours <= RATIO * stock, f"{ours:.2f} s, a stock kernel {stock:.2f} s"

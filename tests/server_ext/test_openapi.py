"""The description of the REST interface is true, and nothing that fits or nearly fits it makes the server fail."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pixi_server_ext.handlers import url_table
from pixi_server_ext.openapi import description
from tests.provisioner.conftest import approve
from tests.support.fake_core import FakeCore
from tests.support.jupyter_server import TestServer, running_server

METHODS = ("get", "post", "put", "patch", "delete")
EXAMPLES = 60
Operation = tuple[str, str]


def described() -> set[Operation]:
    """Every method and path of the description."""
    paths = description("/")["paths"]
    return {(method, path) for path, item in paths.items() for method in item if method in METHODS}


def mounted() -> set[Operation]:
    """Every method and path that a handler answers."""
    anything: Any = None
    rows = url_table(anything, anything, anything, Path())
    found = set()
    for pattern, handler, *_ in rows:
        path = re.sub(r"\([^)]*\)", "{identifier}", pattern)
        found |= {(method, path) for method in METHODS if method in vars(handler)}
    return found


def test_what_is_described_is_what_is_there() -> None:
    assert described() == mounted()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestServer]:
    """An approved workspace; the core at the other end does nothing."""
    root, work = tmp_path_factory.mktemp("served"), tmp_path_factory.mktemp("server")
    (root / "demo").mkdir()
    (root / "demo" / "pixi.toml").write_text('[workspace]\nname = "demo"\nchannels = []\nplatforms = ["linux-64"]\n')
    (root / "broken").mkdir()
    (root / "broken" / "pixi.toml").write_text("[workspace\n")
    core = FakeCore(work / "core", {})
    environ = {"PIXI_HOME": str(work / "home"), "PIXI_CACHE_DIR": str(work / "cache")}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environ.items():
            patch.setenv(name, value)
        approve(root / "demo")
    with running_server(root, work, f"--PixiExtension.core={core.path}", environ=environ) as running:
        yield running


def test_it_is_served(server: TestServer) -> None:
    assert server.request("GET", "pixi/openapi").json() == description("/")


@pytest.mark.slow
@pytest.mark.parametrize("operation", sorted(described()), ids=" ".join)
def test_no_request_makes_the_server_fail(operation: Operation, server: TestServer) -> None:
    """Requests made from the description, right and wrong ones: each is answered as described, none by an error."""
    schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")
    from hypothesis import HealthCheck, Phase, given, settings

    method, path = operation
    chosen = schemathesis.openapi.from_dict(description("/"))[path][method]
    wrong = schemathesis.GenerationMode.NEGATIVE
    answers: Counter[int] = Counter()

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=chosen.as_strategy() | chosen.as_strategy(generation_mode=wrong))
    def send(case: Any) -> None:
        headers = {"Authorization": f"token {server.token}"}
        response = case.call(base_url=server.url.rstrip("/"), headers=headers)
        answers[response.status_code] += 1
        assert response.status_code < 500, (case.as_curl_command(), response.text)

    send()
    assert sum(answers.values()) >= EXAMPLES // 2, answers
    print(f"{method} {path}: {sum(answers.values())} requests, {dict(answers)}")

"""`%pixi ui` in a live kernel with the real ipywidgets: pressed over the comm, as a front end does."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ipywidgets
import pytest

from tests.provisioner.conftest import index, manifest, own_cache, project
from tests.support.kernels import TestKernel, running_kernel

__all__ = ["index", "manifest", "own_cache", "project"]

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("kernels")]

WIDGETS = "application/vnd.jupyter.widget-view+json"
SEE_WIDGETS = f"import sys; sys.path.append({str(Path(ipywidgets.__file__).parents[1])!r})"


class Widgets:
    """The models of a kernel's widgets, as its messages tell them."""

    def __init__(self, kernel: TestKernel) -> None:
        self._client = kernel.client
        self.states: dict[str, dict[str, Any]] = {}
        self.shown: list[dict[str, Any]] = []
        self.history: list[tuple[str, dict[str, Any]]] = []

    def of(self, model: str, description: str | None = None) -> str:
        """The id of the one widget of a model (and a description)."""
        found = [
            identifier
            for identifier, state in self.states.items()
            if state.get("_model_name") == model and description in (None, state.get("description"))
        ]
        assert found, (model, description)
        return found[-1]

    def state(self, model: str, description: str | None = None) -> dict[str, Any]:
        return self.states[self.of(model, description)]

    def run(self, code: str) -> None:
        """A cell."""
        self._follow(self._client.execute(code, allow_stdin=False))

    def press(self, description: str) -> None:
        """A click on a button."""
        self._send(self.of("ButtonModel", description), {"method": "custom", "content": {"event": "click"}})

    def set(self, model: str, description: str, **values: object) -> None:
        """What somebody typed or chose."""
        identifier = self.of(model, description)
        self.states[identifier].update(values)
        self._send(identifier, {"method": "update", "state": values, "buffer_paths": []})

    def _send(self, identifier: str, data: dict[str, Any]) -> None:
        message = self._client.session.msg("comm_msg", {"comm_id": identifier, "data": data})
        self._client.shell_channel.send(message)
        self._follow(message["header"]["msg_id"])

    def _follow(self, parent: str) -> None:
        """Take messages into account until the kernel has done what it was asked."""
        while True:
            message: dict[str, Any] = self._client.get_iopub_msg(timeout=60)
            content, kind = message["content"], message["msg_type"]
            if kind == "comm_open":
                self.states[content["comm_id"]] = dict(content["data"]["state"])
            elif kind == "comm_msg" and content["data"].get("method") in ("update", "echo_update"):
                self.states[content["comm_id"]].update(content["data"]["state"])
                self.history.append((content["comm_id"], content["data"]["state"]))
            elif kind in ("display_data", "error"):
                self.shown.append(content)
            if message["parent_header"].get("msg_id") == parent and content.get("execution_state") == "idle":
                while self._client.shell_channel.msg_ready():
                    self._client.get_shell_msg()
                return

    @property
    def told(self) -> str:
        """What the panel says of the last work: its last child."""
        box = [state for state in self.states.values() if state.get("_model_name") == "VBoxModel"][-1]
        return str(self.states[box["children"][-1].removeprefix("IPY_MODEL_")]["value"])

    @property
    def listed(self) -> list[str]:
        """The packages in the list."""
        return list(self.state("SelectModel", "Packages")["_options_labels"])


@pytest.fixture
def kernel(project: Path, own_cache: Path, tmp_path: Path) -> Iterator[TestKernel]:
    """A kernel in the environment of `demo`, started by its command line."""
    argv = [sys.executable, "-P", "-m", "pixi_provisioner.launcher", "-f", "{connection_file}"]
    with running_kernel(argv, tmp_path, cwd=project) as running:
        yield running


@pytest.fixture
def widgets(kernel: TestKernel) -> Widgets:
    """Its panel, shown."""
    seen = Widgets(kernel)
    seen.run(SEE_WIDGETS)
    assert "ipywidgets" not in kernel.value("list(sys.modules)")
    seen.run("%pixi ui")
    return seen


def test_search_add_and_remove(widgets: Widgets, kernel: TestKernel, project: Path) -> None:
    bundle = widgets.shown[-1]["data"]
    assert bundle[WIDGETS]["model_id"] in widgets.states
    assert "0 packages in environment default" in bundle["text/plain"]
    assert list(widgets.state("DropdownModel", "Environment")["_options_labels"]) == ["default", "extra"]

    widgets.set("TextModel", "Add", value="greet")
    widgets.press("Search")
    found = widgets.state("SelectModel", "Found")
    assert list(found["_options_labels"]) == ["greeting 1.1 (pypi): Says hello"], widgets.told
    widgets.set("SelectModel", "Found", index=0)
    assert widgets.state("TextModel", "Add")["value"] == "greeting"

    widgets.press("Add")
    assert "+ greeting 1.1, + words 2.0" in widgets.told
    assert "ready now" in widgets.told
    assert widgets.listed == ["greeting 1.1 (pypi)", "words 2.0 (pypi)"]
    assert "greeting" in (project / "pixi.toml").read_text()
    assert kernel.value("__import__('greeting').version") == "1.1"

    widgets.set("TextModel", "Filter", value="wor")
    assert widgets.listed == ["words 2.0 (pypi)"]
    widgets.set("TextModel", "Filter", value="")
    widgets.set("SelectModel", "Packages", index=0)
    widgets.press("Remove")
    assert "restart recommended" in widgets.told
    assert widgets.listed == []
    assert "greeting" not in (project / "pixi.toml").read_text()


def test_what_goes_wrong_stands_in_the_panel(widgets: Widgets, project: Path) -> None:
    before = (project / "pixi.toml").read_text()
    for description, told in (("Add", "Which package?"), ("Remove", "Select it"), ("Search", "called?")):
        widgets.press(description)
        assert told in widgets.told
    widgets.set("TextModel", "Add", value="wrods")
    widgets.press("Search")
    assert "did you mean words?" in widgets.told
    for name in ("<img/src=x>", "no-such-package", "-h", "a'b\"c"):
        widgets.set("TextModel", "Add", value=name)
        widgets.press("Add")
        assert "✗" in widgets.told, name
        assert "<img" not in widgets.told
        assert not widgets.state("ButtonModel", "Add")["disabled"]
    assert (project / "pixi.toml").read_text() == before


def test_another_environment(widgets: Widgets, project: Path) -> None:
    widgets.set("DropdownModel", "Environment", index=1)
    assert widgets.listed == ["words 2.0 (pypi)"]


def test_without_ipywidgets_it_says_what_to_do(kernel: TestKernel) -> None:
    result = kernel.run("%pixi ui")
    assert result.status == "error"
    assert "%pixi add ipywidgets" in result.reply["evalue"]

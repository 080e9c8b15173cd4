"""JupyterLab and Notebook as people see them: the state of a notebook's environment, and what can be done about it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pixi_core.virtual import host_subdir
from tests.provisioner.conftest import MANIFEST, write_notebook
from tests.server_ext.test_own_workspace import approve
from tests.server_ext.test_trust import PATH, notebook_of, status
from tests.support.browser import Page, browser_page, why_not
from tests.support.foreign import foreign_workspace
from tests.support.jupyter_server import TestServer, running_server, server_of_a_user

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("kernels")]

ITEM = "(document.querySelector('.pixi-status') || {}).textContent || ''"
DIALOG = "(document.querySelector('.jp-Dialog') || {}).innerText || ''"
IDLE = "(document.querySelector('.jp-Notebook-ExecutionIndicator') || {dataset: {}}).dataset.status === 'idle'"

RECORDER = (
    "window.seen = []; new MutationObserver(() => {"
    f" const text = {ITEM}; if (text && text !== seen.at(-1)) seen.push(text);"
    "}).observe(document, {subtree: true, childList: true, characterData: true});"
)
"""Keeps every text that the status item has had, from the first moment of the page."""

COMPLAINTS = (
    "window.bad = []; const told = error => bad.push(String((error && error.stack) || error));"
    " addEventListener('error', event => told(event.error || event.message));"
    " addEventListener('unhandledrejection', event => told(event.reason));"
    " const known = console.error; console.error = (...words) => { words.forEach(told); known(...words); };"
)
"""Keeps every error of the page, with its stack."""


@pytest.fixture(scope="module", autouse=True)
def browser() -> None:
    """A browser; this lane installs one where it can."""
    reason = why_not()
    if reason is not None:
        pytest.skip(reason)


@pytest.fixture(scope="module")
def server(root: Path, index: str) -> Iterator[TestServer]:
    """JupyterLab and Notebook."""
    with server_of_a_user(root, index, lab=True) as running:
        yield running


@pytest.fixture(scope="module")
def manifest_text(index: str) -> str:
    """A host workspace with the environments `default` (empty) and `extra` (`words`)."""
    minor = sys.version_info[1]
    return MANIFEST.format(platform=host_subdir(), index=index, minor=minor, next=minor + 1)


def workspace(server: TestServer, root: Path, name: str, manifest: str, *cells: str) -> str:
    """A project with a notebook, approved; the notebook's path as Jupyter names it."""
    folder = root / name
    folder.mkdir()
    (folder / "pixi.toml").write_text(manifest.replace('name = "demo"', f'name = "{name}"'))
    write_notebook(folder / "nb.ipynb", *cells)
    approve(server, name)
    return f"{name}/nb.ipynb"


def lab(server: TestServer, path: str) -> str:
    """JupyterLab with just this notebook: tabs of other tests are in a layout of their own."""
    return f"{server.url}lab/workspaces/{Path(path).parent.name or Path(path).stem}/tree/{path}?token={server.token}"


def run_first_cell(page: Page) -> None:
    """As a person does: into the cell, Shift+Enter."""
    page.until(IDLE)
    page.until("!!document.querySelector('.jp-Cell .cm-content')")
    page.value("document.querySelector('.jp-Cell .cm-content').focus()")
    page.press("Enter", shift=True)
    page.until("document.querySelector('.jp-InputPrompt').innerText !== '[ ]:'", 10)


def button(label: str) -> str:
    """Clicks a dialog's button; false where there is none."""
    return (
        "(() => { const b = [...document.querySelectorAll('.jp-Dialog button')]"
        f".find(b => b.textContent.trim() === '{label}'); if (b) b.click(); return !!b; }})()"
    )


def test_the_dialog_blocks_and_then_lets_through(own_cache: Path, tmp_path: Path) -> None:
    work = tmp_path / "server"
    work.mkdir()
    with foreign_workspace(tmp_path / "served" / "foreign", tmp_path / "trace") as foreign:
        notebook_of(foreign, "beside", foreign.good + '\n[tasks]\n"<img/src=x/onerror=evil()>" = "true"\n')
        with (
            running_server(foreign.folder.parent, work, lab=True) as server,
            browser_page(lab(server, PATH), tmp_path) as page,
        ):
            page.until(f"({ITEM}).includes('not approved')")
            for _ in range(3):  # Jupyter's own dialog about the kernel that did not start may stand before ours
                if "Approve the environment" in page.until(DIALOG):
                    break
                page.value(button("Dismiss") + " || " + button("Ok"))
            told = page.until(f"({DIALOG}).includes('Approve the environment') && {DIALOG}")
            assert "words" in told
            assert "<img/src=x" in told
            assert page.value("document.querySelectorAll('.jp-Dialog img').length") == 0
            assert foreign.touched() == []
            page.picture(tmp_path / "pictures" / "trust.png")
            assert page.value(button("Approve"))
            page.until(f"({ITEM}).includes('in sync')")
            assert status(server)["state"] == "in-sync"
            assert foreign.index.asked


def test_while_the_kernel_starts_the_status_bar_says_what_is_done(
    server: TestServer, root: Path, manifest_text: str, tmp_path: Path
) -> None:
    path = workspace(server, root, "starting", manifest_text + '\n[pypi-dependencies]\ngreeting = "*"\n')
    with browser_page(lab(server, path), tmp_path, RECORDER) as page:
        page.until(f"({ITEM}).includes('in sync')")
        seen = page.value("window.seen")
    told = [text.removeprefix("pixi: ") for text in seen]
    first = [told.index(state) for state in ("solving … ⏳", "installing … ⏳", "in sync ✔")]
    assert first == sorted(first), told


@pytest.mark.parametrize("application", ["lab/tree", "notebooks"])
def test_what_the_notebook_gets_is_saved_with_it(
    application: str, server: TestServer, root: Path, tmp_path: Path
) -> None:
    """In JupyterLab's status bar and Notebook's toolbar alike: `unsaved` until the notebook is saved."""
    name = application.partition("/")[0]
    file = write_notebook(root / f"{name}.ipynb", "%pixi add greeting")
    with browser_page(f"{server.url}{application}/{file.name}?token={server.token}", tmp_path) as page:
        page.until(f"({ITEM}).includes('in sync')")
        assert "unsaved" not in page.value(ITEM), "nobody has put anything into its environment"
        run_first_cell(page)
        page.until("document.body.innerText.includes('ready now')", 120)
        page.until(f"({ITEM}).includes('unsaved')")
        assert "pixi" not in json.loads(file.read_text())["metadata"], "the file is the application's to write"
        page.value("jupyterapp.commands.execute('docmanager:save')")
        page.until(f"({ITEM}) === 'pixi: in sync ✔'")
    saved = json.loads(file.read_text())["metadata"]["pixi"]
    assert "greeting" in saved["manifest"]
    assert "greeting-1.1" in saved["lock"]


@pytest.mark.parametrize("application", ["lab/tree", "notebooks"])
def test_no_error_of_ours_in_the_console(application: str, server: TestServer, root: Path, tmp_path: Path) -> None:
    """Errors that only code of Notebook takes part in are let pass: 7.6 reports `Cannot read properties of undefined
    (reading 'schema')` when it starts, with our extension switched off, too.
    """
    file = write_notebook(root / f"quiet-{application.partition('/')[0]}.ipynb", "1")
    address = f"{server.url}{application}/{file.name}?token={server.token}"
    with browser_page(address, tmp_path, COMPLAINTS) as page:
        page.until(f"({ITEM}).includes('in sync')")
        page.value("document.querySelector('.pixi-status').click()")
        page.until(f"({DIALOG}).includes('Environment of this notebook')")
        page.press("Escape")
        page.until(f"!({DIALOG})")
        complaints = page.value("window.bad")
    assert [text for text in complaints if "/static/notebook/" not in text or "pixi-jupyter" in text] == []

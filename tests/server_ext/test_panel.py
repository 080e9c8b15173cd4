"""The side panel and the chooser in a real browser, by keyboard alone; and the pictures of the documents.

The pictures are made again by

    PIXI_TEST_PICTURES=docs/pictures python3 dev.py pytest tests/server_ext/test_panel.py -k pictures
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from jupyter_core.paths import jupyter_path

from tests.magics.test_panel import SEE_WIDGETS
from tests.provisioner.conftest import write_notebook
from tests.server_ext.test_browser import (
    DIALOG,
    ITEM,
    browser,
    button,
    lab,
    manifest_text,
    run_first_cell,
    server,
    workspace,
)
from tests.server_ext.test_own_workspace import approve
from tests.support.browser import Page, browser_page
from tests.support.jupyter_server import TestServer

__all__ = ["browser", "manifest_text", "server"]

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("kernels")]

LIVE = "(document.querySelector('.pixi-live') || {}).textContent || ''"
FOCUS = "document.activeElement.getAttribute('aria-label') || document.activeElement.textContent"
PACKAGES = "[...document.querySelectorAll('[data-package]')].map(row => row.dataset.package)"
PICTURE_BYTES = 150_000
SHOWN = "document.querySelector('.jp-Notebook').textContent.replaceAll('\\u00a0', ' ')"
WIDGET_BUTTON = "[...document.querySelectorAll('.jp-OutputArea button')].find(b => b.textContent.trim() === '{}')"

CONTRASTS = """(() => {
  const parse = text => (text.match(/[\\d.]+/g) || []).map(Number);
  const behind = node => {
    for (let at = node; at; at = at.parentElement) {
      const [red, green, blue, alpha = 1] = parse(getComputedStyle(at).backgroundColor);
      if (alpha > 0.99) return [red, green, blue];
    }
    return [255, 255, 255];
  };
  const light = rgb => rgb.slice(0, 3).map(value => value / 255)
    .map(value => value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
    .reduce((sum, value, index) => sum + value * [0.2126, 0.7152, 0.0722][index], 0);
  const over = (front, back) => back.map((value, index) => value + (front[index] - value) * (front[3] ?? 1));
  return [...document.querySelectorAll('#pixi-jupyter-panel *')]
    .filter(node => node.offsetParent && [...node.childNodes].some(child => child.nodeType === 3 && child.data.trim()))
    .map(node => {
      const back = behind(node);
      const pair = [light(over(parse(getComputedStyle(node).color), back)), light(back)].sort((a, b) => b - a);
      return [node.textContent, (pair[0] + 0.05) / (pair[1] + 0.05)];
    });
})()"""
"""What stands in the panel, with the contrast of its text as WCAG 2.1 defines it."""


def open_panel(page: Page) -> None:
    page.until(f"({ITEM}).includes('in sync')")
    page.value("jupyterapp.commands.execute('pixi-jupyter:show-panel')")
    page.until("!!document.querySelector('#pixi-jupyter-panel caption')")


def tab_to(page: Page, label: str) -> None:
    """Press Tab until the focus is on what has this label."""
    seen = []
    for _ in range(80):
        seen.append(page.value(FOCUS))
        if label in seen[-1][:80]:
            return
        page.press("Tab")
    raise AssertionError(f"Tab does not lead to {label!r}: {[text[:30] for text in seen]}")


def test_without_a_mouse(server: TestServer, root: Path, manifest_text: str, tmp_path: Path) -> None:
    """Tab to the field, type, pick, see the difference, apply; the cell that comes then imports it."""
    path = workspace(server, root, "keyboard", manifest_text, "import greeting; print(greeting.version)")
    manifest = root / "keyboard" / "pixi.toml"
    with browser_page(lab(server, path), tmp_path) as page:
        open_panel(page)
        before = manifest.read_text()
        page.value("document.getElementById('pixi-jupyter-panel').querySelector('button').focus()")
        page.press("Tab")
        assert page.value("document.activeElement.getAttribute('role')") == "combobox"
        assert page.value("document.activeElement.labels[0].textContent") == "Add a package"
        page.type("greet")
        page.until("document.querySelectorAll('#pixi-add-list [role=option]').length > 0")
        page.press("ArrowDown")
        page.until("document.activeElement.getAttribute('aria-activedescendant') === 'pixi-add-0'")
        page.press("Enter")
        assert page.value("document.activeElement.value") == "greeting"
        page.press("Enter")
        page.until(f"({FOCUS}) === 'Apply'")
        rows = page.value("[...document.querySelectorAll('.pixi-changes tbody tr')].map(row => row.innerText)")
        assert any("greeting" in row and "1.1" in row for row in rows), rows
        assert "Apply or cancel" in page.value(LIVE)
        assert manifest.read_text() == before, "looking changes nothing"

        page.press("Escape")
        page.until("document.querySelector('.pixi-changes').hidden")
        assert page.value("document.activeElement.id") == "pixi-add-name"
        page.press("Enter")
        page.until(f"({FOCUS}) === 'Apply'")
        page.press("Enter")
        page.until(f"({LIVE}).includes('Add greeting: done. Ready now')")
        page.until(f"({PACKAGES}).includes('greeting')")
        assert "greeting" in manifest.read_text()
        run_first_cell(page)
        page.until("(document.querySelector('.jp-OutputArea-output') || {}).innerText?.trim() === '1.1'")

        page.value("document.getElementById('pixi-add-name').focus()")  # in a cell, Tab indents
        tab_to(page, "Remove greeting")
        page.press(" ")
        page.until(f"({FOCUS}) === 'Apply'")
        page.press("Enter")
        page.until(f"({FOCUS}) === 'Restart Kernel'")
        assert "Restart recommended" in page.value(LIVE)
        page.press("Enter")
        page.until("document.querySelector('.pixi-changes').hidden")
        page.until(f"!({PACKAGES}).includes('greeting')")


def test_what_a_cell_adds_is_in_the_panel_and_history_leads_back(
    server: TestServer, root: Path, manifest_text: str, tmp_path: Path
) -> None:
    path = workspace(server, root, "cells", manifest_text, "%pixi add greeting")
    before = (root / "cells" / "pixi.toml").read_text()
    with browser_page(lab(server, path), tmp_path) as page:
        open_panel(page)
        run_first_cell(page)
        page.until(f"({PACKAGES}).includes('greeting')")
        page.value("document.querySelector('#pixi-jupyter-panel summary').click()")
        page.until("!!document.querySelector('.pixi-history [aria-label=\"Roll back to 1\"]')")
        page.value("document.querySelector('[aria-label=\"Roll back to 1\"]').click()")
        page.until(f"({FOCUS}) === 'Apply'")
        page.press("Enter")
        page.until(f"!({PACKAGES}).includes('greeting')")
    assert (root / "cells" / "pixi.toml").read_text() == before


def test_a_slip_is_asked_about_and_an_error_explained(
    server: TestServer, root: Path, manifest_text: str, tmp_path: Path
) -> None:
    path = workspace(server, root, "slips", manifest_text)
    with browser_page(lab(server, path), tmp_path) as page:
        open_panel(page)
        page.value("document.getElementById('pixi-add-name').focus()")
        page.type("greetign")
        page.until("document.querySelector('#pixi-add-list').innerText.includes('did you mean greeting?')")
        page.press("Escape")
        page.press("Enter")
        page.until("!!document.querySelector('.pixi-error')")
        assert "greetign" in page.value("document.querySelector('.pixi-changes').innerText")
        page.until(f"({FOCUS}) === 'Close'")


@pytest.mark.parametrize("application", ["lab", "notebooks"])
def test_the_chooser_switches_the_kernel(
    application: str, server: TestServer, root: Path, manifest_text: str, tmp_path: Path
) -> None:
    path = workspace(server, root, f"choice-{application}", manifest_text, "import words; print(words.version)")
    address = lab(server, path) if application == "lab" else f"{server.url}notebooks/{path}?token={server.token}"
    with browser_page(address, tmp_path) as page:
        page.until(f"({ITEM}).includes('in sync')")
        page.value("document.querySelector('.pixi-status').click()")
        page.until(f"({DIALOG}).includes('(extra)')")
        assert page.value("document.activeElement.type") == "radio"
        page.press("ArrowDown")
        page.until("document.activeElement.checked && document.activeElement.value === '1'")
        assert page.value(button("Use It"))
        page.until(f"({ITEM}) === 'pixi (extra): in sync ✔'")
        run_first_cell(page)
        page.until("(document.querySelector('.jp-OutputArea-output') || {}).innerText?.trim() === '2.0'")
    assert json.loads((root / path).read_text())["metadata"]["pixi"] == {"environment": "extra"}


def test_pictures_and_contrast(server: TestServer, root: Path, manifest_text: str, tmp_path: Path) -> None:
    """Light and dark; text has the contrast that WCAG 2.1 AA asks for (4.5 to 1)."""
    folder = Path(os.environ.get("PIXI_TEST_PICTURES") or tmp_path / "pictures").absolute()
    path = workspace(server, root, "pictures", manifest_text, "%pixi add greeting", "import greeting")
    with browser_page(lab(server, path), tmp_path) as page:
        open_panel(page)
        run_first_cell(page)
        page.until(f"({PACKAGES}).includes('greeting')")
        page.value("document.querySelector('[aria-label=\"Remove greeting\"]').click()")
        page.until(f"({FOCUS}) === 'Apply'")
        for theme in ("Light", "Dark"):
            page.value(f"jupyterapp.commands.execute('apputils:change-theme', {{theme: 'JupyterLab {theme}'}})")
            page.until(f"document.body.dataset.jpThemeName === 'JupyterLab {theme}'")
            page.until("!document.getElementById('jupyterlab-splash')")
            found = page.value(CONTRASTS)
            assert len(found) > 10
            assert [row for row in found if row[1] < 4.5] == [], theme
            picture = folder / f"panel-{theme.lower()}.png"
            page.picture(picture)
            assert 10_000 < picture.stat().st_size < PICTURE_BYTES


def test_the_panel_of_widgets_below_a_cell(server: TestServer, root: Path, manifest_text: str, tmp_path: Path) -> None:
    """`%pixi ui` in JupyterLab: drawn by its widget manager, used by hand, readable in both themes."""
    manager = Path("labextensions", "@jupyter-widgets", "jupyterlab-manager")
    if not any(Path(folder, manager).is_dir() for folder in jupyter_path()):
        pytest.skip("ipywidgets' half of JupyterLab is not beside this Python")
    cells = f"{SEE_WIDGETS}\n%pixi ui"
    path = workspace(server, root, "widgets", manifest_text, cells)
    manifest = root / "widgets" / "pixi.toml"
    with browser_page(lab(server, path), tmp_path) as page:
        page.until(f"({ITEM}).includes('in sync')")
        run_first_cell(page)
        page.until(f"!!({WIDGET_BUTTON.format('Search')})")
        page.value("document.querySelector('.jp-OutputArea .widget-text input[placeholder*=\">=\"]').focus()")
        page.type("greet")
        page.press("Enter")
        page.value(f"({WIDGET_BUTTON.format('Search')}).click()")
        page.until(f"{SHOWN}.includes('greeting 1.1 (pypi): Says hello')")
        page.value(
            "(() => { const list = [...document.querySelectorAll('.jp-OutputArea select[size]')][0];"
            " list.selectedIndex = 0; list.dispatchEvent(new Event('change', {bubbles: true})); })()"
        )
        page.until("document.querySelector('.jp-OutputArea .widget-text input').value === 'greeting'")
        page.value(f"({WIDGET_BUTTON.format('Add')}).click()")
        page.until(f"{SHOWN}.includes('ready now')")
        page.until(f"{SHOWN}.includes('words 2.0 (pypi)')")
        assert "greeting" in manifest.read_text()
        for theme in ("Light", "Dark"):
            page.value(f"jupyterapp.commands.execute('apputils:change-theme', {{theme: 'JupyterLab {theme}'}})")
            page.until(f"document.body.dataset.jpThemeName === 'JupyterLab {theme}'")
            found = page.value(CONTRASTS.replace("#pixi-jupyter-panel *", ".jp-OutputArea [role=status] *"))
            assert any("ready now" in row[0] for row in found)
            assert [row for row in found if row[1] < 4.5] == [], theme
            picture = tmp_path / "pictures" / f"widgets-{theme.lower()}.png"
            page.picture(picture)
            assert picture.stat().st_size > 10_000


def test_from_its_own_manifest_to_the_projects_and_back(
    server: TestServer, root: Path, manifest_text: str, tmp_path: Path
) -> None:
    """The notebook keeps the manifest that it carries; which one its kernel uses is said before and after."""
    path = workspace(server, root, "carrying", manifest_text, "import sys; print(sys.prefix)")
    own = manifest_text.replace('name = "demo"', 'name = "own"')
    write_notebook(root / path, "import sys; print(sys.prefix)", pixi={"manifest": own})
    approve(server, path)
    with browser_page(lab(server, path), tmp_path) as page:
        page.until(f"({ITEM}).includes('in sync')")
        page.value("document.querySelector('.pixi-status').click()")
        told = page.until(f"({DIALOG}).includes('carrying (extra)') && {DIALOG}")
        assert "this notebook's own (default)" in told
        assert "keeps the manifest that it carries" in told
        for _ in range(3):
            page.press("ArrowDown")
        page.until("document.activeElement.checked && document.activeElement.value === '3'")
        assert page.value(button("Use It"))
        page.until(f"({ITEM}) === 'pixi (extra): in sync ✔'")
        run_first_cell(page)
        shown = page.until("(document.querySelector('.jp-OutputArea-output') || {}).innerText?.trim()")
        assert shown == str(root / "carrying" / ".pixi" / "envs" / "extra")
        page.until("jupyterapp.commands.execute('docmanager:save').then(() => true)")
        assert json.loads((root / path).read_text())["metadata"]["pixi"]["manifest"] == own

        page.value("document.querySelector('.pixi-status').click()")
        page.until(f'({DIALOG}).includes("this notebook\'s own (default)")')
        assert page.value("document.querySelector('.jp-Dialog input:checked').value") == "3"
        for _ in range(3):
            page.press("ArrowUp")
        page.until("document.activeElement.checked && document.activeElement.value === '0'")
        assert page.value(button("Use It"))
        page.until(f"({ITEM}) === 'pixi: in sync ✔'")
    assert json.loads((root / path).read_text())["metadata"]["pixi"]["manifest"] == own

"""JupyterLab as people see it: the dialog that asks before a stranger's environment is used."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.server_ext.test_trust import PATH, notebook_of, status
from tests.support.browser import browser_page, why_not
from tests.support.foreign import foreign_workspace
from tests.support.jupyter_server import running_server

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("kernels")]

ITEM = "(document.getElementById('pixi-status') || {}).textContent || ''"
DIALOG = "(document.querySelector('.jp-Dialog') || {}).innerText || ''"


@pytest.fixture(scope="module", autouse=True)
def browser() -> None:
    """A browser; this lane installs one where it can."""
    reason = why_not()
    if reason is not None:
        pytest.skip(reason)


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
        with running_server(foreign.folder.parent, work, lab=True) as server:
            address = f"{server.url}lab/tree/{PATH}?token={server.token}"
            with browser_page(address, tmp_path) as page:
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
                page.picture(tmp_path / "pictures" / "ready.png")
                assert status(server)["state"] == "in-sync"
                assert foreign.index.asked

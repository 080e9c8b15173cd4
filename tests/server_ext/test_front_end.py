"""The front end, run by Node with the objects of JupyterLab that it touches."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
SCRIPT = HERE.parents[1] / "server_ext" / "labextension" / "static" / "remoteEntry.js"
EVENT = {"schema_id": "urn:pixi-jupyter:environment:v1", "workspace": "demo", "environment": "default"}
IN_SYNC = {"state": "in-sync", "workspace": "demo", "environment": "default", "reasons": []}
STALE = {"state": "stale", "workspace": "demo", "environment": "gpu", "reasons": ["<b>numpy</b> was added"]}

UNTRUSTED = {
    "state": "untrusted",
    "workspace": "demo",
    "environment": "default",
    "reasons": ["not approved by you"],
    "trust": {"fingerprint": "f1", "lines": ["conda packages: <img src=x>", "sets: LD_PRELOAD=evil"]},
}


def drive(answers: list[dict[str, Any]], *events: object, accept: bool = True) -> dict[str, Any]:
    if shutil.which("node") is None:
        pytest.skip("needs Node, which runs the front end's JavaScript")
    scenario = json.dumps({"answers": answers, "events": events, "accept": accept})
    done = subprocess.run(
        ["node", str(HERE / "front_end.mjs"), str(SCRIPT), scenario], capture_output=True, text=True, check=True
    )
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def test_it_shows_the_state_of_the_notebook() -> None:
    seen = drive([IN_SYNC])
    assert seen["shown"] == ["pixi: in sync ✔"]
    assert seen["asked"] == ["GET http://server/pixi/status?path=demo%2Fnb.ipynb"]
    assert seen["label"] == "Pixi environment: in sync"
    assert seen["role"] == "status"
    assert seen["optional"] == ["bar", "palette"]


def test_a_named_environment_and_reasons() -> None:
    seen = drive([STALE])
    assert seen["shown"] == ["pixi (gpu): lock file out of date ⚠"]
    assert "<b>numpy</b> was added" in seen["title"]


def test_events_move_it_while_a_kernel_starts() -> None:
    events = [
        {**EVENT, "state": "solving", "path": "demo/nb.ipynb", "text": "solving (default/linux-64)"},
        {**EVENT, "state": "installing", "text": "downloading"},
        {**EVENT, "state": "solving", "path": "another/notebook.ipynb"},
        {"schema_id": "other", "state": "solving"},
        {**EVENT, "state": "ready", "path": "demo/nb.ipynb"},
    ]
    seen = drive([{**IN_SYNC, "state": "no-lock"}, IN_SYNC], *events)
    assert seen["shown"] == ["pixi: not locked yet ⚠", "pixi: solving … ⏳", "pixi: installing … ⏳", "pixi: in sync ✔"]


def test_a_cell_that_ends_may_have_changed_it() -> None:
    assert drive([IN_SYNC, {**IN_SYNC, "state": "not-installed"}], "idle")["shown"][-1] == "pixi: not installed ⚠"


def test_what_cannot_be_read() -> None:
    seen = drive([{"ok": False, "message": "pixi.toml:3: unknown key"}])
    assert seen["shown"] == ["pixi: cannot be read ✗"]
    assert "unknown key" in seen["title"]


def test_the_command_refreshes_the_kernel_picker() -> None:
    seen = drive([IN_SYNC], "command")
    assert "POST http://server/pixi/kernelspecs" in seen["asked"]
    assert seen["refreshed"] == 1


def test_the_user_is_asked_once_and_the_kernel_starts() -> None:
    seen = drive([UNTRUSTED, {"trusted": True, "workspace": "demo"}, IN_SYNC])
    assert seen["dialogs"] == [["Approve the environment “demo”?", "Not Now", "Approve", 0]]
    assert "conda packages: <img src=x>" in seen["bodies"]
    posted = 'POST http://server/pixi/trust {"path":"demo/nb.ipynb","fingerprint":"f1"}'
    assert posted in seen["asked"]
    assert seen["kernel"] == ["start"]
    assert seen["shown"] == ["pixi: not approved 🔒", "pixi: in sync ✔"]


def test_whoever_declines_is_asked_again_by_a_click_only() -> None:
    seen = drive([UNTRUSTED], "idle", "idle", accept=False)
    assert len(seen["dialogs"]) == 1
    assert seen["kernel"] == []
    assert not [request for request in seen["asked"] if request.startswith("POST")]
    assert len(drive([UNTRUSTED], "idle", "click", accept=False)["dialogs"]) == 2


TABLE = {"manifest": "[workspace]\n", "lock": "version: 7\n"}
AHEAD = {**IN_SYNC, "own": True, "unsaved": TABLE}


def test_what_commands_changed_goes_into_the_metadata() -> None:
    seen = drive([IN_SYNC, AHEAD, {**AHEAD, "unsaved": None}], "idle", "saved")
    assert seen["metadata"]["pixi"] == TABLE
    assert seen["shown"] == ["pixi: in sync ✔", "pixi: in sync, unsaved ●", "pixi: in sync ✔"]


def test_metadata_that_were_edited_by_hand_are_left_alone() -> None:
    seen = drive([IN_SYNC, AHEAD], {"metadata": {"manifest": "mine"}}, "idle")
    assert seen["metadata"]["pixi"] == {"manifest": "mine"}
    assert seen["shown"][-1] == "pixi: in sync, unsaved ●"


def test_the_environment_that_the_notebook_chose_stays_chosen() -> None:
    seen = drive([IN_SYNC, AHEAD], {"metadata": {"environment": "gpu"}}, "saved")
    assert seen["metadata"]["pixi"] == {**TABLE, "environment": "gpu"}
    assert seen["asked"][-1].endswith("environment=gpu")

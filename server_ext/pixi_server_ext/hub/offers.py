"""What a Hub offers: the workspaces below one folder, by the names of their folders.

Users name an offer and one of its environments; nothing that they send is ever a path.
"""

from __future__ import annotations

import html
import os
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from pixi_core.errors import InputError, PixiError
from pixi_core.names import DEFAULT_ENVIRONMENT
from pixi_core.value import Value
from pixi_core.workspace import Workspace, manifest_in

EVERYTHING = "*"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class Offer(Value):
    """One locked workspace: the name of its folder, what its manifest calls itself, its environments."""

    name: str
    title: str
    manifest: Path
    environments: tuple[str, ...]


class Choice(Value):
    """An offer and one of its environments."""

    offer: Offer
    environment: str = DEFAULT_ENVIRONMENT

    def open(self) -> Workspace:
        """The workspace, as it is now. Raises `ManifestError`."""
        return Workspace.open(self.offer.manifest, environ=os.environ)


def find_offers(folder: Path, allowed: Collection[str] = (EVERYTHING,)) -> list[Offer]:
    """The offers in a folder that are among `allowed` (names, or `*` for all), by name.

    A folder without manifest or lock file is none, and neither is one whose manifest cannot be read: others must not
    lose theirs by it. Raises `InputError` where the folder itself cannot be read.
    """
    try:
        names = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir())
    except OSError as error:
        raise InputError(
            f"the folder of workspaces {folder} cannot be read: {error.strerror}",
            hints=["make it, with one folder for each workspace, or correct `pixi_workspaces` of the spawner"],
        ) from error
    chosen = (name for name in names if _NAME.fullmatch(name) and (EVERYTHING in allowed or name in allowed))
    found = [_offer(folder / name) for name in chosen]
    return [offer for offer in found if offer is not None]


def _offer(folder: Path) -> Offer | None:
    manifest = manifest_in(folder)
    if manifest is None or not (folder / "pixi.lock").is_file():
        return None
    try:
        workspace = Workspace.open(manifest, environ=os.environ)
        return Offer(folder.name, workspace.name, manifest, tuple(map(str, workspace.manifest.environments)))
    except PixiError:
        return None


def choose(offers: Sequence[Offer], options: Mapping[str, Any]) -> Choice | None:
    """What a user's options name, `{"workspace": NAME, "environment": NAME}`; the first where they name none, None
    where nothing is offered and nothing asked for. Raises `InputError` for anything that is not offered.
    """
    wanted = _text(options, "workspace") or (offers[0].name if offers else "")
    environment = _text(options, "environment") or DEFAULT_ENVIRONMENT
    if not wanted:
        return None
    offer = next((offer for offer in offers if offer.name == wanted), None)
    if offer is None:
        known = ", ".join(offer.name for offer in offers) or "nothing"
        raise InputError(f"the workspace '{wanted}' is not offered to you", hints=[f"you may choose: {known}"])
    if environment not in offer.environments:
        raise InputError(
            f"the workspace '{wanted}' has no environment '{environment}'",
            hints=[f"it has: {', '.join(offer.environments)}"],
        )
    return Choice(offer, environment)


def _text(options: Mapping[str, Any], key: str) -> str:
    value = options.get(key) or ""
    if not isinstance(value, str):
        raise InputError(f"the option '{key}' must be a text", hints=["choose one on the spawn page"])
    return value


def options_of_form(form: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """The options that the form below sends, as `choose` takes them; anything else in it is left out."""
    wanted, _, environment = (form.get("pixi") or [""])[0].partition("/")
    return {"workspace": wanted, "environment": environment} if wanted else {}


def form_of(offers: Sequence[Offer], options: Mapping[str, Any]) -> str:
    """The form on the spawn page; empty where there is nothing to choose, so that the server starts at once.

    `options` are those of the last time: they are chosen already.
    """
    rows = [(offer, environment) for offer in offers for environment in offer.environments]
    if len(rows) < 2:
        return ""
    last = (options.get("workspace"), options.get("environment") or DEFAULT_ENVIRONMENT)
    lines = [_row(offer, environment, (offer.name, environment) == last) for offer, environment in rows]
    return "\n".join(
        [
            '<label for="pixi">Environment</label>',
            '<select class="form-control" id="pixi" name="pixi">',
            *lines,
            "</select>",
        ]
    )


def _row(offer: Offer, environment: str, chosen: bool) -> str:
    value = html.escape(f"{offer.name}/{environment}", quote=True)
    text = offer.title if environment == DEFAULT_ENVIRONMENT else f"{offer.title} ({environment})"
    return f'<option value="{value}"{" selected" if chosen else ""}>{html.escape(text)}</option>'

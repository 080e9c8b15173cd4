"""Spawners whose servers find their environments ready. `with_pixi` makes one of any other spawner class."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from jupyterhub.spawner import LocalProcessSpawner, SimpleLocalProcessSpawner
from jupyterhub.utils import maybe_future
from traitlets import List, Unicode, default
from traitlets.config import Configurable

from pixi_core.errors import PixiError, error_text
from pixi_core.policy.place import GROUP_VARIABLE

from .offers import EVERYTHING, Offer, choose, find_offers, form_of, options_of_form
from .provide import provide, variables
from .story import Story, StoryReporter

DEFAULT_KERNEL = "pixi"


class EnvironmentRefused(Exception):
    """No server for this user now; JupyterHub shows `jupyterhub_message` on the page that waits for it."""

    def __init__(self, error: PixiError) -> None:
        super().__init__(error_text(error))
        self.jupyterhub_message = str(self)


class PixiSpawnerMixin(Configurable):
    """Goes before a spawner class: it adds what users may choose, the work before a start, and its progress."""

    pixi_workspaces = Unicode("", config=True, help="The folder of workspaces that are offered; empty: none.")
    pixi_store = Unicode("", config=True, help="The store that their environments are made in.")
    pixi_allowed = List(
        Unicode(), [EVERYTHING], config=True,
        help="Names of workspaces that the user may have, `*` for all; made for `group_overrides`.",
    )  # fmt: skip

    pixi_policy_group = Unicode(
        "", config=True,
        help="Groups of the machine's policy that the user's server belongs to, with commas; for `group_overrides`.",
    )  # fmt: skip

    _pixi_story: Story | None = None

    # ---------------------------------------------------------------- what users may choose

    @default("options_form")
    def _default_options_form(self) -> Any:
        return type(self).pixi_form

    async def pixi_form(self) -> str:
        """The form on the spawn page; it offers what the user's groups may have. Raises `EnvironmentRefused`."""
        spawner: Any = self
        # JupyterHub applies these only when the server is started, and the form would show what is refused then
        await spawner.apply_group_overrides()
        return form_of(await self._pixi_offers(), spawner.user_options or {})

    @default("options_from_form")
    def _default_options_from_form(self) -> Any:
        return options_of_form

    async def _pixi_offers(self) -> list[Offer]:
        if not self.pixi_workspaces:
            return []
        try:
            return await asyncio.to_thread(find_offers, Path(self.pixi_workspaces), self.pixi_allowed)
        except PixiError as error:
            raise EnvironmentRefused(error) from error

    # ---------------------------------------------------------------- before the start

    async def run_pre_spawn_hook(self) -> None:
        """Make the chosen environment, then whatever hook the administrator has configured. JupyterHub gives this as
        long as it takes (its limits begin with `start`). Raises `EnvironmentRefused`.
        """
        spawner: Any = self
        self._pixi_story = story = Story()
        try:
            await self._pixi_provide(story)
            before: Any = super()
            await maybe_future(before.run_pre_spawn_hook())
        except PixiError as error:
            spawner.log.error("pixi: %s gets no server: %s", spawner.user.name, error)
            raise EnvironmentRefused(error) from error
        finally:
            story.end()

    async def _pixi_provide(self, story: Story) -> None:
        spawner: Any = self
        choice = choose(await self._pixi_offers(), spawner.user_options or {})
        if choice is None:
            return
        reporter = StoryReporter(story, asyncio.get_running_loop())
        made = await provide(choice, Path(self.pixi_store), reporter)
        told = variables(choice, Path(self.pixi_workspaces))
        spawner.environment = {**spawner.environment, **told}
        story.tell(f"{choice.offer.title} is ready" + (" (it was made just now)" if made.built else ""))

    async def progress(self) -> AsyncIterator[Mapping[str, Any]]:
        """The lines of the story, then those of the spawner itself."""
        spawner: Any = super()
        if self._pixi_story is not None:
            position = 0
            async for line in self._pixi_story.follow():
                position = min(position + 5, 45)
                yield {"progress": position, "message": line}
        async for event in spawner.progress():
            yield event

    def get_env(self) -> dict[str, str]:
        """The variables of the user's server, with the groups of the policy that it belongs to."""
        spawner: Any = super()
        found: dict[str, str] = spawner.get_env()
        if self.pixi_policy_group:
            found[GROUP_VARIABLE] = self.pixi_policy_group
        return found

    def get_args(self) -> list[str]:
        """New notebooks get the kernel of the environment, unless the administrator says otherwise."""
        spawner: Any = super()
        found: list[str] = spawner.get_args()
        if self.pixi_workspaces and not any("default_kernel_name" in word for word in found):
            found.insert(0, f"--MultiKernelManager.default_kernel_name={DEFAULT_KERNEL}")
        return found


def with_pixi(spawner: type) -> type:
    """A spawner class like another one, with the mixin before it."""
    return type(f"Pixi{spawner.__name__}", (PixiSpawnerMixin, spawner), {"__doc__": spawner.__doc__})


class PixiSpawner(PixiSpawnerMixin, LocalProcessSpawner):  # type: ignore[misc]  # JupyterHub ships no types
    """Local processes of system users."""


class PixiSimpleSpawner(PixiSpawnerMixin, SimpleLocalProcessSpawner):  # type: ignore[misc]  # as above
    """Local processes of one system user, for trying things: users are not kept apart."""

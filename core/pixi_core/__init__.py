"""The engine of pixi-jupyter: manifest, lock file, solver, installer, tasks, and the `pixi` command.

It knows nothing of Jupyter. Frontends talk to `pixi_core.workspace.Workspace`; everything else is a room behind it
(see ARCHITECTURE.md).
"""

__version__ = "0.1.0"
PIXI_VERSION = "0.77.0"
"""The pixi whose files and commands these are; `requires-pixi` of a manifest is compared with it."""

"""The engine of pixi-jupyter: manifest, lock file, solver, installer, tasks, and the `pixi` command.

It knows nothing of Jupyter. Frontends talk to `pixi_core.workspace.Workspace`; everything else is a room behind it
(see ARCHITECTURE.md).
"""

__version__ = "0.1.0"

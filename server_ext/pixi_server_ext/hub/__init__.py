"""JupyterHub: every user's kernels in environments of one shared, locked store.

An administrator writes two lines into `jupyterhub_config.py` (docs/jupyterhub.md):

    from pixi_server_ext.hub import configure
    configure(c, workspaces="/srv/pixi/classes", store="/srv/pixi/store")

| module | |
|---|---|
| `settings` | `configure`: what these two lines set |
| `offers` | the workspaces in a folder, and which of them a user may have |
| `provide` | an offer's environment: made in the store where it is missing, told to the user's server by variables |
| `story` | what is told on the page that waits for a server |
| `spawner` | the mixin for spawners, and `PixiSpawner` (`jupyterhub.spawners`: `pixi`); imports JupyterHub |
| `keeper` | what shall be in the store, how it stands with it, what is stale |
| `service` | the service that builds ahead and shows that; imports JupyterHub |

Single-user servers need nothing of this: they are configured by variables, as any Jupyter Server is.
"""

from .settings import configure

__all__ = ["configure"]

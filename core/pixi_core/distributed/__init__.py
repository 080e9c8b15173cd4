"""Locked environments for the engines that spread work over many processes; thin, over `ops.materialize`.

| module | |
|---|---|
| `describe` | what runs where: Python, packages and the environment's digest, and what does not fit together |
| `dask` | Dask's workers restarted into an environment of the store; imports Dask |
| `worker_main` | what such a worker runs, in the environment's own Python, which knows nothing of us |
"""

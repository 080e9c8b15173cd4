"""`pixi.toml` and `pyproject.toml`: read with every mistake reported, edited in place, merged into environments."""

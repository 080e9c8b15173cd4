"""The `pixi` command: arguments and printing only."""

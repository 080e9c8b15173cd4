"""Tasks: their graph, the cross-platform shell, and running them."""

"""`pixi.lock`: the model, one parser per version, one writer, and the satisfiability check."""

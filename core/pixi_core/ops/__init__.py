"""One use case per file: load, plan, execute, report."""

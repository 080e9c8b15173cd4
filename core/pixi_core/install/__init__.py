"""Changing an environment: plan, then execute, as a transaction that survives being killed."""

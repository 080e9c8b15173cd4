"""The shared store: whole, read-only environments, each at a path that follows from what is in it.

`entry` says where an environment is and whether it is whole, `leases` who uses it. Making, collecting and checking
environments is in `ops.materialize` and `ops.store`.
"""

"""Channels as candidates: fetching indexes, keeping them, and giving the solver one name at a time.

`gateway` is the door. Behind it: `fetch` (bytes of an index, cached and revalidated), `shards` (sharded repodata,
CEP 16), `packed` and `scan` (plain repodata.json, cut into names once per download), `tables` (compiled candidate
tables, stored by content), `source` (the solver's `CandidateSource` over all of them).
"""

"""A real conda channel for the tests, built from what the machine has: its interpreter and pinned wheels.

`build.full_channel` packs the interpreter that runs the tests, converts pinned wheels and adds hand-made
fixtures; `build.small_channel` is the fixtures alone, without Python and without network.
`python -m tests.support.channel OUT` builds one by hand.
"""

"""Source builds: PEP 517 and 660 back ends, run in environments that our own resolver and installer make."""

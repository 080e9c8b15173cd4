"""Strict readers of package archives.

Not `tarfile`, not `zipfile`: what two readers could understand differently is refused.
"""

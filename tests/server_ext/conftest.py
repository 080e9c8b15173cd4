"""The same host workspace as the provisioner's tests have."""

from tests.provisioner.conftest import index, manifest, own_cache, project

__all__ = ["index", "manifest", "own_cache", "project"]

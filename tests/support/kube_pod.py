"""A Hub of one user on Kubernetes: `python -m tests.support.kube_pod CONFIG OPTIONS GROUP` asks for the user's pod.

The spawner is the real one, of the class that the configuration names; the cluster is whatever `KUBECONFIG` says, which
is read when the client is imported: hence a process of its own. OPTIONS is what the user chose, as JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from jupyterhub.utils import maybe_future
from traitlets.config.loader import PyFileConfigLoader
from traitlets.utils.importstring import import_item

USER_TOKEN = "token-of-the-users-own-server"


async def ask_for_pod(path: str, options: dict[str, Any], group: str) -> None:
    """What a Hub does between the form and the pod."""
    config = PyFileConfigLoader(path).load_config()
    named = config.JupyterHub.spawner_class
    kind = import_item(named) if isinstance(named, str) else named
    spawner = kind(_mock=True, config=config)
    spawner.user_options = options
    spawner.api_token = USER_TOKEN
    if group:
        for name, value in config.Spawner.group_overrides[group]["spawner_override"].items():
            setattr(spawner, name, value)
    try:
        await maybe_future(spawner.run_pre_spawn_hook())
        pod = await spawner.get_pod_manifest()
        assert await spawner._make_create_pod_request(pod, 20)
    finally:
        await spawner.api.api_client.close()


if __name__ == "__main__":
    asyncio.run(ask_for_pod(sys.argv[1], json.loads(sys.argv[2]), sys.argv[3]))

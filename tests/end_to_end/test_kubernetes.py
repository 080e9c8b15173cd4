"""docs/kubernetes.md: its configuration given to the real KubeSpawner, its files tried as far as they go here."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pixi_core.names import DEFAULT_MANIFEST_VARIABLE
from pixi_core.ops.ready import read_ready
from pixi_core.policy.place import GROUP_VARIABLE
from pixi_core.trust.gate import TRUSTED_VARIABLE, policy
from pixi_core.workspace import Workspace
from tests.support.command import pixi
from tests.support.documented import blocks
from tests.support.kube_api import kube_api
from tests.support.kube_pod import USER_TOKEN

pytestmark = pytest.mark.hub
REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = dict(blocks(REPOSITORY / "docs" / "kubernetes.md"))
CANARY = "canary-5d1f"
SECRETS = ("CONFIGPROXY_AUTH_TOKEN", "JUPYTERHUB_CRYPT_KEY", "AWS_SECRET_ACCESS_KEY")


@pytest.fixture
def classes(tmp_path: Path, small_channel: Path) -> Path:
    """The folder that stands for /srv/pixi, with a class that is locked."""
    folder = tmp_path / "srv" / "classes" / "statistics"
    folder.mkdir(parents=True)
    (folder / "pixi.toml").write_text(
        f'[workspace]\nchannels = ["{small_channel.as_uri()}"]\nplatforms = ["linux-64"]\n\n'
        '[dependencies]\nshared = "*"\nneeds-glibc = "*"\n'
    )
    pixi("lock", cwd=folder).succeeded()
    return tmp_path / "srv"


def pod_of(tmp_path: Path, configuration: str, group: str = "", **options: str) -> dict[str, Any]:
    """The pod that the documented configuration asks for, with secrets all around."""
    pytest.importorskip("kubespawner", reason="the KubeSpawner is not installed")
    file = tmp_path / "config.py"
    file.write_text(configuration)
    with kube_api() as api:
        credentials = tmp_path / CANARY / "credentials.json"
        credentials.parent.mkdir()
        credentials.write_text(json.dumps({"*.example": {"BearerToken": CANARY}}))
        environ = {
            **os.environ,
            **dict.fromkeys(SECRETS, CANARY),
            "RATTLER_AUTH_FILE": str(credentials),
            "KUBECONFIG": str(api.written(tmp_path)),
            "PYTHONPATH": str(REPOSITORY),
        }
        words = [sys.executable, "-m", "tests.support.kube_pod", str(file), json.dumps(options), group]
        done = subprocess.run(words, env=environ, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        (pod,) = api.pods
    return pod


def test_a_pod_reads_the_store_and_is_told_no_secret(tmp_path: Path, classes: Path) -> None:
    configuration = PAGE["python jupyterhub_config.py"].replace("/srv/pixi", str(classes))
    pod = pod_of(tmp_path, configuration, "guests", workspace="statistics")
    (container,) = pod["spec"]["containers"]
    mounts = {mount["mountPath"]: mount for mount in container["volumeMounts"]}
    assert mounts[str(classes)] == {"name": "pixi", "mountPath": str(classes), "readOnly": True}
    assert mounts["/etc/pixi"] == {"name": "policy", "mountPath": "/etc/pixi", "readOnly": True}
    volumes = {volume["name"]: volume for volume in pod["spec"]["volumes"]}
    assert volumes["pixi"]["persistentVolumeClaim"] == {"claimName": "pixi", "readOnly": True}

    told = {variable["name"]: variable.get("value", "") for variable in container["env"]}
    manifest = classes / "classes" / "statistics" / "pixi.toml"
    assert told[DEFAULT_MANIFEST_VARIABLE] == str(manifest)
    assert told[TRUSTED_VARIABLE] == str(classes / "classes")
    assert told[GROUP_VARIABLE] == "guests"
    assert "--MultiKernelManager.default_kernel_name=pixi" in container["args"]
    # what the pod shall find is there, at that path, made by the Hub
    workspace = Workspace.open(manifest)
    assert workspace.prefix().is_relative_to(classes / "store")
    assert read_ready(workspace, "default") is not None

    shown = json.dumps(pod)
    assert CANARY not in shown
    assert [name for name, value in told.items() if USER_TOKEN in value] in (
        ["JPY_API_TOKEN", "JUPYTERHUB_API_TOKEN"],
        ["JUPYTERHUB_API_TOKEN"],
    )
    assert shown.count(USER_TOKEN) <= 2, "nowhere but in JupyterHub's own variable"


def test_a_class_in_the_image_needs_neither_mixin_nor_volume(tmp_path: Path) -> None:
    pod = pod_of(tmp_path, PAGE["python image_config.py"])
    (container,) = pod["spec"]["containers"]
    assert container["args"] == ["jupyterhub-singleuser", "--MultiKernelManager.default_kernel_name=pixi"]
    assert container["volumeMounts"] == []
    assert CANARY not in json.dumps(pod)


def test_the_dockerfile_makes_what_it_says(tmp_path: Path, classes: Path) -> None:
    """Every instruction is known to this test; those of pixi are run, those about files are looked at."""
    lines = PAGE["dockerfile Dockerfile"].replace("/srv/pixi", str(classes)).splitlines()
    instructions = [(word, rest) for word, _, rest in (line.partition(" ") for line in lines)]
    assert {word for word, _ in instructions} == {"FROM", "RUN", "COPY", "ENV", "USER", "WORKDIR", "CMD"}
    (copied, *_) = [shlex.split(rest) for word, rest in instructions if word == "COPY"]
    assert copied == ["pixi.toml", "pixi.lock", f"{classes}/classes/statistics/"]
    for word, rest in instructions:
        if word == "RUN" and rest.startswith("pixi "):
            pixi(*shlex.split(rest)[1:], cwd=tmp_path, environ={"PIXI_HOME": str(tmp_path / "home")}).succeeded()
    variables = dict(rest.split("=", 1) for word, rest in instructions if word == "ENV")
    assert set(variables) == {DEFAULT_MANIFEST_VARIABLE, TRUSTED_VARIABLE}
    workspace = Workspace.open(Path(variables[DEFAULT_MANIFEST_VARIABLE]))
    assert workspace.root.is_relative_to(variables[TRUSTED_VARIABLE])
    assert workspace.prefix().is_relative_to(classes / "store")
    assert (workspace.prefix() / "share" / "shared").is_file()


def test_binder_starts_what_is_locked(tmp_path: Path) -> None:
    assert PAGE["text binder/requirements.txt"].split() == ["pixi-jupyter", "jupyterlab"]
    start = tmp_path / "start"
    start.write_text(PAGE["sh binder/start"])
    start.chmod(0o755)
    shown = subprocess.run([str(start), "env"], capture_output=True, text=True, check=True).stdout
    told = dict(line.split("=", 1) for line in shown.splitlines() if line.startswith("PIXI_JUPYTER_"))
    assert policy(told) == "locked-only"

"""What is said of a cluster whose Pythons differ, without a cluster."""

from __future__ import annotations

import sys

import pytest

from pixi_core.distributed.describe import QUESTION, Participant, ask_python, digest_of, mismatches
from pixi_core.errors import EnvironmentUnavailable

KEY = "0123456789abcdef0123456789abcdef"
THERE = f"/srv/store/v1/{KEY}/env"


def participant(role: str, python: str = "3.11.7", prefix: str = "/opt/dask", **packages: str) -> Participant:
    return Participant(
        role=role, name="tcp://w", python=python, prefix=prefix, digest=digest_of(prefix), packages=packages
    )


@pytest.mark.parametrize(
    ("other", "digest", "said"),
    [
        (participant("worker", numpy="2.0", dask="1"), "", []),
        (participant("worker", "3.11.2", numpy="2.0", dask="1", more="3"), "", []),
        (
            participant("worker", "3.12.1", numpy="2.0", dask="1"),
            "",
            ["worker tcp://w: Python 3.12.1, the client has 3.11.7"],
        ),
        (participant("worker", numpy="1.9", dask="1"), "", ["worker tcp://w: numpy 1.9, the client has 2.0"]),
        (participant("worker", dask="1"), "", ["worker tcp://w: numpy is missing, the client has 2.0"]),
        (participant("scheduler", dask="1"), KEY, []),
        (participant("scheduler", dask="2"), "", ["scheduler tcp://w: dask 2, the client has 1"]),
        (participant("worker", numpy="2.0", dask="1", prefix=THERE), KEY, []),
        (
            participant("worker", numpy="2.0", dask="1"),
            KEY,
            [f"worker tcp://w: runs in /opt/dask, locked is {KEY}"],
        ),
        (
            participant("worker", numpy="2.0", dask="1", prefix=THERE.replace("0", "f")),
            KEY,
            [f"worker tcp://w: runs in {KEY.replace('0', 'f')}, locked is {KEY}"],
        ),
    ],
)
def test_differences(other: Participant, digest: str, said: list[str]) -> None:
    client = participant("client", numpy="2.0", dask="1")
    assert mismatches(client, [other], digest) == said


@pytest.mark.parametrize(
    ("prefix", "digest"), [(THERE, KEY), ("/srv/store/v1/env", ""), (f"/srv/v2/{KEY}/env", ""), ("/usr", "")]
)
def test_a_path_tells_the_digest(prefix: str, digest: str) -> None:
    assert digest_of(prefix) == digest


def test_every_python_answers_the_question() -> None:
    told = ask_python(sys.executable)
    assert told.python == ".".join(map(str, sys.version_info[:3]))
    assert told.packages["pytest"] == pytest.__version__
    assert Participant.told("client", "", eval(QUESTION)).packages["pytest"] == pytest.__version__
    with pytest.raises(EnvironmentUnavailable, match="does not run"):
        ask_python("/no/such/python")

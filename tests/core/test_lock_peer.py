"""Lock files of every version are read to what py-rattler reads, field by field, and so is every one that we write."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from pixi_core.lock.model import LockedRecord, LockFile
from pixi_core.lock.read import read_lock
from pixi_core.lock.write import location_of, write_lock
from pixi_core.model.record import PypiRecord, RepoDataRecord, record_to_repodata
from tests.core.lock_examples import ALIKE, SOURCE_VARIANTS
from tests.support.lock_documents import documents, text_of
from tests.support.rattler_oracle import rattler

pytestmark = pytest.mark.peer


def fields_of(record: LockedRecord) -> dict[str, Any]:
    """A record in the words of the peer's answer."""
    if isinstance(record, RepoDataRecord):
        fields = record_to_repodata(record)
        fields |= {"fn": record.file_name, "url": record.url, "location": location_of(record.url)}
        fields["channel"] = record.channel
    elif isinstance(record, PypiRecord):
        fields = {
            "name": record.name,
            "version": record.version or "<dynamic>",
            "location": record.location,
            "md5": record.md5,
            "sha256": record.sha256,
            "requires_dist": list(record.requires_dist),
            "requires_python": record.requires_python,
        }
    else:
        fields = {"name": record.name, "location": record.location}
    kept_when_empty = ("purls", "run_exports")
    return {key: value for key, value in fields.items() if value not in (None, "", [], {}) or key in kept_when_empty}


def in_one_spelling(fields: dict[str, Any]) -> dict[str, Any]:
    """A package without what the peer spells in its way: order of specifiers and flags, blanks, `python_version`."""
    changed = dict(fields)
    if "requires_python" in fields:
        changed["requires_python"] = SpecifierSet(fields["requires_python"])
    if "requires_dist" in fields:
        texts = [text.replace("python_version", "python_full_version") for text in fields["requires_dist"]]
        changed["requires_dist"] = [str(Requirement(text)) for text in texts]
    if "flags" in fields:
        changed["flags"] = sorted(fields["flags"])
    return changed


def content_of(lock: LockFile) -> dict[str, Any]:
    """A lock file in the words of the peer's answer."""
    return {
        name: {
            "channels": list(environment.channels),
            "packages": {
                platform: by_location(fields_of(record) for record in records)
                for platform, records in environment.packages.items()
                if records
            },
        }
        for name, environment in lock.environments.items()
    }


def by_location(packages: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The packages in an order that both have, in one spelling."""
    return sorted(map(in_one_spelling, packages), key=lambda fields: str(fields["location"]))


def theirs(texts: Sequence[str]) -> list[dict[str, Any]]:
    """What the peer reads in each text."""
    with TemporaryDirectory() as folder:
        paths = []
        for position, text in enumerate(texts):
            paths.append(Path(folder) / f"{position}.lock")
            paths[-1].write_text(text, encoding="utf-8")
        answers: list[dict[str, Any]] = rattler("lock-contents", paths=paths)
    for answer in answers:
        for environment in answer.get("environments", {}).values():
            found_there = environment["packages"].items()
            environment["packages"] = {key: by_location(found) for key, found in found_there if found}
    return answers


def unlike(ours: Any, peers: Any, place: str = "") -> list[str]:
    """Where two answers differ, each with the place."""
    if isinstance(ours, dict) and isinstance(peers, dict):
        keys = sorted(ours.keys() | peers.keys())
        return [line for key in keys for line in unlike(ours.get(key), peers.get(key), f"{place}.{key}")]
    if isinstance(ours, list) and isinstance(peers, list) and len(ours) == len(peers):
        pairs = enumerate(zip(ours, peers, strict=True))
        return [line for index, (one, other) in pairs for line in unlike(one, other, f"{place}[{index}]")]
    return [] if ours == peers else [f"{place}: we read {ours!r}, the peer {peers!r}"]


def disagreements(texts: Sequence[str]) -> list[str]:
    """Where we and the peer read something else, in each text and in what we write for it; with the text."""
    ours = [read_lock(text) for text in texts]
    written = [write_lock(lock) for lock in ours]
    answers = theirs([*texts, *written])
    wrong: list[str] = []
    for text, lock, answer in zip([*texts, *written], [*ours, *ours], answers, strict=True):
        assert "error" not in answer, f"{answer['error']}\n{text}"
        found = unlike(content_of(lock), answer["environments"])
        wrong += [*found, text] if found else []
    return wrong


@pytest.mark.parametrize("name", ALIKE)
def test_examples_are_read_alike(name: str) -> None:
    assert disagreements([ALIKE[name]]) == []


def test_variants_tell_source_packages_of_one_place_apart() -> None:
    (record,) = read_lock(SOURCE_VARIANTS).source_records("default", "win-64")
    assert record.fields["variants"] == {"target_platform": "win-64"}
    (answer,) = theirs([SOURCE_VARIANTS])
    assert [package["name"] for package in answer["environments"]["default"]["packages"]["win-64"]] == ["my-package"]


@pytest.mark.parametrize("version", [4, 5, 6, 7])
@settings(max_examples=5, phases=[Phase.generate], suppress_health_check=list(HealthCheck), deadline=None)
@given(data=st.data())
def test_generated_files_are_read_alike(version: int, data: st.DataObject) -> None:
    assert disagreements([text_of(data.draw(documents(version))) for _ in range(20)]) == []

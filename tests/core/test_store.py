"""The store's keys, leases, and what is collected: pure of packages."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pixi_core.model.digest import Sha256
from pixi_core.model.platform import Subdir
from pixi_core.model.record import RepoDataRecord
from pixi_core.ops.store import DAY, collect, survey
from pixi_core.store.entry import Entry, Store, environment_key
from pixi_core.store.leases import Lease, active_leases


def record(name: str, version: str) -> RepoDataRecord:
    """A package with a digest."""
    file_name = f"{name}-{version}-0.conda"
    return RepoDataRecord(
        name=name,
        version=version,
        build="0",
        build_number=0,
        subdir=Subdir("linux-64"),
        file_name=file_name,
        url=f"https://channel.example/linux-64/{file_name}",
        sha256=Sha256("ab" * 32),
    )


def whole(store: Store, key: str, *, days: float = 0.0, now: float = 1e9) -> Entry:
    """An entry that was made so long ago."""
    entry = store.entry(key)
    (entry.prefix / "bin").mkdir(parents=True)
    entry.write({"environment": "default", "platform": "linux-64", "packages": 1, "bytes": 3})
    os.utime(entry.note, (now - days * DAY, now - days * DAY))
    for folder in (entry.prefix / "bin", entry.prefix):
        folder.chmod(0o555)
    return entry


def test_the_key_follows_from_the_packages_alone() -> None:
    one, two = record("a", "1.0"), record("b", "2.0")
    key = environment_key("linux-64", [one, two], [])
    assert key == environment_key("linux-64", [two, one], [])
    assert len(key) == 32
    others = {
        environment_key("linux-64", [one], []),
        environment_key("osx-arm64", [one, two], []),
        environment_key("linux-64", [one, two], [], "/usr/bin/python3 3.12.1"),
        environment_key("linux-64", [one, two.replace(sha256=Sha256("0" * 64))], []),
    }
    assert key not in others
    assert len(others) == 4


def test_a_lease_ends_with_its_process(tmp_path: Path) -> None:
    entry = whole(Store(tmp_path), "k")
    program = (
        "import sys; from pathlib import Path; from pixi_core.store.entry import Store; "
        "from pixi_core.store.leases import Lease; "
        f"lease = Lease(Store(Path({str(tmp_path)!r})).entry('k')); print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert [lease["pid"] for lease in active_leases(entry)] == [holder.pid]
        assert collect(Store(tmp_path), older_than=0, now=lambda: 2e9) == []
        holder.kill()
        holder.wait()
    assert active_leases(entry) == []
    assert list((tmp_path / "leases").iterdir()) == []
    assert [row.entry for row in collect(Store(tmp_path), older_than=0, now=lambda: 2e9)] == [entry]


def test_a_lease_for_a_time(tmp_path: Path) -> None:
    entry = whole(Store(tmp_path), "k")
    clock = [1000.0]
    lease = Lease(entry, seconds=60, now=lambda: clock[0])
    assert stat.S_IMODE((tmp_path / "leases").stat().st_mode) == 0o1777
    clock[0] += 59
    assert len(active_leases(entry, now=lambda: clock[0])) == 1
    clock[0] += 2
    assert active_leases(entry, now=lambda: clock[0]) == []
    assert not lease.path.exists()


def test_half_entries_go_and_those_being_built_stay(tmp_path: Path) -> None:
    from pixi_core.fs import FileLock

    store = Store(tmp_path)
    half, building = store.entry("half"), store.entry("building")
    for entry in (half, building):
        entry.prefix.mkdir(parents=True)
    (tmp_path / "v1" / ".removed-x-1").mkdir()
    with FileLock(building.lock):
        assert [row.entry.key for row in collect(store, dry_run=True)] == ["half"]
        assert [row.entry.key for row in collect(store)] == ["half"]
    assert [path.name for path in (tmp_path / "v1").iterdir()] == ["building"]


actions = st.lists(
    st.tuples(st.sampled_from(["lease", "timed", "release", "wait", "collect"]), st.integers(0, 3)), max_size=25
)


@settings(max_examples=60, deadline=None)
@given(ages=st.lists(st.integers(0, 60), min_size=1, max_size=4), steps=actions)
def test_what_is_leased_is_never_collected(
    tmp_path_factory: pytest.TempPathFactory, ages: list[int], steps: list[tuple[str, int]]
) -> None:
    """Whatever the order of leases, time and collections: an entry is there while one of its leases holds."""
    store = Store(tmp_path_factory.mktemp("store"))
    clock = [1e9]
    entries = [whole(store, f"k{index}", days=age) for index, age in enumerate(ages)]
    held: dict[str, list[tuple[Lease, float]]] = {entry.key: [] for entry in entries}

    def used(entry: Entry) -> bool:
        return any(clock[0] < until for _, until in held[entry.key])

    for action, number in steps:
        entry = entries[number % len(entries)]
        if action in ("lease", "timed") and entry.is_whole:
            seconds = None if action == "lease" else 2 * DAY
            lease = Lease(entry, seconds=seconds, now=lambda: clock[0])
            held[entry.key].append((lease, float("inf") if seconds is None else clock[0] + seconds))
        elif action == "release" and held[entry.key]:
            held[entry.key].pop()[0].release()
        elif action == "wait":
            clock[0] += 1.5 * DAY
        elif action == "collect":
            there = {one.key for one in entries if one.is_whole}
            old = {row.entry.key for row in survey(store, now=lambda: clock[0]) if row.age >= 30 * DAY}
            gone = {row.entry.key for row in collect(store, now=lambda: clock[0])}
            assert gone == {key for key in there & old if not used(store.entry(key))}
        assert all(one.is_whole for one in entries if used(one))
    for leases in held.values():
        for lease, _ in leases:
            lease.release()

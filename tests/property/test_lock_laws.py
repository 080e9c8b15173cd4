"""Laws of lock files: what is written is read back, by the narrow reader and by PyYAML alike."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from random import Random

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pixi_core.errors import LockFileError
from pixi_core.lock.model import LockedRecord, LockFile
from pixi_core.lock.narrow import parse as narrow_parse
from pixi_core.lock.read import parse_yaml, read_lock
from pixi_core.lock.scalar import scalar
from pixi_core.lock.write import selector, write_lock
from pixi_core.model.record import PypiRecord
from tests.core.test_lock_roundtrip import V7
from tests.support.lock_documents import documents, text_of


def ordered(records: Sequence[LockedRecord]) -> tuple[LockedRecord, ...]:
    """In the order of the file: kinds, then locations."""
    return tuple(sorted(records, key=lambda record: (isinstance(record, PypiRecord), selector(record))))


locks = st.sampled_from((4, 5, 6, 7)).flatmap(documents).map(lambda document: read_lock(text_of(document)))
whole_files = settings(max_examples=60, suppress_health_check=list(HealthCheck), deadline=None)


@given(st.text())
def test_a_scalar_is_read_as_the_same_text(text: str) -> None:
    if any(0xD800 <= ord(character) <= 0xDFFF for character in text):
        return
    assert yaml.safe_load(f"- {scalar(text)}\n") == [text]


@given(st.integers(0, len(V7) - 1), st.integers(0, 20), st.text(max_size=5))
def test_a_damaged_file_is_read_or_refused_with_our_own_error(position: int, length: int, text: str) -> None:
    with suppress(LockFileError):
        read_lock(V7[:position] + text + V7[position + length :])


@whole_files
@given(locks)
def test_what_was_written_is_read_as_what_it_was(lock: LockFile) -> None:
    read = read_lock(write_lock(lock))
    assert dict(read.environments) == {
        name: environment.replace(
            packages={platform: ordered(records) for platform, records in environment.packages.items()}
        )
        for name, environment in lock.environments.items()
    }


@whole_files
@given(locks)
def test_the_narrow_reader_reads_all_that_we_write_and_as_pyyaml_does(lock: LockFile) -> None:
    text = write_lock(lock)
    assert narrow_parse(text) == parse_yaml(text, "pixi.lock")


@whole_files
@given(locks, st.randoms(use_true_random=False))
def test_the_order_of_what_is_written_does_not_matter(lock: LockFile, random: Random) -> None:
    shuffled = {
        name: lock.environments[name].replace(
            packages={
                platform: tuple(random.sample(records, len(records)))
                for platform, records in lock.environments[name].packages.items()
            }
        )
        for name in random.sample(sorted(lock.environments), len(lock.environments))
    }
    platforms = tuple(random.sample(lock.platforms, len(lock.platforms)))
    assert write_lock(lock.replace(environments=shuffled, platforms=platforms)) == write_lock(lock)

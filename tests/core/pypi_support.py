"""Helpers of the PyPI tests: one call from an index in memory to locked versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pixi_core.model.platform import Platform, Subdir
from pixi_core.model.pypi_options import PypiOptions
from pixi_core.model.pypi_requirement import PypiRequirement, parse_requirement
from pixi_core.model.pypi_target import PypiTarget
from pixi_core.model.record import PypiRecord
from pixi_core.pypi.index import IndexClient
from pixi_core.pypi.resolve import resolve
from tests.support.pypi_index import FakeIndex, IndexFetcher


def target(subdir: str = "linux-64", python: str = "3.12.4") -> PypiTarget:
    """A plain target."""
    return PypiTarget.for_platform(Platform.bare(Subdir(subdir)), python)


def client(
    indexes: FakeIndex | Sequence[FakeIndex], cache: Path, options: PypiOptions | None = None, **more: Any
) -> tuple[IndexClient, IndexFetcher, PypiOptions]:
    """An index client over fakes; the first one is the main index, the others are extra ones."""
    every = [indexes] if isinstance(indexes, FakeIndex) else list(indexes)
    settings = options or PypiOptions()
    settings = settings.replace(
        index_url=settings.index_url or every[0].url,
        extra_index_urls=settings.extra_index_urls or tuple(index.url for index in every[1:]),
    )
    fetcher = IndexFetcher(every)
    return IndexClient(fetcher, cache, settings, **more), fetcher, settings


def records(
    index: FakeIndex | Sequence[FakeIndex],
    cache: Path,
    requirements: Sequence[str | PypiRequirement],
    *,
    options: PypiOptions | None = None,
    on: PypiTarget | None = None,
    constraints: Sequence[str] = (),
    **more: Any,
) -> tuple[PypiRecord, ...]:
    """Resolve against fakes."""
    indexes, _, settings = client(index, cache, options)
    return resolve(
        [r if isinstance(r, PypiRequirement) else parse_requirement(r) for r in requirements],
        target=on or target(),
        index=indexes,
        options=settings,
        constraints=[parse_requirement(line) for line in constraints],
        **more,
    )


def versions(*arguments: Any, **more: Any) -> Mapping[str, str | None]:
    """The same, as name → version."""
    return {record.name: record.version for record in records(*arguments, **more)}

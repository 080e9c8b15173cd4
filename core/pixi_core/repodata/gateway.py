"""The door to channels: candidates for the solver, searches, names, and whether a channel can be reached."""

from __future__ import annotations

import os
import threading
from functools import partial

from ..errors import HttpStatusError, NetworkError
from ..model.channel import Channel
from ..model.platform import Subdir
from ..names import WRITING
from ..progress import SILENT
from ..value import EMPTY
from .entries import unpacked
from .fetch import FORMS, RUN_EXPORTS, IndexFetcher, absent
from .source import ChannelSource, Loaded
from .tables import TableCache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from concurrent.futures import Future, ThreadPoolExecutor
    from types import TracebackType
    from typing import Self

    from ..cache.layout import CacheDirs
    from ..model.match_spec import MatchSpec
    from ..model.record import RepoDataRecord, RunExports
    from ..progress import Reporter
    from .fetch import Fetcher
    from .subdirs import SubdirIndex

WORKERS = 16
"""Threads that wait for shards; the client bounds requests by host."""


def _sweep(cache: str) -> None:
    """Remove what killed writers left. Mostly there is nothing, and then nothing is imported for it: every solve comes
    by here.
    """
    try:
        left = os.listdir(os.path.join(cache, WRITING))
    except OSError:
        return
    if left:
        from ..fs import remove_abandoned

        remove_abandoned(cache)


class Gateway:
    """All channels, through one cache. Thread-safe. An index that was opened stays as it is until `forget`.

    `client` is a `net.client.Client`, or whatever else can GET. With `as_kept` an index in the cache is used as it is,
    however old; `disabled` says which forms of indexes are not asked for (`Config.disabled_forms`); `check` is given
    the URLs of channels before they are opened, and raises where that is not allowed.
    """

    def __init__(
        self,
        client: Fetcher,
        cache: CacheDirs,
        *,
        offline: bool = False,
        as_kept: bool = False,
        disabled: Mapping[str, Mapping[str, bool]] = EMPTY,
        check: Callable[[Sequence[str]], None] = lambda _urls: None,
        reporter: Reporter = SILENT,
    ) -> None:
        folder = cache.repodata
        for place in (str(folder), os.path.join(folder, "shards")):
            _sweep(place)
        self._client = client
        self._tables = TableCache(folder)
        fetcher = partial(
            IndexFetcher,
            client,
            str(folder),
            offline=offline,
            as_kept=as_kept,
            reporter=reporter,
            pool=self._threads,
            disabled=disabled,
        )
        self._fetcher = fetcher(forms=FORMS)
        self._exports = fetcher(forms=RUN_EXPORTS)
        self._check = check
        self._pool: ThreadPoolExecutor | None = None
        self._opened: dict[str, SubdirIndex | None] = {}
        self._exported: dict[str, SubdirIndex | None] = {}
        self._sources: dict[tuple[tuple[str, ...], tuple[str, ...]], ChannelSource] = {}
        self._loaded = Loaded()
        self._lock = threading.Lock()

    def source(self, channels: Sequence[Channel], subdirs: Sequence[Subdir]) -> ChannelSource:
        """Candidates from `channels` (first = highest priority), each with all of `subdirs`.

        Fetches indexes (not shards) that are missing or stale, all at once. Raises `NetworkError`, `Offline`,
        `HttpStatusError` (no index at a channel at all).
        """
        key = (tuple(channel.url for channel in channels), tuple(subdirs))
        source = self._sources.get(key)
        if source is None:
            opened = self._open([(channel, subdir) for channel in channels for subdir in subdirs])
            indexes: list[list[SubdirIndex]] = []
            for number, channel in enumerate(channels):
                found = opened[number * len(subdirs) : (number + 1) * len(subdirs)]
                if subdirs and all(index is None for index in found):
                    raise self._no_index(channel, subdirs)
                indexes.append(
                    [
                        index if index is not None else absent(subdir, channel.subdir_url(subdir))
                        for index, subdir in zip(found, subdirs, strict=True)
                    ]
                )
            source = self._sources[key] = ChannelSource(channels, indexes, self._tables, self._loaded)
        return source

    def names(self, channels: Sequence[Channel], subdirs: Sequence[Subdir]) -> Collection[str]:
        """Every package name of the channels."""
        return self.source(channels, subdirs).names()

    def search(self, spec: MatchSpec, channels: Sequence[Channel], subdirs: Sequence[Subdir]) -> list[RepoDataRecord]:
        """Every record that matches; names may be patterns. Sorted by name; per name by channel, then best first."""
        source = self.source(channels, subdirs)
        if spec.has_exact_name:
            names: Collection[str] = [spec.name or ""]
        else:
            names = sorted(name for name in source.names() if spec.matches_name(name))
        source.expect(names)
        return [record for name in names for record in source.records(name) if spec.matches(record)]

    def run_exports(self, record: RepoDataRecord) -> RunExports | None:
        """What a package exports to those that are built with it: by kind, such as `weak`, the specs they come to need.

        Taken from the record, where the channel's index has it (shards do), else from the channel's `run_exports.json`
        (CEP 12), which is fetched and kept as an index is; None where the channel does not say. Raises `NetworkError`,
        `Offline`.
        """
        if record.run_exports is not None or record.channel is None:
            return record.run_exports
        url = Channel(record.channel, record.channel).subdir_url(Subdir(record.subdir))
        if url not in self._exported:
            self._check([record.channel])
            self._exported[url] = self._exports.open(url, Subdir(record.subdir))
        index = self._exported[url]
        for file_name, entry in () if index is None else index.raw(record.name):
            if file_name == record.file_name:
                said = unpacked(entry).get("run_exports") or {}
                return {kind: tuple(specs) for kind, specs in said.items()}
        return None

    def probe(self, channel: Channel, subdirs: Sequence[Subdir], timeout: float | None = None) -> None:
        """Check that a channel has an index for one of the subdirs. Raises `NetworkError`, `Offline`.

        `timeout` (seconds) bounds the wait; what was fetched is kept.
        """
        try:
            found = self._open([(channel, subdir) for subdir in subdirs], timeout)
        except TimeoutError:
            raise NetworkError(
                f"{channel.name} did not answer within {timeout:g} seconds",
                url=channel.url,
                hints=["check the address of the channel and the network"],
            ) from None
        if all(index is None for index in found):
            raise self._no_index(channel, subdirs)

    def forget(self) -> None:
        """Look at every channel anew the next time."""
        with self._lock:
            self._opened.clear()
            self._exported.clear()
            self._sources.clear()
            self._loaded.tables.clear()  # they lead back to who made them
            self._loaded = Loaded()

    def close(self) -> None:
        """Write what was compiled, end the threads, and let go of the indexes: each is a mapped file."""
        self._tables.flush()
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None
        self.forget()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ------------------------------------------------------------ opening

    def _threads(self) -> ThreadPoolExecutor:
        from concurrent.futures import ThreadPoolExecutor

        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="repodata")
            return self._pool

    def _open(self, wanted: Sequence[tuple[Channel, Subdir]], timeout: float | None = None) -> list[SubdirIndex | None]:
        """Open each index once, those of servers side by side. Failures are not remembered."""
        waiting: list[Future[SubdirIndex | None]] = []
        self._check(list(dict.fromkeys(channel.url for channel, _ in wanted)))
        todo = [(channel, subdir) for channel, subdir in wanted if channel.subdir_url(subdir) not in self._opened]
        for channel, subdir in todo:
            if len(todo) == 1 or self._fetcher.is_here(channel.subdir_url(subdir)):
                self._open_one(channel, subdir)
            else:
                waiting.append(self._threads().submit(self._open_one, channel, subdir))
        for future in waiting:
            future.result(timeout)
        return [self._opened[channel.subdir_url(subdir)] for channel, subdir in wanted]

    def _open_one(self, channel: Channel, subdir: Subdir) -> SubdirIndex | None:
        url = channel.subdir_url(subdir)
        index = self._fetcher.open(url, subdir)
        return self._opened.setdefault(url, index)

    def _no_index(self, channel: Channel, subdirs: Sequence[Subdir]) -> NetworkError:
        """Nothing is there, or nothing is shown to us: then what the server said."""
        for subdir in subdirs:
            refused = self._fetcher.refused.get(channel.subdir_url(subdir))
            if refused is not None:
                return refused
        return HttpStatusError(
            f"{channel.name} has no packages for {', '.join(subdirs)}: none of {', '.join(FORMS)} is there",
            url=channel.url,
            status=404,
            hints=["check the channel's name or address and the platforms of the workspace"],
        )

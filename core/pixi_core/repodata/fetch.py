"""The index of one subdir: found, fetched, kept, revalidated.

Forms are tried in this order: shards (CEP 16), `repodata.json.zst`, `.json.bz2`, `repodata.json`. What is kept in
the cache folder, per subdir URL (its key is a digest of the URL):

- `<key>.state`: form, validators (`etag`, `modified`; `stamp` for files), until when it is fresh, when checked
- `<key>.<n>.index` (the names of a sharded index) or `<key>.<n>.pack` (packed repodata.json); n is the content's

A stale index is revalidated; when that fails because there is no network, it is used all the same, with its age said.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress

from ..errors import HttpStatusError, NetworkError, Offline
from ..model.channel import path_of_file_url
from ..value import EMPTY, Value
from .decompress import unbzip2, unzstd
from .digest import digest
from .name_table import NameTable
from .packed import PackedSubdir, pack
from .shards import INDEX_NAME, LARGEST_SHARD, ShardedSubdir, flatten_index
from .subdirs import EmptySubdir

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from concurrent.futures import Executor
    from typing import Protocol

    from ..model.platform import Subdir
    from ..progress import Phase, Reporter
    from .subdirs import SubdirIndex
else:
    Protocol = object

FORMS = (INDEX_NAME, "repodata.json.zst", "repodata.json.bz2", "repodata.json")
RUN_EXPORTS = ("run_exports.json.zst", "run_exports.json")
"""The forms of what packages export (CEP 12), which has the shape of an index."""
_WORDS = dict(zip(("sharded", "zstd", "bzip2"), FORMS, strict=False))
"""What the configuration calls the forms that can be switched off."""
SERVER_TROUBLE = (429, 500, 502, 503, 504)
"""Statuses that say nothing about the index: what was there the last time will do."""

PROBE_AGAIN = 7 * 24 * 3600
"""Seconds after which a better form than the one in use is looked for again."""

LARGEST_INDEX = 2 << 30
"""Bytes of an index, decompressed."""


class Response(Protocol):
    """What a client answers."""

    @property
    def status(self) -> int:
        """The HTTP status."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers, names in lower case."""

    @property
    def content(self) -> bytes:
        """The body."""


class Fetcher(Protocol):
    """The part of `net.client.Client` that is needed here."""

    def get_bytes(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        max_bytes: int | None = None,
        phase: Phase | None = None,
    ) -> Response:
        """GET; bytes advance `phase`. Raises `NetworkError`, also for more than `max_bytes`."""


class State(Value):
    """What is known of a subdir's index. Times are seconds since 1970; `stamp` is a file's `mtime_ns:size`.

    On disk it is one line per field: the start-up path has no use for a JSON parser.
    """

    form: str
    file: str
    etag: str = ""
    modified: str = ""
    stamp: str = ""
    fresh_until: float = 0.0
    checked: float = 0.0
    probed: float = 0.0


class IndexFetcher:
    """Opens the index of a subdir from `folder` (the repodata cache), fetching what is missing or stale.

    `now` is the clock (seconds since 1970); with `as_kept` what is in the folder is used, however old; `forms`
    are the files that are looked for. One instance serves many threads, each on another subdir.
    """

    def __init__(
        self,
        client: Fetcher,
        folder: str,
        *,
        offline: bool,
        as_kept: bool = False,
        reporter: Reporter,
        pool: Callable[[], Executor],
        now: Callable[[], float] = time.time,
        disabled: Mapping[str, Mapping[str, bool]] = EMPTY,
        forms: tuple[str, ...] = FORMS,
    ) -> None:
        self._client = client
        self._all_forms = forms
        self._disabled = disabled
        self._folder = folder
        self._offline = offline
        self._as_kept = as_kept
        self._reporter = reporter
        self._pool = pool
        self._now = now
        self.refused: dict[str, HttpStatusError] = {}
        """Subdirs that are not there, or that the server does not show us (401, 403)."""

    def open(self, url: str, subdir: Subdir) -> SubdirIndex | None:
        """The index at a subdir URL (trailing `/`); None when the channel has no such subdir.

        Raises `NetworkError`, `Offline`, `HttpStatusError`.
        """
        look = self._open_folder if url.startswith("file:") else self._open_remote
        try:
            return look(url, subdir)
        except (ValueError, EOFError, TypeError):
            # a power cut tore what was kept: forget it
            with suppress(OSError):
                os.unlink(os.path.join(self._folder, f"{self._key(url)}.state"))
            return look(url, subdir)

    def is_here(self, url: str) -> bool:
        """Whether `open` will not wait for a server."""
        if url.startswith("file:") or self._offline:
            return True
        state = self._state(url)
        return state is not None and (self._as_kept or self._now() < state.fresh_until) and self._exists(state)

    # ------------------------------------------------------------ folders

    def _open_folder(self, url: str, subdir: Subdir) -> SubdirIndex | None:
        path = path_of_file_url(url)
        stamps: dict[str, os.stat_result] = {}
        for form in self._all_forms:
            try:
                stamps[form] = os.stat(os.path.join(path, form))
            except FileNotFoundError:
                continue
            except OSError as error:
                raise NetworkError(f"cannot read {path}: {error.strerror}", url=url) from None
        if not stamps:
            return None
        # the newest form: not every indexer writes them all; in case of a tie the earlier in the list
        form = max(stamps, key=lambda f: (stamps[f].st_mtime_ns, -self._all_forms.index(f)))
        stamp = f"{stamps[form].st_mtime_ns}:{stamps[form].st_size}"
        state = self._state(url)
        if state is None or state.form != form or state.stamp != stamp or not self._exists(state):
            with open(os.path.join(path, form), "rb") as file:
                name = self._keep(url, form, file.read())
            old, state = state, State(form, name, stamp=stamp, checked=self._now())
            self._save(url, state, old)
        return self._opened(state, url, subdir)

    # ------------------------------------------------------------ servers

    def _open_remote(self, url: str, subdir: Subdir) -> SubdirIndex | None:
        state = self._state(url)
        if state is not None and not self._exists(state):
            state = None
        now = self._now()
        if state is not None and (self._offline or self._as_kept or now < state.fresh_until):
            if self._offline and now >= state.fresh_until:
                self._say_age(url, state)
            return self._opened(state, url, subdir)
        if self._offline:
            raise Offline.switched_off(url)
        try:
            fetched = self._refresh(url, state)
        except NetworkError as error:
            answered = isinstance(error, HttpStatusError) and error.status not in SERVER_TROUBLE
            if state is None or answered:
                raise
            self._say_age(url, state, error.message)
            fetched = state
        return None if fetched is None else self._opened(fetched, url, subdir)

    def _refresh(self, url: str, state: State | None) -> State | None:
        now = self._now()
        if state is not None and now < state.probed + PROBE_AGAIN:
            answer = self._get(url, state.form, state)
            if isinstance(answer, State):
                return answer
            # the form is gone: look for another
        refused: HttpStatusError | None = None
        for form in self._forms(url):
            answer = self._get(url, form, state if state is not None and state.form == form else None)
            if isinstance(answer, State):
                return answer
            refused = refused or answer
        if refused is not None:
            self.refused[url] = refused
        return None

    def _forms(self, url: str) -> list[str]:
        """The forms to ask for: all but those that the longest fitting beginning of the URL switches off."""
        off: dict[str, bool] = {}
        for prefix in sorted((p for p in self._disabled if url.startswith(p)), key=len):
            off |= self._disabled[prefix]
        refused = {form for word, form in _WORDS.items() if off.get(word)}
        return [form for form in self._all_forms if form not in refused]

    def _get(self, url: str, form: str, known: State | None) -> State | HttpStatusError | None:
        """Fetch or revalidate one form. None where it is absent, the error where the server did not let us look: many
        servers say so of files that do not exist.
        """
        headers: dict[str, str] = {}
        if known is not None and known.etag:
            headers["If-None-Match"] = known.etag
        elif known is not None and known.modified:
            headers["If-Modified-Since"] = known.modified
        try:
            with self._reporter.phase("repodata", unit="bytes", detail=url) as phase:
                response = self._client.get_bytes(url + form, headers=headers, max_bytes=LARGEST_INDEX, phase=phase)
        except HttpStatusError as error:
            if error.status in (401, 403):
                return error
            if error.status in (404, 410):
                return None
            raise
        now = self._now()
        fresh_until = now + _max_age(response.headers)
        if response.status == 304 and known is not None:
            state = State(
                form, known.file, known.etag, known.modified, "", fresh_until, checked=now, probed=known.probed
            )
        else:
            if response.headers.get("content-type", "").startswith("text/html"):
                from ..net.failures import html_instead

                raise html_instead(url + form)
            name = self._keep(url, form, response.content)
            etag, modified = response.headers.get("etag", ""), response.headers.get("last-modified", "")
            state = State(form, name, etag, modified, "", fresh_until, checked=now, probed=now)
        self._save(url, state, known)
        return state

    def _say_age(self, url: str, state: State, why: str = "no network") -> None:
        minutes = max(0, int(self._now() - state.checked)) // 60
        age = f"{minutes // 1440} days" if minutes >= 2880 else f"{minutes // 60} hours" if minutes >= 120 else ""
        self._reporter.warning(f"using the index of {url} from {age or f'{minutes} minutes'} ago: {why}")

    # ------------------------------------------------------------ the cache

    def _keep(self, url: str, form: str, content: bytes) -> str:
        """Turn a download into the file that is opened from then on; its name."""
        number = digest(content, 6).hex()
        kind = "index" if form == INDEX_NAME else "pack"
        name = f"{self._key(url)}.{number}.{kind}"
        path = os.path.join(self._folder, name)
        from ..fs import os_errors  # lazy: a solve from the cache writes nothing

        with os_errors(self._folder):
            if form == INDEX_NAME:
                _write(path, flatten_index(content, url=url + form))
            else:
                pack(_decompressed(content, form, url + form), path, url=url + form)
        return name

    def _opened(self, state: State, url: str, subdir: Subdir) -> SubdirIndex:
        path = os.path.join(self._folder, state.file)
        if state.form != INDEX_NAME:
            return PackedSubdir(path, subdir, url)
        import mmap

        with open(path, "rb") as file:
            table = NameTable(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        if url.startswith("file:"):
            return ShardedSubdir(table, subdir, url, fetch=_read, store=None, pool=None)
        store = os.path.join(self._folder, "shards")
        pool = None if self._offline else self._pool
        return ShardedSubdir(table, subdir, url, fetch=self._fetch_shard, store=store, pool=pool)

    def _fetch_shard(self, url: str) -> bytes:
        if self._offline:
            raise Offline.switched_off(url)
        return self._client.get_bytes(url, max_bytes=LARGEST_SHARD).content

    def _state(self, url: str) -> State | None:
        try:
            with open(os.path.join(self._folder, f"{self._key(url)}.state"), encoding="utf-8") as file:
                form, name, etag, modified, stamp, *times = file.read().split("\n")
            return State(form, name, etag, modified, stamp, *map(float, times))
        except (OSError, ValueError, TypeError):
            return None

    def _save(self, url: str, state: State, old: State | None) -> None:
        """Note what is known. A disk that refuses does not hinder this run: the next one asks the channel again."""
        path = os.path.join(self._folder, f"{self._key(url)}.state")
        try:
            _write(path, "\n".join(str(value).replace("\n", " ") for value in state.as_tuple()).encode())
            if old is not None and old.file != state.file:
                os.unlink(os.path.join(self._folder, old.file))
        except OSError:
            return

    def _key(self, url: str) -> str:
        """What the files of a subdir begin with."""
        what = "" if self._all_forms is FORMS else self._all_forms[0]
        return digest((url + what).encode(), 8).hex()

    def _exists(self, state: State) -> bool:
        return os.path.exists(os.path.join(self._folder, state.file))


def absent(subdir: Subdir, url: str) -> SubdirIndex:
    """What stands for a subdir that the channel does not have."""
    return EmptySubdir(subdir, url)


def _write(path: str, content: bytes) -> None:
    from ..fs import replacing  # lazy, as above

    with replacing(path, os.path.dirname(path)) as file:
        file.write(content)


def _read(url: str) -> bytes:
    from ..net.local import opened

    with opened(url) as file:
        return file.read()


def _decompressed(content: bytes, form: str, url: str) -> bytes:
    """The plain JSON of a download. Raises `NetworkError`."""
    if form.endswith(".zst"):
        return unzstd(content, url=url, most=LARGEST_INDEX)
    if form.endswith(".bz2"):
        return unbzip2(content, url=url, most=LARGEST_INDEX)
    return content


def _max_age(headers: Mapping[str, str]) -> float:
    """Seconds for which a response is fresh, by its `Cache-Control`."""
    for part in headers.get("cache-control", "").lower().split(","):
        key, _, value = part.strip().partition("=")
        if key in ("no-cache", "no-store"):
            return 0.0
        if key == "max-age" and value.isdigit():
            return float(value)
    return 0.0

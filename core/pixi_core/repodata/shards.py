"""Sharded repodata (CEP 16): a small index of names and digests, and one file of entries per name.

The index `repodata_shards.msgpack.zst` holds `info` (`base_url`, `shards_base_url`, …) and `shards`: name → SHA-256 of
the compressed shard, which lies at `<shards_base_url><hex>.msgpack.zst`. A shard holds `packages`, `packages.conda` and
`removed`, digests as bytes. Shards never change, so a fetched one is kept under its digest for good.

The index is kept as a table of names and digests (`name_table`), whose note holds the two base URLs, a line each.
"""

from __future__ import annotations

import os
import threading

from ..errors import MALFORMED, HashMismatch, HttpStatusError, NetworkError
from .decompress import unzstd
from .name_table import NameTable, name_table
from .packed import joined
from .subdirs import RawRecords

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Executor, Future
    from typing import Any

    from ..model.platform import Subdir

_UPDATING = ["the channel may be in the middle of an update: run the command again in a minute"]
INDEX_NAME = "repodata_shards.msgpack.zst"
LARGEST_SHARD = 512 << 20
"""Decompressed bytes of a shard or of the index; the largest real ones have a few dozen MB."""


def flatten_index(content: bytes, *, url: str) -> bytes:
    """A downloaded index as a table of names. Raises `NetworkError` (with `url`) when it is not one."""
    import msgspec

    plain = unzstd(content, url=url, most=LARGEST_SHARD)
    try:
        index = msgspec.msgpack.decode(plain)
        info = index.get("info") or {}
        bases = str(info.get("base_url") or ""), str(info.get("shards_base_url") or "")
        shards: dict[str, bytes] = index["shards"]
        if any(len(digest) != 32 for digest in shards.values()):
            raise ValueError("a digest of another length than 32 bytes")
        if any("\n" in base for base in bases):
            raise ValueError("a base URL of several lines")
        return name_table({str(name): bytes(digest) for name, digest in shards.items()}, note="\n".join(bases))
    except MALFORMED as error:
        raise NetworkError(f"{url} is not an index of shards: {error}", url=url) from None


def decode_shard(content: bytes, *, url: str) -> RawRecords:
    """The entries of a compressed shard. Raises `NetworkError`."""
    import msgspec

    from .scan import Shard

    plain = unzstd(content, url=url, most=LARGEST_SHARD)
    try:
        shard = msgspec.msgpack.decode(plain, type=Shard)
        found: list[tuple[str, Any]] = [*(shard.packages or {}).items(), *(shard.packages_conda or {}).items()]
    except MALFORMED as error:
        raise NetworkError(f"{url} is not a shard: {error}", url=url) from None
    return found


class ShardedSubdir:
    """A subdir with sharded repodata.

    `fetch(url)` gives the bytes of a shard; `store` is the folder where fetched shards are kept (None where fetching
    is reading a file anyway); with a `pool`, `expect` fetches ahead.
    """

    def __init__(
        self,
        table: NameTable,
        subdir: Subdir,
        url: str,
        *,
        fetch: Callable[[str], bytes],
        store: str | None,
        pool: Callable[[], Executor] | None,
    ) -> None:
        base_url, shards_url = table.note.split("\n")
        self._table = table
        self.subdir = subdir
        self.base_url = joined(url, base_url)
        self._shards_url = joined(url, shards_url)
        self._fetch = fetch
        self._store = store
        self._pool = pool
        self.is_remote = pool is not None
        self._ahead: dict[str, Future[bytes]] = {}
        self._lock = threading.Lock()

    def names(self) -> Sequence[str]:
        """Every name, sorted."""
        return self._table.names()

    def digest(self, name: str) -> bytes | None:
        """The SHA-256 of the shard."""
        return self._table.get(name)

    def raw(self, name: str) -> RawRecords:
        """The entries of a name. Raises `NetworkError`, `HashMismatch`."""
        with self._lock:
            ahead = self._ahead.pop(name, None)
        digest = (self.digest(name) or b"").hex()
        content = ahead.result() if ahead is not None else self._content(digest)
        return decode_shard(content, url=self._url(digest))

    def expect(self, name: str) -> None:
        """Start fetching a shard that is not here yet."""
        digest = self.digest(name)
        if self._pool is None or digest is None:
            return
        with self._lock:
            if name not in self._ahead and not self._stored(digest.hex()):
                self._ahead[name] = self._pool().submit(self._content, digest.hex())

    def _url(self, digest: str) -> str:
        return f"{self._shards_url}{digest}.msgpack.zst"

    def _path(self, digest: str) -> str:
        return os.path.join(self._store or "", digest[:2], f"{digest}.msgpack.zst")

    def _stored(self, digest: str) -> bool:
        return self._store is not None and os.path.exists(self._path(digest))

    def _content(self, digest: str) -> bytes:
        """The verified bytes of a shard, from the store or from the channel."""
        from hashlib import sha256

        if self._stored(digest):
            with open(self._path(digest), "rb") as file:
                content = file.read()
            if sha256(content).hexdigest() == digest:
                return content
        url = self._url(digest)
        content = self._fetched(url)
        if sha256(content).hexdigest() != digest:
            content = self._fetched(url)  # the bytes may have been hurt on their way
        actual = sha256(content).hexdigest()
        if actual != digest:
            raise HashMismatch(url, expected=digest, actual=actual, hints=_UPDATING)
        if self._store is not None:
            self._keep(digest, content)
        return content

    def _fetched(self, url: str) -> bytes:
        try:
            return self._fetch(url)
        except HttpStatusError as error:
            if error.status not in (404, 410):
                raise
            raise HttpStatusError(
                f"{url} does not exist, although the channel's index names it",
                url=url,
                status=error.status,
                hints=_UPDATING,
            ) from None

    def _keep(self, digest: str, content: bytes) -> None:
        """Store a shard for the next time; a disk that refuses does not hinder this run."""
        from ..fs import replacing

        path = self._path(digest)
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with replacing(path, self._store or "") as file:
                file.write(content)
        except OSError:
            return

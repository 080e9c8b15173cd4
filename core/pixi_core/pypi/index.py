"""One view of all the indexes of an environment: projects with their files, and the metadata of files.

Pages live in the cache for a lifetime of our own (the index sends neither validators nor cache headers); metadata is
kept for ever under the file's SHA-256, since the bytes behind a digest cannot change. Everything here may be called
from many threads at once.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from ..errors import HttpStatusError, NetworkError, Offline, SpecError
from ..fs import remove_abandoned, replacing
from ..model.channel import file_url, path_of_file_url
from ..model.package_index import normalised_index_url
from ..model.pypi_options import FindLinks, PypiOptions
from ..names import PypiName, pypi_name, safe_component
from .fetcher import Fetcher, header
from .metadata import CoreMetadata, decode_metadata, encode_metadata
from .metadata_source import fetch_metadata, likely_without_twin, sdist_metadata, whole_file
from .simple import (
    ACCEPT,
    ACCEPT_ANY,
    IndexFile,
    Page,
    Release,
    decode_page,
    flat_page,
    parse_filename,
    read_links,
    read_names,
    read_page,
)
from .versions import Version, parse_version

PAGE_LIFETIME = 600.0
"""Seconds for which a page counts as fresh: the lifetime that the default index announces where it announces one."""

NAMES_LIFETIME = 86_400.0
"""Seconds for which the list of an index's names counts as fresh: it serves searching, not resolving."""

_FORMAT = "v2"
"""Changes with the shape of what is stored."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Offer:
    """One version of the project `name`. `sources` pairs the index URL (None for find-links) with the
    files there, most preferred source first. Offers of one `turn` are exhausted before those of the next are tried.
    """

    name: PypiName
    version: Version
    prerelease: bool
    sources: tuple[tuple[str | None, Release], ...]
    turn: int = 0

    def files(self) -> list[tuple[str | None, IndexFile]]:
        """Every file with the index it is on."""
        return [(index, file) for index, release in self.sources for file in release.files(self.name)]


@dataclass(frozen=True, slots=True)
class Project:
    """All that the indexes offer of a project, in the order in which it should be tried (newest first).

    `found` is False where no index knows the name.
    """

    name: PypiName
    offers: tuple[Offer, ...]
    found: bool

    @property
    def turns(self) -> int:
        """How many turns the offers are tried in."""
        return self.offers[-1].turn + 1 if self.offers else 0


class IndexClient:
    """Asks the indexes of some options.

    `root` is the folder that relative `find-links` start from; `clock` gives Unix seconds. `check` is given the URLs of
    indexes before they are asked, and of sources before they are fetched; it raises where that is not allowed.
    """

    def __init__(
        self,
        client: Fetcher,
        cache: Path,
        options: PypiOptions,
        *,
        ttl: float = PAGE_LIFETIME,
        offline: bool = False,
        root: Path | None = None,
        clock: Callable[[], float] = time.time,
        check: Callable[[Sequence[str]], None] = lambda _urls: None,
    ) -> None:
        self.check = check
        self.options = options
        self._client = client
        self._cache = cache
        self._ttl = ttl
        self._offline = offline
        self._root = root
        self._clock = clock
        remove_abandoned(cache)
        self._lock = threading.Lock()
        self._flat: list[tuple[str, str]] | None = None
        self._names: dict[str, list[str]] = {}

    @property
    def fetcher(self) -> Fetcher:
        """What requests go through."""
        return self._client

    def anchor(self, root: Path) -> None:
        """Relative `find-links` start from this folder, unless the client was made with another."""
        self._root = self._root or root

    # ---------------------------------------------------------------- projects

    def project(self, name: PypiName, index: str | None = None) -> Project:
        """What the indexes offer of a project; only `index` is asked where it is given.

        Raises `NetworkError` where an index cannot be read, `Offline` where it cannot be reached and nothing is cached.
        """
        strategy = self.options.effective_strategy
        pages: list[tuple[str | None, Page]] = []
        for url in (normalised_index_url(index),) if index else self.options.search_order:
            page = self.page(url, name)
            if page is not None:
                pages.append((url, page))
                if strategy == "first-index":
                    break
        flat = self._flat_page(name) if index is None and self.options.find_links else None
        if flat is not None and flat.releases:
            pages.insert(0, (None, flat))
        offers = _in_sequence(name, pages) if strategy == "unsafe-first-match" else _merged(name, pages)
        return Project(name, tuple(offers), bool(pages))

    def page(self, index: str, name: PypiName) -> Page | None:
        """The page of a project on one index; None where that index does not know it."""
        self.check([index])
        url = f"{index}/{name}/"
        path = self._cache / _FORMAT / "pages" / _key(index)[:16] / f"{name}.msgpack"
        cached = _read(path, decode_page)
        if cached is not None and (self._offline or 0 <= self._clock() - cached.fetched < self._ttl):
            return cached if cached.url else None
        try:
            page = self._fetch_page(url, name)
        except Offline:
            if cached is None:
                raise
            return cached if cached.url else None
        self._keep(path, page.encode())
        return page if page.url else None

    def _fetch_page(self, url: str, name: PypiName) -> Page:
        now = self._clock()
        try:
            response = self._client.get_bytes(url, headers={"Accept": ACCEPT})
        except HttpStatusError as error:
            if error.status == 406:
                response = self._client.get_bytes(url, headers={"Accept": ACCEPT_ANY})
            elif error.status in (404, 410):
                return Page("", now, [])
            else:
                raise
        kind = header(response, "content-type")
        return read_page(response.content, kind, url=response.url or url, name=name, fetched=now)

    # ---------------------------------------------------------------- metadata

    def metadata(self, file: IndexFile) -> CoreMetadata:
        """The core metadata of a file: from the cache, `<file>.metadata`, the end of the wheel, the whole file.

        Raises `ArchiveError` where the file cannot be used, `NetworkError`.
        """
        digest = file.sha256 or _key(file.url)
        path = self._cache / _FORMAT / "metadata" / digest[:2] / f"{digest}.msgpack"
        keep = file.sha256 is not None or not file.url.startswith("file:")
        cached = _read(path, decode_metadata) if keep else None
        if cached is not None:
            return cached
        found = self._wheel_metadata(file) if file.is_wheel else self._sdist_metadata(file)
        if keep:
            self._keep(path, encode_metadata(found))
        return found

    def _wheel_metadata(self, file: IndexFile) -> CoreMetadata:
        today = time.strftime("%Y-%m-%d", time.gmtime(self._clock()))
        return fetch_metadata(self._client, file, end_first=likely_without_twin(file, today))

    def _sdist_metadata(self, file: IndexFile) -> CoreMetadata:
        return sdist_metadata(self.archive(file).read_bytes(), file.filename)

    @property
    def archives(self) -> Path:
        """Where whole archives are kept, each in a folder named by its sha256."""
        return self._cache / _FORMAT / "archives"

    def archive(self, file: IndexFile) -> Path:
        """The file itself on disk, verified. Raises `HashMismatch`, `NetworkError`."""
        if file.url.startswith("file:"):
            return Path(path_of_file_url(file.url))
        self.check([file.url])
        folder = self.archives / (file.sha256 or _key(file.url))
        path = folder / safe_component(file.filename, what="the name of a distribution")
        if not path.is_file():
            content = whole_file(self._client, file)
            folder.mkdir(parents=True, exist_ok=True)
            with replacing(path, self._cache) as archive:
                archive.write(content)
        return path

    def _keep(self, path: Path, content: bytes) -> None:
        """Put a cache entry in place by renaming; a cache that cannot be written is no error."""
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(path, self._cache) as file:
                file.write(content)

    # ---------------------------------------------------------------- names

    def names(self) -> list[str]:
        """Every project name of the main index: a large answer, kept in memory, and in the cache for a day.

        Raises `NetworkError`.
        """
        index = self.options.effective_index
        with self._lock:
            if index not in self._names:
                known = self._names_in_cache(index)
                self._names[index] = self._fetch_names(index) if known is None else known
            return self._names[index]

    def _fetch_names(self, index: str) -> list[str]:
        url = f"{index}/"
        response = self._client.get_bytes(url, headers={"Accept": ACCEPT})
        found = read_names(response.content, header(response, "content-type"), url=url)
        self._keep(self._names_path(index), "\n".join([str(int(self._clock())), *found]).encode())
        return found

    def _names_in_cache(self, index: str) -> list[str] | None:
        """What was fetched within a day; offline whatever there is."""
        text = _read(self._names_path(index), bytes.decode)
        if text is None:
            return None
        fetched, *names = text.split("\n")
        is_fresh = fetched.isdigit() and 0 <= self._clock() - int(fetched) < NAMES_LIFETIME
        return names if is_fresh or (self._offline and fetched.isdigit()) else None

    def _names_path(self, index: str) -> Path:
        return self._cache / _FORMAT / "names" / f"{_key(index)[:16]}.txt"

    def suggestions(self, name: str) -> list[str]:
        """Projects that exist and whose names are easily confused with `name` (see `spellings`). Asks the index about
        each, and never fails.
        """

        def exists(guess: str) -> bool:
            try:
                return bool(self.project(pypi_name(guess)).offers)
            except (NetworkError, SpecError):
                return False

        guesses = spellings(name)
        with ThreadPoolExecutor(8, thread_name_prefix="suggest") as pool:
            return [guess for guess, found in zip(guesses, pool.map(exists, guesses), strict=True) if found][:3]

    # ---------------------------------------------------------------- find-links

    def _flat_page(self, name: PypiName) -> Page | None:
        with self._lock:
            if self._flat is None:
                self._flat = [entry for links in self.options.find_links for entry in self._flat_entries(links)]
            entries = self._flat
        mine = [(filename, url) for filename, url in entries if _belongs(filename, name)]
        return flat_page(mine, name, url="", fetched=self._clock())

    def _flat_entries(self, links: FindLinks) -> list[tuple[str, str]]:
        """(file name, URL) of everything in a folder, or linked from a page."""
        location = links.path if links.path is not None else links.url or ""
        if location.startswith("file:"):
            location = path_of_file_url(location)
        elif links.url is not None:
            return self._linked_files(links.url)
        folder = Path(location)
        if not folder.is_absolute() and self._root is not None:
            folder = self._root / folder
        try:
            entries = sorted(os.listdir(folder))
        except OSError as error:
            raise NetworkError(f"cannot read the find-links folder {folder}: {error.strerror}", url=location) from None
        return [(entry, file_url(folder.absolute() / entry)) for entry in entries]

    def _linked_files(self, url: str) -> list[tuple[str, str]]:
        response = self._client.get_bytes(url)
        return read_links(response.content, response.url or url)


def spellings(name: str) -> list[str]:
    """What may have been meant by a name that does not exist: a `py` or `python` more or less, another number, and the
    commonest slips of the fingers (a letter doubled, not doubled, too many, two exchanged). The default index lists
    its names in tens of megabytes, so nearness to all of them is not asked.
    """
    base = name.removeprefix("python-").removeprefix("py").removesuffix("-python").removesuffix("py").strip("-")
    guesses = [base, f"python-{base}", f"py{base}", f"{base}-python", name.replace("-", ""), f"{name}s"]
    for i, letter in enumerate(name):
        guesses += [name[:i] + letter + name[i:], name[:i] + name[i + 1 :]]
        guesses.append(name[:i] + name[i + 1 : i + 2] + letter + name[i + 2 :])
    return [guess for guess in dict.fromkeys(guesses) if guess.strip("-") == guess != name and guess][:80]


def _belongs(filename: str, name: PypiName) -> bool:
    """Whether a file name starts with a project's name and goes on as a distribution of it."""
    if filename.endswith(".whl"):
        head = filename.partition("-")[0]
        return head.replace("_", "-").replace(".", "-").lower() == name
    return parse_filename(filename, name) is not None


def _merged(name: PypiName, pages: Sequence[tuple[str | None, Page]], turn: int = 0) -> list[Offer]:
    """All versions together, newest first; the same version in two places keeps both, the earlier one preferred."""
    if len(pages) == 1:
        ((index, page),) = pages
        return [
            Offer(name, parse_version(release.version), release.prerelease, ((index, release),), turn)
            for release in page.releases
        ]
    by_version: dict[Version, list[tuple[str | None, Release]]] = {}
    for index, page in pages:
        for release in page.releases:
            by_version.setdefault(parse_version(release.version), []).append((index, release))
    return [
        Offer(name, version, version.is_prerelease, tuple(by_version[version]), turn)
        for version in sorted(by_version, reverse=True)
    ]


def _in_sequence(name: PypiName, pages: Sequence[tuple[str | None, Page]]) -> list[Offer]:
    """One index after the other, each newest first. A version belongs to the first index that has it: one that cannot
    be used there is not looked for on the next. Find-links go with the first index.
    """
    first = 2 if pages and pages[0][0] is None else 1
    groups = [pages[:first], *([page] for page in pages[first:])]
    found: dict[Version, Offer] = {}
    for turn, group in enumerate(groups):
        for offer in _merged(name, group, turn):
            found.setdefault(offer.version, offer)
    return list(found.values())


# ---------------------------------------------------------------- cache files


def _key(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _read(path: Path, decode: Callable[[bytes], T | None]) -> T | None:
    """A cache entry, None where there is none or it is not one of ours."""
    try:
        return decode(path.read_bytes())
    except (OSError, UnicodeDecodeError):
        return None

"""Pages of a package index: PEP 691 JSON and PEP 503 HTML, read into one compact shape.

What a page says about a file is kept as an `IndexFile`; a page is kept as releases sorted from the newest version
down, each with its files still encoded, so that a resolution which looks at two of numpy's hundred and fifty releases
decodes two. The same bytes are what the cache stores.
Fields: PEP 691 (JSON), PEP 592 (yanked), PEP 700 (size, upload time), PEP 503 (HTML), PEP 658 and 714 are not needed,
because `<file>.metadata` is tried whatever the flags say.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl, unquote, urljoin, urlsplit

import msgspec

from ..errors import MALFORMED, NetworkError
from ..names import PypiName
from .versions import try_version

ACCEPT = "application/vnd.pypi.simple.v1+json"
ACCEPT_ANY = f"{ACCEPT}, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
SDIST_EXTENSIONS = (".tar.gz", ".zip", ".tar.bz2", ".tar.xz", ".tgz")


class IndexFile(msgspec.Struct, frozen=True, gc=False):
    """One downloadable file. `url` is absolute; `tags` are a wheel's compatibility tags, empty for an sdist;
    `build` is a wheel's build tag; `yanked` is None, or the reason (maybe empty); `upload_time` is ISO 8601;
    `announced` tells that the page promises `<url>.metadata` (PEP 714), `metadata_sha256` with which digest.
    """

    filename: str
    url: str
    version: str
    tags: str
    build: str = ""
    sha256: str | None = None
    requires_python: str | None = None
    yanked: str | None = None
    upload_time: str | None = None
    size: int | None = None
    announced: bool = False
    metadata_sha256: str | None = None

    @property
    def is_wheel(self) -> bool:
        """Whether the file is a wheel, as opposed to an sdist."""
        return bool(self.tags)


class Release(msgspec.Struct, frozen=True, array_like=True):
    """All files of one version, still encoded as the page stated them."""

    version: str
    prerelease: bool
    encoded: msgspec.Raw

    def files(self, name: PypiName) -> list[IndexFile]:
        """The files, decoded. `name` is the project's."""
        found = (_index_file(entry, name) for entry in _ENTRIES.decode(self.encoded))
        return [file for file in found if file is not None]


class Page(msgspec.Struct, frozen=True, array_like=True):
    """A project on one index. `releases` go from the newest version down. `fetched` is a Unix time in seconds; `url`
    is empty where the index does not know the project.
    """

    url: str
    fetched: float
    releases: list[Release]

    def encode(self) -> bytes:
        """The page as bytes for the cache."""
        return _ENCODER.encode(self)


class _Entry(msgspec.Struct, rename="kebab", gc=False, omit_defaults=True):
    """A file as a page states it (the keys of PEP 691)."""

    filename: str
    url: str
    hashes: dict[str, str] = {}  # msgspec copies mutable defaults
    requires_python: str | None = None
    yanked: bool | str = False
    upload_time: str | None = None
    size: int | None = None
    core_metadata: bool | dict[str, str] = False


_ENCODER = msgspec.msgpack.Encoder()
_ENTRIES = msgspec.msgpack.Decoder(list[_Entry])
_PAGE = msgspec.msgpack.Decoder(Page)


def decode_page(content: bytes) -> Page | None:
    """A page from the cache; None where the bytes are not one (another format, a damaged file)."""
    try:
        return _PAGE.decode(content)
    except MALFORMED:
        return None


def _index_file(entry: _Entry, name: PypiName) -> IndexFile | None:
    parsed = parse_filename(entry.filename, name)
    if parsed is None:
        return None
    version, build, tags = parsed
    return IndexFile(
        filename=entry.filename,
        url=entry.url,
        version=version,
        tags=tags,
        build=build,
        sha256=entry.hashes.get("sha256"),
        requires_python=entry.requires_python or None,
        yanked=None if entry.yanked is False else entry.yanked if isinstance(entry.yanked, str) else "",
        upload_time=entry.upload_time,
        size=entry.size,
        announced=bool(entry.core_metadata),
        metadata_sha256=entry.core_metadata.get("sha256") if isinstance(entry.core_metadata, dict) else None,
    )


# ---------------------------------------------------------------- JSON


class _JsonPage(msgspec.Struct):
    files: list[_Entry]


_JSON_PAGE = msgspec.json.Decoder(_JsonPage)


def read_page(content: bytes, content_type: str, *, url: str, name: PypiName, fetched: float) -> Page:
    """A page as it came from an index. `url` is where it came from after redirects.

    Raises `NetworkError` where the body is neither the JSON nor an HTML page.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind.endswith("json"):
        try:
            entries = _JSON_PAGE.decode(content).files
        except MALFORMED as error:
            raise NetworkError(f"the index page {url} is not valid simple API JSON: {error}", url=url) from None
    elif kind.endswith("html") or kind == "":
        entries = _read_html(content, url)
    else:
        raise NetworkError(f"the index page {url} has the unknown type '{kind}'", url=url)
    return Page(url, fetched, group(entries, url, name))


def group(entries: list[_Entry], base: str, name: PypiName) -> list[Release]:
    """Files by version, newest first. Files whose name follows no known scheme are left out.

    This runs over every file of a page (thousands), so it looks at nothing but the version in the name.
    """
    by_version: dict[str, list[_Entry]] = {}
    for entry in entries:
        filename = entry.filename
        if filename.endswith(".whl"):
            version = filename.split("-", 2)[1] if "-" in filename else ""
        else:
            parsed = parse_filename(filename, name)
            version = parsed[0] if parsed is not None else ""
        if not entry.url.startswith("https://"):
            entry.url = urljoin(base, entry.url)
        known = by_version.get(version)
        if known is None:
            by_version[version] = [entry]
        else:
            known.append(entry)
    return _releases(by_version)


def _releases(by_version: dict[str, list[_Entry]]) -> list[Release]:
    """Spellings of one version (`1.0`, `1.0.0`) become one release, under the first spelling."""
    merged: dict[Any, list[_Entry]] = {}
    for text, files in by_version.items():
        version = try_version(text)
        if version is None:
            continue
        if version in merged:
            merged[version].extend(files)
        else:
            merged[version] = files
    return [
        Release(str(version), version.is_prerelease, msgspec.Raw(_ENCODER.encode(merged[version])))
        for version in sorted(merged, reverse=True)
    ]


# ---------------------------------------------------------------- file names


def parse_filename(filename: str, name: PypiName) -> tuple[str, str, str] | None:
    """(version, build tag, compatibility tags) of a file of a project; None where the name follows no known scheme.

    Wheels: `name-version(-build)?-python-abi-platform.whl`. Sdists: `name-version.tar.gz`, where old names may
    themselves contain `-`, so the project's name decides where the version begins.
    """
    if filename.endswith(".whl"):
        parts = filename[:-4].split("-")
        if len(parts) == 5:
            return parts[1].replace("_", "-") if "_" in parts[1] else parts[1], "", "-".join(parts[2:])
        if len(parts) == 6 and parts[2][:1].isdigit():
            return parts[1], parts[2], "-".join(parts[3:])
        return None
    for extension in SDIST_EXTENSIONS:
        if filename.endswith(extension):
            version = _sdist_version(filename[: -len(extension)], name)
            return None if version is None else (version, "", "")
    return None


_RUN = re.compile(r"[-_.]+")


def _sdist_version(stem: str, name: PypiName) -> str | None:
    head, dash, version = stem.rpartition("-")
    if dash and _RUN.sub("-", head).lower() == name:
        return version
    # the version itself has a dash (`x-1.0-beta`), or the separator is another one
    pattern = "[-_.]+".join(re.escape(part) for part in name.split("-"))
    match = re.match(pattern + r"[-_](.+)\Z", stem, re.IGNORECASE)
    return match[1] if match and try_version(match[1]) is not None else None


# ---------------------------------------------------------------- HTML


class _Anchors:
    """Collects the anchors of a simple page, the base URL it sets, and whether it looks like a page for people."""

    def __init__(self, content: bytes) -> None:
        # lazy: most indexes speak JSON
        from html.parser import HTMLParser

        self.base: str | None = None
        self.found: list[dict[str, str]] = []
        self.saw_markup = False
        self.saw_form = False
        parser = HTMLParser(convert_charrefs=True)
        parser.handle_starttag = self._start  # type: ignore[method-assign]  # a class made at import would cost its import
        with suppress(AssertionError):  # what CPython's parser raises at markup that it does not know
            parser.feed(content.decode("utf-8", "replace"))

    def _start(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.saw_markup = True
        self.saw_form = self.saw_form or tag in ("form", "input", "script")
        attributes = {key: value or "" for key, value in attrs}
        if tag == "a" and attributes.get("href"):
            self.found.append(attributes)
        elif tag == "base" and attributes.get("href") and self.base is None:
            self.base = attributes["href"]


def _read_html(content: bytes, url: str) -> list[_Entry]:
    parser = _Anchors(content)
    if not parser.saw_markup:
        raise NetworkError(f"the index page {url} is neither JSON nor HTML", url=url)
    base = urljoin(url, parser.base) if parser.base else url
    files = [_html_file(anchor, base) for anchor in parser.found]
    if parser.saw_form and not any(file.filename.endswith((".whl", *SDIST_EXTENSIONS)) for file in files):
        raise NetworkError(
            f"{url} answered with a web page that is not a package index page",
            url=url,
            hints=["check the index URL; a proxy or a login page may have answered in its place"],
        )
    return files


def _html_file(anchor: dict[str, str], base: str) -> _Entry:
    parts = urlsplit(urljoin(base, anchor["href"]))
    hashes = {key: value for key, value in parse_qsl(parts.fragment) if key in ("sha256", "md5")}
    return _Entry(
        filename=unquote(parts.path.rpartition("/")[2]),
        url=parts._replace(fragment="").geturl(),
        hashes=hashes,
        requires_python=anchor.get("data-requires-python") or None,
        yanked=anchor.get("data-yanked", False),
        core_metadata=_promise(anchor.get("data-core-metadata") or anchor.get("data-dist-info-metadata") or ""),
    )


def _promise(attribute: str) -> bool | dict[str, str]:
    """What an anchor says of the metadata file: `true`, or `sha256=…`."""
    kind, _, value = attribute.partition("=")
    return {kind: value} if value else bool(attribute) and attribute.lower() != "false"


def flat_page(names_and_urls: list[tuple[str, str]], name: PypiName, *, url: str, fetched: float) -> Page:
    """A page made of plain files, as found in a `find-links` folder."""
    return Page(url, fetched, group([_Entry(filename=n, url=u) for n, u in names_and_urls], url, name))


def read_links(content: bytes, url: str) -> list[tuple[str, str]]:
    """(file name, URL) of everything that an HTML page links to. Raises `NetworkError`."""
    return [(entry.filename, entry.url) for entry in _read_html(content, url)]


class _JsonRoot(msgspec.Struct):
    projects: list[dict[str, Any]]


def read_names(content: bytes, content_type: str, *, url: str) -> list[str]:
    """The project names of an index's root page. Raises `NetworkError`."""
    if content_type.partition(";")[0].strip().lower().endswith("json"):
        try:
            root = msgspec.json.decode(content, type=_JsonRoot)
        except MALFORMED as error:
            raise NetworkError(f"the index root {url} is not valid simple API JSON: {error}", url=url) from None
        return [str(project.get("name", "")) for project in root.projects]
    parser = _Anchors(content)
    return [unquote(urlsplit(anchor["href"]).path.rstrip("/").rpartition("/")[2]) for anchor in parser.found]

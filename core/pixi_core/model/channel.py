"""Channels: where conda packages come from.

A channel is its canonical base URL (with a trailing `/`); a bare name is joined to the channel alias. Credentials
that stand in a URL are taken out when it is parsed: they live on, unseen, in `net.auth`.
"""

from __future__ import annotations

from ..errors import SpecError
from ..value import Value
from .platform import SUBDIRS, Subdir

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import PurePath

CHANNEL_ALIAS = "https://conda.anaconda.org/"
SCHEMES = ("http", "https", "file", "oci", "s3")


class Channel(Value):
    """A conda channel. `url` ends in `/` and holds no credentials; `name` is what people call it."""

    url: str
    name: str

    def subdir_url(self, subdir: Subdir) -> str:
        """Base URL of one subdir, with a trailing `/`."""
        return f"{self.url}{subdir}/"

    @property
    def is_local(self) -> bool:
        """Whether the channel is a folder."""
        return self.url.startswith("file:")

    def __str__(self) -> str:
        return self.name


def file_url(path: PurePath) -> str:
    """The `file://` URL of an absolute path, percent-encoded, without a trailing `/`."""
    from urllib.parse import quote

    text = path.as_posix()
    return "file://" + quote(text if text.startswith("/") else "/" + text, safe="/:@!$&'()*+,;=~-._")


def path_of_file_url(url: str) -> str:
    """The path inside a `file://` URL."""
    from urllib.parse import unquote, urlsplit

    path = unquote(urlsplit(url).path)
    # file:///C:/x names C:/x
    return path[1:] if len(path) > 2 and path[0] == "/" and path[2] == ":" else path


def without_credentials(url: str) -> str:
    """The URL with `user:password@` and conda's `/t/<token>` removed, fit to be shown or stored."""
    from urllib.parse import urlsplit, urlunsplit

    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    path = parts.path
    if path.startswith("/t/") and path.count("/") >= 3:
        path = "/" + path.split("/", 3)[3]
    return urlunsplit((parts.scheme, host, path, parts.query, parts.fragment))


def public(text: str) -> str:
    """A channel fit to be written into a manifest, which is shared. Raises `SpecError` for one with credentials."""
    if "://" in text and without_credentials(text) != text:
        raise SpecError(
            f"the address of the channel {without_credentials(text)} holds credentials, which would be written down",
            source=text,
            hints=["keep them with `pixi auth login HOST`, and name the channel without them"],
        )
    return text


def channel(text: str, *, root: PurePath | None = None, alias: str = CHANNEL_ALIAS) -> Channel:
    """Parse a channel as written in a manifest, configuration or command line.

    Forms: a name (`conda-forge`, `pytorch/label/test`), a URL, an absolute path, or a path relative to
    `root` (`./channel`). A trailing subdir (`…/linux-64`) is dropped. Raises `SpecError`.
    """
    text = text.strip()
    if not text or (any(c.isspace() for c in text) and "://" not in text and not text.startswith((".", "/"))):
        raise SpecError(f"'{text}' is not a channel", source=text)
    if "://" in text:
        scheme = text.split("://", 1)[0].lower()
        if scheme not in SCHEMES:
            raise SpecError(
                f"'{without_credentials(text)}' has an unsupported scheme",
                source=text,
                hints=[f"use one of: {', '.join(SCHEMES)}"],
            )
        url = without_credentials(text).rstrip("/")
    elif text.startswith(("./", "../", ".\\", "..\\")) or text in (".", ".."):
        if root is None:
            raise SpecError(f"the relative channel '{text}' needs a workspace", source=text)
        import posixpath
        from urllib.parse import quote

        url = "file://" + quote(posixpath.normpath(f"{root.as_posix()}/{text}".replace("\\", "/")), safe="/:~-._")
    elif text.startswith("/") or (len(text) > 2 and text[1] == ":"):
        from pathlib import PurePath

        url = file_url(PurePath(text)).rstrip("/")
    else:
        url = alias.rstrip("/") + "/" + text.strip("/")
    head, _, tail = url.rpartition("/")
    if tail in SUBDIRS:
        url = head
    return Channel(url + "/", _display_name(url, alias))


def _display_name(url: str, alias: str) -> str:
    base = alias.rstrip("/") + "/"
    return url[len(base) :] if url.startswith(base) else url

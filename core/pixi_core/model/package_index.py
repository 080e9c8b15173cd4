"""Where PyPI packages come from when nobody says otherwise.

The address is not ours to write down: it is the constant that `distlib` publishes for its users. It is read from the
library's source, because importing `distlib.index` costs fifty milliseconds for one string.
"""

from __future__ import annotations

import re
from functools import cache
from urllib.parse import urlsplit, urlunsplit

_CONSTANT = re.compile(r"""^DEFAULT_INDEX\s*=\s*(['"])(?P<url>https://[^'"\s]+)\1""", re.MULTILINE)


@cache
def default_index() -> str:
    """The root URL of the default index's simple API (PEP 503), without a trailing `/`.

    Raises `ImportError` where `distlib`, a declared dependency, is not installed.
    """
    parts = urlsplit(_published_constant())
    return urlunsplit((parts.scheme, parts.netloc, "/simple", "", ""))


def _published_constant() -> str:
    """`distlib.index.DEFAULT_INDEX`, from the module's source where possible."""
    from importlib.machinery import PathFinder, SourceFileLoader

    package = PathFinder.find_spec("distlib")
    module = package and PathFinder.find_spec("distlib.index", package.submodule_search_locations)
    if module is not None and isinstance(module.loader, SourceFileLoader):
        source = module.loader.get_data(module.loader.path).decode("utf-8", "replace")
        found = _CONSTANT.search(source)
        if found:
            return found["url"]
    import distlib.index

    return str(distlib.index.DEFAULT_INDEX)


def normalised_index_url(url: str) -> str:
    """An index URL as it is compared and stored: no trailing `/`."""
    return url.rstrip("/")

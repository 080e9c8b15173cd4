"""After `ModuleNotFoundError`: the one command that would make the import work."""

import importlib.util
from typing import Dict, Optional, Tuple

PACKAGES: Dict[str, Tuple[str, str]] = {
    "Crypto": ("pycryptodome", "pycryptodome"),
    "MySQLdb": ("mysqlclient", "mysqlclient"),
    "OpenSSL": ("pyopenssl", "pyopenssl"),
    "PIL": ("pillow", "pillow"),
    "PyQt5": ("pyqt", "pyqt5"),
    "attr": ("attrs", "attrs"),
    "bs4": ("beautifulsoup4", "beautifulsoup4"),
    "cv2": ("opencv", "opencv-python"),
    "dateutil": ("python-dateutil", "python-dateutil"),
    "docx": ("python-docx", "python-docx"),
    "dotenv": ("python-dotenv", "python-dotenv"),
    "faiss": ("faiss", "faiss-cpu"),
    "fitz": ("pymupdf", "pymupdf"),
    "git": ("gitpython", "gitpython"),
    "graphviz": ("python-graphviz", "graphviz"),
    "jwt": ("pyjwt", "pyjwt"),
    "osgeo": ("gdal", "gdal"),
    "pkg_resources": ("setuptools", "setuptools"),
    "psycopg2": ("psycopg2", "psycopg2-binary"),
    "serial": ("pyserial", "pyserial"),
    "skimage": ("scikit-image", "scikit-image"),
    "sklearn": ("scikit-learn", "scikit-learn"),
    "torch": ("pytorch", "torch"),
    "yaml": ("pyyaml", "pyyaml"),
    "zmq": ("pyzmq", "pyzmq"),
}
"""Modules whose package is called otherwise: its conda name and its PyPI name."""


def advice(error: BaseException, channels: bool) -> Optional[str]:
    """What to run for the module that `error` misses; None where no package would help.

    `channels` says whether packages come from conda channels here, or all from PyPI.
    """
    name = getattr(error, "name", None)
    if not isinstance(error, ModuleNotFoundError) or not name:
        return None
    top = name.partition(".")[0]
    if not top.isidentifier() or top.startswith("_") or _is_there(top):
        return None
    conda, pypi = PACKAGES.get(top, (top, top))
    if not channels:
        return "hint: %%pixi add %s" % pypi
    if conda == pypi:
        return "hint: %%pixi add %s   (from PyPI: %%pixi add --pypi %s)" % (conda, pypi)
    return "hint: %%pixi add %s   (on PyPI it is called %s: %%pixi add --pypi %s)" % (conda, pypi, pypi)


def _is_there(top: str) -> bool:
    """Whether the package itself can be imported, and only a part of it is missing."""
    try:
        return importlib.util.find_spec(top) is not None
    except (ImportError, ValueError):
        return True

"""Lock files of every version as hypothesis makes them: documents (mappings) that may say anything the format allows.

What a version may say is what pixi's own releases wrote: versions 4 and 5 spell a package out under `kind`, `url` or
`path`; versions 6 and 7 name its location and leave out what that says.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml
from hypothesis import strategies as st

BASE = "https://conda.example/main"
DIGITS = "0123456789abcdef"
word = st.from_regex(r"[a-z][a-z0-9]{0,3}([-_.][a-z0-9]{1,4})?", fullmatch=True)
conda_versions = st.sampled_from(("1.2.3", "0.6", "2024a", "1!2.0", "3.12.0rc1", "10", "1.0_1"))
builds = st.sampled_from(
    ("h78e105d_0", "hf3f3da0_102_cp313", "0_cp313", "py313h1_1", "cpython", "0", "np12py27_nomkl_7", "pyhd8ed1ab_0")
)
plain = st.text(st.characters(codec="ascii", min_codepoint=32, max_codepoint=126), min_size=1, max_size=12).filter(
    lambda text: text[0].isalpha() and text == text.strip()
)
"""It begins with a letter: PyYAML leaves `1e3` without quotes, which others take for a number."""
licenses = st.sampled_from(("MIT", "GPL-2.0 AND LGPL-3.0", "no", "it's free", "0.6", "null", "a: b")) | plain
specs = st.lists(
    st.sampled_from(("python >=3.8", "zlib 1.2.*", "libfoo >=1,<2.0a0", "__glibc >=2.17", "a ==1.0 *_cpython")),
    max_size=3,
    unique=True,
)
requirements = st.lists(
    st.sampled_from(
        ("six", "rich>=13", "idna <4, >=2.5", "click>=8 ; python_version < '3.9'", "h2<5,>=4 ; extra == 'h2'")
    ),
    max_size=3,
    unique=True,
)
groups = st.dictionaries(word, st.lists(word, min_size=1, max_size=2, unique=True), max_size=2)
md5 = st.text(DIGITS, min_size=31, max_size=31).map("f{}".format)
sha256 = st.text(DIGITS, min_size=63, max_size=63).map("f{}".format)
"""Not all of digits and one `e`, which PyYAML does not quote and other readers take for a number."""
timestamps = st.integers(1, 253402207200) | st.integers(253402300800, 4 * 10**12)
"""In seconds up to the last day of the year 9999 (the peer refuses that day itself), else in milliseconds."""
purls = st.lists(word.map(lambda name: f"pkg:pypi/{name}"), max_size=2, unique=True)


def some(draw: st.DrawFn, **strategies: st.SearchStrategy[Any]) -> dict[str, Any]:
    """Any subset of the fields, empty lists and mappings left out as writers do (but for `purls`)."""
    chosen = {key: draw(strategy) for key, strategy in strategies.items() if draw(st.booleans())}
    return {key: value for key, value in chosen.items() if value not in ([], {}) or key in ("purls", "run_exports")}


@st.composite
def conda_packages(draw: st.DrawFn, version: int, subdir: str) -> dict[str, Any]:
    """A conda package of a lock file of that version for a platform (or for all of them)."""
    name, number, build = draw(word), draw(conda_versions), draw(builds)
    here = draw(st.sampled_from((subdir, "noarch")))
    extension = draw(st.sampled_from((".conda", ".tar.bz2")))
    url = f"{BASE}/{here}/{name}-{number}-{build}{extension}"
    rest = some(
        draw, sha256=sha256, md5=md5, legacy_bz2_md5=md5, depends=specs, constrains=specs, features=word,
        track_features=st.lists(word, max_size=2, unique=True), license=licenses, license_family=licenses, purls=purls,
        size=st.integers(0, 10**12), legacy_bz2_size=st.integers(0, 10**9), timestamp=timestamps,
        python_site_packages_path=st.just("lib/python3.13/site-packages"),
        channel=st.just("https://other.example/channel"),
    )  # fmt: skip
    numbered = some(draw, build_number=st.integers(0, 400), noarch=st.sampled_from(("python", "generic")))
    if version < 6:
        return {"kind": "conda", "name": name, "version": number, "build": build, "subdir": here, "url": url,
                **numbered, **rest}  # fmt: skip
    said = some(draw, name=word, version=conda_versions, build=builds, subdir=st.just(here))
    later = some(draw, extra_depends=groups)
    if version > 6:
        kinds = st.sampled_from(("weak", "strong", "noarch", "weak_constrains", "strong_constrains"))
        exports = st.dictionaries(kinds, st.lists(word, min_size=1, max_size=2, unique=True), max_size=2)
        later |= some(draw, flags=st.lists(word, max_size=2, unique=True), run_exports=exports)
    return {"conda": url, **said, **numbered, **rest, **later}


@st.composite
def pypi_packages(draw: st.DrawFn, version: int) -> dict[str, Any]:
    """A PyPI package: of an index, of a URL, of git, of a folder."""
    name, number = draw(word), draw(st.sampled_from(("1.0", "0.6", "2024.2.1", "1!3.0.post1")))
    location = draw(
        st.sampled_from(
            (
                f"https://files.example/{name}-{number}-py3-none-any.whl",
                f"https://files.example/{name}-{number}.tar.gz",
                f"direct+https://host.example/{name}-{number}-py3-none-any.whl",
                f"git+https://git.example/{name}.git?rev=main#{'0123456789' * 4}",
                f"./libs/{name}",
                f"../outside/{name}",
                f"/srv/{name}",
            )
        )
    )
    is_path = "://" not in location
    rest = some(
        draw,
        sha256=sha256,
        md5=md5,
        requires_dist=requirements,
        requires_python=st.sampled_from((">=3.8", "!=3.0.*,>=2.7")),
    )
    if version < 6:
        where = {"path" if is_path else "url": location}
        editable = {"editable": True} if is_path and draw(st.booleans()) else {}
        return {"kind": "pypi", "name": name, "version": number, **where, **rest, **editable}
    if version == 6:
        return {"pypi": location, "name": name, "version": number, **rest}
    if is_path or location.startswith("git+"):
        rest = {key: value for key, value in rest.items() if not key.startswith(("sha", "md5"))}
        return {"pypi": location, "name": name, **rest}
    indexed = {"index": "https://pypi.example/simple"} if location.startswith("https") and draw(st.booleans()) else {}
    return {"pypi": location, "name": name, "version": number, **rest, **indexed}


def selector_of(package: Mapping[str, Any]) -> dict[str, str]:
    """How an environment names a package."""
    for kind in ("conda", "pypi"):
        if kind in package:
            return {kind: package[kind]}
    return {package["kind"]: package.get("url") or package["path"]}


def location_of(package: Mapping[str, Any]) -> str:
    """Where a package is."""
    return next(iter(selector_of(package).values()))


@st.composite
def documents(draw: st.DrawFn, version: int) -> dict[str, Any]:
    """A whole lock file: environments that share packages, for one or two platforms."""
    subdirs = draw(st.lists(st.sampled_from(("linux-64", "osx-arm64", "win-64")), min_size=1, max_size=2, unique=True))
    pools: dict[str, list[dict[str, Any]]] = {}
    for subdir in subdirs:
        package = conda_packages(version, subdir) | pypi_packages(version)
        pools[subdir] = draw(st.lists(package, max_size=4, unique_by=location_of))
    environments: dict[str, Any] = {}
    used: dict[str, dict[str, Any]] = {}
    for name in draw(
        st.lists(st.sampled_from(("default", "test", "a-1", "null")), min_size=1, max_size=3, unique=True)
    ):
        packages = {}
        for subdir in subdirs:
            chosen = [package for package in pools[subdir] if draw(st.booleans())]
            used.update({location_of(package): package for package in chosen if location_of(package) not in used})
            packages[subdir] = [selector_of(package) for package in chosen]
        environments[name] = {"channels": [{"url": f"{BASE}/"}], "packages": packages}
        if version > 4 and draw(st.booleans()):
            environments[name]["indexes"] = ["https://pypi.example/simple"]
            environments[name]["find-links"] = [{"path": "./links"}]
    head: dict[str, Any] = {"version": version}
    if version > 6:
        head["platforms"] = [{"name": subdir} for subdir in sorted(subdirs)]
    return {**head, "environments": environments, "packages": list(used.values())}


def text_of(document: Mapping[str, Any]) -> str:
    """The document as YAML."""
    return str(yaml.safe_dump(dict(document), sort_keys=False, allow_unicode=True, width=10**6))

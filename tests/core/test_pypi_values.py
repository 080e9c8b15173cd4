"""PEP 508 requirements and markers, manifest requirements, options."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.markers import Marker as PeerMarker
from packaging.requirements import Requirement as PeerRequirement

from pixi_core.errors import SpecError
from pixi_core.model.package_index import default_index
from pixi_core.model.pep508 import evaluate, normalised_specifier, parse, parse_marker
from pixi_core.model.pypi_options import FindLinks, PypiOptions, merge, options_from_table
from pixi_core.model.pypi_requirement import GitSource, PathSource, UrlSource, from_table, parse_requirement
from pixi_core.names import PypiName


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("numpy", "numpy"),
        ("NumPy >= 1.2 , < 3", "numpy>=1.2,<3"),
        ("a.b_C (>=1.0)", "a-b-c>=1.0"),
        ("x[Foo_Bar, a]~=1.0", "x[a,foo-bar]~=1.0"),
        ("x>=1.*", "x>=1"),
        ("x ; python_version<'3.9'", "x ; python_full_version < '3.9'"),
        ("x ; python_version == '3.9'", "x ; python_full_version == '3.9.*'"),
        ("x ; python_version > '3.9'", "x ; python_full_version >= '3.10'"),
        ("x ; python_version <= '3.9'", "x ; python_full_version < '3.10'"),
        ('x;extra=="A_b"', "x ; extra == 'a-b'"),
        ("x ; 'linux' == sys_platform", "x ; sys_platform == 'linux'"),
        ("x ; '3.9' <= python_version", "x ; python_full_version >= '3.9'"),
        ("x ; 'x86' in platform_machine", "x ; 'x86' in platform_machine"),
        ("x ; os.name == 'nt'", "x ; os_name == 'nt'"),
        (
            "x; (os_name=='nt' or os_name=='posix') and extra=='a'",
            "x ; (os_name == 'nt' or os_name == 'posix') and extra == 'a'",
        ),
        ("x; os_name=='nt' or os_name=='a' or os_name=='b'", "x ; os_name == 'nt' or os_name == 'a' or os_name == 'b'"),
        ("x @ https://a.example/x-1.whl ; os_name=='nt'", "x @ https://a.example/x-1.whl ; os_name == 'nt'"),
        ("x @ ./folder", "x @ ./folder"),
    ],
)
def test_requirements_have_one_spelling(text: str, canonical: str) -> None:
    assert str(parse(text)) == canonical
    assert str(parse(canonical)) == canonical


@pytest.mark.parametrize(
    ("text", "offset", "hint"),
    [
        ("", 0, ""),
        ("-x", 0, ""),
        ("x 1.2", 2, "=="),
        ("x>=1 ; python_versio < '3'", 7, "python_version"),
        ("x>=1 ; os_name", 14, ""),
        ("x>=1 ; (os_name == 'nt'", 23, ""),
        ("x>=1 ; os_name == 'nt' extra", 23, ""),
        ("x>=1 ; 'a' == 'b'", 17, ""),
        ("x>=not.a.version", 3, ""),
        ("x @ ", 4, ""),
    ],
)
def test_bad_requirements_say_where(text: str, offset: int, hint: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse(text)
    assert caught.value.offset == offset
    assert hint in " ".join(caught.value.hints)


def test_a_bare_version_gets_a_hint() -> None:
    with pytest.raises(SpecError, match="is not a version specifier") as caught:
        normalised_specifier("1.2")
    assert "==1.2" in caught.value.hints[0]


ENVIRONMENT = {
    "implementation_name": "cpython",
    "implementation_version": "3.12.4",
    "os_name": "posix",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
    "platform_release": "",
    "platform_system": "Linux",
    "platform_version": "",
    "python_full_version": "3.12.4",
    "python_version": "3.12",
    "sys_platform": "linux",
}

_VERSIONS = st.sampled_from(["2", "3", "3.9", "3.10", "3.12", "3.13", "3.12.4", "3.12.3", "4.0", "3.12.0rc1"])
_COMPARISONS = st.one_of(
    st.builds(
        "{} {} '{}'".format,
        st.sampled_from(["python_version", "python_full_version", "implementation_version"]),
        st.sampled_from(["==", "!=", "<", "<=", ">", ">="]),
        _VERSIONS,
    ),
    st.builds(
        "{} {} '{}'".format,
        st.sampled_from(["sys_platform", "os_name", "platform_system", "platform_machine"]),
        st.sampled_from(["==", "!=", "in", "not in"]),
        st.sampled_from(["linux", "posix", "win32", "x86_64 AMD64", "Linux", "linux2"]),
    ),
    st.builds(
        "'{}' {} sys_platform".format, st.sampled_from(["lin", "linux"]), st.sampled_from(["==", "in", "not in"])
    ),
    st.builds("extra == '{}'".format, st.sampled_from(["a", "b"])),
)
_MARKERS = st.recursive(
    _COMPARISONS, lambda inner: st.builds("({}) {} ({})".format, inner, st.sampled_from(["and", "or"]), inner)
)


@given(_MARKERS, st.sampled_from(["", "a", "b"]))
def test_markers_mean_what_packaging_says(text: str, extra: str) -> None:
    expected = PeerMarker(text).evaluate({**ENVIRONMENT, "extra": extra})
    marker = parse_marker(text)
    extras = frozenset([extra] if extra else [])
    assert evaluate(marker, ENVIRONMENT, extras) == expected
    assert parse_marker(str(marker)) == marker
    assert PeerMarker(str(marker)).evaluate({**ENVIRONMENT, "extra": extra}) == expected


@given(
    st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,6}[A-Za-z0-9])?", fullmatch=True),
    st.lists(st.sampled_from([">=1.0", "<2", "!=1.5.*", "~=1.4", "==1.4.2", ">1.0rc1"]), max_size=3),
    st.lists(st.sampled_from(["a", "B_c"]), max_size=2),
)
def test_requirements_mean_what_packaging_says(name: str, clauses: list[str], extras: list[str]) -> None:
    text = name + (f"[{','.join(extras)}]" if extras else "") + ", ".join(clauses)
    ours, theirs = parse(text), PeerRequirement(text)
    assert set(ours.specifier.split(",")) - {""} == {str(clause) for clause in theirs.specifier}
    assert len(ours.extras) == len({e.lower().replace("_", "-") for e in theirs.extras})


# ---------------------------------------------------------------- manifest values


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("*", "pkg"),
        (">=1,<2", "pkg>=1,<2"),
        ({"version": ">=1", "extras": ["b", "A"]}, "pkg[a,b]>=1"),
        ({"version": "*", "index": "https://pypi.example/simple"}, "pkg"),
        ({"version": "*", "env-markers": "sys_platform == 'win32'"}, "pkg ; sys_platform == 'win32'"),
        ({"git": "https://git.example/p.git", "rev": "abc"}, "pkg @ git+https://git.example/p.git@abc"),
        ({"git": "https://git.example/p", "tag": "v1", "subdirectory": "s"}, None),
        ({"git": "ssh://git@git.example/p", "branch": "main", "lfs": True}, None),
        ({"path": "./p", "editable": True}, "pkg @ ./p"),
        ({"path": "p-1-py3-none-any.whl"}, None),
        ({"url": "https://pypi.example/p-1-py3-none-any.whl"}, "pkg @ https://pypi.example/p-1-py3-none-any.whl"),
    ],
)
def test_manifest_values_come_back(value: Any, text: str | None) -> None:
    requirement = from_table("pkg", value)
    assert from_table("pkg", requirement.to_manifest()) == requirement
    if text is not None:
        assert str(requirement) == text


def test_simple_values_stay_strings() -> None:
    assert from_table("Pkg", "*").to_manifest() == "*"
    assert parse_requirement("Pkg_x >= 1").to_manifest() == ">=1"
    assert parse_requirement("pkg[a]>=1").to_manifest() == {"version": ">=1", "extras": ["a"]}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"verison": "*"}, "unknown key `verison`"),
        ({"git": "https://x.example", "path": "."}, "both `git` and `path`"),
        ({"git": "https://x.example", "rev": "a", "tag": "b"}, "both `rev` and `tag`"),
        ({"version": "*", "editable": True}, "`editable` goes with `path`"),
        ({"version": 1}, "`version` must be a string"),
        ({"path": ".", "editable": "yes"}, "`editable` must be true or false"),
        ({"version": "*", "extras": "a"}, "`extras` must be a list"),
        (3, "must be a version or a table"),
        ("1.2", "is not a version specifier"),
    ],
)
def test_wrong_manifest_values_are_named(value: Any, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        from_table("pkg", value)


def test_direct_references() -> None:
    assert parse_requirement("p @ git+https://git.example/p@main#subdirectory=a").source == GitSource(
        "https://git.example/p", rev="main", subdirectory="a"
    )
    assert parse_requirement("p @ https://pypi.example/p.whl#sha256=ab").source == UrlSource(
        "https://pypi.example/p.whl", sha256="ab"
    )
    assert parse_requirement("p @ file:///tmp/p%20q.whl").source == PathSource("/tmp/p q.whl")
    with pytest.raises(SpecError, match="not a reference"):
        parse_requirement("p @ ftp://x.example/p.whl")


# ---------------------------------------------------------------- options


def test_options_are_read() -> None:
    options = options_from_table(
        {
            "index-url": "https://pypi.example/simple/",
            "extra-index-urls": ["https://other.example/simple"],
            "find-links": [{"path": "./wheels"}, {"url": "https://flat.example/"}],
            "no-build": True,
            "no-binary": ["Foo_Bar"],
            "index-strategy": "unsafe-best-match",
            "prerelease-mode": "allow",
            "dependency-overrides": {"numpy": ">=2"},
        }
    )
    assert options.search_order == ("https://other.example/simple", "https://pypi.example/simple")
    assert options.lock_indexes == ("https://pypi.example/simple", "https://other.example/simple")
    assert options.find_links == (FindLinks(path="./wheels"), FindLinks(url="https://flat.example/"))
    assert options.forbids_build(PypiName("x"))
    assert options.forbids_binary(PypiName("foo-bar"))
    assert not options.forbids_binary(PypiName("x"))
    assert [str(r) for r in options.dependency_overrides] == ["numpy>=2"]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"index_url": "x"}, "unknown key `index_url`"),
        ({"index-strategy": "best"}, "not a value of `index-strategy`"),
        ({"no-build": "yes"}, "must be true, false or a list"),
        ({"find-links": ["./x"]}, "must be `{ path"),
        ({"extra-index-urls": "x"}, "must be a list"),
    ],
)
def test_wrong_options_are_named(table: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        options_from_table(table)


def test_features_combine() -> None:
    workspace = PypiOptions(index_url="https://a.example", extra_index_urls=("https://w.example",), no_build=True)
    one = PypiOptions(index_url="https://b.example", no_binary=(PypiName("x"),))
    two = PypiOptions(extra_index_urls=("https://t.example",), no_binary=(PypiName("y"),), no_build=(PypiName("z"),))
    merged = merge(workspace, (one, two))
    assert merged.index_url == "https://b.example"
    assert merged.extra_index_urls == ("https://w.example", "https://t.example")
    assert merged.no_build is True
    assert merged.no_binary == ("x", "y")


def test_features_must_not_disagree() -> None:
    with pytest.raises(SpecError, match=r"disagree about `pypi-options\.index-url`"):
        merge(PypiOptions(), (PypiOptions(index_url="https://a.example"), PypiOptions(index_url="https://b.example")))


def test_a_package_may_have_its_own_cutoff() -> None:
    date = datetime(2024, 1, 1, tzinfo=UTC)
    options = PypiOptions(exclude_newer=date, exclude_newer_packages={PypiName("x"): None})
    assert options.cutoff(PypiName("x")) is None
    assert options.cutoff(PypiName("y")) == date


def test_the_default_index_is_a_simple_api() -> None:
    assert default_index().startswith("https://")
    assert default_index().endswith("/simple")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x[a b]", "'a b' is not a valid PyPI project name"),
        ("x[-]>=1", "'-' is not a valid PyPI project name"),
        ("x @ git+https://", "names no repository"),
        ("x @ git+git@git.example:owner/name", "names no repository"),
        ("x @ https://", "is not a reference to a package"),
    ],
)
def test_references_to_nothing(text: str, message: str) -> None:
    with pytest.raises(SpecError, match=re.escape(message)):
        parse_requirement(text)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("x @ file:./sub/x", "./sub/x"),
        ("x @ ./sub/x", "./sub/x"),
        ("x @ file:///opt/a%20b/x", "/opt/a b/x"),
        ("x @ file:///C:/x", "C:/x"),
    ],
)
def test_references_to_paths(text: str, path: str) -> None:
    assert parse_requirement(text).source == PathSource(path)

"""Match specs: every written form, canonical text, matching, manifest tables."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from pixi_core.errors import SpecError
from pixi_core.model.digest import Md5, Sha256
from pixi_core.model.match_spec import AllOf, AnyOf, MatchSpec, TableValue, parse_match_spec
from pixi_core.model.platform import Subdir
from pixi_core.model.record import RepoDataRecord

MD5, SHA = "0123456789abcdef" * 2, "0123456789abcdef" * 4
CANONICAL = [
    ("foo", "foo"),
    ("Foo", "foo"),
    ("  foo  ", "foo"),
    ("foo # why", "foo"),
    ("foo=1.2", "foo 1.2.*"),
    ("foo==1.2", "foo ==1.2"),
    ("foo 1.2", "foo ==1.2"),
    ("foo =1.2", "foo 1.2.*"),
    ("foo=1.2=py_0", "foo ==1.2 py_0"),
    ("foo==1.2=py_0", "foo ==1.2 py_0"),
    ("foo 1.2 py_0", "foo ==1.2 py_0"),
    ("foo >= 1 , < 2", "foo >=1,<2"),
    ("foo>=1,<2=py*", "foo >=1,<2 py*"),
    ("foo=*=cpu", "foo * cpu"),
    ("foo =*=cpu", "foo * cpu"),
    ("foo *", "foo *"),
    ("foo=1.2*=0", "foo 1.2.* 0"),
    ("foo=1.2=", "foo 1.2.*"),
    ("python ==2.7.*|>=3.5", "python 2.7.*|>=3.5"),
    ("foo ==1.2.*=py", "foo ==1.2 py"),
    ("foo (1.2|1.3)", "foo ==1.2|==1.3"),
    ("foo=1.2|1.3", "foo 1.2.*|==1.3"),
    ("libblas   3.11.0   1*_mkl", "libblas ==3.11.0 1*_mkl"),
    ("foo 1.2 ^py.*$", "foo ==1.2 ^py.*$"),
    ("conda-forge::foo", "conda-forge::foo"),
    ("conda-forge/linux-64::foo=1", "conda-forge/linux-64::foo 1.*"),
    ("conda-forge/label/dev::foo", "conda-forge/label/dev::foo"),
    ("conda-forge:ns:foo", "conda-forge:ns:foo"),
    ("ns:foo", 'foo[namespace="ns"]'),
    ("https://a.example:8080/c::foo 1", "https://a.example:8080/c::foo ==1"),
    ("foo[channel='conda-forge',subdir=linux-64]", "conda-forge/linux-64::foo"),
    ("foo[subdir=noarch]", 'foo[subdir="noarch"]'),
    ("foo[version='>=1',build='py*']", "foo >=1 py*"),
    ("foo[build='py*']", 'foo[build="py*"]'),
    ("foo [version==1.2]", "foo 1.2.*"),
    ("foo 1 [build_number=3]", 'foo ==1[build_number="==3"]'),
    ("foo[build-number=>3]", 'foo[build_number=">3"]'),
    (f"foo[md5={MD5.upper()}]", f'foo[md5="{MD5}"]'),
    (f"foo[sha256='{SHA}']", f'foo[sha256="{SHA}"]'),
    ("foo[fn=foo-1-0.conda]", 'foo[fn="foo-1-0.conda"]'),
    ("foo[extras=[a,'b']]", "foo[extras=[a, b]]"),
    ("foo[flags=[cuda,gpu*]]", "foo[flags=[cuda, gpu*]]"),
    ("foo[license=MIT,license_family=BSD]", 'foo[license="MIT", license_family="BSD"]'),
    ("foo[track_features='a b']", 'foo[track_features="a b"]'),
    ("foo*", "foo*"),
    ("^fo[ob].*$ 1", "^fo[ob].*$ ==1"),
    ("foo[when='python>=3.6 and (numpy or bar)']", 'foo[when="python >=3.6 and (numpy or bar)"]'),
    ("https://a.example/noarch/my-foo-1.2-py_0.conda", 'my-foo[url="https://a.example/noarch/my-foo-1.2-py_0.conda"]'),
    ("/tmp/a b/foo-1.2-0.tar.bz2", 'foo[url="file:///tmp/a%20b/foo-1.2-0.tar.bz2"]'),
    ("C:\\pkgs\\foo-1.2-0.conda", 'foo[url="file:///C:/pkgs/foo-1.2-0.conda"]'),
    ("./foo-1.2-0.conda", 'foo[url="./foo-1.2-0.conda"]'),
    ("foo[build='a b']", 'foo[build="a b"]'),
    (
        f"https://a.example/noarch/foo-1-0.conda#{MD5}",
        f'foo[md5="{MD5}", url="https://a.example/noarch/foo-1-0.conda"]',
    ),
]
INVALID = [
    "",
    "foo=",
    "foo==",
    "foo@1",
    "foo[unknown=1]",
    "foo[name=bar]",
    "foo[x]",
    "foo[md5=12]",
    "::foo",
    "foo; if bar",
    "foo >=1 <2",
    "foo[build_number='>=3,<5']",
    "^foo",
    "foo[version='1]",
    "foo 1]",
    "foo[url=foo]",
    ".foo",
    "foo[when='a and']",
    "foo[when='(a']",
    "./foo.conda",
    "foo[build='^($']",
    "foo[extras=[a]",
]
RECORD = RepoDataRecord(
    name="foo",
    version="1.2.3",
    build="py311_1",
    build_number=1,
    subdir=Subdir("linux-64"),
    file_name="foo-1.2.3-py311_1.conda",
    url="https://conda.anaconda.org/conda-forge/linux-64/foo-1.2.3-py311_1.conda",
    channel="https://conda.anaconda.org/conda-forge/",
    md5=Md5(MD5),
    sha256=Sha256(SHA),
    license="MIT",
    track_features=("mkl",),
    flags=("cuda", "gpu:large"),
)


@pytest.mark.parametrize(("text", "expected"), CANONICAL)
def test_canonical_text(text: str, expected: str) -> None:
    spec = parse_match_spec(text)
    assert str(spec) == expected
    assert parse_match_spec(expected) == spec


@pytest.mark.parametrize("text", INVALID)
def test_what_is_not_a_match_spec(text: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse_match_spec(text)
    assert str(caught.value).startswith(f"'{text}' is not a valid match spec: ")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("foo", True),
        ("bar", False),
        ("fo*", True),
        ("^fo+$", True),
        ("*", True),
        ("foo 1.2.*", True),
        ("foo 1.3", False),
        ("foo * py311*", True),
        ("foo * *_0", False),
        ("foo 1.2.3 ^py3\\d+_1$", True),
        ("foo[build_number='>=1']", True),
        ("foo[build_number='<1']", False),
        (f"foo[md5={MD5}]", True),
        (f"foo[sha256={'0' * 64}]", False),
        ("foo[subdir=linux-64]", True),
        ("conda-forge/noarch::foo", False),
        ("conda-forge::foo", True),
        ("https://conda.anaconda.org/conda-forge::foo", True),
        ("bioconda::foo", False),
        ("foo[license=MIT]", True),
        ("foo[license=BSD]", False),
        ("foo[track_features=mkl]", True),
        ("foo[track_features='mkl x']", False),
        ("foo[flags=[cuda]]", True),
        ("foo[flags=[gpu:*]]", True),
        ("foo[flags=[rocm]]", False),
        (RECORD.url, True),
        ("foo[fn=foo-1.2.3-py311_1.conda]", True),
        ("foo[fn=other-1-0.conda]", False),
        ("https://a.example/foo-1.2.3-py311_1.conda", False),
        ("foo[extras=[a],when=bar]", True),
    ],
)
def test_matching(text: str, expected: bool) -> None:
    assert parse_match_spec(text).matches(RECORD) is expected


def test_a_record_of_no_channel_matches_no_channel() -> None:
    assert not parse_match_spec("conda-forge::foo").matches(RECORD.replace(channel=None))


TABLES: list[tuple[TableValue, str, object]] = [
    ("*", "foo *", "*"),
    (">=1,<2", "foo >=1,<2", ">=1,<2"),
    ({"version": "1.2.*", "build": "py*"}, "foo 1.2.* py*", {"version": "1.2.*", "build": "py*"}),
    ({"build-number": ">=1"}, 'foo[build_number=">=1"]', {"version": "*", "build-number": ">=1"}),
    ({"channel": "conda-forge", "version": "*"}, "conda-forge::foo *", {"version": "*", "channel": "conda-forge"}),
    (
        {"extras": ["a"], "flags": ["x*"]},
        "foo[extras=[a], flags=[x*]]",
        {"version": "*", "extras": ["a"], "flags": ["x*"]},
    ),
    ({"path": "/p/foo-1-0.conda"}, 'foo[url="file:///p/foo-1-0.conda"]', {"url": "file:///p/foo-1-0.conda"}),
    ({"path": "./foo-1-0.conda"}, 'foo[url="./foo-1-0.conda"]', {"path": "./foo-1-0.conda"}),
    (
        {"when": {"any": ["bar", {"package": "baz", "version": ">1"}]}},
        'foo[when="bar or baz >1"]',
        {"version": "*", "when": "bar or baz >1"},
    ),
]


@pytest.mark.parametrize(("value", "text", "written"), TABLES)
def test_tables_of_manifests(value: TableValue, text: str, written: object) -> None:
    spec = MatchSpec.from_table("Foo", value)
    assert str(spec) == text
    assert spec.to_manifest() == written


@pytest.mark.parametrize(
    "value",
    [{"versoin": "1"}, {"version": 1}, {"extras": [1]}, {"when": {"all": []}}, {"when": {}}, {"path": "./folder"}],
)
def test_tables_that_say_nothing_possible(value: Mapping[str, object]) -> None:
    with pytest.raises(SpecError):
        MatchSpec.from_table("foo", value)


def test_conditions_are_trees() -> None:
    condition = parse_match_spec("foo[when='a and (b or c >=1,<2)']").when
    assert isinstance(condition, AllOf)
    assert isinstance(condition.parts[1], AnyOf)
    assert [str(spec) for spec in condition.packages()] == ["a", "b", "c >=1,<2"]


def test_did_you_mean_for_keys() -> None:
    with pytest.raises(SpecError) as caught:
        parse_match_spec("foo[versoin=1]")
    assert caught.value.hints == ("did you mean `version`?",)


@pytest.mark.parametrize(("text", "expected"), [("foo 1 x", True), ("foo", True), ("c::foo", False), ("fo*", False)])
def test_simple(text: str, expected: bool) -> None:
    assert parse_match_spec(text).is_simple is expected
    assert parse_match_spec(text).nameless().name is None

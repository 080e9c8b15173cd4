"""Laws of versions, version specs and match specs."""

from __future__ import annotations

import functools

from hypothesis import given, settings
from hypothesis import strategies as st

from pixi_core.errors import SpecError
from pixi_core.model.match_spec import (
    AllOf,
    AnyOf,
    BuildNumberSpec,
    Condition,
    HasPackage,
    MatchSpec,
    StringMatcher,
    parse_match_spec,
)
from pixi_core.model.version import Version, parse_version, version_key
from pixi_core.model.version_spec import VersionSpec, parse_version_spec

law = settings(max_examples=60, deadline=None)
words = st.sampled_from(["a", "b", "rc", "dev", "post", "alpha", "z"])
numbers = st.one_of(st.integers(0, 12), st.integers(0, 20301231)).map(str)
pieces = (
    st.lists(st.one_of(numbers, st.sampled_from(["0", "00", "01"]), words), min_size=1, max_size=3)
    .map("".join)
    .filter(lambda text: len(text) < 18)
)
parts = st.lists(pieces, min_size=1, max_size=4).flatmap(
    lambda found: st.sampled_from([".", "_", "-"]).map(lambda separator: separator.join(found))
)
small = st.lists(st.sampled_from(["0", "1", "2", "a", "dev", "post"]), min_size=1, max_size=4).map(".".join)
texts = st.one_of(
    small,
    parts,
    st.builds("{}!{}".format, st.integers(0, 2), small),
    st.builds("{}+{}".format, small, small),
    st.builds("{}{}".format, small, st.sampled_from(["_", "a", "rc1", "dev", "post", ""])),
)
constraints = st.one_of(
    st.just("*"),
    st.builds("{}{}".format, st.sampled_from(["==", "!=", "<", "<=", ">", ">=", "~=", "="]), texts),
    st.builds("{}{}.*".format, st.sampled_from(["", "!="]), texts),
)
specs = st.recursive(
    constraints,
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(",".join),
        st.lists(inner, min_size=2, max_size=3).map("|".join),
        inner.map("({})".format),
    ),
    max_leaves=6,
)


def pairwise(left: Version, right: Version) -> int:
    """The order by its definition: pad with zeros, compare component by component."""
    if left.epoch != right.epoch:
        return -1 if left.epoch < right.epoch else 1
    for ours, theirs in ((left.segments(), right.segments()), (left.local, right.local)):
        for index in range(max(len(ours), len(theirs))):
            one = ours[index] if index < len(ours) else (0,)
            two = theirs[index] if index < len(theirs) else (0,)
            for place in range(max(len(one), len(two))):
                a = rank(one[place] if place < len(one) else 0)
                b = rank(two[place] if place < len(two) else 0)
                if a != b:
                    return -1 if a < b else 1
    return 0


def rank(component: int | str) -> tuple[int, int, str]:
    if isinstance(component, int):
        return (2, component, "")
    return (0, 0, "") if component == "dev" else (3, 0, "") if component == "post" else (1, 0, component)


@law
@given(texts, texts)
def test_the_key_orders_as_the_definition_does(one: str, two: str) -> None:
    left, right = Version(one), Version(two)
    expected = pairwise(left, right)
    assert (left.key > right.key) - (left.key < right.key) == expected
    assert (left == right) == (expected == 0)
    if expected == 0:
        assert hash(left) == hash(right)


@law
@given(st.lists(texts, min_size=3, max_size=6))
def test_the_order_is_total(found: list[str]) -> None:
    versions = [Version(text) for text in found]
    by_key = sorted(versions, key=lambda version: version.key)
    by_definition = sorted(versions, key=functools.cmp_to_key(pairwise))
    assert by_key == by_definition


@law
@given(texts)
def test_a_version_is_its_text(text: str) -> None:
    version = Version(text)
    again = Version(str(version))
    assert again == version
    assert str(again) == str(version)
    assert version_key(text) == version.key
    assert version.starts_with(version)
    assert version.is_compatible_with(version)


@law
@given(st.lists(st.integers(0, 99), min_size=1, max_size=5), st.integers(0, 4), texts)
def test_the_bumped_version_is_the_upper_bound_of_the_prefix(found: list[int], index: int, more: str) -> None:
    version = Version(".".join(map(str, found)))
    bumped = version.bump(index)
    assert version < bumped
    assert Version(f"{version.with_segments(index + 1)}.7") < bumped
    longer = Version(f"{version}.{more.rpartition('!')[2].replace('-', '.')}")
    if index == len(found) - 1 and longer.starts_with(version):
        assert longer < bumped


@law
@given(texts, texts)
def test_ranges_agree_with_the_order(limit: str, text: str) -> None:
    version, other = Version(text), Version(limit)
    assert parse_version_spec(f"<{limit}").matches(version) == (version < other)
    assert parse_version_spec(f"<={limit}").matches(version) == (version <= other)
    assert parse_version_spec(f">{limit}").matches(version) == (version > other)
    assert parse_version_spec(f">={limit}").matches(version) == (version >= other)
    assert parse_version_spec(f"=={limit}").matches(version) == (version == other)
    assert parse_version_spec(f"!={limit}").matches(version) == (version != other)


@law
@given(specs)
def test_parse_and_format_of_specs_are_inverse(text: str) -> None:
    spec = parse_version_spec(text)
    again = parse_version_spec(str(spec))
    assert again == spec
    assert str(again) == str(spec)


@law
@given(specs, st.lists(texts, max_size=12))
def test_bisecting_selects_what_matching_selects(text: str, found: list[str]) -> None:
    spec = parse_version_spec(text)
    versions = sorted({Version(one) for one in found})
    expected = sum(1 << index for index, version in enumerate(versions) if spec.matches(version))
    assert spec.selected(versions) == expected


@law
@given(st.text(max_size=12))
def test_any_text_is_a_version_or_an_input_error(text: str) -> None:
    for parse in (parse_version, parse_version_spec, parse_match_spec):
        try:
            value = parse(text)
        except SpecError:
            continue
        assert parse(str(value)) == value


names = st.from_regex(r"[a-z_][a-z0-9_.\-]{0,8}", fullmatch=True)
builds = st.one_of(st.from_regex(r"[a-z0-9_]{1,6}\*?", fullmatch=True), st.just("^py3.*$"), st.just("*_0"))
values = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9 ._\-]{0,6}[A-Za-z0-9]", fullmatch=True)
version_specs: st.SearchStrategy[VersionSpec] = specs.map(parse_version_spec)
simple = st.builds(
    MatchSpec, name=names.filter(lambda name: name not in ("and", "or")), version=st.none() | version_specs
)
conditions: st.SearchStrategy[Condition] = st.one_of(
    simple.map(HasPackage),
    st.tuples(simple.map(HasPackage), simple.map(HasPackage)).map(AllOf),
    st.tuples(simple.map(HasPackage), st.tuples(simple.map(HasPackage), simple.map(HasPackage)).map(AllOf)).map(AnyOf),
    st.tuples(simple.map(HasPackage), st.tuples(simple.map(HasPackage), simple.map(HasPackage)).map(AnyOf)).map(AllOf),
)
match_specs = st.builds(
    MatchSpec,
    name=names,
    version=st.none() | version_specs,
    build=st.none() | builds.map(StringMatcher),
    build_number=st.none()
    | st.builds(BuildNumberSpec, st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), st.integers(0, 99)),
    channel=st.sampled_from([None, "conda-forge", "https://conda.example/main", "a/label/b"]),
    subdir=st.sampled_from([None, "linux-64", "noarch"]),
    url=st.sampled_from([None, "https://conda.example/noarch/a-1-0.conda", "./a-1-0.tar.bz2"]),
    md5=st.sampled_from([None, "0" * 32]),
    sha256=st.sampled_from([None, "a" * 64]),
    extras=st.lists(names, max_size=2).map(tuple),
    flags=st.lists(names, max_size=2).map(tuple),
    license=st.none() | values,
    track_features=st.lists(names, max_size=2).map(tuple),
    when=st.none() | conditions,
    namespace=st.sampled_from([None, "ns"]),
)


@law
@given(match_specs)
def test_parse_and_format_of_match_specs_are_inverse(spec: MatchSpec) -> None:
    assert parse_match_spec(str(spec)) == spec


@law
@given(match_specs)
def test_manifest_tables_are_inverse(spec: MatchSpec) -> None:
    written = spec.to_manifest()
    again = MatchSpec.from_table(str(spec.name), written)
    assert again.to_manifest() == written

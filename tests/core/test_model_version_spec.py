"""Version specs: grammar, canonical text, matching."""

from __future__ import annotations

import pytest

from pixi_core.errors import SpecError
from pixi_core.model.version_spec import And, AnyVersion, Exact, Or, Range, StrictRange, parse_version_spec

CANONICAL = [
    ("*", "*"),
    ("*.*", "*"),
    ("=*", "*"),
    (">=*", "*"),
    ("1.2", "==1.2"),
    ("=1.2", "1.2.*"),
    ("==1.2", "==1.2"),
    ("1.2.*", "1.2.*"),
    ("=1.2.*", "1.2.*"),
    ("1.2*", "1.2.*"),
    ("==1.2.*", "==1.2"),
    ("!=1.2.*", "!=1.2.*"),
    ("~=1.2.3", "~=1.2.3"),
    ("~=1.2.*", "~=1.2"),
    (">1.2.*", ">=1.2"),
    ("<=1.2.*", "<=1.2"),
    ("1.*.*", "1.*"),
    ("1.2|1.3", "==1.2|==1.3"),
    (">=1, <2", ">=1,<2"),
    ("> 1 , < 2 | 3.*", ">1,<2|3.*"),
    ("(1.2|1.3),>1", "(==1.2|==1.3),>1"),
    ("1.2|(1.3,<2)|3", "==1.2|==1.3,<2|==3"),
    ("((1.2))", "==1.2"),
    ("1,(2,3)", "==1,==2,==3"),
    ("1|(2|3)", "==1|==2|==3"),
    ("1.*.3", "1.*.3"),
    ("^1\\.(2|3)$,>1", "^1\\.(2|3)$,>1"),
    ("1.0_*", "1.0_.*"),
    (">=1!2,<3.0.a0", ">=1!2,<3.0.a0"),
    ("2026.01.21.*", "2026.1.21.*"),
    ("1.*|^a$", "1.*|^a$"),
]
MATCHES = [
    ("1.2.*", "1.2.9 1.2a 1.2", "1.20 1.3 2"),
    ("2026.1.21.*", "2026.01.21 2026.1.21.5", "2026.01.22"),
    ("!=1.2.*", "1.20 1.3", "1.2.9"),
    (">=1.2,<2", "1.2 1.99 2.0dev", "1.1 2 1.2rc1"),
    (">1.2", "1.2.1 1.2post1", "1.2 1.2.0 1.2a"),
    ("==1.0", "1 1.0.0", "1.0.1 1.0+a"),
    ("!=1.0", "1.0.1", "1 1.00"),
    ("~=1.4.2", "1.4.2 1.4.9", "1.5 1.4.1"),
    ("<2|>3", "1 4", "2 2.5 3"),
    ("(1.*|3.*),!=3.1", "1.5 3.2", "3.1 2.0"),
    ("1.*.3", "1.2.3 1.9.3", "1.2.4 2.2.3"),
    ("^1\\.(2|3)$", "1.2 1.3", "1.4 1.2.0"),
    ("*", "0 1!9 x", ""),
]
INVALID = [
    "",
    ">",
    "!1.2",
    "=>1",
    "===1",
    "!=*",
    ">*",
    "(1.2",
    "1.2)",
    "1.2,",
    "|1.2",
    ">=1.2 <2",
    "1 2",
    "^1",
    "~=",
    "=1.2.",
    "^($",
    ">=1.*.2",
    "(" * 60 + "1" + ")" * 60,
]


@pytest.mark.parametrize(("text", "expected"), CANONICAL)
def test_canonical_text(text: str, expected: str) -> None:
    spec = parse_version_spec(text)
    assert str(spec) == expected
    assert parse_version_spec(expected) == spec


@pytest.mark.parametrize(("text", "inside", "outside"), MATCHES)
def test_matching(text: str, inside: str, outside: str) -> None:
    spec = parse_version_spec(text)
    assert [v for v in inside.split() if not spec.matches(v)] == []
    assert [v for v in outside.split() if spec.matches(v)] == []


@pytest.mark.parametrize("text", INVALID)
def test_what_is_not_a_spec(text: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse_version_spec(text)
    assert 0 <= caught.value.offset <= len(text)


@pytest.mark.parametrize("text", ["1.2", "==1.2.*", ">=1.2.*", "=1.2.*", ">=*"])
def test_strict_refuses_what_is_ambiguous(text: str) -> None:
    parse_version_spec(text)
    with pytest.raises(SpecError):
        parse_version_spec(text, strict=True)


def test_the_tree() -> None:
    spec = parse_version_spec("=1|>=2,!=3,*")
    assert isinstance(spec, Or)
    assert isinstance(spec.parts[0], StrictRange)
    assert isinstance(spec.parts[1], And)
    assert [type(part) for part in spec.parts[1].parts] == [Range, Exact, AnyVersion]


def test_a_hint_for_the_missing_comma() -> None:
    with pytest.raises(SpecError) as caught:
        parse_version_spec(">=1.2 <2")
    assert caught.value.hints == ("separate several constraints by `,`",)

"""The administrator's policy: where it may stand, what it may say, what it covers; and that more rules allow less."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixi_core.errors import ConfigError, PolicyRefused
from pixi_core.model.exclude_newer import ExcludeNewer
from pixi_core.model.platform import NOARCH
from pixi_core.model.pypi_options import PypiOptions
from pixi_core.model.record import PypiRecord, RepoDataRecord
from pixi_core.names import pypi_name
from pixi_core.policy.model import Policy, Rules
from pixi_core.policy.patterns import covers
from pixi_core.policy.place import Machine, mark, place, weakness
from pixi_core.policy.read import parse_size, read_policy

NOW = datetime(2026, 1, 1, tzinfo=UTC)
POLICY = Path("/etc/pixi/policy.toml")


def read(text: str, *groups: str) -> Policy:
    return read_policy(text, POLICY, groups=groups, now=NOW)


def conda(name: str, version: str = "1.0", *, url: str = "", timestamp: int | None = None) -> RepoDataRecord:
    base = "https://good.example/conda/"
    return RepoDataRecord(
        name=name, version=version, build="0", build_number=0, subdir=NOARCH, file_name=f"{name}-{version}-0.conda",
        url=url or f"{base}noarch/{name}-{version}-0.conda", channel=base, timestamp=timestamp,
    )  # fmt: skip


def wheel(name: str, version: str | None = "1.0", location: str = "") -> PypiRecord:
    return PypiRecord(name=name, version=version, location=location or f"https://files.example/{name}-{version}.whl")


# ---------------------------------------------------------------- where it stands


@pytest.mark.parametrize(
    ("pattern", "url", "covered"),
    [
        ("https://a.example/conda", "https://a.example/conda/", True),
        ("https://a.example/conda/", "https://a.example/conda/noarch/x.conda", True),
        ("https://a.example/conda", "https://a.example/condamine/x", False),
        ("https://a.example", "https://a.example/anything/at/all", True),
        ("https://a.example", "https://user:secret@a.example/x", True),
        ("https://a.example", "https://a.example@evil.example/x", False),
        ("https://a.example", "https://a.example.evil.example/x", False),
        ("https://a.example", "http://a.example/x", False),
        ("https://a.example", "https://A.EXAMPLE:443/x", True),
        ("https://a.example", "https://a.example:8443/x", False),
        ("https://a.example:8443", "https://a.example:8443/x", True),
        ("https://*.example", "https://b.c.example/x", True),
        ("https://*.a.example", "https://evila.example/x", False),
        ("https://a.example/*/main", "https://a.example/org/main/x", True),
        ("https://a.example/*/main", "https://a.example/org/deep/main/x", False),
        ("https://a.example/conda", "https://a.example/conda/../evil/x", False),
        ("https://a.example/conda", "https://a.example/conda/%2e%2e/evil/x", False),
        ("https://a.example/conda", "https://a.example/conda/..%2fevil/x", False),
        ("https://a.example/conda", "https://a.example/conda\\..\\evil", False),
        ("https://a.example/conda", "https://a.example/%63onda/x", True),
        ("https://a.example/org", "git+https://a.example/org/x.git#0123", True),
        ("https://a.example/org", "direct+https://a.example/org/x.whl", True),
        ("https://[::1]:80/x", "https://[::1]:80/x/y", True),
        ("file:///srv/channel", "file:///srv/channel/noarch/x.conda", True),
        ("file:///srv/channel", "file:///srv/channels/x", False),
        ("https://a.example", "https://a.example:port/x", False),
        ("https://a.example", "a.example/x", False),
    ],
)
def test_what_a_pattern_covers(pattern: str, url: str, covered: bool) -> None:
    assert covers(pattern, url) is covered


def status(mode: int, owner: int = 0) -> os.stat_result:
    return os.stat_result((mode, 1, 1, 1, owner, 0, 10, 0, 0, 0))


FOLDER, STICKY, FILE, LINK = stat.S_IFDIR | 0o755, stat.S_IFDIR | 0o1777, stat.S_IFREG | 0o644, stat.S_IFLNK | 0o777


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"/etc": status(FOLDER), "/etc/p": status(FILE)}, None),
        ({"/etc": status(STICKY), "/etc/p": status(FILE)}, None),
        ({"/etc": status(FOLDER), "/etc/p": status(FILE, 1000)}, "/etc/p belongs to user 1000, not to root"),
        ({"/etc": status(FOLDER, 7), "/etc/p": status(FILE)}, "/etc belongs to user 7, not to root"),
        ({"/etc": status(FOLDER), "/etc/p": status(FILE | 0o020)}, "others than root may write /etc/p"),
        ({"/etc": status(FOLDER | 0o002), "/etc/p": status(FILE)}, "others than root may write /etc"),
        (
            {"/etc": status(FOLDER), "/etc/p": status(LINK), "/home": status(FOLDER, 5)},
            "/home belongs to user 5, not to root",
        ),
        (
            {"/etc": status(FOLDER), "/etc/p": status(LINK), "/home": status(FOLDER), "/home/p": status(LINK)},
            "leads in a circle",
        ),
    ],
)
def test_a_file_that_a_user_could_change_is_not_believed(files: dict[str, os.stat_result], why: str | None) -> None:
    links = {"/etc/p": "../home/p", "/home/p": "/etc/p"}
    machine = Machine(platform="linux", lstat=files.__getitem__, readlink=links.__getitem__)
    found = weakness("/etc/p", machine)
    assert found == why or (why is not None and found is not None and why in found)


@pytest.mark.parametrize(
    ("writable", "administrator", "weak"), [(False, False, False), (True, False, True), (True, True, False)]
)
def test_on_windows_the_access_list_decides(writable: bool, administrator: bool, weak: bool) -> None:
    machine = Machine(platform="win32", opens_for_writing=lambda _: writable, is_administrator=lambda: administrator)
    assert (weakness(r"C:\ProgramData\pixi\policy.toml", machine) is not None) is weak


@pytest.mark.parametrize(
    ("platform", "where"),
    [
        ("linux", "/etc/pixi/policy.toml"),
        ("darwin", "/Library/Application Support/pixi/policy.toml"),
        ("win32", r"C:\ProgramData\pixi\policy.toml"),
    ],
)
def test_the_variable_never_replaces_the_file_of_the_system(platform: str, where: str, tmp_path: Path) -> None:
    def nothing(path: str) -> os.stat_result:
        raise FileNotFoundError(path)

    named = {"PIXI_POLICY_FILE": str(tmp_path / "p"), "PROGRAMDATA": str(tmp_path), "HOME": str(tmp_path)}
    assert place(named, Machine(platform=platform, lstat=lambda _: status(FILE))) == where
    assert place(named, Machine(platform=platform, lstat=nothing)) == str(tmp_path / "p")
    assert place({}, Machine(platform=platform, lstat=nothing)) is None


def test_a_change_of_file_or_group_is_noticed(tmp_path: Path) -> None:
    def nothing(path: str) -> os.stat_result:
        raise FileNotFoundError(path)

    machine = Machine(lstat=nothing)
    file = tmp_path / "policy.toml"
    named = {"PIXI_POLICY_FILE": str(file)}
    seen = [mark({}, machine), mark(named, machine)]
    file.write_text("locked-only = true\n")
    seen += [mark(named, machine), mark({**named, "PIXI_POLICY_GROUP": "guests"}, machine)]
    file.write_text("locked-only = false\n")
    seen.append(mark(named, machine))
    assert len(set(seen)) == len(seen)


# ---------------------------------------------------------------- what it says


def test_every_mistake_is_told_with_its_place() -> None:
    text = (
        'chanels = ["conda-forge"]\n'
        'indexes = ["pypi"]\n'
        'exclude-newer = "soon"\n'
        'maximum-size = "big"\n'
        "[group.guests]\n"
        'denied = ["numpy <"]\n'
        "locked_only = true\n"
    )
    with pytest.raises(ConfigError) as caught:
        read(text)
    told = str(caught.value)
    assert told.startswith("6 mistakes in /etc/pixi/policy.toml")
    for line in (
        "policy.toml:1:1: unknown key `chanels` in the policy",
        "did you mean `channels`?",
        "policy.toml:2:12: 'pypi' is no address pattern",
        "policy.toml:3:17: 'soon' is neither a date nor an age",
        "policy.toml:4:16: 'big' is no size",
        "policy.toml:6:",
        "policy.toml:7:1: unknown key `locked_only` in `[group.guests]`",
        "did you mean `locked-only`?",
    ):
        assert line in told, told


@pytest.mark.parametrize("text", ["channels = [", "= 3", "[[group]]\n", "group = 3\n", "locked-only = 1\n"])
def test_what_is_no_policy_is_an_error(text: str) -> None:
    with pytest.raises(ConfigError, match="1 mistake"):
        read(text)


@pytest.mark.parametrize(
    ("value", "size"), [(7, 7), ("10", 10), ("1.5 kB", 1500), ("2 MiB", 2 * 1024**2), ("3 GB", 3 * 10**9)]
)
def test_sizes(value: object, size: int) -> None:
    assert parse_size(value) == size


def test_a_group_only_adds_rules() -> None:
    text = 'denied = ["torch"]\nexclude-newer = "2025-01-01"\n[group.guests]\nlocked-only = true\ndenied = ["numpy"]\n'
    assert [table.locked_only for table in read(text).tables] == [False]
    guests = read(text, "guests", "unknown")
    assert guests.groups == ("guests",)
    assert guests.cutoff == read(text).cutoff == int(datetime(2025, 1, 2, tzinfo=UTC).timestamp() * 1000)
    with pytest.raises(PolicyRefused) as caught:
        guests.admit([conda("torch"), conda("numpy")])
    assert [(str(r.location), r.key, r.value) for r in caught.value.refusals] == [
        ("/etc/pixi/policy.toml:1", "denied", "torch 1.0"),
        ("/etc/pixi/policy.toml:5", "denied", "numpy 1.0"),
    ]


ADMISSION: list[tuple[str, list[Any], list[str]]] = [
    ('channels = ["https://good.example/conda"]', [conda("a")], []),
    ('channels = ["https://good.example/*"]', [conda("b", url="https://bad.example/b.conda")], ["channels"]),
    ('channels = ["conda-forge"]', [conda("a")], ["channels"]),
    ("channels = []", [wheel("a")], []),
    ("indexes = []", [conda("a")], []),
    ("indexes = []", [wheel("a")], ["indexes"]),
    ('indexes = ["https://files.example"]', [wheel("a"), wheel("b", location="./b")], []),
    ('indexes = ["https://files.example"]', [wheel("a", location="git+https://x.example/a#1")], ["indexes"]),
    ('denied = ["a"]', [wheel("a"), conda("a", "2")], ["denied", "denied"]),
    ('denied = ["a <2"]', [wheel("a", "2.0"), conda("a", "2.1")], []),
    ('denied = ["a <2"]', [wheel("a", None)], ["denied"]),
    ('denied = ["a <2"]', [wheel("a", "no version!")], ["denied"]),
    ('denied = ["my-tool*"]', [wheel("my.tool_extra")], ["denied"]),
    ('denied = ["conda-forge::a"]', [wheel("a"), conda("a")], []),
    ('required = ["a >=2"]', [conda("a", "2.0")], []),
    ('required = ["a >=2"]', [conda("a", "1.9"), wheel("b")], ["required"]),
    ('required = ["a >=2"]', [wheel("a", None)], ["required"]),
    ('exclude-newer = "2025-01-01"', [conda("a", timestamp=1_700_000_000_000), conda("b"), wheel("c")], []),
    ('exclude-newer = "2025-01-01"', [conda("a", timestamp=1_760_000_000_000)], ["exclude-newer"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "packages", "keys"), ADMISSION)
def test_what_may_be_installed_together(text: str, packages: list[Any], keys: list[str]) -> None:
    policy = read(text)
    found = refused(policy, packages)
    assert [refusal.split("`")[1] for refusal in found] == keys
    assert all("/etc/pixi/policy.toml:1" in refusal for refusal in found)


def refused(policy: Policy, packages: list[Any]) -> list[str]:
    try:
        policy.admit(packages)
    except PolicyRefused as error:
        return [str(refusal) for refusal in error.refusals]
    return []


def test_cut_offs_are_never_later_than_the_policy() -> None:
    policy = read('exclude-newer = "2025-01-01T00:00:00Z"')
    early, limit, late = 1_600_000_000_000, int(datetime(2025, 1, 1, tzinfo=UTC).timestamp() * 1000), 1_800_000_000_000
    assert policy.exclude_newer(None) == ExcludeNewer(limit)
    asked = ExcludeNewer(early, {"x": late, "y": None}, {"p": early, "q": None})
    assert policy.exclude_newer(asked) == ExcludeNewer(early, {"x": limit, "y": limit}, {"p": early, "q": limit})
    options = policy.pypi_options(PypiOptions(exclude_newer_packages={pypi_name("q"): None}))
    assert options.cutoff(pypi_name("q")) == options.cutoff(pypi_name("z")) == datetime(2025, 1, 1, tzinfo=UTC)


def test_mirrors() -> None:
    own = {"https://a.example": ["https://mirror.example/a"]}
    assert read("").mirrors(own) == own
    ruled = read('[mirrors]\n"https://a.example" = ["https://inside.example/a"]\n').mirrors(own)
    assert ruled == {"https://a.example": ("https://inside.example/a",)}
    assert read('channels = ["https://mirror.example"]').mirrors(own) == own
    with pytest.raises(PolicyRefused, match=r"policy\.toml:1: `channels`: the mirror https://mirror\.example/a of"):
        read('channels = ["https://a.example"]').mirrors(own)


# ---------------------------------------------------------------- more rules allow less

NAMES = st.sampled_from(["a", "b", "c"])
VERSIONS = st.sampled_from(["1.0", "2.0", "3.5"])
HOSTS = st.sampled_from(["https://good.example", "https://files.example", "https://bad.example"])
PATTERNS = st.none() | st.lists(HOSTS, max_size=2)
SPECS = st.lists(st.builds("{} {}".format, NAMES, st.sampled_from(["*", "<2", ">=2"])), max_size=2)
PACKAGES = st.lists(
    st.builds(
        lambda name, version, host, at: conda(name, version, url=f"{host}/{name}.conda", timestamp=at),
        NAMES, VERSIONS, HOSTS, st.none() | st.integers(0, 10),
    )
    | st.builds(lambda name, version, host: wheel(name, version, f"{host}/{name}.whl"), NAMES, VERSIONS, HOSTS),
    max_size=3,
)  # fmt: skip


@st.composite
def tables(draw: st.DrawFn) -> str:
    """A table of a policy, as text."""
    found = {
        "channels": draw(PATTERNS),
        "indexes": draw(PATTERNS),
        "denied": draw(SPECS),
        "required": draw(SPECS),
        "maximum-size": draw(st.none() | st.integers(0, 4)),
        "locked-only": draw(st.booleans()),
    }
    lines = [f"{key} = {str(value).lower()}" for key, value in found.items() if value is not None]
    moment = draw(st.none() | st.integers(0, 9))
    return "\n".join([*lines, *([] if moment is None else [f"exclude-newer = 1970-01-01T00:00:00.00{moment}Z"])])


def allowed(policy: Policy, packages: list[Any], size: int) -> set[str]:
    """The actions that a policy lets through."""
    actions: dict[str, Callable[[], None]] = {
        "lock": lambda: policy.require_lock("it"),
        "channel": lambda: policy.check_channels(["https://good.example/conda"]),
        "index": lambda: policy.check_indexes(["https://files.example/simple"]),
        "install": lambda: policy.admit(packages),
        "install a part": lambda: policy.admit(packages, whole=False),
        "write": lambda: policy.admit_size(size, str),
    }
    found = set()
    for name, action in actions.items():
        try:
            action()
        except PolicyRefused:
            continue
        found.add(name)
    return found


@given(tables(), tables(), PACKAGES, st.integers(0, 5))
def test_a_stricter_policy_never_allows_more(one: str, more: str, packages: list[Any], size: int) -> None:
    text = f"{one}\n[group.strict]\n{more}\n"
    loose, strict = read(text), read(text, "strict")
    both = allowed(loose, packages, size) & allowed(read(more), packages, size)
    assert allowed(strict, packages, size) == both
    assert loose.cutoff is None or (strict.cutoff is not None and strict.cutoff <= loose.cutoff)


@given(st.builds(Rules, denied=st.just(()), locked_only=st.booleans()), PACKAGES)
def test_no_rule_no_refusal(rules: Rules, packages: list[Any]) -> None:
    policy = Policy(tables=(rules,))
    policy.admit(packages)
    assert (policy.limits_size, policy.cutoff) == (False, None)

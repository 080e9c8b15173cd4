"""What conda packages are on PyPI: what the manifest says of a channel, tables of names, and what is known without."""

# ruff: noqa: E501  (one case a line)

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from pixi_core.errors import ManifestError, Offline, SpecError
from pixi_core.manifest.read import read_manifest
from pixi_core.model.conda_pypi_map import CondaPypiMap
from pixi_core.model.platform import Subdir
from pixi_core.model.record import RepoDataRecord
from pixi_core.progress import Reporter
from pixi_core.pypi.mapping import TABLE_LIFETIME, NameTables
from tests.support.http_server import serving
from tests.support.plain_fetcher import PlainFetcher

FORGE = "https://conda.example/conda-forge"
OTHER = "https://conda.example/other"
PROJECT = "?source=project-defined-mapping"


def record(name: str, channel: str, **more: Any) -> RepoDataRecord:
    return RepoDataRecord(
        name=name,
        version="1.0",
        build="py_0",
        build_number=0,
        subdir=Subdir("noarch"),
        noarch=more.pop("noarch", "python"),
        file_name=f"{name}-1.0-py_0.conda",
        url=f"{channel}/noarch/{name}-1.0-py_0.conda",
        channel=f"{channel}/",
        **more,
    )


def stated(line: str) -> CondaPypiMap:
    """The map of a manifest with one more line in `[workspace]`."""
    text = f'[workspace]\nchannels = ["{FORGE}", "{OTHER}"]\nplatforms = ["linux-64"]\n{line}\n'
    return read_manifest(text, path=Path("/somewhere/pixi.toml")).conda_pypi_map or CondaPypiMap()


def tables(root: Path, fetcher: PlainFetcher | None = None, reporter: Reporter | None = None) -> NameTables:
    def fetching() -> PlainFetcher:
        assert fetcher is not None, "nothing must be fetched"
        return fetcher

    return NameTables(root=root, cache=root / "cache", fetcher=fetching, reporter=reporter or Reporter())


CASES = [
    # (the manifest, the package, its channel, its purls)
    ("", "flask", FORGE, ["pkg:pypi/flask"]),
    ("", "Typing_Extensions", FORGE, ["pkg:pypi/typing-extensions"]),
    ("", "pytorch", FORGE, ["pkg:pypi/torch"]),
    ("", "matplotlib-base", FORGE, ["pkg:pypi/matplotlib"]),
    ("", "py-opencv", FORGE, ["pkg:pypi/opencv-python", "pkg:pypi/opencv-python-headless"]),
    ("", "flask", OTHER, []),
    ("", "pytorch", OTHER, []),
    ("conda-pypi-map = false", "flask", FORGE, []),
    ("conda-pypi-map = {}", "flask", FORGE, ["pkg:pypi/flask"]),
    (f'conda-pypi-map = {{ "{FORGE}" = false }}', "flask", FORGE, []),
    (f'conda-pypi-map = {{ "{OTHER}" = false }}', "flask", FORGE, ["pkg:pypi/flask"]),
    (f'conda-pypi-map = {{ "{OTHER}" = "names.json" }}', "own", OTHER, [f"pkg:pypi/on-pypi{PROJECT}"]),
    (f'conda-pypi-map = {{ "{OTHER}/" = "names.json" }}', "own", OTHER, [f"pkg:pypi/on-pypi{PROJECT}"]),
    (f'conda-pypi-map = {{ "{OTHER}" = "names.json" }}', "twin", OTHER, [f"pkg:pypi/a{PROJECT}", f"pkg:pypi/b{PROJECT}"]),
    (f'conda-pypi-map = {{ "{OTHER}" = "names.json" }}', "none", OTHER, []),
    (f'conda-pypi-map = {{ "{FORGE}" = "names.json" }}', "none", FORGE, []),
    (f'conda-pypi-map = {{ "{FORGE}" = "names.json" }}', "pytorch", FORGE, ["pkg:pypi/torch"]),
    (f'conda-pypi-map = {{ "{FORGE}" = "names.json" }}', "flask", FORGE, ["pkg:pypi/flask"]),
    (f'conda-pypi-map = {{ "{FORGE}" = {{ mapping = {{ flask = "Flask2" }} }} }}', "flask", FORGE, [f"pkg:pypi/flask2{PROJECT}"]),
    (f'conda-pypi-map = {{ "{FORGE}" = {{ mapping = {{ flask = false }} }} }}', "flask", FORGE, []),
    (f'conda-pypi-map = {{ "{FORGE}" = {{ mapping = {{ flask = ["x", "y"] }} }} }}', "flask", FORGE, [f"pkg:pypi/x{PROJECT}", f"pkg:pypi/y{PROJECT}"]),
    (f'conda-pypi-map = {{ "{OTHER}" = {{ location = "names.json", mapping = {{ own = "mine" }} }} }}', "own", OTHER, [f"pkg:pypi/mine{PROJECT}"]),
    (f'conda-pypi-map = {{ "{FORGE}" = {{ mapping-mode = "replace" }} }}', "pytorch", FORGE, ["pkg:pypi/pytorch"]),
    (f'conda-pypi-map = {{ "{FORGE}" = {{ mapping-mode = "replace", same-name-heuristic = false }} }}', "flask", FORGE, []),
    (f'conda-pypi-map = {{ "{OTHER}" = {{ same-name-heuristic = true }} }}', "flask", OTHER, ["pkg:pypi/flask"]),
]  # fmt: skip


@pytest.mark.parametrize(("line", "name", "channel", "expected"), CASES)
def test_packages_and_their_projects(line: str, name: str, channel: str, expected: list[str], tmp_path: Path) -> None:
    (tmp_path / "names.json").write_text(json.dumps({"own": "On_PyPI", "twin": ["a", "b"], "none": None}))
    (found,) = tables(tmp_path).with_purls([record(name, channel)], stated(line))
    assert list(found.purls or ()) == expected


def test_purls_of_a_record_win() -> None:
    said = record("flask", FORGE, purls=("pkg:pypi/other@2",))
    assert stated("conda-pypi-map = false").with_purls([said], {}) == (said,)
    assert CondaPypiMap().with_purls([record("flask", FORGE, purls=())], {})[0].purls == ()


def test_libraries_are_no_projects_of_the_same_name() -> None:
    library = record("zstd", FORGE, noarch=None, depends=("libgcc >=13",))
    assert CondaPypiMap().with_purls([library], {})[0].purls == ()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("conda-pypi-map = true", "must be false or a table of channels"),
        (f'conda-pypi-map = {{ "{FORGE}" = 3 }}', "must be false, a path or URL, or a table"),
        (f'conda-pypi-map = {{ "{FORGE}" = {{ locaton = "x" }} }}', "unknown key `locaton`"),
        (f'conda-pypi-map = {{ "{FORGE}" = {{ mapping-mode = "merge" }} }}', "`overlay` or `replace`"),
        (f'conda-pypi-map = {{ "{FORGE}" = {{ mapping = {{ a = 1 }} }} }}', "`a` must be a name, a list of names"),
        (f'conda-pypi-map = {{ "{FORGE}" = {{ same-name-heuristic = "no" }} }}', "must be true or false"),
    ],
)
def test_mistakes_in_the_manifest(line: str, message: str) -> None:
    with pytest.raises(ManifestError) as caught:
        stated(line)
    assert message in str(caught.value)
    assert ":4:" in str(caught.value), "the line is named"


@pytest.mark.parametrize(("content", "message"), [("{", "is not JSON"), ("[]", "must be a table"), ('{"a": 3}', "`a`")])
def test_mistakes_in_a_table(content: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "names.json").write_text(content)
    with pytest.raises(SpecError, match=message):
        tables(tmp_path).table("names.json")


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"gone\.json cannot be read"):
        tables(tmp_path).table("gone.json")


class Warnings(Reporter):
    """Collects warnings."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def warning(self, text: str) -> None:
        self.texts.append(text)


class Unreachable(PlainFetcher):
    """A network that is not there."""

    def get_bytes(self, url: str, **_: Any) -> Any:
        raise Offline("no network", url=url)


def test_a_fetched_table_is_kept_and_serves_when_old(tmp_path: Path) -> None:
    fetcher, warnings = PlainFetcher(), Warnings()
    with serving({"/names.json": b'{"own": "theirs"}'}) as server:
        url = f"{server.url}/names.json"
        assert tables(tmp_path, fetcher).table(url) == {"own": ("theirs",)}
    fetcher.close()
    assert tables(tmp_path).table(url) == {"own": ("theirs",)}, "fresh: nothing is asked"
    (kept,) = (tmp_path / "cache").glob("*.json")
    old = time.time() - TABLE_LIFETIME - 7200
    os.utime(kept, (old, old))
    assert tables(tmp_path, Unreachable(), warnings).table(url) == {"own": ("theirs",)}
    assert "copy that is 26 hours old" in warnings.texts[0]
    with pytest.raises(Offline):
        tables(tmp_path, Unreachable()).table(f"{url}?other")

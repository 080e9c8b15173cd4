"""`pixi search`, through the real command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.command import Ran, pixi


def search(channel: Path, cwd: Path, *words: str) -> Ran:
    """On one platform, whatever machine this is."""
    return pixi("search", "-p", "linux-64", "-c", channel.as_uri(), *words, cwd=cwd)


def test_the_newest_record_and_the_versions(tmp_path: Path, small_channel: Path) -> None:
    done = search(small_channel, tmp_path, "native-library").succeeded()
    assert done.out.splitlines()[0] == "native-library 2.0 h1a2b3c4_0"
    assert [line.split()[0] for line in done.out.splitlines()[-3:]] == ["2.0", "1.1", "1.0"]
    assert f"{small_channel.as_uri()}/linux-64/native-library-2.0-h1a2b3c4_0.conda" in done.out


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (("native",), ["native-tool", "native-library"]),
        (("cycle-*",), ["cycle-one", "cycle-two"]),
        (("cycle-*", "-n", "1"), ["cycle-one"]),
        (("native-library >=2",), ["native-library"]),
    ],
)
def test_names_only(tmp_path: Path, small_channel: Path, words: tuple[str, ...], names: list[str]) -> None:
    done = search(small_channel, tmp_path, *words, "-l", "0").succeeded()
    assert done.out.split("\n\n")[0].split() == names


def test_json_is_by_subdir_newest_first(tmp_path: Path, small_channel: Path) -> None:
    found = json.loads(search(small_channel, tmp_path, "shared", "--json").succeeded().out)
    [(subdir, records)] = found.items()
    assert (subdir, [record["version"] for record in records]) == ("noarch", ["2.0", "1.0"])
    assert records[0]["fn"] == "shared-2.0-0.conda"
    assert records[0]["url"].endswith("/noarch/shared-2.0-0.conda")
    one = json.loads(search(small_channel, tmp_path, "shared", "--json", "-l", "1").succeeded().out)
    assert [record["version"] for record in one["noarch"]] == ["2.0"]


def test_nothing_found_names_what_is_near(tmp_path: Path, small_channel: Path) -> None:
    done = search(small_channel, tmp_path, "native-libary").failed()
    assert "no package matches 'native-libary'" in done.err
    assert "did you mean native-library" in done.err
    assert search(small_channel, tmp_path, "shared>=9", "--json").failed().out.strip() == "{}"


def test_the_channels_of_the_workspace_are_searched(tmp_path: Path, small_channel: Path) -> None:
    pixi("init", "-c", small_channel.as_uri(), cwd=tmp_path).succeeded()
    assert pixi("search", "shared", "-l", "0", cwd=tmp_path).succeeded().out == "shared\n"


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("-l", "many"), 2, "'many' is not a number of 0 or more"),
        (("--chanel", "x"), 2, "did you mean `--channel`?"),
        (("-p", "linux-46"), 1, "linux-64"),
    ],
)
def test_a_wrong_call(tmp_path: Path, words: tuple[str, ...], code: int, message: str) -> None:
    assert message in pixi("search", "shared", *words, cwd=tmp_path).failed(code).err


def test_offline_without_a_cache(tmp_path: Path) -> None:
    done = pixi("search", "shared", "--offline", "-c", "https://channel.example/none", cwd=tmp_path).failed()
    assert "channel.example" in done.err

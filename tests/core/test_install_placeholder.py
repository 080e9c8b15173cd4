"""Putting the real prefix in the place of the placeholder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pixi_core.errors import InstallError
from pixi_core.install.placeholder import python_shebang, replace_binary, replace_prefix, shebang
from pixi_core.model.platform import Subdir

LINUX, MAC, WINDOWS = Subdir("linux-64"), Subdir("osx-arm64"), Subdir("win-64")
OLD = "/old/" + "p" * 60


@pytest.mark.parametrize(
    ("content", "prefix", "subdir", "expected"),
    [
        (f"a={OLD}/x b={OLD}", "/new", LINUX, "a=/new/x b=/new"),
        (f"#!{OLD}/bin/bash -e\n{OLD}\n", "/new", LINUX, "#!/new/bin/bash -e\n/new\n"),
        (f"#!{OLD}/bin/bash -e\r\n{OLD}\r\n", "/new", LINUX, "#!/new/bin/bash -e\r\n/new\r\n"),
        (f"#!{OLD}/bin/bash -e\nx\n", "/with space", LINUX, "#!/usr/bin/env bash -e\nx\n"),
        (f"#!{OLD}/bin/perl\nx\n", "/" + "n" * 130, LINUX, "#!/usr/bin/env perl\nx\n"),
        (f"#!{OLD}/bin/perl\nx\n", "/" + "n" * 130, MAC, f"#!/{'n' * 130}/bin/perl\nx\n"),
        (
            f"#!{OLD}/bin/python3.11\nx\n",
            "/with space",
            LINUX,
            "#!/bin/sh\n'''exec' \"/with space/bin/python3.11\" \"$0\" \"$@\" #'''\nx\n",
        ),
        (
            f"#!{OLD}/bin/python -u\nx\n",
            "/" + "n" * 130,
            LINUX,
            f"#!/bin/sh\n'''exec' \"/{'n' * 130}/bin/python\" -u \"$0\" \"$@\" #'''\nx\n",
        ),
        ("#!/usr/bin/env bash\nx=1\n", "/with space", LINUX, "#!/usr/bin/env bash\nx=1\n"),
        (f"set X={OLD}\\bin", "C:\\env", WINDOWS, "set X=C:/env\\bin"),
        ("nothing", "/new", LINUX, "nothing"),
    ],
)
def test_text(content: str, prefix: str, subdir: Subdir, expected: str) -> None:
    found = replace_prefix(content.encode(), placeholder=OLD, prefix=prefix, mode="text", subdir=subdir)
    assert found.decode() == expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"ab" + OLD.encode() + b"/lib\0cd", b"ab/new/lib" + b"\0" * 61 + b"\0cd"),
        (b"x" + OLD.encode() + b":" + OLD.encode() + b"\0y", b"x/new:/new" + b"\0" * 122 + b"\0y"),
        (OLD.encode(), b"/new" + b"\0" * 61),
        (b"a\0b", b"a\0b"),
        (OLD.encode() + b"\nline two\0", b"/new\nline two" + b"\0" * 61 + b"\0"),
    ],
)
def test_binary_keeps_its_length(content: bytes, expected: bytes) -> None:
    found = replace_binary(content, OLD.encode(), b"/new")
    assert found == expected
    assert len(found) == len(content)


def test_binary_of_equal_length_and_of_longer_prefix() -> None:
    same = "/" + "n" * (len(OLD) - 1)
    assert replace_binary(OLD.encode() + b"\0", OLD.encode(), same.encode()) == same.encode() + b"\0"
    with pytest.raises(InstallError, match="too long"):
        replace_binary(OLD.encode(), OLD.encode(), same.encode() + b"n")


def test_windows_binaries_are_left_alone() -> None:
    content = OLD.encode() + b"\0"
    assert replace_prefix(content, placeholder=OLD, prefix="C:/x", mode="binary", subdir=WINDOWS) == content


@pytest.mark.parametrize("folder", ["short", "with space", "d" * 140, "dollar$HOME", 'quote"in', "back\\slash"])
@pytest.mark.skipif(sys.platform == "win32", reason="the kernel reads no #! there")
def test_python_shebang_runs(tmp_path: Path, folder: str) -> None:
    place = tmp_path / folder
    place.mkdir()
    (place / "python").symlink_to(sys.executable)
    script = place / "it"
    script.write_text(python_shebang(str(place / "python"), limit=127) + "\nimport sys\nprint(sys.argv[1:])\n")
    script.chmod(0o755)
    done = subprocess.run([script, "a b", "c"], capture_output=True, text=True, check=True)
    assert done.stdout == "['a b', 'c']\n"


def test_shebang_without_interpreter_stays() -> None:
    assert shebang(b"#!", b"/with space", limit=127) == b"#!"

"""Requirements files of pip: what a manifest can say of them, and what is said of the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pixi_core.errors import InputError, SpecError
from pixi_core.ops.requirements_file import Requirements, RequirementsReader, logical_lines

DIGEST = "0" * 64


def read(folder: Path, text: str | bytes, **others: str) -> Requirements:
    """The file `requirements.txt` with others beside it (`_` in names stands for a dot)."""
    path = folder / "requirements.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    for name, content in others.items():
        (folder / name.replace("_", ".")).write_text(content)
    found = Requirements()
    reader = RequirementsReader(folder, found)
    reader.read(path)
    reader.finish()
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    project = tmp_path / "lib" / "tool"
    project.mkdir(parents=True)
    (project / "pyproject.toml").write_text('[project]\nname = "the-tool"\nversion = "1"\n')
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels" / "some_thing-1.0-py3-none-any.whl").write_bytes(b"")
    (tmp_path / "plain").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("numpy", "numpy"),
        ("numpy >=1.2,<3 # why", "numpy>=1.2,<3"),
        ("Requests[socks,security] == 2.8.* ; python_version < '3'", None),
        ("numpy>=1 \\\n  ,<3", None),
        ("./lib/tool", "the-tool @ ./lib/tool"),
        ("lib/tool", "the-tool @ ./lib/tool"),
        ("./lib/tool[fast]", "the-tool[fast] @ ./lib/tool"),
        ("./lib/tool ; sys_platform == 'win32'", None),
        ("./plain", "plain @ ./plain"),
        ("wheels/some_thing-1.0-py3-none-any.whl", "some-thing @ ./wheels/some_thing-1.0-py3-none-any.whl"),
        ("the-tool @ ./lib/tool", "the-tool @ ./lib/tool"),
        ("https://files.example/some_thing-1.0-py3-none-any.whl", None),
        ("https://files.example/some-thing-1.0.tar.gz#sha256=" + DIGEST, None),
        ("git+https://git.example/some/thing.git@v1#egg=Thing&subdirectory=py", None),
        ("git+ssh://git@git.example/some/thing.git", None),
        ("name @ git+https://git.example/some/thing.git@abc", None),
    ],
)
def test_requirements(folder: Path, line: str, expected: str | None) -> None:
    found = read(folder, line + "\n")
    assert len(found.pypi) == 1
    assert not found.ignored
    assert not found.options
    if expected is not None:
        assert str(found.pypi[0]) == expected


def test_what_requirements_without_a_name_are_called(folder: Path) -> None:
    lines = """\
https://files.example/some_thing-1.0-py3-none-any.whl ; python_version > "3"
https://files.example/other-2.0.tar.gz
git+https://git.example/some/third.git@v1
git+https://git.example/some/x@v1#egg=fourth[extra]&subdirectory=py
"""
    found = read(folder, lines)
    assert [str(each.name) for each in found.pypi] == ["some-thing", "other", "third", "fourth"]
    assert found.pypi[0].marker is not None
    assert found.pypi[3].extras == ("extra",)
    table: Any = found.pypi[3].to_manifest()
    assert table["git"] == "https://git.example/some/x"
    assert table["subdirectory"] == "py"


@pytest.mark.parametrize("form", ["-e ./lib/tool", "-e lib/tool", "--editable=./lib/tool", "--editable ./lib/tool"])
def test_editable_folders(folder: Path, form: str) -> None:
    found = read(folder, form)
    assert [(str(each.name), each.editable) for each in found.pypi] == [("the-tool", True)]


def test_an_editable_repository_is_an_ordinary_one(folder: Path) -> None:
    found = read(folder, "\n-e git+https://git.example/x.git#egg=x\n")
    assert [(str(each.name), each.editable) for each in found.pypi] == [("x", False)]
    assert found.ignored == ["requirements.txt:2: that x is editable (only folders can be)"]


def test_paths_start_from_the_root_else_from_the_file(folder: Path) -> None:
    (folder / "reqs").mkdir()
    (folder / "reqs" / "own").mkdir()
    (folder / "reqs" / "dev.txt").write_text("-e ./lib/tool\n./own\n")
    found = read(folder, "-r reqs/dev.txt\n")
    assert [str(each) for each in found.pypi] == ["the-tool @ ./lib/tool", "own @ ./reqs/own"]


def test_options_of_indexes(folder: Path) -> None:
    found = read(
        folder,
        "-i https://a.example/simple\n--extra-index-url=https://b.example/simple\n--extra-index-url https://c.example\n"
        "-f ./wheels\n--find-links https://d.example/page\n--no-binary :all:\n--only-binary numpy,scipy\n--pre\n",
    )
    assert found.options == {
        "index-url": "https://a.example/simple",
        "extra-index-urls": ["https://b.example/simple", "https://c.example"],
        "find-links": [{"path": "./wheels"}, {"url": "https://d.example/page"}],
        "no-binary": True,
        "no-build": ["numpy", "scipy"],
        "prerelease-mode": "allow",
    }
    assert not found.ignored


def test_none_takes_back_what_was_said(folder: Path) -> None:
    assert read(folder, "--no-binary numpy\n--no-binary :none:\n--no-binary scipy\n").options == {
        "no-binary": ["scipy"]
    }


def test_secrets_and_variables_stay_out(folder: Path) -> None:
    found = read(folder, "--index-url https://me:secret@a.example/simple\nx @ https://${TOKEN}@b.example/x-1.tar.gz\n")
    assert found.options == {"index-url": "https://a.example/simple"}
    assert not found.pypi
    assert len(found.ignored) == 2
    assert "secret" not in " ".join(found.ignored)
    assert "pixi auth login" in found.ignored[0]
    assert found.ignored[1].startswith("requirements.txt:2: ")


def test_constraints_bind_what_is_asked_for(folder: Path) -> None:
    found = read(folder, "numpy>=1\nrich\n-c limits.txt\n", limits_txt="numpy<3\nrich==14.0\nother<1\n")
    assert [str(each) for each in found.pypi] == ["numpy>=1,<3", "rich==14.0"]
    assert found.ignored == ["limits.txt:3: other<1 (a constraint on what nothing here asks for itself)"]


def test_each_file_is_read_once(folder: Path) -> None:
    found = read(folder, "-r more.txt\n-rmore.txt\na\n", more_txt="-r requirements.txt\nb\n")
    assert [str(each) for each in found.pypi] == ["b", "a"]


def test_hashes_and_other_options_of_a_requirement(folder: Path) -> None:
    found = read(
        folder, f"a==1 \\\n    --hash=sha256:{DIGEST} \\\n    --hash=sha256:{DIGEST}\nb --config-settings=x=y\n"
    )
    assert [str(each) for each in found.pypi] == ["a==1", "b"]
    assert found.ignored == [
        "requirements.txt:1: the hashes of a (the lock file has its own)",
        "requirements.txt:4: --config-settings=x=y of b (a manifest has no such option)",
    ]


@pytest.mark.parametrize(
    "line", ["--trusted-host a.example", "--no-index", "--require-hashes", "hg+https://a.example/x"]
)
def test_what_a_manifest_cannot_say(folder: Path, line: str) -> None:
    found = read(folder, line)
    assert not found.pypi
    assert len(found.ignored) == 1
    assert found.ignored[0].startswith(f"requirements.txt:1: {line} (")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_encodings(folder: Path, encoding: str) -> None:
    text = ("\ufeff" if encoding == "utf-16-le" else "") + "numpy # größer\r\nrich\r\n"
    assert [str(each) for each in read(folder, text.encode(encoding)).pypi] == ["numpy", "rich"]


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        ("a\nb ==== 1\n", SpecError, "requirements.txt:2: "),
        ("\n./nowhere\n", SpecError, "requirements.txt:2: there is nothing at ./nowhere"),
        ("-r absent.txt\n", InputError, "requirements.txt:1: absent.txt cannot be read"),
        ("a\n-\n", InputError, "requirements.txt:2: '-' is neither a requirement nor an option"),
    ],
)
def test_mistakes_name_file_and_line(folder: Path, text: str, error: type[Exception], said: str) -> None:
    with pytest.raises(error) as caught:
        read(folder, text)
    assert said in str(caught.value)


def test_bytes_that_are_no_text(folder: Path) -> None:
    with pytest.raises(InputError, match=r"requirements\.txt"):
        read(folder, b"numpy\xff\xfe\n")


def test_logical_lines() -> None:
    text = "# one\n\na \\\n  b # not \\\nc\\\n# d\n  e  \nf\\"
    assert list(logical_lines(text)) == [(3, "a b"), (7, "e"), (8, "f")]

"""Finding files that are not as they were installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from pixi_core.errors import Cancelled
from pixi_core.install.execute import execute
from pixi_core.install.link import LinkOptions
from pixi_core.install.plan import make_plan
from pixi_core.install.prefix import read_prefix
from pixi_core.install.verify import verify
from pixi_core.model.platform import Platform, Subdir
from tests.support.packages import PLACEHOLDER, Shelf

SITE = "lib/python3.11/site-packages"


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    shelf = Shelf(tmp_path / "cache")
    conda = [
        shelf.add_python("3.11.1"),
        shelf.add_conda("tool", "1", {"bin/tool": f"#!{PLACEHOLDER}/sh\n", "etc/conf": "x"}, no_link=["etc/conf"]),
    ]
    wheel = shelf.add_wheel("pkg", "1.0", {"pkg.py": "y"}, entry_points="[console_scripts]\npkg = pkg:main\n")
    place = tmp_path / "env"
    execute(
        make_plan(conda, [wheel], read_prefix(place)),
        place,
        packages=shelf,
        requested={},
        platform=Platform.bare(Subdir("linux-64")),
        options=LinkOptions(durable=False, allow=("copy",)),
    )
    return place


def test_a_fresh_prefix_is_right(prefix: Path) -> None:
    assert verify(prefix) == ()
    assert verify(prefix, contents=False) == ()


@pytest.mark.parametrize(
    ("path", "content", "expected"),
    [
        ("bin/tool", "#!/changed\n", "tool (conda): bin/tool: changed"),
        ("etc/conf", "z", "tool (conda): etc/conf: changed"),
        ("etc/conf", None, "tool (conda): etc/conf: missing"),
        ("bin/python", None, "python (conda): bin/python: missing"),
        ("bin/pkg", "", "pkg (pypi): bin/pkg: changed"),
        (f"{SITE}/pkg.py", None, f"pkg (pypi): {SITE}/pkg.py: missing"),
        ("conda-meta/tool-1-0.json", "", "tool (conda): conda-meta/tool-1-0.json: unreadable record"),
        (f"{SITE}/pkg-1.0.dist-info/RECORD", "pkg.py,sha256=a,x\n", "pkg (pypi): RECORD"),
    ],
)
def test_what_is_wrong_is_found(prefix: Path, path: str, content: str | None, expected: str) -> None:
    (prefix / path).unlink()
    if content is not None:
        (prefix / path).write_text(content)
    found = [str(problem) for problem in verify(prefix)]
    assert len(found) == 1
    assert found[0] == expected or (expected.endswith("RECORD") and "unreadable record" in found[0])


def test_a_changed_size_is_found_without_reading(prefix: Path) -> None:
    (prefix / "etc/conf").write_text("longer")
    assert [problem.path for problem in verify(prefix, contents=False)] == ["etc/conf"]


def test_stopping(prefix: Path) -> None:
    with pytest.raises(Cancelled):
        verify(prefix, should_stop=lambda: True)

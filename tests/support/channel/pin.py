"""Make the pins anew: `python -m tests.support.channel.pin SELECTION PYTHON [PYTHON...]`.

Each PYTHON (3.11 and later, with its own pip) resolves the selection's requirements for itself, so that markers are
evaluated by the python they are meant for. Take the lowest patch version of each that shall be supported: projects
refuse some. Wheels are limited to what a machine with glibc 2.28 can run.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from .wheels import PINS

BASE = [
    ["ipykernel", "numpy", "pip", "six", "jinja2", "packaging", "tomli"],
    ["numpy==2.3.5", "six==1.16.0", "markupsafe==3.0.2", "packaging==25.0"],
]
HUNDRED = [
    ["jupyterlab", "ipykernel", "numpy", "pandas", "scikit-learn", "matplotlib", "ipywidgets", "requests", "pip"]
]
SELECTIONS = {"base": BASE, "hundred": HUNDRED}
PLATFORMS = [f"manylinux_2_{minor}_x86_64" for minor in (28, 27, 26, 24, 17)] + ["manylinux2014_x86_64"]
PLATFORMS += ["manylinux_2_12_x86_64", "manylinux2010_x86_64", "manylinux_2_5_x86_64", "manylinux1_x86_64"]


def main(words: list[str]) -> int:
    """Write `pins/SELECTION.toml` for every PYTHON given."""
    selection, *pythons = words
    lines = [f"# Made by `python -m tests.support.channel.pin {selection} PYTHON...`; file names say name and version."]
    for python in pythons:
        tag = ask(python, "import sys; print('cp%d%d' % sys.version_info[:2])")
        pins: dict[str, str] = {}
        for group in SELECTIONS[selection]:
            pins |= resolve(python, group, with_needs=group is SELECTIONS[selection][0])
        lines += ["", f"{tag} = ["]
        lines += [f'  {{ file = "{name}", sha256 = "{digest}" }},' for name, digest in sorted(pins.items())]
        lines.append("]")
    PINS.mkdir(exist_ok=True)
    (PINS / f"{selection}.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 0


def ask(python: str, question: str) -> str:
    """What `python` prints."""
    return subprocess.run([python, "-c", question], capture_output=True, text=True, check=True).stdout.strip()


def resolve(python: str, requirements: list[str], *, with_needs: bool) -> dict[str, str]:
    """File name → sha256 of the wheels that pip chooses (the first group with its closure, others by themselves)."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [
            python, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed", "--only-binary=:all:",
            "--target", folder, "--report", str(report), *[f"--platform={name}" for name in PLATFORMS],
            *([] if with_needs else ["--no-deps"]), *requirements,
        ]  # fmt: skip
        subprocess.run(command, check=True)
        chosen = [line["download_info"] for line in json.loads(report.read_text())["install"]]
    return {line["url"].rpartition("/")[2]: line["archive_info"]["hashes"]["sha256"] for line in chosen}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""One workspace on which commands, kills and a user's hands work in any order; after each step it is compared with a
fresh installation of the same lock file in the same place.

What a user changed may differ, and whatever of it belongs to a package `pixi doctor` must name. Everything is drawn
from a seed, so that a failure is a number.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import random
import shutil
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from pixi_core.cli.main import main

from .engine import in_child, kill, reset
from .products import comparable, pair

CONDA = (
    "clobber-one", "clobber-two", "links", "prefix-text", "prefix-binary", "unlinked", "odd-paths", "old-archive",
    "old-metadata", "both-archives", "menu-entry", "empty-folder", "activation-scripts", "cycle-one", "link-scripts",
    "native-library==1.0", "native-library==1.1", "native-library==2.0", "native-tool", "dated==1.0", "dated==2.0",
    "pure-library==1.0", "pure-library==1.1", "pure-library==2.0", "pure-tool", "python==3.11.9", "python==3.12.4",
    "shared==1.0", "shared==2.0", "needs-one", "needs-two",
)  # fmt: skip
PYPI = ("greeting==1.0", "greeting==1.1", "words==1.0", "words==2.0", "pure-library==1.1", "extra==1.0")
LATEST_KILL = 110
"""Commands make fewer changes than this; where one makes fewer than were drawn, it ends undisturbed."""
UNTOUCHED = ("conda-meta/", ".dist-info/")
"""What describes packages is left alone here: its damages are those of `end_to_end/test_doctor`."""


@dataclass
class Workspace:
    """The workspace, its caches, and what is known of what the user did."""

    place: Path
    channel: str
    index: str
    seed: int
    dice: random.Random = field(init=False)
    touched: set[str] = field(default_factory=set)
    """Files of packages that the user changed."""
    own: set[str] = field(default_factory=set)
    """Files that the user made."""
    story: list[str] = field(default_factory=list)
    count: Counter[str] = field(default_factory=Counter)
    golden: dict[str, dict[str, str]] = field(default_factory=dict)
    uncertain: bool = False
    """Whether a killed command has to be finished before anything can be said."""

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)

    @property
    def folder(self) -> Path:
        """The workspace's."""
        return self.place / "workspace"

    @property
    def prefix(self) -> Path:
        """The environment."""
        return self.folder / ".pixi" / "envs" / "default"

    @property
    def pair(self) -> tuple[bytes, bytes]:
        """Manifest and lock file."""
        return pair(self.folder)

    def begin(self) -> None:
        """Write the manifest, and install."""
        self.folder.mkdir(parents=True)
        (self.folder / "pixi.toml").write_text(
            f'[workspace]\nname = "demo"\nplatforms = ["linux-64"]\nchannels = ["{self.channel}"]\n\n'
            f'[pypi-options]\nindex-url = "{self.index}"\n\n'
            '[dependencies]\npython = "*"\npure-tool = "*"\n\n[pypi-dependencies]\n',
            encoding="utf-8",
        )
        reset(self.place.parent / "start", self.place)
        code, told, _ = self.outcome("install")  # in this process first: what it imports, its children need not
        assert code == 0, told
        self.compare()

    # ------------------------------------------------------------ commands

    def outcome(self, *words: str) -> tuple[int, str, str]:
        """Exit code, standard error and output of a command in this process."""
        out, told = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(told):
            code = main(["-m", str(self.folder), *words])
        return code, told.getvalue(), out.getvalue()

    def command(self, *words: str, at: int | None = None) -> int:
        """A command in a fork, killed at its change number `at`; its exit code, -9 where it was killed."""
        heard = self.place.parent / "told"

        def work() -> None:
            code, told, _ = self.outcome(*words)
            heard.write_text(f"{code}\n{told}", encoding="utf-8")

        self.story.append(f"pixi {' '.join(words)}" + (f" (killed at change {at})" if at else ""))
        heard.unlink(missing_ok=True)
        status, _ = in_child(work, at=at, fault=kill)
        if status == -9:
            self.count["kills"] += 1
            self.story[-1] += " †"
            return status
        text = heard.read_text(encoding="utf-8") if heard.exists() else ""
        first, _, told = text.partition("\n")
        assert status == 0, self.failure(f"status {status}: {told}")
        assert first in ("0", "1", "2"), self.failure(told)
        assert "Traceback" not in told, self.failure(told)
        self.story[-1] += f" -> {first}"
        self.said = told
        return int(first)

    def failure(self, why: str) -> str:
        """For assertions."""
        steps = "\n".join(self.story)
        return f"seed {self.seed}, step {len(self.story)}:\n{steps}\n{why}"

    # ------------------------------------------------------------ steps

    def step(self) -> None:
        """One step, drawn from all, and the comparison after it."""
        steps = {
            self.add: 8, self.remove: 4, self.roll_back: 4, self.reinstall: 2, self.drop_environment: 1,
            self.clean_cache: 1, self.edit: 4, self.make_own: 1, self.write_through: 1, self.repair: 1,
            self.edit_manifest: 2,
        }  # fmt: skip
        chosen = self.dice.choices(list(steps), list(steps.values()))[0]
        self.count["steps"] += 1
        self.count[chosen.__name__] += 1
        chosen()
        if not (self.uncertain and self.dice.random() < 0.5):
            self.settle()

    def settle(self) -> None:
        """Finish what was killed, and compare."""
        if self.uncertain:
            code = self.command("install")
            assert code == 0, self.failure(self.said)
            self.uncertain = False
        self.compare()

    def change(self, *words: str) -> None:
        """A command that may be killed, may be refused, and is never half done."""
        before = self.pair
        certain = not self.uncertain
        at = self.dice.randrange(2, LATEST_KILL) if self.dice.random() < 0.35 else None
        code = self.command(*words, at=at)
        if code == -9:
            self.uncertain = True
        elif code:
            assert not certain or self.pair == before, self.failure("refused, and manifest or lock file changed")
        else:
            self.uncertain = False

    def add(self) -> None:
        """A package, another version of one, or what cannot be had together with what is there."""
        if self.dice.random() < 0.3:
            self.change("add", "--pypi", self.dice.choice(PYPI))
        else:
            self.change("add", *self.dice.sample(CONDA, self.dice.choice((1, 1, 2, 3))))

    def remove(self) -> None:
        """One that the manifest asks for, mostly."""
        if self.dice.random() < 0.4:
            self.change("remove", "--pypi", self.dice.choice(PYPI).partition("=")[0])
        else:
            self.change("remove", self.dice.choice(CONDA).partition("=")[0])

    def roll_back(self) -> None:
        """To the last generation or an earlier one."""
        self.change("rollback", *([str(self.dice.randrange(1, 12))] if self.dice.random() < 0.6 else []))

    def reinstall(self) -> None:
        """Everything, or one package."""
        self.change("reinstall", *([self.dice.choice(CONDA).partition("=")[0]] if self.dice.random() < 0.5 else []))

    def edit_manifest(self) -> None:
        """By hand: what is asked for changes places, and `pixi install` follows."""
        path = self.folder / "pixi.toml"
        name = self.dice.choice(("links", "clobber-one", "old-archive", "native-library"))
        text = path.read_text(encoding="utf-8")
        lines = [line for line in text.splitlines() if not line.startswith(f"{name} =")]
        if len(lines) == len(text.splitlines()):
            lines.insert(lines.index("[dependencies]") + 1, f'{name} = "*"')
        self.story.append(f"the manifest, by hand: {name}")
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        code = self.command("install")
        if code:  # what cannot be had: taken back, as a user would
            path.write_text(text, encoding="utf-8")
            self.uncertain = True
        else:
            self.uncertain = False

    def drop_environment(self) -> None:
        """The user removes the environment's folder."""
        self.story.append("the environment's folder removed")
        shutil.rmtree(self.prefix, ignore_errors=True)
        self.touched.clear()
        self.own.clear()
        self.uncertain = True

    def clean_cache(self) -> None:
        """All of it, or what no environment links."""
        words = ["clean", "cache", "--yes", *(["--unused"] if self.dice.random() < 0.5 else [])]
        assert self.command(*words) == 0, self.failure(self.said)

    def edit(self) -> None:
        """A file of a package is written anew, removed, or made a link."""
        path = self._some_file()
        if path is None:
            return
        name = path.relative_to(self.prefix).as_posix()
        # where a link leads is not in a package's record, and is told only as long as the package is in the cache
        how = "removed" if path.is_symlink() else self.dice.choice(("written", "removed", "linked"))
        content = b"" if path.is_symlink() else path.read_bytes() + b"the user's\n"
        path.unlink()
        if how == "written":
            path.write_bytes(content)
        elif how == "linked":
            path.symlink_to("elsewhere")
        self.story.append(f"{name} {how} by the user")
        self.touched.add(name)

    def make_own(self) -> None:
        """A file of the user's own, where a package that is not there would have one, or beside some."""
        name = self.dice.choice(
            ("share/old-archive", "share/clobber/one", "share/links/mine", "share/mine", "bin/mine")
        )
        path = self.prefix / name
        if (
            os.path.lexists(path)
            or not self.prefix.is_dir()
            or (os.path.lexists(path.parent) and not path.parent.is_dir())
        ):
            return
        self.story.append(f"{name} made by the user")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("mine\n", encoding="utf-8")
        self.own.add(name)

    def write_through(self) -> None:
        """A file is written in place, and its hard link in the cache with it; the doctor repairs both."""
        path = self._some_file()
        if path is None or path.is_symlink() or self.uncertain:
            return
        self.story.append(f"{path.relative_to(self.prefix)} written in place")
        os.chmod(path, 0o755)
        with path.open("ab") as file:
            file.write(b"in place\n")
        self.touched.add(path.relative_to(self.prefix).as_posix())
        self.repair()

    def repair(self) -> None:
        """`pixi doctor --fix`: every package is as it was installed."""
        if self.uncertain:
            return
        assert self.command("doctor", "--fix") == 0, self.failure(self.said)
        self.touched.clear()

    def _some_file(self) -> Path | None:
        found = [
            path
            for path in sorted(self.prefix.rglob("*"))
            if (path.is_symlink() or path.is_file())
            and not any(part in path.as_posix() for part in UNTOUCHED)
            and path.name not in ("CACHEDIR.TAG", ".gitignore")
            and path.relative_to(self.prefix).as_posix() not in self.own
        ]
        return self.dice.choice(found) if found else None

    # ------------------------------------------------------------ what must hold

    def compare(self) -> None:
        """The environment is that of a fresh installation, but for what the user did; that is told, and there is no
        litter.
        """
        self.count["comparisons"] += 1
        now, golden = comparable(self.prefix), self.fresh()
        differing = {name for name in now.keys() | golden.keys() if now.get(name) != golden.get(name)}
        by_user = self.touched | self.own
        by_user |= {f"{parent.as_posix()}/" for name in by_user for parent in Path(name).parents}
        strange = {name for name in differing if name not in by_user}
        assert not strange, self.failure(
            "\n".join(f"{name}: {now.get(name)}, fresh {golden.get(name)}" for name in sorted(strange))
        )
        told = {path for finding in self.findings() for path in finding}
        missing = {name for name in differing if name in golden and not name.endswith("/")} - told
        assert not missing, self.failure(f"changed and not told: {sorted(missing)}, told: {sorted(told)}")
        assert told <= by_user, self.failure(f"told without a reason: {sorted(told - by_user)}")
        self.touched &= differing | told
        assert not self.litter(), self.failure(f"litter: {self.litter()}")

    def fresh(self) -> dict[str, str]:
        """What an installation of the lock file gives in an empty place."""
        key = hashlib.sha256(b"\0".join(self.pair)).hexdigest()
        if key not in self.golden:
            aside = self.place.parent / "aside"
            (self.folder / ".pixi").rename(aside)
            heard = self.place.parent / "fresh"

            def work() -> None:
                code, told, _ = self.outcome("install", "--frozen")
                heard.write_text(told if code else "", encoding="utf-8")

            status, _ = in_child(work)
            assert (status, heard.read_text(encoding="utf-8")) == (0, ""), self.failure(heard.read_text())
            self.golden[key] = comparable(self.prefix)
            shutil.rmtree(self.folder / ".pixi")
            aside.rename(self.folder / ".pixi")
            self.count["fresh installations"] += 1
        return self.golden[key]

    def findings(self) -> list[list[str]]:
        """The files of each finding of the doctor; fails where it finds anything else."""
        heard = self.place.parent / "findings"

        def work() -> None:
            code, told, out = self.outcome("doctor", "--json")
            heard.write_text(out if code in (0, 1) and "Traceback" not in told else told, encoding="utf-8")

        status, _ = in_child(work)
        text = heard.read_text(encoding="utf-8")
        assert status == 0, self.failure(text)
        found = json.loads(text)["findings"]
        left = [one for one in found if one["area"] == "cache" and one["text"] == "left by a killed command"]
        assert self.count["kills"] or not left, self.failure(str(left))  # the next command that fetches removes it
        others = [one for one in found if one not in left and (one["area"] != "environment" or not one["paths"])]
        assert not others, self.failure(str(others))
        return [[path.rpartition(": ")[0] for path in one["paths"]] for one in found if one not in left]

    def litter(self) -> list[str]:
        """What nobody asked for, beside the environment."""
        known = {"pixi.toml", "pixi.lock", ".pixi", ".gitignore", ".gitattributes"}
        found = [name for name in os.listdir(self.folder) if name not in known]
        # the last two: what allows a killed removal once more, when it comes
        known = {"envs", ".gitignore", "CACHEDIR.TAG", "unfinished-removal.json", ".unfinished-removal.json.tmp"}
        found += [
            name
            for name in os.listdir(self.folder / ".pixi")
            if name not in known and not name.startswith(("prepared-", "history-"))
        ]
        found += [name for name in os.listdir(self.folder / ".pixi/envs") if name != "default"]
        return found

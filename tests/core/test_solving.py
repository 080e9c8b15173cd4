"""Many solves at once: the same answers as one after another, errors whole, cancellable, and nobody is left behind."""

from __future__ import annotations

import json
import os
import pickle
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path

import pytest

from pixi_core import errors
from pixi_core.cache.layout import CacheDirs
from pixi_core.config.model import Config
from pixi_core.errors import Cancelled, NetworkError, PixiError, Unsatisfiable
from pixi_core.messages import receive
from pixi_core.model.channel import Channel, file_url
from pixi_core.model.platform import NOARCH, Subdir
from pixi_core.model.record import RepoDataRecord
from pixi_core.ops import solving
from pixi_core.ops.solve_worker import Order, serve
from pixi_core.ops.solving import Job, Work, solve_all
from pixi_core.process_copy import Copy, can_fork
from pixi_core.progress import SILENT, Phase, Reporter, Unit
from pixi_core.solve import SolveRequest
from pixi_core.workspace import Services

from .solve_support import record, specs

PLATFORMS = ("linux-64", "osx-arm64", "win-64")


def write(folder: Path, subdir: str, records: Sequence[RepoDataRecord]) -> None:
    """The index of one subdir."""
    (folder / subdir).mkdir(parents=True)
    entries = {
        r.file_name: {
            "name": r.name,
            "version": r.version,
            "build": r.build,
            "build_number": r.build_number,
            "depends": list(r.depends),
            "constrains": list(r.constrains),
            "sha256": "0" * 64,
        }
        for r in records
    }
    (folder / subdir / "repodata.json").write_text(json.dumps({"packages": {}, "packages.conda": entries}))


@pytest.fixture
def channel(tmp_path: Path) -> Channel:
    folder = tmp_path / "channel"
    for number, platform in enumerate(PLATFORMS):
        write(folder, platform, [record(f"a 1.{number}", ["b"]), record("odd 1", ["b >5"])])
    write(folder, "noarch", [record("b 1"), record("b 2")])
    return Channel(file_url(folder) + "/", "local")


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    found = Services(config=Config(), dirs=CacheDirs.below(tmp_path / "cache"), environ=dict(os.environ))
    yield found
    found.close()


def job(channel: Channel, platform: str, request: SolveRequest) -> Job:
    return Job(title=f"default/{platform}", channels=(channel,), subdirs=(Subdir(platform), NOARCH), request=request)


class Titles(Reporter):
    """Remembers which phases began."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def phase(self, name: str, *, total: int | None = None, unit: Unit = "items", detail: str = "") -> Phase:
        self.seen.append(f"{name} {detail}")
        return Phase()


def alone() -> bool:
    """Whether no other thread lives: the system may show one for a moment after it was joined."""
    return sys.platform == "linux" and any(can_fork() or threading.Event().wait(0.01) for _ in range(200))


@pytest.fixture(params=["alone", "beside a thread"])
def started_as(request: pytest.FixtureRequest) -> Iterator[None]:
    """Helpers are copies of this process (on Linux), or new interpreters because another thread lives."""
    end = threading.Event()
    thread = threading.Thread(target=end.wait)
    if request.param == "beside a thread":
        thread.start()
    elif sys.platform == "linux" and not alone():
        pytest.skip("whatever runs these tests has threads")
    assert can_fork() == (sys.platform == "linux" and request.param == "alone")
    yield
    end.set()
    if thread.ident is not None:
        thread.join()


@pytest.mark.skipif(sys.platform != "linux", reason="copies are made on Linux only")
def test_a_copy_holds_nothing_of_its_original(tmp_path: Path) -> None:
    with (tmp_path / "lock").open("w") as lock:
        if not alone():
            pytest.skip("whatever runs these tests has threads")
        order = Order.of(Services(config=Config(), dirs=CacheDirs.below(tmp_path), environ={}), [])
        copy = Copy(partial(serve, order))
        assert receive(copy.stdout) == b""  # it is ready
        held = [os.readlink(entry) for entry in Path(f"/proc/{copy.pid}/fd").iterdir() if entry.name != "2"]
        assert lock.name not in held
        assert sorted(text.partition(":")[0] for text in held) == ["pipe", "pipe"]
    copy.stdin.close()
    assert copy.wait() == 0  # it ends when nobody can send it anything more
    copy.kill()  # nothing to do, and no error
    copy.stdout.close()


@pytest.mark.parametrize(("said", "helpers"), [(3, 2), (2, 1), (1, 0)])
def test_the_configuration_bounds_how_many_solve(
    channel: Channel, tmp_path: Path, said: int, helpers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = [0]

    def helping(_: Work, count: int) -> AbstractContextManager[None]:
        asked.append(count)
        return nullcontext()

    monkeypatch.setattr(solving, "helping", helping)
    config = Config(concurrent_solves=said)
    found = Services(config=config, dirs=CacheDirs.below(tmp_path / "cache"), environ=dict(os.environ))
    jobs = [job(channel, platform, SolveRequest(specs=specs("a"))) for platform in PLATFORMS]
    assert len(solve_all(found, jobs, cores=3)) == len(PLATFORMS) == 3
    found.close()
    assert asked[-1] == helpers


@pytest.mark.usefixtures("started_as")
def test_answers_do_not_depend_on_who_gives_them(channel: Channel, services: Services) -> None:
    jobs = [job(channel, platform, SolveRequest(specs=specs(name))) for platform in PLATFORMS for name in ("a", "odd")]
    reporter = Titles()
    shown: list[list[object]] = []
    for cores in (1, 3):
        answers = solve_all(services, jobs, cores=cores, reporter=reporter)
        shown.append([(type(a), str(a), a.hints) if isinstance(a, PixiError) else a.records for a in answers])
        errors_found = [answer for answer in answers if isinstance(answer, Unsatisfiable)]
        assert len(errors_found) == len(PLATFORMS)
        assert all("odd 1 requires b >5" in line for error in errors_found for line in error.story if "odd 1" in line)
    assert shown[0] == shown[1]
    assert [f"{r.name} {r.version}" for r in shown[0][4]] == ["a 1.2", "b 2"]  # type: ignore[attr-defined]  # a tuple
    assert sorted(reporter.seen[-12:]) == sorted(
        f"{phase} default/{platform}" for phase in ("repodata", "solve") for platform in PLATFORMS for _ in range(2)
    )


def test_everybody_has_platforms_of_their_own_until_the_last(channel: Channel, services: Services) -> None:
    jobs = [job(channel, platform, SolveRequest(specs=specs(name))) for name in ("a", "odd") for platform in PLATFORMS]
    work = Work(services, jobs, SILENT, None)
    work.begin()
    mine, yours = work.take(None), work.take(None)
    taken = [(mine, yours)]
    for _ in range(2):
        mine, yours = work.take(mine), work.take(yours)
        taken.append((mine, yours))
    assert [(a, b) for a, b in taken if a is not None and b is not None] == [(0, 1), (3, 4), (2, 5)]
    assert work.take(None) is None
    work.give_back([2])
    assert work.take(5) == 2


def test_helpers_know_what_the_workspace_says_of_its_channels(tmp_path: Path, channel: Channel) -> None:
    services = Services(
        config=Config(),
        dirs=CacheDirs.below(tmp_path),
        environ={"A": "1"},
        offline=True,
        s3_options=lambda: {"bucket": {"region": "here"}},
        index_urls=lambda: ["https://user:pass@pypi.example/simple"],
        channel_urls=lambda: ["https://channel.example/x"],
    )
    order = Order.of(services, [job(channel, "linux-64", SolveRequest(specs=specs("a")))])
    told = pickle.loads(pickle.dumps(order))
    assert told.jobs == order.jobs
    assert (told.services.config, told.services.dirs) == (services.config, services.dirs)
    assert told.services.environ == {"A": "1"}
    assert told.services.s3_options() == {"bucket": {"region": "here"}}
    assert told.services.index_urls() == ("https://user:pass@pypi.example/simple",)
    assert told.services.channel_urls() == ("https://channel.example/x",)
    assert told.services.offline
    services.close()


class Deadly(SolveRequest, kw_only=True):
    """A request that ends the process that reads it."""

    def __reduce__(self) -> tuple[object, ...]:
        return os._exit, (3,)


@pytest.mark.usefixtures("started_as")
def test_a_helper_that_dies_leaves_its_work_to_the_others(channel: Channel, services: Services) -> None:
    jobs = [job(channel, platform, Deadly(specs=specs("a"))) for platform in PLATFORMS]
    answers = solve_all(services, jobs, cores=3)
    assert [isinstance(answer, PixiError) for answer in answers] == [False] * 3


@pytest.mark.usefixtures("started_as")
def test_stops_at_once_and_leaves_nothing_running(tmp_path: Path, services: Services) -> None:
    holes = 9
    pigeons = [
        record(f"pigeon{i} {hole}", constrains=[f"pigeon{other} !={hole}" for other in range(holes + 1) if other != i])
        for i in range(holes + 1)
        for hole in range(1, holes + 1)
    ]
    for subdir in ("linux-64", "win-64"):
        write(tmp_path / "zoo", subdir, pigeons)
    zoo = Channel(file_url(tmp_path / "zoo") + "/", "zoo")
    request = SolveRequest(specs=specs(*(f"pigeon{i}" for i in range(holes + 1))))
    told = threading.Event()
    threading.Timer(0.5, told.set).start()
    with pytest.raises(Cancelled):
        solve_all(
            services,
            [job(zoo, platform, request) for platform in ("linux-64", "win-64")],
            cores=2,
            should_stop=told.is_set,
        )
    assert not [thread for thread in threading.enumerate() if thread.name == "solve helper"]


def test_an_index_that_cannot_be_had(tmp_path: Path, channel: Channel, services: Services) -> None:
    nowhere = Channel(file_url(tmp_path / "nowhere") + "/", "nowhere")
    jobs = [job(channel, "linux-64", SolveRequest(specs=specs("a")))]
    jobs.append(job(nowhere, "win-64", SolveRequest(specs=specs("a"))))
    start = time.monotonic()
    with pytest.raises(NetworkError) as caught:
        solve_all(services, jobs, cores=2)
    assert caught.value.__notes__ == ["while solving default/win-64"]
    assert time.monotonic() - start < 20


@pytest.mark.parametrize(
    "error",
    [
        Unsatisfiable("no", story=["a", "b"], hints=["try"]),
        errors.HttpStatusError("gone", url="https://pypi.example/a", status=410, hints=["look"]),
        errors.SpecError("bad", source="a >>1"),
        errors.SolveTimeout("long", hints=["less"]),
        errors.Cancelled(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_travel_whole(error: PixiError) -> None:
    error.add_note("while solving default/linux-64")
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert (str(copy), vars(copy)) == (str(error), vars(error))

"""Progress before there is a kernel."""

from __future__ import annotations

import asyncio
import io
import threading
from pathlib import Path
from typing import Any

from jupyter_events import EventLogger

from pixi_provisioner.events import EventReporter, Subject, server_sender, stream_sender
from pixi_server_ext.activity import ACTIVITIES
from pixi_server_ext.schema import ENVIRONMENT_EVENT, ENVIRONMENT_SCHEMA

SUBJECT = Subject("demo", "default", Path("/demo/.pixi/envs/default"), "sub/nb.ipynb", "k-1")


def work(reporter: EventReporter) -> None:
    """A solve inside which something is downloaded, as the core would tell it."""
    with reporter.phase("solve", detail="default/linux-64"):
        assert ACTIVITIES.at(SUBJECT.prefix) is not None
    with reporter.phase("download", total=3, unit="bytes") as phase:
        for _ in range(3):
            phase.advance(1, detail="numpy")
    reporter.finish()


def test_states_in_order() -> None:
    sent: list[dict[str, Any]] = []
    work(EventReporter(SUBJECT, sent.append, clock=lambda: 0.0))
    assert [event["state"] for event in sent] == ["solving", "installing", "ready"]
    assert sent[0]["text"] == "solving (default/linux-64)"
    assert ACTIVITIES.at(SUBJECT.prefix) is None


def test_counts_are_throttled() -> None:
    now = iter(range(1000))
    sent: list[dict[str, Any]] = []
    work(EventReporter(SUBJECT, sent.append, clock=lambda: next(now) * 10.0))
    assert [event["done"] for event in sent if event.get("phase") == "download"] == [0, 1, 2, 3]


def test_a_failure_is_told() -> None:
    sent: list[dict[str, Any]] = []
    reporter = EventReporter(SUBJECT, sent.append)
    reporter.finish("no such package")
    assert sent == [
        {
            "state": "failed", "workspace": "demo", "environment": "default", "text": "no such package",
            "path": "sub/nb.ipynb", "kernel_id": "k-1",
        }
    ]  # fmt: skip


def test_without_a_server_people_read_lines() -> None:
    stream = io.StringIO()
    work(EventReporter(SUBJECT, stream_sender(stream)))
    assert stream.getvalue().splitlines() == [
        "pixi: demo (default): solving (default/linux-64)",
        "pixi: demo (default): downloading",
    ]


class Manager:
    """A kernel manager of Jupyter Server, as far as events go."""

    def __init__(self, logger: EventLogger) -> None:
        self.parent = object()
        self.event_logger = logger


def test_under_a_server_events_are_emitted_on_its_loop_and_valid() -> None:
    received: list[tuple[str, int]] = []

    async def serve() -> None:
        logger = EventLogger()
        logger.register_event_schema(ENVIRONMENT_SCHEMA)

        async def listen(logger: EventLogger, schema_id: str, data: dict[str, Any]) -> None:
            received.append((data["state"], threading.get_ident()))

        logger.add_listener(schema_id=ENVIRONMENT_EVENT, listener=listen)
        send = server_sender(Manager(logger), asyncio.get_running_loop())
        assert send is not None
        await asyncio.to_thread(work, EventReporter(SUBJECT, send))
        for _ in range(5):
            await asyncio.sleep(0)

    asyncio.run(serve())
    assert [state for state, _ in received] == ["solving", "installing", "ready"]
    assert {thread for _, thread in received} == {threading.get_ident()}


def test_other_clients_have_no_events() -> None:
    manager = Manager(EventLogger())
    manager.parent = None
    loop = asyncio.new_event_loop()
    try:
        assert server_sender(manager, loop) is None
    finally:
        loop.close()

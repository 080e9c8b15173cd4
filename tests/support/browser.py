"""A headless Chromium, driven through its DevTools protocol: the page that people see, and nothing installed for it."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tornado.websocket import websocket_connect

from tests.support.debian import why_missing
from tests.support.processes import end

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "chrome")
START_SECONDS = 30.0
KEYS = {
    "Tab": (9, ""),
    "Enter": (13, "\r"),
    "Escape": (27, ""),
    " ": (32, " "),
    "ArrowUp": (38, ""),
    "ArrowDown": (40, ""),
}
"""Keys: their number, and the text that they give."""


def why_not() -> str | None:
    """Why there is no browser to drive; None where there is one, or where one could be installed."""
    return None if any(shutil.which(name) for name in PROGRAMS) else why_missing(PROGRAMS[0]) or None


class Page:
    """One tab."""

    def __init__(self, address: str, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._number = 0
        self._connection: Any = loop.run_until_complete(_open(address))

    def call(self, method: str, **parameters: object) -> dict[str, Any]:
        """One command of the protocol and its result."""
        return self._loop.run_until_complete(asyncio.wait_for(self._call(method, parameters), 60))

    async def _call(self, method: str, parameters: dict[str, object]) -> dict[str, Any]:
        self._number += 1
        await self._connection.write_message(json.dumps({"id": self._number, "method": method, "params": parameters}))
        while True:
            message = json.loads(await self._connection.read_message())
            if message.get("id") == self._number:
                assert "error" not in message, message
                result: dict[str, Any] = message["result"]
                return result

    def value(self, script: str) -> Any:
        """What a JavaScript expression gives."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        return answer["result"].get("value")

    def until(self, script: str, seconds: float = 40.0) -> Any:
        """The value of an expression as soon as it is true; fails when that takes too long."""
        pause = threading.Event()
        for _ in range(int(seconds / 0.2)):
            found = self.value(script)
            if found:
                return found
            pause.wait(0.2)
        raise AssertionError(f"never true: {script}\n{self.value('document.body.innerText')}")

    def type(self, text: str) -> None:
        """Text, as a keyboard gives it to whatever has the focus."""
        self.call("Input.insertText", text=text)

    def press(self, key: str, *, shift: bool = False) -> None:
        """One key, down and up."""
        code, text = KEYS[key]
        common: dict[str, Any] = {"key": key, "code": key, "windowsVirtualKeyCode": code, "modifiers": 8 * shift}
        self.call("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", **common, text=text)
        self.call("Input.dispatchKeyEvent", type="keyUp", **common)

    def picture(self, path: Path) -> None:
        """Write what is seen as PNG."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))

    def close(self) -> None:
        """Let go of the tab."""
        self._loop.run_until_complete(asyncio.wait_for(self._goodbye(), 10))

    async def _goodbye(self) -> None:
        self._connection.close()
        while await self._connection.read_message() is not None:
            pass


async def _open(address: str) -> Any:
    return await websocket_connect(address, max_message_size=2**26)


@contextmanager
def browser_page(url: str, work: Path, script: str = "") -> Iterator[Page]:
    """A tab that shows `url`, where `script` runs before anything else; the browser ends with the block."""
    work.mkdir(parents=True, exist_ok=True)
    program = next(found for name in PROGRAMS if (found := shutil.which(name)))
    profile = work / "profile"
    command = [program, "--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]
    command += ["--enable-logging=stderr"]  # what pages write to their console
    command += ["--remote-debugging-port=0", f"--user-data-dir={profile}", "--window-size=1280,800", "about:blank"]
    if os.geteuid() == 0:
        command.insert(1, "--no-sandbox")
    with (work / "browser.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, "HOME": str(work)})
    loop = asyncio.new_event_loop()
    try:
        port = _port(profile / "DevToolsActivePort", process)
        request = urllib.request.Request(f"http://127.0.0.1:{port}/json/new?about:blank", method="PUT")
        with urllib.request.urlopen(request, timeout=START_SECONDS) as response:
            address = json.load(response)["webSocketDebuggerUrl"]
        page = Page(address, loop)
        try:
            page.call("Page.enable")
            page.call("Page.addScriptToEvaluateOnNewDocument", source=script)
            page.call("Page.navigate", url=url)
            yield page
        finally:
            page.close()
    finally:
        end(process, 20)
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()


def _port(path: Path, process: subprocess.Popen[bytes]) -> int:
    pause = threading.Event()
    for _ in range(int(START_SECONDS / 0.1)):
        if path.is_file() and path.read_text():
            return int(path.read_text().splitlines()[0])
        assert process.poll() is None, "the browser ended"
        pause.wait(0.1)
    raise AssertionError("the browser did not start")

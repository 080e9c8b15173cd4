"""The Hub's service: `python -m pixi_server_ext.hub.service --workspaces FOLDER --store DIR`.

A managed service of JupyterHub (`settings.configure` lists it), which gives it an address and a token by variables. It
builds what is offered, at once and again now and then, and shows how that stands:

| request | |
|---|---|
| `GET PREFIX` | a page for people |
| `GET PREFIX/api/store` | the same as JSON (`Keeper.report`) |
| `POST PREFIX/api/build` | look again now; 202 |

Visitors need the scope `access:services!service=NAME`: administrators of the Hub have it, others by a role. Browsers
are sent to the Hub to log in (OAuth), programs send a token of it. The service's own token needs no scope at all.
"""

from __future__ import annotations

import argparse
import asyncio
import html
import json
import os
import signal
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jupyterhub.services.auth import HubOAuthCallbackHandler, HubOAuthenticated
from tornado.httpserver import HTTPServer
from tornado.web import Application, RequestHandler, authenticated

from pixi_core.store.entry import Store

from .keeper import Keeper, parse_lock

EVERY = 300.0
"""Seconds between two looks at what is wanted."""

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>pixi: the store</title>
<style>body {{ font-family: sans-serif; margin: 2em }} td, th {{ text-align: left; padding: .2em 1em .2em 0;
vertical-align: top }} pre {{ margin: 0 }}</style></head>
<body><h1>Environments</h1><p>{store}</p>{problem}
<table><tr><th>workspace<th>environment<th>state<th>packages<th>MB<th>used by</tr>{rows}</table>
<h2>Stale</h2><p>Wanted by no lock file any more; <code>pixi store gc</code> removes what nobody uses.</p>
<table><tr><th>key<th>environment<th>packages<th>MB<th>used by</tr>{stale}</table></body></html>
"""


class Handler(HubOAuthenticated, RequestHandler):  # type: ignore[misc]  # JupyterHub ships no types
    """What all have in common."""

    def initialize(self, keeper: Keeper, wake: asyncio.Event) -> None:
        """Receive what the service was set up with (tornado's contract)."""
        self._keeper = keeper
        self._wake = wake

    def check_xsrf_cookie(self) -> None:
        """Tornado asks this before anybody has asked who the visitor is; with a token there is no cookie to check."""
        if self.current_user is not None:
            super().check_xsrf_cookie()

    def set_default_headers(self) -> None:
        """Nothing of this is for other sites, or for a cache."""
        self.set_header("Content-Security-Policy", _POLICY)
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Cache-Control", "no-store")


class StoreHandler(Handler):
    """The report as JSON."""

    @authenticated
    async def get(self) -> None:
        """200."""
        report = await asyncio.to_thread(self._keeper.report)
        self.set_header("Content-Type", "application/json")
        await self.finish(json.dumps(report))


class BuildHandler(Handler):
    """Look again now."""

    @authenticated
    async def post(self) -> None:
        """202."""
        self._wake.set()
        self.set_status(202)
        await self.finish()


class PageHandler(Handler):
    """The report for people."""

    @authenticated
    async def get(self) -> None:
        """200."""
        await self.finish(page(await asyncio.to_thread(self._keeper.report)))


def page(report: dict[str, Any]) -> str:
    """A report as HTML; everything in it is text."""
    rows = [[row["workspace"], row["environment"], [row["state"], *row["reason"]], *_numbers(row)]
            for row in report["environments"]]  # fmt: skip
    stale = [[row["key"], row["environment"], *_numbers(row)] for row in report["stale"]]
    problem = f"<pre>{html.escape(report['problem'])}</pre>" if report["problem"] else ""
    return _PAGE.format(store=html.escape(report["store"]), problem=problem, rows=_rows(rows), stale=_rows(stale))


def _numbers(row: dict[str, Any]) -> list[object]:
    return [row["packages"], f"{row['bytes'] / 1e6:.0f}", ", ".join(row["used_by"])]


def _rows(rows: Sequence[Sequence[object]]) -> str:
    return "\n".join("<tr>" + "".join(f"<td>{_cell(value)}" for value in row) + "</tr>" for row in rows)


def _cell(value: object) -> str:
    if isinstance(value, list):
        return "<pre>{}</pre>".format(html.escape("\n".join(map(str, value))))
    return html.escape(str(value))


def application(prefix: str, keeper: Keeper, wake: asyncio.Event) -> Application:
    """The web application below `prefix`, which ends with a slash."""
    given = {"keeper": keeper, "wake": wake}
    return Application(
        [
            (prefix, PageHandler, given),
            (f"{prefix}api/store", StoreHandler, given),
            (f"{prefix}api/build", BuildHandler, given),
            (f"{prefix}oauth_callback", HubOAuthCallbackHandler),
        ],
        cookie_secret=os.urandom(32),
        xsrf_cookies=True,
    )


async def serve(keeper: Keeper, every: float) -> None:
    """Serve and build until the Hub ends the service."""
    url = urlsplit(os.environ["JUPYTERHUB_SERVICE_URL"])
    prefix = os.environ["JUPYTERHUB_SERVICE_PREFIX"]
    wake, ended, given_up = asyncio.Event(), asyncio.Event(), threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    server = HTTPServer(application(prefix, keeper, wake))
    server.listen(url.port or 80, url.hostname or "127.0.0.1")
    builder = asyncio.create_task(_build_now_and_then(keeper, wake, every, given_up))
    await asyncio.wait({builder, asyncio.create_task(ended.wait())}, return_when=asyncio.FIRST_COMPLETED)
    given_up.set()
    wake.set()
    await builder
    server.stop()
    await server.close_all_connections()


async def _build_now_and_then(keeper: Keeper, wake: asyncio.Event, every: float, given_up: threading.Event) -> None:
    while not given_up.is_set():
        wake.clear()
        await asyncio.to_thread(keeper.build, given_up.is_set)
        try:
            await asyncio.wait_for(wake.wait(), every)
        except TimeoutError:
            continue


def main(words: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="pixi_server_ext.hub.service", description="Builds and shows a store.")
    parser.add_argument("--store", type=Path, required=True, help="the store")
    parser.add_argument("--workspaces", type=Path, help="a folder of workspaces")
    parser.add_argument(
        "--lock", type=parse_lock, action="append", default=[], metavar="FILE[#ENVIRONMENT]", help="repeat for more"
    )
    parser.add_argument("--every", type=float, default=EVERY, metavar="SECONDS", help="default: 300")
    chosen = parser.parse_args(words)
    keeper = Keeper(Store(chosen.store.absolute()), chosen.workspaces, chosen.lock)
    asyncio.run(serve(keeper, chosen.every))


if __name__ == "__main__":
    main()

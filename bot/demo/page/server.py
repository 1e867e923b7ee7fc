"""Serves the page on loopback: its files, and a websocket for each page that is open."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from bot.demo.page.assets import INDEX, read_assets
from bot.demo.page.connection import Connection
from bot.demo.page.guard import headers_of_answers, refusal
from bot.demo.people import Person, people
from bot.demo.runner import DemoRunner
from bot.sim.local_server import LocalServer

_LONGEST_ORDER = 64 * 1024  # bytes
_HEARTBEAT = 20.0  # seconds


class NotServedError(Exception):
    """The port can't be had; the text says why."""


@asynccontextmanager
async def page(runner: DemoRunner, port: int = 0) -> AsyncIterator[str]:
    """Serve the page at `port`, 0 for any free one, and yield its address. Raises NotServedError."""
    served = Page(runner, port)
    try:
        await served.server.start()
    except OSError as error:
        raise NotServedError(os.strerror(error.errno or 0)) from None
    try:
        yield f"{served.server.origin}/"
    finally:
        await served.server.stop()
        served.server.release_port()


class Page:
    """The routes of the page; every request is guarded."""

    def __init__(self, runner: DemoRunner, port: int) -> None:
        self._runner = runner
        self._assets = read_assets()
        routes = [web.get("/socket", self._serve_socket), web.get("/{path:.*}", self._serve_asset)]
        self.server = LocalServer(routes, port=port)

    async def _serve_asset(self, request: web.Request) -> web.Response:
        self._check(request, needs_origin=False)
        headers = headers_of_answers(self.server.port)
        asset = self._assets.get(request.match_info["path"] or INDEX)
        if asset is None:
            return web.Response(status=404, text="There is no such file.", headers=headers)
        return web.Response(body=asset.body, content_type=asset.content_type, charset="utf-8", headers=headers)

    async def _serve_socket(self, request: web.Request) -> web.WebSocketResponse:
        self._check(request, needs_origin=True)
        socket = web.WebSocketResponse(heartbeat=_HEARTBEAT, max_msg_size=_LONGEST_ORDER, compress=False)
        await socket.prepare(request)
        await self._runner.has_begun.wait()
        await Connection(self._runner, self._person(request.query.get("as", "")), socket).hold()
        return socket

    def _check(self, request: web.Request, *, needs_origin: bool) -> None:
        if why := refusal(request.headers, self.server.port, needs_origin=needs_origin):
            raise web.HTTPForbidden(text=why)

    def _person(self, user_id: str) -> Person:
        """Return the person with this name, or else the first."""
        everyone = people(self._runner.demo.sandbox)
        return next((person for person in everyone if person.user.id == user_id), everyone[0])

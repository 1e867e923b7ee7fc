"""The simulators, and an app that talks to the simulated Slack."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from bot.sim.anchor import SimAnchor
from bot.sim.local_server import LocalServer
from bot.sim.slack import SimSlack
from sim.app import NOW, App


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), skip_auto_headers=["Content-Type"]) as client:
        yield client


@pytest.fixture
async def anchor() -> AsyncIterator[SimAnchor]:
    async with SimAnchor() as anchor:
        yield anchor


@pytest.fixture
async def app(client: aiohttp.ClientSession) -> AsyncIterator[App]:
    async with SimSlack(now=lambda: float(NOW)) as slack:
        app = App(slack, client)
        async with LocalServer([web.post("/slack/events", app.serve)]) as server:
            slack.request_url = f"{server.origin}/slack/events"
            yield app


@pytest.fixture
def slack(app: App) -> SimSlack:
    return app.slack

"""The simulators, and what talks to them."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from bot.sim.anchor import SimAnchor
from bot.sim.local_server import LocalServer
from bot.sim.slack import Installation, SimSlack, Workspace
from sim.api_client import Api
from sim.recording_app import RecordingApp
from sim.socket_app import SocketApp
from sim.view_client import ViewClient


@pytest.fixture
async def slack() -> AsyncIterator[SimSlack]:
    async with SimSlack(now=lambda: 1_785_000_000.0) as slack:
        yield slack


@pytest.fixture
def partner(slack: SimSlack) -> Workspace:
    """Another workspace with the app."""
    partner = Workspace("T0PARTNER01", "partner", Installation("xoxb-partner"))
    partner.add_user("U0PARTNER01", "pat")
    slack.add_workspace(partner)
    return partner


@pytest.fixture
async def app(slack: SimSlack) -> AsyncIterator[RecordingApp]:
    app = RecordingApp()
    async with LocalServer([web.post("/slack/events", app.serve)]) as server:
        slack.request_url = f"{server.origin}/slack/events"
        yield app


@pytest.fixture
async def anchor() -> AsyncIterator[SimAnchor]:
    async with SimAnchor() as anchor:
        yield anchor


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), skip_auto_headers=["Content-Type"]) as client:
        yield client


@pytest.fixture
async def sockets(slack: SimSlack, client: aiohttp.ClientSession) -> AsyncIterator[SocketApp]:
    slack.socket_mode = True
    async with SocketApp(slack, client) as sockets:
        yield sockets


@pytest.fixture
def api(slack: SimSlack, client: aiohttp.ClientSession) -> Api:
    return Api(slack, client)


@pytest.fixture
def views(slack: SimSlack, app: RecordingApp, api: Api) -> ViewClient:
    """Needs the app, which acknowledges the commands that bring the trigger ids."""
    assert app.requests == []
    return ViewClient(slack, api)

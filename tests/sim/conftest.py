"""The simulators, and what talks to them."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from bot.sim.anchor import SimAnchor
from bot.sim.local_server import LocalServer
from bot.sim.slack import SimSlack
from sim.api_client import Api
from sim.sample_app import App
from sim.screens import Screens
from sim.ways import Ways, over_a_socket, over_http

NOW = 1_785_000_000.0


@pytest.fixture
async def app(slack: SimSlack) -> AsyncIterator[App]:
    app = App()
    async with LocalServer([web.post("/slack/events", app.serve)]) as server:
        slack.request_url = f"{server.origin}/slack/events"
        yield app


@pytest.fixture
async def slack() -> AsyncIterator[SimSlack]:
    async with SimSlack(now=lambda: NOW, ack_deadline=0.5) as slack:
        yield slack


@pytest.fixture
async def anchor() -> AsyncIterator[SimAnchor]:
    async with SimAnchor() as anchor:
        yield anchor


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(
        connector=connector, cookie_jar=aiohttp.DummyCookieJar(), skip_auto_headers=["Content-Type"]
    ) as client:
        yield client


@pytest.fixture
def api(slack: SimSlack, client: aiohttp.ClientSession) -> Api:
    return Api(slack, client)


@pytest.fixture
def screens(slack: SimSlack, api: Api) -> Screens:
    return Screens(slack, api)


@pytest.fixture(params=["http", "socket"])
async def ways(request: pytest.FixtureRequest, slack: SimSlack, client: aiohttp.ClientSession) -> AsyncIterator[Ways]:
    way = over_http(slack) if request.param == "http" else over_a_socket(slack, client)
    async with way as ways:
        yield ways


@pytest.fixture
async def heard(slack: SimSlack) -> AsyncIterator[Ways]:
    """Over HTTP only, where the way does not matter."""
    async with over_http(slack) as ways:
        yield ways

"""Which requests the simulated Anchor rejects or counts as violations, how it lists sessions, and when they end."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest

from bot.sim.anchor import DEFAULT_KEY, SessionState, SimAnchor
from harness.texts import SESSION

pytestmark = pytest.mark.anyio

PAUSE = f"{SESSION}/agent/pause"
OTHER = "9c0d7e11-2222-4333-8444-555566667777"
ENDED = "1d0d7e11-2222-4333-8444-555566667777"
BEGAN = datetime(2026, 11, 26, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
async def sessions(anchor: SimAnchor) -> None:
    anchor.add_key("sk-ci", team_of=DEFAULT_KEY)
    anchor.add_key("sk-other")
    anchor.add_key("sk-revoked")
    anchor.revoke("sk-revoked")
    anchor.add_session(session_id=SESSION, state=SessionState.PAUSED, created_at=BEGAN, tags=["Prod"], steps=2)
    anchor.add_session(session_id=OTHER, key="sk-other")
    late = BEGAN + timedelta(minutes=2)
    anchor.add_session(session_id=ENDED, state=SessionState.ENDED, key="sk-ci", created_at=late, credits=1.5)


async def get(anchor: SimAnchor, client: aiohttp.ClientSession, path: str, **query: str) -> tuple[int, Any]:
    """Status and data of the answer."""
    headers = {"anchor-api-key": DEFAULT_KEY}
    async with client.get(f"{anchor.url}/v1/sessions{path}", headers=headers, params=query) as response:
        return response.status, (await response.json()).get("data")


@pytest.mark.parametrize(
    ("method", "path", "key", "status", "error"),
    [
        ("POST", PAUSE, None, 401, "Invalid API key"),
        ("POST", PAUSE, "sk-revoked", 401, "Invalid API key"),
        ("POST", f"{OTHER}/agent/pause", DEFAULT_KEY, 404, "Session not found"),
        ("POST", f"{ENDED}/agent/resume", DEFAULT_KEY, 400, "Session is not running"),
        ("GET", PAUSE, DEFAULT_KEY, 405, "Method not allowed"),
        ("POST", f"{SESSION}/agent/stop", DEFAULT_KEY, 404, "Not found"),
        ("DELETE", SESSION, "sk-revoked", 401, "Invalid API key"),
        ("DELETE", OTHER, DEFAULT_KEY, 401, "Invalid API Key or browser session ID"),
    ],
)
async def test_a_wrong_request_is_rejected(
    anchor: SimAnchor, client: aiohttp.ClientSession, method: str, path: str, key: str | None, status: int, error: str
) -> None:
    headers = {"anchor-api-key": key} if key else {}
    async with client.request(method, f"{anchor.url}/v1/sessions/{path}", headers=headers) as response:
        assert await response.json() == {"error": {"code": status, "message": error}}
    assert (response.status, anchor.requests[0].key, anchor.requests[0].status) == (status, key, status)
    states = [anchor.session(each).state for each in (SESSION, OTHER, ENDED)]
    assert states == [SessionState.PAUSED, SessionState.RUNNING, SessionState.ENDED]


@pytest.mark.parametrize(
    ("method", "path", "more", "complaint"),
    [
        ("POST", PAUSE, {"data": b"{}"}, "sent a body"),
        ("POST", PAUSE, {"headers": {"Content-Type": "application/json"}}, "content-type"),
        ("POST", PAUSE, {"headers": {"Cookie": "anchor_sticky=sim"}}, "cookie"),
        ("POST", PAUSE, {"headers": {"User-Agent": ""}}, "user-agent"),
        ("POST", f"{SESSION.upper()}/agent/pause", {}, "lower-case UUID"),
        ("POST", f"{SESSION}/agent/stop", {}, "does not have"),
        ("GET", PAUSE, {}, "wrong method"),
        ("GET", "all/status", {"params": {"limit": "50"}}, "parameter"),
    ],
)
async def test_a_mistake_in_a_request_is_a_violation(
    anchor: SimAnchor, client: aiohttp.ClientSession, method: str, path: str, more: dict[str, Any], complaint: str
) -> None:
    await client.request(method, f"{anchor.url}/v1/sessions/{path}", **more)
    [violation] = anchor.violations
    assert complaint in violation
    assert path in violation


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"sort_by": "created_at", "sort_order": "desc", "limit": "50", "page": "1"}, [ENDED, SESSION]),
        ({"status": "running"}, [SESSION]),
        ({"created_from": "2026-11-26T12:02:00+00:00"}, [ENDED]),
        ({"limit": "15"}, None),
        ({"page": "0"}, None),
        ({"created_from": "now"}, None),
    ],
)
async def test_the_sessions_of_the_team_are_listed_if_the_query_is_understood(
    anchor: SimAnchor, client: aiohttp.ClientSession, query: Mapping[str, str], found: list[str] | None
) -> None:
    status, data = await get(anchor, client, "", **query)
    assert (status, anchor.violations) == (400 if found is None else 200, [])
    assert found is None or [one["id"] for one in data["sessions"]] == found


async def ask(anchor: SimAnchor, client: aiohttp.ClientSession, method: str, path: str, key: str = DEFAULT_KEY) -> int:
    async with client.request(method, f"{anchor.url}/v1/sessions/{path}", headers={"anchor-api-key": key}) as response:
        return response.status


@pytest.mark.parametrize(
    ("fields", "pause_keeps_awake", "minutes"),
    [
        ({"max_duration": 20}, True, 20),
        ({"idle_timeout": 5, "max_duration": 20}, False, 5),
        ({"idle_timeout": 5}, True, 60),
    ],
)
async def test_a_session_ends_by_itself_when_its_time_is_over(
    anchor: SimAnchor, client: aiohttp.ClientSession, fields: dict[str, Any], *, pause_keeps_awake: bool, minutes: int
) -> None:
    session = anchor.session(anchor.add_session(**fields))
    anchor.unknowns.pause_keeps_awake = pause_keeps_awake
    assert await ask(anchor, client, "POST", f"{session.session_id}/agent/pause") == 200
    await asyncio.sleep(minutes * 60 - 30)
    assert (await get(anchor, client, f"/{session.session_id}"))[1]["status"] == "running"
    await asyncio.sleep(40)
    ended = (await get(anchor, client, f"/{session.session_id}"))[1]["status"] == "completed"
    assert ended == (minutes != 60)


async def test_every_test_in_which_all_sessions_are_ended_fails(client: aiohttp.ClientSession) -> None:
    anchor = await SimAnchor().__aenter__()
    session = anchor.session(anchor.add_session())
    assert await ask(anchor, client, "DELETE", "all") == 200
    assert session.state is SessionState.ENDED
    with pytest.raises(AssertionError, match="would end every session"):
        await anchor.__aexit__()

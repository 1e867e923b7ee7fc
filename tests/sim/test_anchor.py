"""The rules of the simulated Anchor: what it rejects or counts as a violation, how it reads, and when sessions end."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest

from bot.sim.anchor import DEFAULT_KEY, SessionState, SimAnchor
from harness.texts import SESSION

pytestmark = pytest.mark.anyio

PAUSE, STATUS = f"{SESSION}/agent/pause", f"{SESSION}/agent/status"
OTHER = "9c0d7e11-2222-4333-8444-555566667777"
ENDED = "1d0d7e11-2222-4333-8444-555566667777"
BEGAN = datetime(2026, 11, 26, 12, tzinfo=UTC)
KEY, NO_KEY = "Invalid API key", "Invalid API Key or browser session ID"
JSON, COOKIE, NO_AGENT = {"Content-Type": "application/json"}, {"Cookie": "anchor_sticky=sim"}, {"User-Agent": ""}


@pytest.fixture(autouse=True)
async def sessions(anchor: SimAnchor) -> None:
    anchor.add_key("sk-ci", team_of=DEFAULT_KEY)
    anchor.add_key("sk-other")
    anchor.add_session(session_id=SESSION, state=SessionState.PAUSED, created_at=BEGAN, tags=["Prod"], steps=2)
    anchor.add_session(session_id=OTHER, key="sk-other")
    late = BEGAN + timedelta(minutes=2)
    anchor.add_session(session_id=ENDED, state=SessionState.ENDED, key="sk-ci", created_at=late, credits=1.5)


async def ask(
    anchor: SimAnchor, client: aiohttp.ClientSession, method: str, path: str, key: str = DEFAULT_KEY, **more: Any
) -> tuple[int, Any]:
    """Status, and the data or else the message."""
    headers = {"anchor-api-key": key} | more.pop("headers", {})
    async with client.request(method, f"{anchor.url}/v1/sessions{path}", headers=headers, **more) as response:
        body = await response.json()
        assert "error" not in body or body["error"]["code"] == response.status
        return response.status, body["data"] if "data" in body else body["error"]["message"]


@pytest.mark.parametrize(
    ("method", "path", "more", "answer", "violation"),
    [
        ("POST", PAUSE, {}, (200, {"status": "success"}), None),
        ("POST", PAUSE, {"key": "sk-unknown"}, (401, KEY), None),
        ("POST", f"{OTHER}/agent/pause", {}, (404, "Session not found"), None),
        ("POST", f"{ENDED}/agent/resume", {}, (400, "Session is not running"), None),
        ("DELETE", SESSION, {"key": "sk-unknown"}, (401, KEY), None),
        ("DELETE", OTHER, {}, (401, NO_KEY), None),
        ("GET", STATUS, {}, (200, {"status": "paused", "message": "The agent is paused"}), None),
        ("GET", STATUS, {"key": "sk-other"}, (500, "Failed"), None),
        ("GET", f"{ENDED}/agent/status", {}, (500, "Failed"), None),
        ("GET", PAUSE, {}, (405, "Method not allowed"), "wrong method"),
        ("POST", f"{SESSION}/agent/stop", {}, (404, "Not found"), "does not have"),
        ("POST", PAUSE, {"data": b"{}"}, (200, {"status": "success"}), "sent a body"),
        ("POST", PAUSE, {"headers": JSON}, (200, {"status": "success"}), "content-type"),
        ("POST", PAUSE, {"headers": COOKIE}, (200, {"status": "success"}), "cookie"),
        ("POST", PAUSE, {"headers": NO_AGENT}, (200, {"status": "success"}), "user-agent"),
        ("POST", f"{SESSION.upper()}/agent/pause", {}, (404, "Session not found"), "lower-case UUID"),
        ("GET", "all/status", {"params": {"limit": "50"}}, None, "parameter"),
    ],
)
async def test_a_request_that_breaks_a_rule_is_rejected_or_on_record(
    anchor: SimAnchor,
    client: aiohttp.ClientSession,
    *,
    method: str,
    path: str,
    more: dict[str, Any],
    answer: tuple[int, object] | None,
    violation: str | None,
) -> None:
    answered = await ask(anchor, client, method, f"/{path}", **more)
    assert answer in (None, answered)
    assert [(violation or "") in one and path in one for one in anchor.violations] == [True] * (violation is not None)
    states = [anchor.session(each).state for each in (SESSION, OTHER, ENDED)]
    assert states == [SessionState.PAUSED, SessionState.RUNNING, SessionState.ENDED]


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
    status, data = await ask(anchor, client, "GET", "", params=query)
    assert (status, anchor.violations) == (400 if found is None else 200, [])
    assert found is None or [one["id"] for one in data["sessions"]] == found


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
    path = f"/{anchor.add_session(**fields)}"
    anchor.unknowns.pause_keeps_awake = pause_keeps_awake
    assert (await ask(anchor, client, "POST", f"{path}/agent/pause"))[0] == 200
    await asyncio.sleep(minutes * 60 - 30)
    assert (await ask(anchor, client, "GET", path))[1]["status"] == "running"
    await asyncio.sleep(40)
    assert ((await ask(anchor, client, "GET", path))[1]["status"] == "completed") == (minutes != 60)


async def test_every_test_in_which_all_sessions_are_ended_fails(client: aiohttp.ClientSession) -> None:
    anchor = await SimAnchor().__aenter__()
    assert (await ask(anchor, client, "DELETE", "/all"))[0] == 500
    with pytest.raises(AssertionError, match="would end every session"):
        await anchor.__aexit__()

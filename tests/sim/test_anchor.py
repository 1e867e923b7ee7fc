"""The rules of the simulated Anchor: what it rejects or counts as a violation, how it reads, and when sessions end."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest

from bot.sim.anchor import DEFAULT_KEY, SessionState, SimAnchor
from harness.texts import SESSION

PAUSE, STATUS = f"{SESSION}/agent/pause", f"{SESSION}/agent/status"
OTHER = "9c0d7e11-2222-4333-8444-555566667777"
ENDED = "1d0d7e11-2222-4333-8444-555566667777"
BEGAN = datetime(2026, 11, 26, 12, tzinfo=UTC)
KEY, NO_KEY = "Invalid API key", "Invalid API Key or browser session ID"
JSON, COOKIE, NO_AGENT = {"Content-Type": "application/json"}, {"Cookie": "anchor_sticky=sim"}, {"User-Agent": ""}


@pytest.fixture
async def anchor() -> AsyncIterator[SimAnchor]:
    async with SimAnchor() as anchor:
        anchor.add_key("sk-ci", team_of=DEFAULT_KEY)
        anchor.add_key("sk-other")
        anchor.add_session(session_id=SESSION, state=SessionState.PAUSED, created_at=BEGAN, tags=["Prod"], steps=2)
        anchor.add_session(session_id=OTHER, key="sk-other")
        late = BEGAN + timedelta(minutes=2)
        anchor.add_session(session_id=ENDED, state=SessionState.ENDED, key="sk-ci", created_at=late, credits=1.5)
        yield anchor


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


async def test_every_test_in_which_all_sessions_are_ended_fails(client: aiohttp.ClientSession) -> None:
    anchor = await SimAnchor().__aenter__()
    assert (await ask(anchor, client, "DELETE", "/all"))[0] == 500
    with pytest.raises(AssertionError, match="would end every session"):
        await anchor.__aexit__()

"""Which requests the simulated Anchor rejects, and which it counts as violations although the real one would not."""

from typing import Any

import aiohttp
import pytest

from bot.sim.anchor import DEFAULT_KEY, SessionState, SimAnchor
from harness.texts import SESSION

pytestmark = pytest.mark.anyio

PAUSE = f"{SESSION}/agent/pause"
OTHER = "9c0d7e11-2222-4333-8444-555566667777"
NEW = "2e0d7e11-2222-4333-8444-555566667777"
ENDED = "1d0d7e11-2222-4333-8444-555566667777"


@pytest.fixture(autouse=True)
async def sessions(anchor: SimAnchor) -> None:
    anchor.add_key("sk-other")
    anchor.add_key("sk-revoked")
    anchor.revoke("sk-revoked")
    anchor.add_session(session_id=SESSION, state=SessionState.PAUSED)
    anchor.add_session(session_id=OTHER, key="sk-other")
    anchor.add_session(session_id=ENDED, state=SessionState.ENDED)


@pytest.mark.parametrize(
    ("method", "path", "key", "status", "error"),
    [
        ("POST", PAUSE, None, 401, "Invalid API key"),
        ("POST", PAUSE, "sk-unknown", 401, "Invalid API key"),
        ("POST", PAUSE, "sk-revoked", 401, "Invalid API key"),
        ("POST", f"{OTHER}/agent/pause", DEFAULT_KEY, 404, "Session not found"),
        ("GET", OTHER, DEFAULT_KEY, 404, "Session not found"),
        ("POST", f"{ENDED}/agent/resume", DEFAULT_KEY, 400, "Session is not running"),
        ("GET", PAUSE, DEFAULT_KEY, 405, "Method not allowed"),
        ("POST", f"{SESSION}/agent/stop", DEFAULT_KEY, 404, "Not found"),
    ],
)
async def test_a_wrong_request_is_rejected(
    anchor: SimAnchor,
    client: aiohttp.ClientSession,
    *,
    method: str,
    path: str,
    key: str | None,
    status: int,
    error: str,
) -> None:
    headers = {"anchor-api-key": key} if key else {}
    async with client.request(method, f"{anchor.url}/v1/sessions/{path}", headers=headers) as response:
        assert await response.json() == {"error": {"code": status, "message": error}}
    assert (response.status, anchor.requests[0].key, anchor.requests[0].status) == (status, key, status)
    states = [anchor.session(each).state for each in (SESSION, OTHER, ENDED)]
    assert states == [SessionState.PAUSED, SessionState.RUNNING, SessionState.ENDED]


async def test_sessions_are_listed_for_their_key(anchor: SimAnchor, client: aiohttp.ClientSession) -> None:
    async with client.get(f"{anchor.url}/v1/sessions/all/status", headers={"anchor-api-key": DEFAULT_KEY}) as response:
        listed = (await response.json())["data"]
        assert "anchor_sticky" in response.headers["Set-Cookie"]
    assert listed == {"count": 2, "items": [anchor.session(each).summary() for each in (SESSION, ENDED)]}
    assert [item["status"] for item in listed["items"]] == ["running", "completed"]
    assert anchor.violations == []


@pytest.mark.parametrize(
    ("method", "path", "more", "complaint"),
    [
        ("POST", PAUSE, {"data": b"{}"}, "sent a body"),
        ("POST", PAUSE, {"headers": {"Content-Type": "application/json"}}, "content-type"),
        ("POST", PAUSE, {"headers": {"Cookie": "anchor_sticky=sim"}}, "cookie"),
        ("POST", PAUSE, {"headers": {"User-Agent": ""}}, "user-agent"),
        ("GET", PAUSE, {}, "wrong method"),
        ("POST", f"{SESSION.upper()}/agent/pause", {}, "lower-case UUID"),
        ("POST", "my-session/agent/pause", {}, "lower-case UUID"),
        ("POST", f"{SESSION}/agent/stop", {}, "does not have"),
        ("GET", "all/status", {"params": {"limit": "50"}}, "parameter"),
        ("GET", SESSION, {"params": {"status": "running"}}, "parameter"),
    ],
)
async def test_a_mistake_in_a_request_is_a_violation(
    anchor: SimAnchor, client: aiohttp.ClientSession, *, method: str, path: str, more: dict[str, Any], complaint: str
) -> None:
    await client.request(method, f"{anchor.url}/v1/sessions/{path}", **more)
    [violation] = anchor.violations
    assert complaint in violation
    assert path in violation


@pytest.mark.parametrize(
    ("key", "session_id", "why"),
    [
        ("sk-unknown", NEW, "key"),
        (DEFAULT_KEY, SESSION.upper(), "already"),
        (DEFAULT_KEY, "no-uuid", "badly formed"),
    ],
)
async def test_a_session_needs_a_known_key_and_a_new_id(anchor: SimAnchor, key: str, session_id: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        anchor.add_session(key=key, session_id=session_id)

"""What the simulated Anchor answers when all goes well, and whom it refuses."""

import aiohttp
import pytest

from bot.sim.anchor import DEFAULT_KEY, SessionState, SimAnchor

pytestmark = pytest.mark.anyio

UNKNOWN = "9c0d7e11-2222-4333-8444-555566667777"


async def ask(
    client: aiohttp.ClientSession, anchor: SimAnchor, path: str, *, method: str = "POST", key: str | None = DEFAULT_KEY
) -> tuple[int, object]:
    headers = {} if key is None else {"anchor-api-key": key}
    async with client.request(method, f"{anchor.url}/v1/sessions/{path}", headers=headers) as response:
        return response.status, await response.json()


async def test_a_running_agent_is_paused_and_resumed(anchor: SimAnchor, client: aiohttp.ClientSession) -> None:
    session = anchor.add_session()

    assert await ask(client, anchor, f"{session}/agent/pause") == (200, {"data": {"status": "paused"}})
    assert anchor.session(session).state is SessionState.PAUSED
    assert await ask(client, anchor, f"{session}/agent/resume") == (200, {"data": {"status": "running"}})
    assert anchor.session(session).state is SessionState.RUNNING
    assert [(one.verb, one.key, one.status) for one in anchor.posts(session)] == [
        ("pause", DEFAULT_KEY, 200),
        ("resume", DEFAULT_KEY, 200),
    ]
    assert anchor.violations == []


async def test_a_paused_agent_can_be_paused_again(anchor: SimAnchor, client: aiohttp.ClientSession) -> None:
    session = anchor.add_session(state=SessionState.PAUSED)

    assert await ask(client, anchor, f"{session}/agent/pause") == (200, {"data": {"status": "paused"}})


async def test_an_ended_session_is_not_running(anchor: SimAnchor, client: aiohttp.ClientSession) -> None:
    session = anchor.add_session(state=SessionState.ENDED)

    answer = await ask(client, anchor, f"{session}/agent/pause")

    assert answer == (400, {"error": {"code": 400, "message": "Session is not running"}})
    assert anchor.session(session).state is SessionState.ENDED


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_unknown_sessions_are_not_found(anchor: SimAnchor, client: aiohttp.ClientSession, method: str) -> None:
    path = UNKNOWN if method == "GET" else f"{UNKNOWN}/agent/pause"

    answer = await ask(client, anchor, path, method=method)

    assert answer == (404, {"error": {"code": 404, "message": "Session not found"}})


async def test_a_session_of_another_key_is_not_found(anchor: SimAnchor, client: aiohttp.ClientSession) -> None:
    anchor.add_key("sk-other")
    session = anchor.add_session(key="sk-other")

    status, _ = await ask(client, anchor, f"{session}/agent/pause")

    assert status == 404
    assert anchor.session(session).state is SessionState.RUNNING


@pytest.mark.parametrize("key", [None, "sk-unknown"])
async def test_unknown_keys_are_unauthorized(anchor: SimAnchor, client: aiohttp.ClientSession, key: str | None) -> None:
    session = anchor.add_session()

    status, _ = await ask(client, anchor, f"{session}/agent/pause", key=key)

    assert status == 401
    assert anchor.requests[0].key == key


async def test_a_revoked_key_is_unauthorized(anchor: SimAnchor, client: aiohttp.ClientSession) -> None:
    session = anchor.add_session()
    anchor.revoke(DEFAULT_KEY)

    status, _ = await ask(client, anchor, f"{session}/agent/pause")

    assert status == 401


async def test_sessions_are_listed_for_their_key_only(anchor: SimAnchor, client: aiohttp.ClientSession) -> None:
    anchor.add_key("sk-other")
    anchor.add_session(key="sk-other")
    paused = anchor.add_session(state=SessionState.PAUSED)
    ended = anchor.add_session(state=SessionState.ENDED)

    status, body = await ask(client, anchor, "all/status", method="GET")

    created = {one: anchor.session(one).created_at.isoformat() for one in (paused, ended)}
    assert status == 200
    assert body == {
        "data": {
            "count": 2,
            "items": [
                {"session_id": paused, "status": "running", "created_at": created[paused]},
                {"session_id": ended, "status": "completed", "created_at": created[ended]},
            ],
        }
    }
    assert anchor.violations == []


async def test_one_session_is_shown(anchor: SimAnchor, client: aiohttp.ClientSession) -> None:
    session = anchor.add_session()

    status, body = await ask(client, anchor, session, method="GET")

    assert (status, body) == (200, {"data": anchor.session(session).summary()})


async def test_every_answer_sets_a_cookie(anchor: SimAnchor, client: aiohttp.ClientSession) -> None:
    async with client.get(f"{anchor.url}/v1/sessions/all/status") as response:
        assert "anchor_sticky" in response.headers["Set-Cookie"]


def test_sessions_need_a_known_key() -> None:
    with pytest.raises(ValueError, match="key"):
        SimAnchor().add_session(key="sk-unknown")


def test_session_ids_are_uuids_and_unique() -> None:
    anchor = SimAnchor()
    assert anchor.add_session(session_id=UNKNOWN.upper()) == UNKNOWN
    with pytest.raises(ValueError, match="already"):
        anchor.add_session(session_id=UNKNOWN)
    with pytest.raises(ValueError, match="badly formed"):
        anchor.add_session(session_id="no-uuid")


async def test_waiting_ends_when_anchor_has_seen_it(anchor: SimAnchor, client: aiohttp.ClientSession) -> None:
    session = anchor.add_session()
    await ask(client, anchor, f"{session}/agent/pause")

    await anchor.until(lambda: anchor.posts(session))
    with pytest.raises(TimeoutError):
        await anchor.until(lambda: False, within=0.01)

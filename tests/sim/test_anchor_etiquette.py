"""What the simulated Anchor holds against a client, although the real one would let it pass."""

import aiohttp
import pytest

from bot.sim.anchor import DEFAULT_KEY, SimAnchor

pytestmark = pytest.mark.anyio

ID = "3f2b8c1e-7d4a-4f0b-9a56-0c1d2e3f4a5b"


@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "complaint"),
    [
        ("POST", f"{ID}/agent/pause", {}, b"{}", "sent a body"),
        ("POST", f"{ID}/agent/pause", {"Content-Type": "application/json"}, b"", "content-type"),
        ("POST", f"{ID}/agent/pause", {"Cookie": "anchor_sticky=sim"}, b"", "cookie"),
        ("POST", f"{ID}/agent/pause", {"User-Agent": ""}, b"", "user-agent"),
        ("GET", f"{ID}/agent/pause", {}, b"", "wrong method"),
        ("POST", f"{ID.upper()}/agent/pause", {}, b"", "lower-case UUID"),
        ("POST", "my-session/agent/pause", {}, b"", "lower-case UUID"),
        ("POST", f"{ID}/agent/stop", {}, b"", "does not have"),
    ],
)
async def test_careless_requests_are_violations(
    anchor: SimAnchor,
    client: aiohttp.ClientSession,
    *,
    method: str,
    path: str,
    headers: dict[str, str],
    body: bytes,
    complaint: str,
) -> None:
    anchor.add_session(session_id=ID)
    url = f"{anchor.url}/v1/sessions/{path}"

    async with client.request(method, url, headers=headers | {"anchor-api-key": DEFAULT_KEY}, data=body or None):
        pass

    [violation] = anchor.violations
    assert complaint in violation
    assert path in violation


@pytest.mark.parametrize(("method", "path", "status"), [("GET", f"{ID}/agent/pause", 405), ("POST", "nothing", 405)])
async def test_wrong_methods_are_not_allowed(
    anchor: SimAnchor, client: aiohttp.ClientSession, method: str, path: str, status: int
) -> None:
    async with client.request(method, f"{anchor.url}/v1/sessions/{path}") as response:
        assert response.status == status


async def test_unknown_paths_are_not_found(anchor: SimAnchor, client: aiohttp.ClientSession) -> None:
    async with client.get(f"{anchor.url}/v2") as response:
        assert response.status == 404
    assert (anchor.requests[0].verb, anchor.requests[0].session_id) == (None, None)

"""Faults that are set on the simulated Anchor reach its clients over the wire."""

import asyncio
import json
import time

import aiohttp
import pytest

from bot.sim.anchor import DEFAULT_KEY, SessionState, SimAnchor, fault_presets
from bot.sim.faults import Answer, Drip, Fault, Hang, HugeBody, ResetAfterReading, ResetBeforeReading, Slow

pytestmark = pytest.mark.anyio

HEADERS = {"anchor-api-key": DEFAULT_KEY}
PAUSED, RUNNING = SessionState.PAUSED, SessionState.RUNNING
DATE = "Wed, 21 Oct 2026 07:28:00 GMT"
BROKEN = (ConnectionResetError, aiohttp.ClientError)


class Caller:
    """Pauses a session."""

    def __init__(self, anchor: SimAnchor, client: aiohttp.ClientSession) -> None:
        self.session = anchor.add_session()
        self.url = f"{anchor.url}/v1/sessions/{self.session}/agent/pause"
        self.http = client

    async def pause(self) -> tuple[int, bytes, str | None]:
        """Status, body and Retry-After of the answer."""
        async with self.http.post(self.url, headers=HEADERS) as response:
            return response.status, await response.read(), response.headers.get("Retry-After")


@pytest.fixture
def caller(anchor: SimAnchor, client: aiohttp.ClientSession) -> Caller:
    return Caller(anchor, client)


@pytest.mark.parametrize(
    ("fault", "status", "body", "retry_after"),
    [
        (fault_presets.unauthorized(), 401, b"Invalid API key", None),
        (fault_presets.forbidden(), 403, b"Forbidden", None),
        (fault_presets.rate_limited(30), 429, b"Too many requests", "30"),
        (fault_presets.rate_limited(DATE), 429, b"Too many requests", DATE),
        (fault_presets.rate_limited(None), 429, b"Too many requests", None),
        (fault_presets.server_error(), 500, b"Failed to pause agent", None),
        (fault_presets.html(), 502, b"<html>", None),
        (fault_presets.gateway_timeout(), 504, b"<html>", None),
        (fault_presets.truncated_json(), 200, b'{"data":{"sta', None),
        (fault_presets.json_list(), 200, b'["paused"]', None),
        (fault_presets.empty_body(), 200, b"", None),
    ],
)
async def test_a_wrong_answer_replaces_the_usual_one(
    anchor: SimAnchor, caller: Caller, *, fault: Fault, status: int, body: bytes, retry_after: str | None
) -> None:
    anchor.fault = fault
    answer = await caller.pause()
    assert (answer[0], answer[2], anchor.requests[0].status) == (status, retry_after, status)
    assert body in answer[1]
    assert (answer[1] == b"") is (body == b"")
    assert (anchor.session(caller.session).state, anchor.fault) == (RUNNING, fault)


@pytest.mark.parametrize(
    ("fault", "state"),
    [
        (Hang(applied=True), PAUSED),
        (Hang(), RUNNING),
        (ResetAfterReading(applied=True), PAUSED),
        (ResetAfterReading(), RUNNING),
    ],
)
async def test_a_lost_answer_may_hide_a_pause(
    anchor: SimAnchor, caller: Caller, fault: Fault, state: SessionState
) -> None:
    anchor.fault = fault
    with pytest.raises(TimeoutError if isinstance(fault, Hang) else BROKEN):
        async with asyncio.timeout(2 if isinstance(fault, Hang) else 20):
            await caller.pause()
    assert (anchor.session(caller.session).state, anchor.requests[0].status) == (state, None)


async def test_a_wrong_answer_may_hide_a_pause(anchor: SimAnchor, caller: Caller) -> None:
    anchor.fault = fault_presets.server_error(applied=True)
    assert (await caller.pause())[0] == 500
    assert anchor.session(caller.session).state is PAUSED


async def test_a_fault_applies_as_often_as_it_says_or_until_it_is_removed(anchor: SimAnchor, caller: Caller) -> None:
    anchor.fault = fault_presets.server_error(times=2)
    assert [(await caller.pause())[0] for _ in range(3)] == [500, 500, 200]
    for fault in (None, Answer(500, times=0)):
        anchor.fault = fault_presets.server_error()
        anchor.fault = fault
        assert anchor.fault is None


async def test_a_slow_answer_is_right(anchor: SimAnchor, caller: Caller) -> None:
    anchor.fault = Slow(0.05)
    began = time.monotonic()
    assert (await caller.pause())[0] == 200
    assert time.monotonic() - began >= 0.05


@pytest.mark.parametrize("pooled", [False, True])
async def test_a_connection_is_reset_before_reading(anchor: SimAnchor, caller: Caller, *, pooled: bool) -> None:
    if pooled:
        await caller.pause()
    anchor.fault = ResetBeforeReading(times=1)
    with pytest.raises(BROKEN):
        await caller.pause()

    assert len(anchor.requests) == int(pooled)
    assert (await caller.pause())[0] == 200


async def test_a_dripping_body_is_complete(anchor: SimAnchor, caller: Caller) -> None:
    anchor.fault = Drip(bytes_per_second=1000)
    began = time.monotonic()
    status, body, _ = await caller.pause()
    assert (status, json.loads(body)) == (200, {"data": {"status": "paused"}})
    assert time.monotonic() - began >= len(body) / 1000


async def test_a_huge_body_is_valid_json(anchor: SimAnchor, caller: Caller) -> None:
    anchor.fault = HugeBody(100_000, applied=True)
    assert len(json.loads((await caller.pause())[1])["data"]["status"]) == 100_000
    assert anchor.session(caller.session).state is PAUSED


@pytest.mark.parametrize("fault", [HugeBody(), Drip(bytes_per_second=100)])
async def test_streaming_ends_when_the_client_hangs_up(anchor: SimAnchor, caller: Caller, fault: Fault) -> None:
    anchor.fault = fault
    async with caller.http.post(caller.url, headers=HEADERS) as response:
        await response.content.readany()
        response.close()
    await anchor.until(lambda: anchor.requests[0].status == 200)

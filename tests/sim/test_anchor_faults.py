"""Faults that are set on the simulated Anchor reach its clients over the wire."""

import asyncio
import json
import time

import aiohttp
import pytest

from bot.sim.anchor import (
    DEFAULT_KEY,
    Answer,
    Drip,
    Fault,
    Hang,
    HugeBody,
    ResetAfterReading,
    ResetBeforeReading,
    SessionState,
    SimAnchor,
    Slow,
    empty_body,
    forbidden,
    gateway_timeout,
    html,
    json_list,
    rate_limited,
    server_error,
    truncated_json,
    unauthorized,
)

pytestmark = pytest.mark.anyio

HEADERS = {"anchor-api-key": DEFAULT_KEY}
PAUSED, RUNNING = SessionState.PAUSED, SessionState.RUNNING


@pytest.fixture
def session(anchor: SimAnchor) -> str:
    return anchor.add_session()


async def pause(client: aiohttp.ClientSession, anchor: SimAnchor, session: str) -> tuple[int, bytes]:
    async with client.post(f"{anchor.url}/v1/sessions/{session}/agent/pause", headers=HEADERS) as response:
        return response.status, await response.read()


@pytest.mark.parametrize(
    ("fault", "status", "body"),
    [
        (unauthorized(), 401, b"Invalid API key"),
        (forbidden(), 403, b"Forbidden"),
        (rate_limited(30), 429, b"Too many requests"),
        (server_error(), 500, b"Failed to pause agent"),
        (html(), 502, b"<html>"),
        (gateway_timeout(), 504, b"<html>"),
        (truncated_json(), 200, b'{"data":{"sta'),
        (json_list(), 200, b'["paused"]'),
        (empty_body(), 200, b""),
    ],
)
async def test_wrong_answers_replace_the_usual_one(
    anchor: SimAnchor, client: aiohttp.ClientSession, session: str, *, fault: Fault, status: int, body: bytes
) -> None:
    anchor.fault = fault

    answered, received = await pause(client, anchor, session)

    assert answered == anchor.requests[0].status == status
    assert body in received
    assert anchor.session(session).state is RUNNING
    assert anchor.fault == fault


async def test_wrong_answers_can_hide_a_pause(anchor: SimAnchor, client: aiohttp.ClientSession, session: str) -> None:
    anchor.fault = server_error(applied=True)

    assert (await pause(client, anchor, session))[0] == 500
    assert anchor.session(session).state is PAUSED


@pytest.mark.parametrize(("retry_after", "header"), [(7, "7"), ("Wed, 21 Oct 2026 07:28:00 GMT",) * 2, (None, None)])
async def test_retry_after_is_sent_as_given(
    anchor: SimAnchor,
    client: aiohttp.ClientSession,
    session: str,
    retry_after: float | str | None,
    header: str | None,
) -> None:
    anchor.fault = rate_limited(retry_after)

    async with client.post(f"{anchor.url}/v1/sessions/{session}/agent/pause", headers=HEADERS) as response:
        assert response.headers.get("Retry-After") == header


async def test_faults_wear_out(anchor: SimAnchor, client: aiohttp.ClientSession, session: str) -> None:
    anchor.fault = server_error(times=2)

    assert [(await pause(client, anchor, session))[0] for _ in range(3)] == [500, 500, 200]
    assert anchor.fault is None


async def test_faults_can_be_taken_back(anchor: SimAnchor, client: aiohttp.ClientSession, session: str) -> None:
    anchor.fault = server_error()
    anchor.fault = None

    assert (await pause(client, anchor, session))[0] == 200


async def test_a_fault_for_no_time_is_none(anchor: SimAnchor) -> None:
    anchor.fault = Answer(500, times=0)

    assert anchor.fault is None


async def test_slow_answers_come_late_but_right(anchor: SimAnchor, client: aiohttp.ClientSession, session: str) -> None:
    anchor.fault = Slow(0.05)
    began = time.monotonic()

    assert (await pause(client, anchor, session))[0] == 200
    assert time.monotonic() - began >= 0.05
    assert anchor.session(session).state is PAUSED


@pytest.mark.parametrize(("applied", "state"), [(True, PAUSED), (False, RUNNING)])
async def test_hanging_requests_never_get_an_answer(
    anchor: SimAnchor, client: aiohttp.ClientSession, session: str, *, applied: bool, state: SessionState
) -> None:
    anchor.fault = Hang(applied=applied)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await pause(client, anchor, session)

    assert anchor.session(session).state is state
    assert anchor.requests[0].status is None


@pytest.mark.parametrize(("applied", "state"), [(True, PAUSED), (False, RUNNING)])
async def test_connections_are_reset_after_reading(
    anchor: SimAnchor, client: aiohttp.ClientSession, session: str, *, applied: bool, state: SessionState
) -> None:
    anchor.fault = ResetAfterReading(applied=applied)

    with pytest.raises((ConnectionResetError, aiohttp.ClientError)):
        await pause(client, anchor, session)

    assert anchor.session(session).state is state
    assert [one.status for one in anchor.requests] == [None]


async def test_new_connections_are_reset_before_reading(
    anchor: SimAnchor, client: aiohttp.ClientSession, session: str
) -> None:
    anchor.fault = ResetBeforeReading(times=1)

    with pytest.raises((ConnectionResetError, aiohttp.ClientError)):
        await pause(client, anchor, session)

    assert anchor.requests == []
    assert (await pause(client, anchor, session))[0] == 200


async def test_pooled_connections_are_reset_before_reading(
    anchor: SimAnchor, client: aiohttp.ClientSession, session: str
) -> None:
    await pause(client, anchor, session)
    anchor.fault = ResetBeforeReading(times=1)

    with pytest.raises((ConnectionResetError, aiohttp.ClientError)):
        await pause(client, anchor, session)

    assert len(anchor.requests) == 1


async def test_bodies_drip(anchor: SimAnchor, client: aiohttp.ClientSession, session: str) -> None:
    anchor.fault = Drip(bytes_per_second=1000)
    began = time.monotonic()

    status, body = await pause(client, anchor, session)

    assert (status, json.loads(body)) == (200, {"data": {"status": "paused"}})
    assert time.monotonic() - began >= len(body) / 1000
    assert anchor.requests[0].status == 200


async def test_huge_bodies_are_streamed_whole(anchor: SimAnchor, client: aiohttp.ClientSession, session: str) -> None:
    anchor.fault = HugeBody(100_000, applied=True)

    status, body = await pause(client, anchor, session)

    assert status == 200
    assert len(json.loads(body)["data"]["status"]) == 100_000
    assert anchor.session(session).state is PAUSED


@pytest.mark.parametrize("fault", [HugeBody(), Drip(bytes_per_second=100)])
async def test_streaming_ends_when_the_client_hangs_up(
    anchor: SimAnchor, client: aiohttp.ClientSession, session: str, fault: Fault
) -> None:
    anchor.fault = fault

    async with client.post(f"{anchor.url}/v1/sessions/{session}/agent/pause", headers=HEADERS) as response:
        await response.content.readany()
        response.close()

    await anchor.until(lambda: anchor.requests[0].status == 200)

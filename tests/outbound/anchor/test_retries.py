"""The number and the duration of attempts to ask Anchor, and the outcome of several."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bot.sim.anchor import (
    DEFAULT_KEY,
    Answer,
    Fault,
    Hang,
    ResetAfterReading,
    SessionState,
    SimAnchor,
    Slow,
    html,
    rate_limited,
    server_error,
    unauthorized,
)
from harness.anchor_orders import anchor_client, pause, resume, send
from harness.product import Secret, SessionId, requests
from harness.product import outcomes as out
from harness.texts import SESSION

pytestmark = pytest.mark.anyio


@contextmanager
def takes(least: float, most: float) -> Iterator[None]:
    """`most` leaves a slow machine many seconds, and is less than what it excludes takes."""
    started = time.monotonic()
    yield
    assert least <= time.monotonic() - started <= most


SUCCESS = out.Paused("paused")


@pytest.mark.parametrize(
    ("fault", "outcome", "attempts", "least", "most"),
    [
        (server_error(times=2), SUCCESS, 3, 0.0, 10.0),
        (html(503, times=1), SUCCESS, 2, 0.0, 10.0),
        (server_error(), out.Failed(500, "Failed to pause agent"), 3, 0.37, 10.0),
        (unauthorized(), out.KeyRejected(401, "Invalid API key"), 1, 0.0, 10.0),
        (rate_limited(60), out.RateLimited(60.0, "Too many requests"), 1, 0.0, 10.0),
        (rate_limited(1, times=1), SUCCESS, 2, 1.0, 15.0),
        (rate_limited(20, times=1), out.RateLimited(20.0, "Too many requests"), 1, 0.0, 15.0),
        (ResetAfterReading(applied=True, times=1), SUCCESS, 2, 0.0, 10.0),
        (Answer(200, b'{"data":{"status":"resumed"}}', times=1), SUCCESS, 2, 0.0, 10.0),
    ],
    ids=repr,
)
async def test_a_pause_is_repeated_if_that_can_help(
    anchor: SimAnchor, fault: Fault, outcome: object, attempts: int, least: float, most: float
) -> None:
    """tests/core/test_retry.py shows that the delays leave time for Slack's ack."""
    anchor.fault = fault
    with takes(least, most):
        assert await pause(anchor.url, deadline=20) == outcome
    assert len(anchor.requests) == attempts


async def test_after_doubt_a_definite_no_does_not_settle_the_first_request(anchor: SimAnchor) -> None:
    anchor.fault = html(502, times=1)
    anchor.session(SESSION).state = SessionState.ENDED
    assert await pause(anchor.url) == out.Unconfirmed(out.Doubt.GATEWAY, 502)
    assert len(anchor.requests) == 2


async def test_a_failed_resume_is_repeated(anchor: SimAnchor) -> None:
    anchor.session(SESSION).state = SessionState.PAUSED
    anchor.fault = server_error(times=2)
    assert await resume(anchor.url) == out.Resumed("running")
    assert [request.verb for request in anchor.requests] == ["resume"] * 3


@pytest.mark.parametrize(
    ("fault", "doubt"),
    [
        (html(502), out.Unconfirmed(out.Doubt.GATEWAY, 502)),
        (html(200), out.Unconfirmed(out.Doubt.UNREADABLE, 200)),
        (Answer(200, b'{"success":false}'), out.Unconfirmed(out.Doubt.CONTRADICTED, anchor_message="success: false")),
        (Hang(), out.Unconfirmed(out.Doubt.TIMED_OUT)),
        (ResetAfterReading(), out.Unconfirmed(out.Doubt.CONNECTION_LOST)),
    ],
    ids=["bad gateway", "a page", "contradiction", "no answer", "reset"],
)
async def test_a_doubtful_resume_is_never_repeated(anchor: SimAnchor, fault: Fault, doubt: out.Unconfirmed) -> None:
    anchor.fault = fault
    assert await resume(anchor.url, attempt=3.0) == doubt
    assert len(anchor.requests) == 1


async def test_an_order_that_is_withdrawn_is_not_tried_again(anchor: SimAnchor) -> None:
    anchor.fault = rate_limited(15)
    cancelled = asyncio.Event()
    async with anchor_client(anchor.url) as client:
        resuming = client.send(requests.Verb.RESUME, Secret(DEFAULT_KEY), SessionId(SESSION), cancelled=cancelled)
        task = asyncio.ensure_future(resuming)
        await anchor.until(lambda: anchor.requests and anchor.requests[0].status)
        cancelled.set()
        with takes(0.0, 10.0):
            assert await task == [out.RateLimited(15.0, "Too many requests")]


async def test_without_doubt_the_last_answer_counts(anchor: SimAnchor) -> None:
    anchor.fault = server_error(times=1)
    anchor.add_key("sk-of-others")
    assert isinstance(await pause(anchor.url, key="sk-of-others"), out.NotFound)


async def test_an_answer_outweighs_an_attempt_that_reached_nobody() -> None:
    async def answer_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        server.close()
        writer.write(b'HTTP/1.1 500 no\r\nConnection: close\r\n\r\n{"error":{"message":"no"}}')
        writer.close()

    server = await asyncio.start_server(answer_once, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    assert await pause(f"http://{host}:{port}") == out.Failed(500, "no")


async def test_each_attempt_is_bounded_and_all_together(anchor: SimAnchor) -> None:
    anchor.fault = Hang(times=1)
    with takes(2.0, 20.0):
        assert await pause(anchor.url, attempt=2.0) == out.Paused("paused")
    anchor.fault = Hang()
    with takes(2.5, 20.0):
        assert await pause(anchor.url, attempt=2.0, deadline=3.0) == out.Unconfirmed(out.Doubt.TIMED_OUT)


async def test_no_cookie_of_anchors_is_ever_sent_back(anchor: SimAnchor) -> None:
    by_name = anchor.url.replace("127.0.0.1", "localhost")  # an address by number keeps no cookies anyway
    async with anchor_client(by_name) as client:
        assert [await send(client) for _ in range(2)] == [out.Paused("paused")] * 2
    assert ["Cookie" in request.headers for request in anchor.requests] == [False, False]


async def test_a_thousand_at_once_all_get_their_answer(anchor: SimAnchor) -> None:
    anchor.fault = Slow(0.5)
    async with anchor_client(anchor.url, attempt=50.0, deadline=50.0) as client:
        outcomes = await asyncio.gather(*[send(client) for _ in range(1000)])
    assert set(outcomes) == {out.Paused("paused")}

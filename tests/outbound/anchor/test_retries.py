"""The number and the duration of attempts to ask Anchor."""

import time

import pytest

from bot.sim.anchor import (
    Answer,
    Fault,
    Hang,
    ResetAfterReading,
    SimAnchor,
    html,
    rate_limited,
)
from harness.anchor_orders import anchor_client, pause, resume, send
from harness.product import outcomes as out
from harness.product import requests

pytestmark = pytest.mark.anyio

SUCCESS = out.Paused("success")


@pytest.mark.parametrize(
    ("fault", "doubt"),
    [
        (html(502), out.Unconfirmed(out.Doubt.NO_ANSWER, 502)),
        (Answer(503, b'{"error":"no"}'), out.Unconfirmed(out.Doubt.NO_ANSWER, 503)),
        (Answer(200, b'{"success":false}'), out.Unconfirmed(out.Doubt.NOT_UNDERSTOOD, anchor_message="success: false")),
        (Hang(), out.Unconfirmed(out.Doubt.NO_ANSWER)),
        (ResetAfterReading(), out.Unconfirmed(out.Doubt.NO_ANSWER)),
    ],
    ids=["bad gateway", "503 of a gateway", "contradiction", "no answer", "reset"],
)
async def test_a_doubtful_resume_is_never_repeated(anchor: SimAnchor, fault: Fault, doubt: out.Unconfirmed) -> None:
    anchor.fault = fault
    assert await resume(anchor.url, attempt=3.0) == doubt
    assert len(anchor.requests) == 1


async def test_an_order_that_may_not_be_repeated_is_not_tried_again(anchor: SimAnchor) -> None:
    anchor.fault = rate_limited(1)
    async with anchor_client(anchor.url) as client:
        assert await send(client, requests.Verb.RESUME, once=True) == out.RateLimited(1.0, "Too many requests")
    assert len(anchor.requests) == 1


async def test_each_attempt_is_bounded_and_all_together(anchor: SimAnchor) -> None:
    for fault, deadline, outcome in (
        (Hang(times=1), 20.0, SUCCESS),
        (Hang(), 3.0, out.Unconfirmed(out.Doubt.NO_ANSWER)),
    ):
        anchor.fault, started = fault, time.monotonic()
        assert await pause(anchor.url, attempt=2.0, deadline=deadline) == outcome
        assert 2.0 <= time.monotonic() - started < 20


async def test_no_cookie_of_anchors_is_ever_sent_back(anchor: SimAnchor) -> None:
    by_name = anchor.url.replace("127.0.0.1", "localhost")  # an address by number keeps no cookies anyway
    async with anchor_client(by_name) as client:
        assert [await send(client) for _ in range(2)] == [out.Paused("success")] * 2
    assert ["Cookie" in request.headers for request in anchor.requests] == [False, False]

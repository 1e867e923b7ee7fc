"""Orders sent to Anchor: what each answer and each failure of the network means, and what is sent again."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bot.core.fields import Proxy
from bot.core.retries import combine
from bot.core.sessions import NotRead
from bot.outbound.anchor_orders import AnchorClient, AnchorHttp, read_key_status
from bot.sim import anchor as sim
from bot.sim.anchor import DEFAULT_KEY, Answer, Drip, Fault, Hang, HugeBody, ResetAfterReading, SimAnchor
from harness.connect_proxy import connect_proxy
from harness.product import Secret, SessionId, orders
from harness.product import outcomes as out
from harness.texts import SESSION
from harness.values import http_client


@asynccontextmanager
async def anchor_client(
    url: str, *, attempt: float = 10.0, deadline: float = 20.0, proxy: Proxy | None = None
) -> AsyncIterator[AnchorClient]:
    async with http_client(proxy) as client:
        yield AnchorClient(AnchorHttp(client, url), timeout=attempt, deadline=deadline)


async def send(
    client: AnchorClient, verb: orders.Verb = orders.Verb.PAUSE, *, once: bool = False, took: float = 0.0
) -> out.AnchorOutcome:
    """Order something for SESSION, and return the outcome of all attempts; `once`: it may not be repeated.

    That is known after as many seconds as it `took`.
    """

    async def may_repeat() -> bool:
        await asyncio.sleep(took)
        return not once

    return combine(await client.send(verb, Secret(DEFAULT_KEY), SessionId(SESSION), may_repeat))


async def pause(url: str, *, attempt: float = 10.0, deadline: float = 20.0) -> out.AnchorOutcome:
    async with anchor_client(url, attempt=attempt, deadline=deadline) as client:
        return await send(client)


async def pause_once(url: str, *, attempt: float = 10.0, proxy: Proxy | None = None) -> out.AnchorOutcome:
    async with anchor_client(url, attempt=attempt, proxy=proxy) as client:
        return await send(client, once=True)


async def resume(url: str, *, attempt: float = 10.0) -> out.AnchorOutcome:
    async with anchor_client(url, attempt=attempt) as client:
        return await send(client, orders.Verb.RESUME)


def proxy_at(port: int, authorization: str | None = None) -> Proxy:
    return Proxy(f"http://127.0.0.1:{port}", Secret(authorization) if authorization else None)


def error(status: int, message: str = "no") -> Answer:
    return Answer(status, b'{"error":{"code":%d,"message":"%s"}}' % (status, message.encode()))


def unreadable(status: int) -> out.Unconfirmed:
    return out.Unconfirmed(out.Doubt.NOT_UNDERSTOOD, status)


LIMITED = Answer(429, b'{"error":{"message":"no"}}', headers={"Retry-After": "30"})
FAILED = Answer(200, b'{"data":{"status":"failed"}}')

TABLE: dict[str, tuple[Fault | None, out.AnchorOutcome]] = {
    "paused": (None, out.Paused("success")),
    "paused, without data": (Answer(200, b"{}"), out.Paused(None)),
    "paused, with a status that is no text": (Answer(200, b'{"data":{"status":7}}'), out.Paused(None)),
    "not running": (error(400, "Session is not running"), out.NotRunning(400, "Session is not running")),
    "not found": (error(404, "Session not found"), out.NotFound(404, "Session not found")),
    "not found, empty object": (Answer(404, b"{}"), out.NotFound(404, None)),
    "failed": (error(500, "Failed to pause"), out.Failed(500, "Failed to pause")),
    "key unknown": (error(401, "Invalid API key"), out.KeyRejected(401, "Invalid API key")),
    "key forbidden": (error(403), out.KeyRejected(403, "no")),
    "rate limited": (LIMITED, out.RateLimited(429, "no", 30.0)),
    "out of service": (error(503), out.Unavailable(503)),
    **{
        f"a gateway's 503: {body!r}": (Answer(503, body), out.Unconfirmed(out.Doubt.NO_ANSWER, 503))
        for body in (b"", b"{}", b"[]", b'{"message":"no"}', b'{"status":503,"error":"Service Unavailable"}')
    },
    "bad gateway, as Anchor's object": (error(502), out.Unconfirmed(out.Doubt.NO_ANSWER, 502)),
    "gateway timeout": (Answer(504, b""), out.Unconfirmed(out.Doubt.NO_ANSWER, 504)),
    "a page": (Answer(200, b"<html>welcome</html>", "text/html"), unreadable(200)),
    "a list": (Answer(200, b"[]"), unreadable(200)),
    "not UTF-8": (Answer(200, b'{"data":"\xff"}'), unreadable(200)),
    "too deep": (Answer(200, b"[" * 60_000), unreadable(200)),
    "a number too long": (Answer(200, b'{"data":' + b"9" * 5_000 + b"}"), unreadable(200)),
    "success with an error": (error(200), out.Unconfirmed(out.Doubt.NOT_UNDERSTOOD, anchor_message="no")),
    "success that says failed": (FAILED, out.Unconfirmed(out.Doubt.NOT_UNDERSTOOD, anchor_message="failed")),
    "paused, with another word": (Answer(200, b'{"data":{"status":"running"}}'), out.Paused("running")),
    "a body without end": (HugeBody(), unreadable(200)),
    "a gateway's page for 404": (Answer(404, b"<html>not here</html>", "text/html"), unreadable(404)),
    "a gateway's own JSON for 404": (Answer(404, b'{"message":"no Route"}'), unreadable(404)),
    "a redirect": (Answer(302, b"{}", headers={"Location": "https://login.example/"}), unreadable(302)),
    "accepted, perhaps": (Answer(202, b"{}"), unreadable(202)),
    "another server error": (error(520), unreadable(520)),
    "broken gzip": (
        Answer(200, b"no gzip", headers={"Content-Encoding": "gzip"}),
        out.Unconfirmed(out.Doubt.NOT_UNDERSTOOD),
    ),
}


@pytest.mark.parametrize(("fault", "expected"), TABLE.values(), ids=TABLE)
async def test_every_answer_is_one_outcome(anchor: SimAnchor, fault: Fault | None, expected: out.AnchorOutcome) -> None:
    anchor.fault = fault
    assert await pause_once(anchor.url) == expected


KEY_TABLE = [
    *((200, body, None) for body in (b"{}", b'{"data": {"count": 0, "items": []}}', b'{"data": null}')),
    *((200, body, NotRead(200)) for body in (b"<html>", b"[]")),
    *((status, b'{"error": {"message": "no"}}', NotRead(status)) for status in (200, 401, 403, 404)),
    *((status, b"", NotRead(status)) for status in (204, 301, 401, 403, 404, 429, 500, 501, 503)),
]


@pytest.mark.parametrize(("status", "body", "meaning"), KEY_TABLE)
def test_only_an_answer_of_anchors_says_whether_a_key_is_good(status: int, body: bytes, meaning: object) -> None:
    assert read_key_status(status, body) == meaning


NO_CONNECTION = out.Unavailable()


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    return ("asyncio", {"use_uvloop": request.param})


@pytest.mark.parametrize(
    ("fault", "doubt"),
    [
        (Drip(), out.Doubt.NO_ANSWER),
        (Hang(), out.Doubt.NO_ANSWER),
        (ResetAfterReading(), out.Doubt.NO_ANSWER),
        (sim.ResetBeforeReading(), out.Doubt.NO_ANSWER),
    ],
    ids=["a body that drips", "no answer", "reset after reading", "reset before reading"],
)
async def test_a_request_that_may_have_arrived_is_in_doubt(anchor: SimAnchor, fault: Fault, doubt: out.Doubt) -> None:
    anchor.fault = fault
    assert await pause_once(anchor.url, attempt=3.0) == out.Unconfirmed(doubt)


async def test_a_connection_that_is_never_made_means_that_nothing_was_sent() -> None:
    with socket.socket() as full, socket.socket() as one, socket.socket() as two:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for waiting in (one, two):
            waiting.settimeout(0)
            waiting.connect_ex(full.getsockname())
        host, port = full.getsockname()
        assert await pause_once(f"http://{host}:{port}") == NO_CONNECTION


async def test_a_proxy_that_does_not_connect_has_sent_nothing(anchor: SimAnchor) -> None:
    async with connect_proxy({"anchor.test:443": anchor.port}, "bot:password") as (port, asked):
        known = "Basic Ym90OnBhc3N3b3Jk"
        for authorization in (None, "Basic Ym90Og==", known):
            way = proxy_at(port, authorization)
            assert await pause_once("https://elsewhere.test", proxy=way) == NO_CONNECTION
        assert await pause_once("https://anchor.test", proxy=proxy_at(1, known)) == NO_CONNECTION
        assert await pause_once(anchor.url, proxy=proxy_at(port)) == out.Paused("success")
    assert asked == [f"elsewhere.test:443 {status}" for status in (407, 407, 502)]


SUCCESS = out.Paused("success")


@pytest.mark.parametrize(
    ("fault", "doubt"),
    [
        (sim.html(502), out.Unconfirmed(out.Doubt.NO_ANSWER, 502)),
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


@pytest.mark.parametrize("took", [None, 3.5], ids=["may not", "no time left"])
async def test_an_order_that_may_not_be_repeated_is_not_tried_again(anchor: SimAnchor, took: float | None) -> None:
    """Nor if it takes too long to find out: no further attempt is made, which would count as one without an answer."""
    anchor.fault = sim.rate_limited(0.1)
    async with anchor_client(anchor.url, deadline=20.0 if took is None else 3.0) as client:
        outcome = await send(client, orders.Verb.RESUME, once=took is None, took=took or 0.0)
    assert outcome == out.RateLimited(429, "Too many requests", 0.1)
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

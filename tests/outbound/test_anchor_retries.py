"""How often Anchor is asked, how long, and what is known after several attempts."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import pytest

from bot.core.outcomes import (
    AnchorOutcome,
    Doubt,
    Failed,
    KeyRejected,
    NotFound,
    Paused,
    RateLimited,
    Resumed,
    Unavailable,
    Unconfirmed,
    Unreachable,
)
from bot.core.requests import Verb
from bot.core.retry import sum_up
from bot.core.secret import Secret
from bot.core.session_id import SessionId
from bot.outbound.anchor import AnchorClient
from bot.outbound.http_client import open_client, open_session
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

pytestmark = pytest.mark.anyio


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    return ("asyncio", {"use_uvloop": request.param})


SESSION = "3f2b8c1e-7d4a-4f0b-9a56-0c1d2e3f4a5b"
OUT_OF_SERVICE = Unavailable(Unreachable.OUT_OF_SERVICE)
NO_CONNECTION = Unavailable(Unreachable.NO_CONNECTION)


@pytest.fixture
async def anchor() -> AsyncIterator[SimAnchor]:
    async with SimAnchor() as simulated:
        simulated.add_session(session_id=SESSION)
        yield simulated
        assert simulated.violations == []


async def order(client: AnchorClient, verb: Verb = Verb.PAUSE, key: str = DEFAULT_KEY) -> AnchorOutcome:
    return sum_up(await client.order(verb, Secret(key), SessionId(SESSION), withdrawn=asyncio.Event()))


async def pause(url: str, *, attempt: float = 10.0, deadline: float = 20.0, key: str = DEFAULT_KEY) -> AnchorOutcome:
    async with open_session() as session, open_client(session) as http:
        return await order(AnchorClient(http, base_url=url, timeout=attempt, deadline=deadline), key=key)


async def resume(url: str, *, attempt: float = 10.0) -> AnchorOutcome:
    async with open_session() as session, open_client(session) as http:
        return await order(AnchorClient(http, base_url=url, timeout=attempt, deadline=20.0), Verb.RESUME)


@contextmanager
def takes(least: float, most: float) -> Iterator[None]:
    started = time.monotonic()
    yield
    assert least <= time.monotonic() - started <= most


async def test_a_failure_that_passes_is_not_told(anchor: SimAnchor) -> None:
    anchor.fault = server_error(times=2)
    assert await pause(anchor.url) == Paused("paused")
    assert len(anchor.requests) == 3


async def test_a_failure_that_stays_is_told_after_three_attempts_within_slacks_patience(anchor: SimAnchor) -> None:
    anchor.fault = server_error()
    with takes(0.37, 2.0):
        assert await pause(anchor.url) == Failed(500, "Failed to pause agent")
    assert len(anchor.requests) == 3


@pytest.mark.parametrize("fault", [unauthorized(), rate_limited(60)], ids=["refused key", "long limit"])
async def test_what_waiting_cannot_mend_is_asked_once(anchor: SimAnchor, fault: object) -> None:
    anchor.fault = fault  # type: ignore[assignment]
    await pause(anchor.url)
    assert len(anchor.requests) == 1


async def test_a_limit_is_waited_out_where_the_deadline_allows(anchor: SimAnchor) -> None:
    anchor.fault = rate_limited(1, times=1)
    with takes(1.0, 3.0):
        assert await pause(anchor.url, deadline=3) == Paused("paused")


async def test_a_limit_longer_than_the_deadline_is_told_at_once(anchor: SimAnchor) -> None:
    anchor.fault = rate_limited(3, times=1)
    with takes(0.0, 2.0):
        assert await pause(anchor.url, deadline=3) == RateLimited(3.0, "Too many requests")


async def test_a_service_that_comes_back_when_it_said_is_asked_again(anchor: SimAnchor) -> None:
    anchor.fault = html(503, times=1)
    assert await pause(anchor.url) == Paused("paused")


async def test_a_doubtful_pause_is_repeated_and_confirmed(anchor: SimAnchor) -> None:
    anchor.fault = ResetAfterReading(applied=True, times=1)
    assert await pause(anchor.url) == Paused("paused")
    assert anchor.session(SESSION).state is SessionState.PAUSED


async def test_after_doubt_a_definite_no_does_not_settle_the_first_request(anchor: SimAnchor) -> None:
    anchor.fault = html(502, times=1)
    anchor.session(SESSION).state = SessionState.ENDED
    assert await pause(anchor.url) == Unconfirmed(Doubt.GATEWAY, 502)
    assert len(anchor.requests) == 2


async def test_a_resume_is_an_order_like_a_pause(anchor: SimAnchor) -> None:
    anchor.session(SESSION).state = SessionState.PAUSED
    anchor.fault = server_error(times=2)
    assert await resume(anchor.url) == Resumed("running")
    assert [request.verb for request in anchor.requests] == ["resume"] * 3


@pytest.mark.parametrize(
    ("fault", "doubt"),
    [
        (html(502), Unconfirmed(Doubt.GATEWAY, 502)),
        (html(504), Unconfirmed(Doubt.GATEWAY, 504)),
        (html(200), Unconfirmed(Doubt.UNREADABLE, 200)),
        (Hang(), Unconfirmed(Doubt.TIMED_OUT)),
        (ResetAfterReading(), Unconfirmed(Doubt.CONNECTION_LOST)),
    ],
    ids=["bad gateway", "gateway timeout", "a page", "no answer", "reset"],
)
async def test_a_doubtful_resume_is_never_repeated(anchor: SimAnchor, fault: Fault, doubt: Unconfirmed) -> None:
    anchor.fault = fault
    assert await resume(anchor.url, attempt=0.4) == doubt
    assert len(anchor.requests) == 1


async def test_an_order_that_is_withdrawn_is_not_tried_again(anchor: SimAnchor) -> None:
    anchor.fault = rate_limited(10)
    withdrawn = asyncio.Event()
    async with open_session() as session, open_client(session) as http:
        client = AnchorClient(http, base_url=anchor.url, timeout=10, deadline=20)
        resuming = client.order(Verb.RESUME, Secret(DEFAULT_KEY), SessionId(SESSION), withdrawn=withdrawn)
        task = asyncio.ensure_future(resuming)
        await anchor.until(lambda: anchor.requests and anchor.requests[0].status)
        withdrawn.set()
        with takes(0.0, 3.0):
            assert await task == [RateLimited(10.0, "Too many requests")]


async def test_without_doubt_the_last_answer_counts(anchor: SimAnchor) -> None:
    anchor.fault = server_error(times=1)
    assert await pause(anchor.url, key=DEFAULT_KEY) == Paused("paused")
    anchor.fault = server_error(times=1)
    anchor.add_key("sk-of-others")
    assert isinstance(await pause(anchor.url, key="sk-of-others"), NotFound)


async def test_an_answer_that_came_outweighs_an_attempt_that_reached_nobody(anchor: SimAnchor) -> None:
    anchor.fault = server_error(times=1)
    pausing = asyncio.ensure_future(pause(anchor.url))
    await anchor.until(lambda: anchor.requests and anchor.requests[0].status)
    await asyncio.sleep(0.05)
    await anchor.stop()
    assert await pausing == Failed(500, "Failed to pause agent")


async def test_each_attempt_is_bounded(anchor: SimAnchor) -> None:
    anchor.fault = Hang(times=1)
    with takes(0.5, 3.0):
        assert await pause(anchor.url, attempt=0.5) == Paused("paused")


async def test_all_attempts_together_are_bounded(anchor: SimAnchor) -> None:
    anchor.fault = Slow(5)
    with takes(1.4, 3.0):
        assert await pause(anchor.url, attempt=1.0, deadline=1.8) == Unconfirmed(Doubt.TIMED_OUT)


async def test_a_refused_connection_means_that_nothing_was_sent(anchor: SimAnchor) -> None:
    await anchor.stop()
    with takes(0.37, 2.0):
        assert await pause(anchor.url) == NO_CONNECTION


async def test_a_name_that_does_not_exist_means_that_nothing_was_sent() -> None:
    assert await pause("https://anchor.invalid") == NO_CONNECTION


async def test_a_connection_that_is_never_made_means_that_nothing_was_sent() -> None:
    with socket.socket() as full, socket.socket() as one, socket.socket() as two:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for waiting in (one, two):
            waiting.settimeout(0)
            waiting.connect_ex(full.getsockname())
        host, port = full.getsockname()
        with takes(0.5, 3.0):
            assert await pause(f"http://{host}:{port}", attempt=0.6, deadline=0.6) == NO_CONNECTION


async def test_tls_that_fails_means_that_nothing_was_sent(anchor: SimAnchor) -> None:
    assert await pause(anchor.url.replace("http:", "https:"), deadline=0.5) == NO_CONNECTION
    assert anchor.requests == []


async def test_a_connection_that_went_stale_is_only_doubtful_until_the_next_attempt(anchor: SimAnchor) -> None:
    async with open_session() as session, open_client(session) as http:
        client = AnchorClient(http, base_url=anchor.url, timeout=5, deadline=10)
        assert await order(client) == Paused("paused")
        await anchor.stop()
        await anchor.start()
        assert await order(client) == Paused("paused")


async def test_no_cookie_of_anchors_is_ever_sent_back(anchor: SimAnchor) -> None:
    by_name = anchor.url.replace("127.0.0.1", "localhost")  # an address by number keeps no cookies anyway
    async with open_session() as session, open_client(session) as http:
        client = AnchorClient(http, base_url=by_name, timeout=5, deadline=10)
        for _ in range(2):
            assert await order(client) == Paused("paused")
    assert ["Cookie" in request.headers for request in anchor.requests] == [False, False]


async def test_what_is_no_http_at_all_is_unreadable() -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"220 mail.example ESMTP\r\n")
        writer.close()

    server = await asyncio.start_server(speak, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()
        assert await pause(f"http://{host}:{port}", deadline=0.5) == Unconfirmed(Doubt.UNREADABLE)


async def test_an_error_in_the_body_does_not_hide_a_status_that_says_all(anchor: SimAnchor) -> None:
    anchor.fault = Answer(401, b"no gzip", headers={"Content-Encoding": "gzip"})
    assert await pause(anchor.url) == KeyRejected(401)


@pytest.mark.parametrize("anyio_backend", [("asyncio", {"use_uvloop": True})], ids=["uvloop"])
async def test_a_thousand_at_once_all_get_their_answer(anchor: SimAnchor) -> None:
    anchor.fault = Slow(0.5)
    async with open_session() as session, open_client(session) as http:
        client = AnchorClient(http, base_url=anchor.url, timeout=10, deadline=20)
        outcomes = await asyncio.gather(*[order(client) for _ in range(1000)])
    assert set(outcomes) == {Paused("paused")}

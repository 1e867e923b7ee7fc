"""Network failures on the way to Anchor, on both event loops: each reports them in its own way."""

import asyncio
import socket

import pytest

from bot.sim.anchor import Drip, Fault, Hang, ResetAfterReading, ResetBeforeReading, SimAnchor
from harness.anchor_orders import pause_once, proxy_at
from harness.connect_proxy import connect_proxy
from harness.product import outcomes as out

pytestmark = pytest.mark.anyio

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
        (ResetBeforeReading(), out.Doubt.NO_ANSWER),
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
    async with connect_proxy({"anchor.test:443": anchor.port}, "bot:password") as proxy:
        known = "Basic Ym90OnBhc3N3b3Jk"
        for authorization in (None, "Basic Ym90Og==", known):
            way = proxy_at(proxy.port, authorization)
            assert await pause_once("https://elsewhere.test", proxy=way) == NO_CONNECTION
        assert await pause_once("https://anchor.test", proxy=proxy_at(1, known)) == NO_CONNECTION
        assert await pause_once(anchor.url, proxy=proxy_at(proxy.port)) == out.Paused("success")
    assert proxy.requests == [f"elsewhere.test:443 {status}" for status in (407, 407, 502)]


PAUSED = b'{"data":{"status":"paused"}}'


@pytest.mark.parametrize(
    ("head", "body", "outcome"),
    [
        (b"220 mail.example ESMTP", b"", out.Unconfirmed(out.Doubt.NOT_UNDERSTOOD)),
        (b"HTTP/1.1 200 \xd6k", PAUSED, out.Paused("paused")),
        (b"HTTP/1.1 200", PAUSED, out.Paused("paused")),
        (b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK", PAUSED, out.Paused("paused")),
        (b"HTTP/1.1 401 Refus\xe9", b"", out.KeyRejected(401)),
        (b"HTTP/1.1 429 \xff\r\nRetry-After: \xd9\xa3\xff", b"", out.RateLimited()),
    ],
    ids=["no HTTP", "Latin-1", "no reason", "hints before it", "a refusal", "Retry-After"],
)
async def test_an_answer_counts_by_its_status_code_not_by_its_words(
    head: bytes, body: bytes, outcome: out.AnchorOutcome
) -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        writer.close()

    server = await asyncio.start_server(speak, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()
        assert await pause_once(f"http://{host}:{port}") == outcome

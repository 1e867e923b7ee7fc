"""Network failures on the way to Anchor, on both event loops: each reports them in its own way."""

import asyncio
import socket

import pytest

from bot.core.outcomes import Doubt, Paused, Unavailable, Unconfirmed, Unreachable
from bot.sim.anchor import Drip, Fault, Hang, ResetAfterReading, ResetBeforeReading, SimAnchor
from harness.anchor_orders import anchor_client, pause, pause_once, send

pytestmark = pytest.mark.anyio

NO_CONNECTION = Unavailable(Unreachable.NO_CONNECTION)


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    return ("asyncio", {"use_uvloop": request.param})


@pytest.mark.parametrize(
    ("fault", "doubt"),
    [
        (Drip(), Doubt.TIMED_OUT),
        (Hang(), Doubt.TIMED_OUT),
        (ResetAfterReading(), Doubt.CONNECTION_LOST),
        (ResetBeforeReading(), Doubt.CONNECTION_LOST),
    ],
    ids=["a body that drips", "no answer", "reset after reading", "reset before reading"],
)
async def test_a_request_that_may_have_arrived_is_in_doubt(anchor: SimAnchor, fault: Fault, doubt: Doubt) -> None:
    anchor.fault = fault
    assert await pause_once(anchor.url, attempt=3.0) == Unconfirmed(doubt)


async def test_without_a_connection_nothing_was_sent(anchor: SimAnchor) -> None:
    assert await pause_once(anchor.url.replace("http:", "https:")) == NO_CONNECTION
    assert await pause_once("https://anchor.invalid") == NO_CONNECTION
    assert anchor.requests == []
    await anchor.stop()
    assert await pause(anchor.url) == NO_CONNECTION


async def test_a_connection_that_is_never_made_means_that_nothing_was_sent() -> None:
    with socket.socket() as full, socket.socket() as one, socket.socket() as two:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for waiting in (one, two):
            waiting.settimeout(0)
            waiting.connect_ex(full.getsockname())
        host, port = full.getsockname()
        assert await pause_once(f"http://{host}:{port}") == NO_CONNECTION


async def test_a_stale_connection_is_in_doubt_until_the_next_attempt(anchor: SimAnchor) -> None:
    async with anchor_client(anchor.url) as client:
        assert await send(client) == Paused("paused")
        await anchor.stop()
        await anchor.start()
        assert await send(client) == Paused("paused")


async def test_an_answer_that_is_not_http_is_unreadable() -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"220 mail.example ESMTP\r\n")
        writer.close()

    server = await asyncio.start_server(speak, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()
        assert await pause_once(f"http://{host}:{port}") == Unconfirmed(Doubt.UNREADABLE)

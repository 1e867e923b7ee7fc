"""The servers under both simulators stop at once and leave nothing behind."""

import asyncio
import socket
import time

import aiohttp
import pytest

from bot.sim.anchor import DEFAULT_KEY, Hang, HugeBody, SimAnchor
from bot.sim.local_server import LocalServer, free_port

pytestmark = pytest.mark.anyio


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    return ("asyncio", {"use_uvloop": request.param})


async def pause(client: aiohttp.ClientSession, anchor: SimAnchor, session: str) -> int:
    url = f"{anchor.url}/v1/sessions/{session}/agent/pause"
    async with client.post(url, headers={"anchor-api-key": DEFAULT_KEY}) as response:
        return response.status


async def test_stopping_does_not_wait_for_hanging_requests(client: aiohttp.ClientSession) -> None:
    before = asyncio.all_tasks()
    async with SimAnchor() as anchor:
        session = anchor.add_session()
        await pause(client, anchor, session)
        anchor.fault = Hang()
        hanging = [asyncio.create_task(pause(client, anchor, session)) for _ in range(20)]
        await anchor.until(lambda: len(anchor.requests) == 21)
        hanging[0].cancel()  # a client that went away leaves its request hanging
        await asyncio.sleep(0.01)
        began = time.monotonic()

    assert time.monotonic() - began < 10
    answers = await asyncio.gather(*hanging, return_exceptions=True)
    assert all(isinstance(answer, BaseException) for answer in answers)
    assert asyncio.all_tasks() <= before


async def test_a_stopped_server_refuses_connections_until_it_is_started_again(client: aiohttp.ClientSession) -> None:
    async with SimAnchor() as anchor:
        session, url = anchor.add_session(), anchor.url
        await anchor.stop()
        with pytest.raises(aiohttp.ClientConnectorError):
            await pause(client, anchor, session)

        await anchor.start()
        assert (await pause(client, anchor, session), anchor.url) == (200, url)


@pytest.mark.parametrize("option", [socket.SO_KEEPALIVE, socket.SO_REUSEADDR, socket.SO_REUSEPORT])
async def test_nobody_else_gets_the_port_of_a_stopped_server_before_it_ends(option: int) -> None:
    async with SimAnchor() as anchor:
        port = int(anchor.url.rpartition(":")[2])
        for _ in range(2):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            await anchor.stop()
            writer.close()
            with socket.socket() as other:
                other.setsockopt(socket.SOL_SOCKET, option, 1)
                with pytest.raises(OSError, match="in use"):
                    other.bind(("127.0.0.1", port))
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection("127.0.0.1", port)
            await anchor.start()
        await anchor.stop()
    async with LocalServer([], port=port) as successor:
        assert successor.port == port


async def test_a_large_answer_waits_for_a_slow_reader(anchor: SimAnchor) -> None:
    anchor.fault = HugeBody(30_000_000)
    reader, writer = await asyncio.open_connection("127.0.0.1", int(anchor.url.rpartition(":")[2]))
    writer.write(b"GET /v1/sessions/all/status HTTP/1.0\r\nUser-Agent: slow\r\n\r\n")
    await asyncio.sleep(0.2)
    assert (await reader.read()).endswith(b'"}}')
    writer.close()


async def test_a_port_that_is_taken_is_not_called_free(monkeypatch: pytest.MonkeyPatch) -> None:
    taken, free = free_port(), free_port()
    tries = iter([taken, free])
    monkeypatch.setattr("random.randrange", lambda *_: next(tries))
    async with LocalServer([], port=taken):
        assert free_port() == free

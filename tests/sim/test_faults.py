"""Faults of a simulator reach its clients over the wire, and its server stops at once and keeps its port."""

import asyncio

import aiohttp
import pytest

from bot.sim.anchor import DEFAULT_KEY, SessionState, SimAnchor, rate_limited, server_error
from bot.sim.faults import Drip, Fault, Hang, ResetAfterReading, ResetBeforeReading

pytestmark = pytest.mark.anyio

PAUSED, RUNNING = SessionState.PAUSED, SessionState.RUNNING
BROKEN = (ConnectionResetError, aiohttp.ClientError)


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    return ("asyncio", {"use_uvloop": request.param})


class Caller:
    """Pauses a session."""

    def __init__(self, anchor: SimAnchor, client: aiohttp.ClientSession) -> None:
        self._anchor = anchor
        self._session = anchor.add_session()
        self._client = client

    async def pause(self) -> tuple[int, bytes, str | None]:
        """Status, body and Retry-After of the answer."""
        url = f"{self._anchor.url}/v1/sessions/{self._session}/agent/pause"
        async with self._client.post(url, headers={"anchor-api-key": DEFAULT_KEY}) as response:
            return response.status, await response.read(), response.headers.get("Retry-After")

    @property
    def state(self) -> SessionState:
        return self._anchor.session(self._session).state


@pytest.fixture
def caller(anchor: SimAnchor, client: aiohttp.ClientSession) -> Caller:
    return Caller(anchor, client)


@pytest.mark.parametrize(
    ("fault", "answer", "state"),
    [
        (rate_limited(30), (429, b"Too many", "30"), RUNNING),
        (server_error(applied=True), (500, b"Failed to pause agent", None), PAUSED),
        (Drip(bytes_per_second=1000), (200, b'{"data": {"status": "paused"}}', None), PAUSED),
        (Hang(applied=True), None, PAUSED),
        (ResetBeforeReading(), None, RUNNING),
        (ResetAfterReading(applied=True), None, PAUSED),
    ],
)
async def test_a_fault_replaces_the_answer_and_may_hide_a_pause(
    anchor: SimAnchor, caller: Caller, fault: Fault, answer: tuple[int, bytes, str | None] | None, state: SessionState
) -> None:
    anchor.fault = fault
    if answer is None:
        with pytest.raises((TimeoutError, *BROKEN)):
            async with asyncio.timeout(2 if isinstance(fault, Hang) else 20):
                await caller.pause()
        assert [one.status for one in anchor.requests] == [None] * (not isinstance(fault, ResetBeforeReading))
    else:
        status, body, retry_after = await caller.pause()
        assert (status, retry_after, anchor.requests[0].status) == (answer[0], answer[2], status)
        assert answer[1] in body
    assert (caller.state, anchor.fault) == (state, fault)


async def test_a_fault_applies_as_often_as_it_says_or_until_it_is_removed(anchor: SimAnchor, caller: Caller) -> None:
    anchor.fault = server_error(times=2)
    assert [(await caller.pause())[0] for _ in range(3)] == [500, 500, 200]
    anchor.fault = ResetBeforeReading(times=1)  # of a connection that is open already
    with pytest.raises(BROKEN):
        await caller.pause()
    assert (await caller.pause())[0] == 200

"""Bodies take bounded memory, and the one that has been read longest is dropped; rejections can't fill the log."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from bot.inbound.rejections import Bodies, Rejected, RejectionLog

pytestmark = pytest.mark.anyio
READ, STEP = 5.0, 0.01


class Upload:
    """A request whose body arrives piece by piece."""

    def __init__(self, bodies: Bodies, sender: str = "") -> None:
        self.headers: dict[str, str] = {}
        self.content_length = None
        self.content = SimpleNamespace(iter_any=self._pieces, is_eof=lambda: False)
        self.sent: asyncio.Queue[bytes | Exception] = asyncio.Queue()
        request: Any = self
        self.reading = asyncio.create_task(bodies.read(request, sender))

    async def send(self, piece: bytes | Exception) -> None:
        self.sent.put_nowait(piece)
        await asyncio.sleep(STEP)

    async def answer(self) -> object:
        result = await self.reading
        return result if isinstance(result, bytes) else result.status

    async def _pieces(self) -> Any:
        while piece := await self.sent.get():
            if isinstance(piece, Exception):
                raise piece
            yield piece


async def test_the_body_that_has_been_read_longest_is_dropped_and_never_the_newest() -> None:
    bodies = Bodies(largest=60, capacity=100)
    old, middle = Upload(bodies), Upload(bodies)
    for upload in (old, middle):
        await upload.send(b"a" * 50)
    new = Upload(bodies)
    new.sent.put_nowait(b"b" * 50)
    await old.send(b"a" * 50)  # what comes as it is dropped takes no room
    assert await old.answer() == 408
    await new.send(b"")
    await middle.send(b"")
    assert (await new.answer(), await middle.answer()) == (b"b" * 50, b"a" * 50)


async def test_the_sender_with_the_most_gives_way_also_if_its_bodies_wait() -> None:
    bodies, dropped = Bodies(largest=100, capacity=100), list[str]()
    with bodies.hold("few", dropped.clear, 20), bodies.hold("many", lambda: dropped.append("first"), 40):
        second, other = Upload(bodies, "many"), Upload(bodies, "few")
        await second.send(b"a" * 40)
        await other.send(b"b" * 10)
        assert dropped == ["first"]
        await other.send(b"")
        await second.send(b"")
        assert (await other.answer(), await second.answer()) == (b"b" * 10, b"a" * 40)
    assert dropped == ["first"]


async def test_a_sender_takes_no_more_than_its_share() -> None:
    bodies, dropped = Bodies(largest=100, capacity=100, most_each=50), list[str]()
    with bodies.hold("many", lambda: dropped.append("first"), 30):
        new = Upload(bodies, "many")
        await new.send(b"a" * 21)
        await new.send(b"")
    assert (dropped, await new.answer()) == (["first"], b"a" * 21)


async def test_one_of_each_status_is_logged_in_ten_seconds_with_the_count(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rejections = RejectionLog()
    for _ in range(3):
        rejections.record(Rejected(401, "unsigned"))
    rejections.record(Rejected(400, "team_id is missing"))
    await asyncio.sleep(10.0)
    rejections.record(Rejected(401, "stale"))
    assert [tuple(vars(record)[name] for name in ("status", "why", "count")) for record in caplog.records] == [
        (401, "unsigned", 1),
        (400, "team_id is missing", 1),
        (401, "stale", 3),
    ]

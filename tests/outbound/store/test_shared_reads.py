"""Nothing stays of reads that have ended: anybody can make ids up."""

import asyncio
import gc
import weakref

import pytest

from bot.outbound.store.shared_reads import SharedReads
from bot.tasks import Tasks

pytestmark = pytest.mark.anyio


async def read(key: str) -> str:
    await asyncio.sleep(0)
    if key == "fails":
        raise ZeroDivisionError
    return key.upper()


async def test_what_was_read_is_kept_by_others_only() -> None:
    kept: dict[str, str] = {}
    reads = SharedReads(read, kept.__setitem__, Tasks())
    asked = [weakref.ref(reads.ask(key)) for key in ("one", "two", "fails")]
    await asyncio.sleep(0.05)
    gc.collect()
    assert [one() for one in asked] == [None] * 3
    assert kept == {"one": "ONE", "two": "TWO"}


async def test_of_many_who_ask_during_a_read_each_key_has_its_own_next() -> None:
    reads = SharedReads(read, lambda *_: None, Tasks())
    first = reads.ask("one")
    assert reads.ask("one") is first, "it had not begun"
    await asyncio.sleep(0)
    later = reads.ask("one")
    assert later is not first
    assert reads.ask("one") is later
    assert reads.ask("two") not in {first, later}
    assert [await first, await later] == ["ONE", "ONE"]

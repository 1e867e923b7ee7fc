"""Nothing stays of reads that have ended: anybody can make ids up."""

import asyncio
import gc
import weakref

import pytest

from bot.outbound.store.coalesced_reads import CoalescedReads
from harness.product import Tasks

pytestmark = pytest.mark.anyio


async def read(key: str) -> str:
    await asyncio.sleep(0)
    if key == "fails":
        raise ZeroDivisionError
    return key.upper()


async def test_what_was_read_is_kept_by_others_only() -> None:
    stored: dict[str, str] = {}
    reads = CoalescedReads(read, stored.__setitem__, Tasks())
    asked = [weakref.ref(reads.get(key)) for key in ("one", "two", "fails")]
    await asyncio.sleep(0.05)
    gc.collect()
    assert [one() for one in asked] == [None] * 3
    assert stored == {"one": "ONE", "two": "TWO"}


async def test_of_many_who_ask_during_a_read_each_key_has_its_own_next() -> None:
    has_begun = asyncio.Event()

    async def read_slowly(key: str) -> str:
        has_begun.set()
        await asyncio.sleep(0.05)
        return await read(key)

    reads = CoalescedReads(read_slowly, lambda *_: None, Tasks())
    first = reads.get("one")
    assert reads.get("one") is first, "it had not begun"
    await has_begun.wait()
    later = reads.get("one")
    assert later is not first
    assert reads.get("one") is later
    assert reads.get("two") not in {first, later}
    assert [await first, await later] == ["ONE", "ONE"]

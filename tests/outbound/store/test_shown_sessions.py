"""The sessions that a window showed, which are paused by nobody else, and not for ever."""

import pytest

from bot.outbound.store import marks
from bot.outbound.store.marks import ShownSessions
from harness.product import SessionId, Store
from harness.stored import ACME, execute, fetch

pytestmark = pytest.mark.anyio

ALICE, BOB = (ACME.team_id, "U0ALICE0001"), (ACME.team_id, "U0BOB000001")
SESSIONS = [SessionId(f"00000000-0000-4000-8000-{number:012}") for number in range(250)]


async def test_a_person_finds_the_sessions_of_a_window_until_they_expire_or_many_newer_ones_are_shown(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(marks, "MOST_SHOWN", 2)
    shown = ShownSessions(store.database)
    first = await shown.keep(ALICE, SESSIONS)
    assert await shown.find(ALICE, first) == tuple(SESSIONS)
    assert [await shown.find(*other) for other in ((BOB, first), (ALICE, "other"), (("T0OTHER", ALICE[1]), first))] == [
        None
    ] * 3
    last = [await shown.keep(ALICE, SESSIONS[:1]) for _ in range(2)]
    assert [await shown.find(ALICE, one) for one in (first, *last)] == [None, *[(SESSIONS[0],)] * 2]
    await execute(store, "UPDATE marks SET until = until - :seconds", seconds=marks.SHOWN_FOR + 1)
    assert await shown.find(ALICE, last[1]) is None
    await shown.keep(ALICE, SESSIONS[:1])
    assert len(await fetch(store, "SELECT * FROM marks WHERE name LIKE 'shown %'")) == 1

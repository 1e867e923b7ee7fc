"""There is one sequencer per session for as long as an order of it can have an effect."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from bot.usecases.sequence import Sequencers
from harness import SESSION
from harness.product import SessionId


@pytest.mark.anyio
async def test_a_sequencer_is_kept_while_it_is_busy_and_for_a_minute_of_doubt() -> None:
    created: list[Any] = []

    def create(_: SessionId) -> Any:
        created.append(SimpleNamespace(is_busy=True, is_unconfirmed=True))
        return created[-1]

    sequencers: Any = Sequencers(create)
    name = ("T0HOME00001", SessionId(SESSION))
    first = sequencers.get(name)
    for is_busy, waits in ((True, 0.0), (False, 59.0)):
        first.is_busy = is_busy
        for _ in range(2):
            sequencers.release(name)
        await asyncio.sleep(waits)
        assert sequencers.get(name) is first
    first.is_unconfirmed = False
    await asyncio.sleep(2.0)
    assert sequencers.get(name) is created[1]
    created[1].is_busy = created[1].is_unconfirmed = False
    sequencers.release(name)
    assert sequencers.get(name) is created[2]


def test_decisions_about_alerts_leave_half_of_the_sequencers_to_people(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.usecases.sequence.MOST_SESSIONS", 2)
    create: Any = lambda _: SimpleNamespace(deciding=0, is_busy=True, go_on=lambda: None)  # noqa: E731 - of any type
    sequencers: Any = Sequencers(create)
    with sequencers.decision("one"), sequencers.decision("another"):
        assert [sequencers.get(name).deciding for name in ("one", "another")] == [1, 0]

"""There is one sequencer per session, up to a limit, for as long as an order can have an effect."""

import asyncio

import pytest

from bot.core.session_id import SessionId
from bot.usecases.sequencers import Sequencers
from bot.usecases.session_sequencer import SessionSequencer
from harness import OTHER_SESSION, SESSION

pytestmark = pytest.mark.anyio

ONE, OTHER = (("T0HOME00001", SessionId(session)) for session in (SESSION, OTHER_SESSION))


class FakeSequencer(SessionSequencer):
    """A sequencer in the state that a test sets."""

    def __init__(self) -> None:
        self.busy = True
        self.unconfirmed = False

    @property
    def is_busy(self) -> bool:
        return self.busy

    @property
    def is_unconfirmed(self) -> bool:
        return self.unconfirmed


@pytest.fixture
def first() -> FakeSequencer:
    return FakeSequencer()


@pytest.fixture
def sequencers(first: FakeSequencer) -> Sequencers:
    created = iter([first, FakeSequencer()])
    sequencers = Sequencers(lambda _: next(created))
    assert sequencers.get(ONE) is first
    return sequencers


async def test_as_many_sessions_have_a_sequencer_as_the_limit_allows(
    sequencers: Sequencers, first: FakeSequencer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.usecases.sequencers.MOST_SESSIONS", 1)
    sequencers.release(ONE)
    assert sequencers.get(ONE) is first
    assert sequencers.get(OTHER) is None
    first.busy = False
    for _ in range(2):
        sequencers.release(ONE)
    assert sequencers.get(OTHER) is not None


async def test_a_sequencer_in_doubt_is_kept_until_the_doubt_has_passed(
    sequencers: Sequencers, first: FakeSequencer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.usecases.sequencers.UNCONFIRMED_TTL", 0.05)
    first.busy, first.unconfirmed = False, True
    for _ in range(2):
        sequencers.release(ONE)
    assert sequencers.get(ONE) is first
    first.unconfirmed = False
    await asyncio.sleep(0.1)
    assert sequencers.get(ONE) is not first

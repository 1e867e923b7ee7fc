"""What is known of a session stays fresh for a while; a status alone does not make it known."""

from unittest.mock import Mock

from bot.usecases.sessions import CACHED, SessionReads
from harness.cards import Session
from harness.product import SessionId
from harness.texts import SESSION
from harness.virtual_time import clock

ID = SessionId(SESSION)


def test_facts_are_fresh_for_some_seconds_and_kept() -> None:
    reads = SessionReads(Mock(), Mock(), Mock())
    reads.learn_some("T1", [Session(id=ID, tags=("checkout",), status="running")])
    assert reads.known("T1", ID) == Session(id=ID, tags=("checkout",))
    assert not reads.is_fresh("T1", ID)
    reads.learn("T1", [Session(id=ID, steps=1)])
    assert reads.is_fresh("T1", ID)
    reads.learn_some("T1", [Session(id=ID, tags=("nightly",))])
    known = reads.known("T1", ID)
    assert known == Session(id=ID, tags=("nightly",), steps=1)
    assert known.for_card() == Session(id=ID, tags=("nightly",))
    clock.jump(CACHED - 0.5)
    assert reads.is_fresh("T1", ID)
    assert not reads.is_fresh("T2", ID)
    clock.jump(0.5)
    assert not reads.is_fresh("T1", ID)

"""Notices in Home: a result is shown once, and what is still to be done for five minutes."""

from types import SimpleNamespace
from typing import Any

from bot.usecases.home import STICKY_TTL, StickyNotices
from harness.virtual_time import clock

ALICE, BOB = ("T1", "U1"), ("T1", "U2")
DONE: Any = SimpleNamespace(is_sticky=False)
REFUSED: Any = SimpleNamespace(is_sticky=True)


def test_a_notice_that_lasts_is_shown_for_five_minutes_and_a_result_once_to_that_person_alone() -> None:
    notices = StickyNotices()
    assert notices.show(ALICE, REFUSED) is REFUSED
    clock.jump(STICKY_TTL - 1)
    assert notices.show(ALICE, None) is REFUSED
    assert notices.show(BOB, None) is None
    clock.jump(1)
    assert notices.show(ALICE, None) is None
    notices.show(ALICE, REFUSED)
    assert notices.show(BOB, DONE) is DONE
    assert notices.show(ALICE, DONE) is DONE
    assert notices.show(ALICE, None) is None

"""Notices in Home: a result is shown once, and what is still to be done for five minutes."""

from bot.messages.home import Notice
from bot.usecases.admin.home import STICKY_TTL, StickyNotices
from harness.stored import Time

ALICE, BOB = ("T1", "U1"), ("T1", "U2")
DONE = Notice("done")
REFUSED = Notice("refused", is_sticky=True)


def test_a_notice_that_lasts_is_shown_for_five_minutes_and_to_that_person_alone() -> None:
    clock = Time()
    notices = StickyNotices(clock)
    assert notices.show(ALICE, REFUSED) is REFUSED
    clock.now += STICKY_TTL - 1
    assert notices.show(ALICE, None) is REFUSED
    assert notices.show(BOB, None) is None
    clock.now += 1
    assert notices.show(ALICE, None) is None


def test_a_result_is_shown_once_and_replaces_what_was_shown_to_that_person() -> None:
    notices = StickyNotices(Time())
    notices.show(ALICE, REFUSED)
    assert notices.show(BOB, DONE) is DONE
    assert notices.show(ALICE, DONE) is DONE
    assert notices.show(ALICE, None) is None

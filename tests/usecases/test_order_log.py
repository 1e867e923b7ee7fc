"""The last order of each session: an older one that comes later does not take its place."""

from bot.core.session_id import SessionId
from bot.usecases.order_log import OrderLog
from harness import OTHER_SESSION, SESSION

NAME, OTHER = ("T0HOME00001", SessionId(SESSION)), ("T0HOME00001", SessionId(OTHER_SESSION))


def test_the_newest_order_counts_whichever_is_sent_last() -> None:
    log = OrderLog(lambda: 100.0)
    log.add(NAME, 20.0, "U0ALICE0001")
    log.add(NAME, 10.0, "U0BOB000001")
    log.add(OTHER, 30.0, "U0BOB000001")
    assert [log.user_after(NAME, given_at) for given_at in (9.0, 19.0, 20.0)] == ["U0ALICE0001", "U0ALICE0001", None]
    log.add(NAME, 21.0, "U0BOB000001")
    assert log.user_after(NAME, 20.0) == "U0BOB000001"
    log.discard(NAME)
    assert log.user_after(NAME, 0.0) is None

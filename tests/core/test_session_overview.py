"""The sessions that this app paused, as the journal tells it."""

import pytest

from bot.core.history import PastOrder
from bot.core.session_list import NotRead, Unread
from bot.core.session_overview import paused_sessions

NOT_READ = NotRead(Unread.RATE_LIMITED, 429)


def past_order(outcome: str | None, session: str = "a") -> PastOrder:
    return PastOrder(
        id=f"{outcome} {session}",
        team_id="T1",
        session_id=session,
        verb="pause",
        reason="",
        source="command",
        user_id="U1",
        home_team_id="T1",
        channel_id="C1",
        thread_ts=None,
        state="told",
        outcome=outcome,
        outcome_fields=None,
        delivered_by="ack",
        given_at=0.0,
        settled_at=1.0,
        told_at=2.0,
    )


@pytest.mark.parametrize(
    ("outcomes", "is_paused"),
    [
        (["Paused"], True),
        (["Failed", "Paused"], True),
        ([None, "Paused"], True),
        (["Resumed", "Paused"], False),
        (["Unconfirmed", "Paused"], False),
        (["Paused", "Resumed"], True),
        (["Failed"], False),
    ],
)
def test_the_last_order_that_can_have_changed_a_session_counts(outcomes: list[str | None], is_paused: bool) -> None:
    orders = [past_order(outcome) for outcome in outcomes]  # the newest first
    found = paused_sessions([*orders, past_order("Paused", "b")], NOT_READ)
    assert [one.order.session_id for one in found] == (["a", "b"] if is_paused else ["b"])

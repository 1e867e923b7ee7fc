"""The sessions that this app paused, as the journal tells it."""

from dataclasses import replace

import pytest

from bot.core.sessions import paused_sessions
from harness.product import sessions
from scripts.message_examples import PAST

NOT_READ = sessions.NotRead(sessions.Unread.RATE_LIMITED, 429)


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
    orders = [replace(PAST, outcome=outcome, session_id="a") for outcome in outcomes]  # the newest first
    found = paused_sessions([*orders, replace(PAST, session_id="b")], NOT_READ)
    assert [one.order.session_id for one in found] == (["a", "b"] if is_paused else ["b"])

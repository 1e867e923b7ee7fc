"""The link to the message of a shortcut, and its thread."""

from typing import Any

import pytest

from bot.inbound.slack.payload import read_message_shortcut
from harness.order_rows import order_row
from harness.samples import picked, sample

PLAIN = sample("message_action.human_message_link.payload")
IN_THREAD = sample("message_action.in_thread.payload")
LINK = "https://acme.slack.com/archives/C0ALERTS001/p1784999100000300"
GOV = "https://hooks.slack-gov.com/app/T0HOME00001/1/x"


@pytest.mark.parametrize(
    ("payload", "link", "thread_ts"),
    [
        (PLAIN, LINK, "1784999100.000300"),
        (IN_THREAD, f"{LINK}?thread_ts=1784998000.000001&cid=C0ALERTS001", "1784998000.000001"),
        (PLAIN | {"message": {"thread_ts": "1784999100.000300"}}, LINK, "1784999100.000300"),
        (PLAIN | {"response_url": GOV}, LINK.replace("slack", "slack-gov"), "1784999100.000300"),
        (PLAIN | {"team": {"id": "T0HOME00001", "domain": "evil.example/?"}}, "", "1784999100.000300"),
        (PLAIN | {"team": None}, "", "1784999100.000300"),
        (PLAIN | {"channel": None}, "", "1784999100.000300"),
        (PLAIN | {"message_ts": "5|x"}, "", "5|x"),
    ],
)
def test_where_the_message_is(payload: dict[str, Any], link: str, thread_ts: str | None) -> None:
    _, address = read_message_shortcut(picked(payload), order_row().address)
    assert (address.message_url, address.thread_ts) == (link, thread_ts)

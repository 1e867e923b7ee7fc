"""The link to the message of a shortcut, and its thread."""

from typing import Any

import pytest

from bot.inbound.slack.payload import read_address, read_time
from bot.inbound.slack.payload_schema import pick_interaction
from bot.inbound.slack.shortcut_payload import read_message_shortcut
from harness.samples import sample

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
        (PLAIN | {"message": {"thread_ts": "x"}}, LINK, "x"),
        (PLAIN | {"response_url": GOV}, LINK.replace("slack", "slack-gov"), "1784999100.000300"),
        (PLAIN | {"team": {"id": "T0HOME00001", "domain": "evil.example/?"}}, "", "1784999100.000300"),
        (PLAIN | {"team": {"id": "T0HOME00001"}}, "", "1784999100.000300"),
        (PLAIN | {"team": None}, "", "1784999100.000300"),
        (PLAIN | {"channel": None}, "", "1784999100.000300"),
        (PLAIN | {"message_ts": "5|x"}, "", "5|x"),
        (PLAIN | {"message_ts": None}, "", None),
    ],
)
def test_where_the_message_is(payload: dict[str, Any], link: str, thread_ts: str | None) -> None:
    picked = pick_interaction(payload)
    shortcut = read_message_shortcut(picked, read_address(picked))
    assert (shortcut.address.message_url, shortcut.address.thread_ts) == (link, thread_ts)


def test_nothing_hidden_of_a_message_gets_past_the_schema() -> None:
    message = PLAIN["message"] | {"files": [{"title": "x"}], "metadata": {"event_type": "x"}}
    assert pick_interaction(PLAIN | {"message": message})["message"].keys() == {"text", "blocks"}  # type: ignore[attr-defined]


def test_its_time_is_slacks() -> None:
    assert read_time(pick_interaction(PLAIN), 5.0) == (1785000003.444444, 0.0)

"""The card of an alert: within Block Kit's limits, and harmless, whatever the alert holds."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.alert import Alert, Severity
from bot.core.requests import Verb
from bot.core.session_id import SessionId
from bot.inbound.alerts.generic import read_alert
from bot.messages.alert_card import alert_message
from bot.messages.markup import width
from bot.messages.session_buttons import button
from bot.sim.slack.block_kit import problems
from bot.sim.slack.content import CONTENT_KEYS, mistakes

ID = SessionId("3f2b8c1e-7d4a-4f0b-9a56-0c1d2e3f4a5b")
FULL = Alert(ID, "It spent $40\nin a minute.", "High spend", Severity.CRITICAL, "https://a.example/?a=1&b=2")
HOSTILE = st.text(st.sampled_from("<>&!@#|*_~`\n\u200b🚨ab") | st.characters(exclude_categories=()), max_size=4000)


def body_of(alert: Alert) -> str:
    section = alert_message(alert).blocks[1]["text"]
    assert isinstance(section, dict)
    return str(section["text"])


def test_the_card_shows_everything_and_has_a_button() -> None:
    message = alert_message(FULL)
    severity, section, context, actions = message.blocks
    sign, body = message.text.split(": ", maxsplit=1)
    body, about = body.rsplit("\n", maxsplit=1)
    assert severity["text"]["text"] == sign
    assert body == "*High spend*\nIt spent $40\nin a minute.\n<https://a.example/?a=1&amp;b=2|Open>"
    assert section == {"type": "section", "text": {"type": "mrkdwn", "text": body, "verbatim": True}}
    assert context == {"type": "context", "elements": [{"type": "mrkdwn", "text": about, "verbatim": True}]}
    (pause,) = actions["elements"]
    assert pause == button(Verb.PAUSE, ID) | {"style": "danger"}


@pytest.mark.parametrize("severity", [Severity.INFO, Severity.WARNING])
def test_only_a_critical_alert_has_a_red_button(severity: Severity) -> None:
    *_, actions = alert_message(Alert(ID, "High spend", severity=severity)).blocks
    assert "style" not in actions["elements"][0]


def test_without_title_and_link_there_is_the_text_alone() -> None:
    assert body_of(Alert(ID, "High spend")) == "High spend"
    assert body_of(Alert(ID, "High spend", title="\u200b")) == "High spend"


def test_nobody_is_mentioned_and_nothing_is_hidden() -> None:
    assert body_of(Alert(ID, "<!channel> ```<@U1>\n<https://evil.example|Open>", "<!here>\n`x`")) == (
        "*&lt;!here&gt; 'x'*\n&lt;!channel&gt; '''&lt;@U1&gt;\n&lt;https://evil.example|Open&gt;"
    )


def test_a_long_text_is_cut_to_leave_room_for_the_title_and_the_link() -> None:
    url = "https://a.example/" + "x" * 900
    body = body_of(Alert(ID, "&" * 9999, "🚨" * 999, url=url))
    assert 2900 < width(body) <= 3000
    assert body.startswith("*" + "🚨" * 74 + "…*\n&amp;")
    assert body.endswith(f"&amp;…\n<{url}|Open>")


@given(HOSTILE, HOSTILE, st.sampled_from(Severity), st.text(max_size=300))
def test_the_card_of_any_alert_keeps_slacks_rules(text: str, title: str, severity: Severity, path: str) -> None:
    fields = {"session_id": ID, "text": text, "title": title, "severity": severity, "url": f"https://a.example/{path}"}
    alert = read_alert(fields)
    if not isinstance(alert, Alert):
        return
    message = alert_message(alert)
    blocks = list(message.blocks)
    assert problems(blocks) == []
    assert list(mistakes({"text": message.text, "blocks": blocks}, CONTENT_KEYS)) == []
    assert len(re.findall(r"[<>]", message.text)) == 2
    assert f": {body_of(alert)}\n" in message.text

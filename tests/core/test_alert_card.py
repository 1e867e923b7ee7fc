"""The card of an alert: what it says, within Block Kit's limits, whatever the alert holds."""

import re

from hypothesis import given
from hypothesis import strategies as st

from bot.core.alert import Alert, Severity, read_alert
from bot.core.messages.card import alert_message
from bot.core.messages.markup import width
from bot.core.session_id import SessionId
from bot.sim.slack.block_kit import problems
from bot.sim.slack.content import CONTENT_KEYS, mistakes

ID = SessionId("3f2b8c1e-7d4a-4f0b-9a56-0c1d2e3f4a5b")
FULL = Alert(ID, "It spent $40\nin a minute.", "High spend", Severity.CRITICAL, "https://a.example/?a=1&b=2")
HOSTILE = st.text(st.sampled_from("<>&!@#|*_~`\n\u200b🚨ab") | st.characters(exclude_categories=()), max_size=4000)


def body_of(alert: Alert) -> str:
    section = alert_message(alert).blocks[0]["text"]
    assert isinstance(section, dict)
    return str(section["text"])


def test_the_card_shows_everything_and_has_a_button() -> None:
    message = alert_message(FULL)
    body = "*High spend*\nIt spent $40\nin a minute.\n<https://a.example/?a=1&amp;b=2|Open>"
    about = f"🚨 *Critical*: session `{ID}`"
    assert message.text == f"{about}\nTo pause it: `/anchor-pause {ID}`\n{body}"
    section, context, actions = message.blocks
    assert section == {"type": "section", "text": {"type": "mrkdwn", "text": body, "verbatim": True}}
    assert context == {"type": "context", "elements": [{"type": "mrkdwn", "text": about, "verbatim": True}]}
    assert actions == {
        "type": "actions",
        "elements": [
            {
                "type": "button",
                "action_id": "anchor_pause",
                "value": ID,
                "style": "danger",
                "text": {"type": "plain_text", "text": "Pause", "emoji": False},
                "accessibility_label": f"Pause session {ID}",
                "confirm": {
                    "title": {"type": "plain_text", "text": "Pause this session?", "emoji": False},
                    "text": {
                        "type": "plain_text",
                        "text": f"The agent of session {ID} is stopped at once, until somebody resumes it.",
                        "emoji": False,
                    },
                    "confirm": {"type": "plain_text", "text": "Pause", "emoji": False},
                    "deny": {"type": "plain_text", "text": "Cancel", "emoji": False},
                    "style": "danger",
                },
            }
        ],
    }


def test_the_severity_is_a_word() -> None:
    firsts = [alert_message(Alert(ID, "x", severity=severity)).text.split(":")[0] for severity in Severity]
    assert firsts == ["🔹 *Info*", "⚠️ *Warning*", "🚨 *Critical*"]


def test_without_title_and_link_there_is_the_text_alone() -> None:
    assert body_of(Alert(ID, "High spend")) == "High spend"
    assert body_of(Alert(ID, "High spend", title="\u200b")) == "High spend"


def test_nobody_is_called_and_nothing_is_hidden() -> None:
    assert body_of(Alert(ID, "<!channel> ```<@U1>\n<https://evil.example|Open>", "<!here>\n`x`")) == (
        "*&lt;!here&gt; 'x'*\n&lt;!channel&gt; '''&lt;@U1&gt;\n&lt;https://evil.example|Open&gt;"
    )


def test_a_long_text_gives_way_to_the_title_and_the_link() -> None:
    url = "https://a.example/" + "x" * 900
    body = body_of(Alert(ID, "&" * 9999, "🚨" * 999, url=url))
    assert 2900 < width(body) <= 3000
    assert body.startswith("*" + "🚨" * 74 + "…*\n&amp;")
    assert body.endswith(f"&amp;…\n<{url}|Open>")


@given(HOSTILE, HOSTILE, st.sampled_from(Severity), st.text(max_size=300))
def test_whatever_is_in_it_the_card_keeps_slacks_rules(text: str, title: str, severity: Severity, path: str) -> None:
    fields = {"session_id": ID, "text": text, "title": title, "severity": severity, "url": f"https://a.example/{path}"}
    alert = read_alert(fields)
    if not isinstance(alert, Alert):
        return
    message = alert_message(alert)
    blocks = list(message.blocks)
    assert problems(blocks) == []
    assert list(mistakes({"text": message.text, "blocks": blocks}, CONTENT_KEYS)) == []
    assert re.findall(r"<[^|]*", message.text) == re.findall(r"<[^|]*", body_of(alert))
    assert len(re.findall(r"[<>]", message.text)) == 2
    assert message.text.endswith(body_of(alert))

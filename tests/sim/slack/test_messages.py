"""What simulated Slack objects to in a message, what it shows, and the ids and defaults that it adds."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sim.slack import markup
from bot.sim.slack.delivery import Reader, read_ack, read_replacement
from bot.sim.slack.rules import Rule
from harness.blocks import plain, section

pytestmark = pytest.mark.anyio

JSON = "application/json; charset=utf-8"
BROADCAST = section("<!channel>")
INVALID = {"type": "divide"}
AMPERSAND, BRACKET, WAKES = Rule.RAW_AMPERSAND, Rule.RAW_ANGLE_BRACKET, Rule.BROADCAST


@pytest.mark.parametrize(
    ("message", "broken"),
    [
        ({"text": "Paused.", "respone_type": "in_channel"}, [Rule.UNKNOWN_KEY]),
        ({"text": 7}, [Rule.WRONG_TYPE]),
        ({"text": "a", "response_type": "public"}, [Rule.UNKNOWN_RESPONSE_TYPE]),
        ({"text": "a", "replace_original": True}, [Rule.REPLACES_SLASH_COMMAND]),
        ({"blocks": [{"type": "divider"}]}, [Rule.BLOCKS_WITHOUT_TEXT]),
        ({"text": "a", "blocks": [INVALID]}, [Rule.INVALID_BLOCKS]),
        ({"text": "x" * 4000}, []),
        ({"text": "x" * 4001}, [Rule.TEXT_TOO_LONG]),
        ({"text": "a", "link_names": True}, [Rule.LINKS_NAMES]),
        ({"text": "a & b"}, [Rule.RAW_AMPERSAND]),
        ({"text": "a", "blocks": [BROADCAST, {"type": "header", "text": plain("<!channel>")}]}, [Rule.BROADCAST]),
        ({"text": "a", "attachments": [{"fields": [{"value": "a < b"}, {}]}]}, [Rule.RAW_ANGLE_BRACKET]),
    ],
)
def test_a_mistake_in_a_message_is_a_violation(message: dict[str, object], broken: list[Rule]) -> None:
    ack, violations = read_ack(JSON, json.dumps(message).encode())
    assert [violation.rule for violation in violations] == broken
    assert ack.content.is_empty is (broken == [Rule.INVALID_BLOCKS] or message == {"text": 7})


@pytest.mark.parametrize(
    ("read", "content_type", "body", "shown", "broken"),
    [
        (read_ack, "text/plain", b"Paused.", "Paused.", []),
        (read_ack, "text/plain", b'{"text":"Paused."}', '{"text":"Paused."}', [Rule.ACK_JSON_AS_TEXT]),
        (read_ack, JSON, b"Paused.", "", [Rule.ACK_NOT_JSON]),
        (read_ack, JSON, json.dumps({"text": "x" * 40_001}).encode(), "x" * 40_000, [Rule.TEXT_TOO_LONG]),
        (read_replacement, JSON, b"ok", "", [Rule.ACK_NOT_JSON]),
        (read_replacement, JSON, b'{"txt":"a"}', "", [Rule.UNKNOWN_KEY]),
        (read_replacement, "text/plain", b'{"text":"a"}', "", [Rule.ACK_BODY_IGNORED]),
    ],
)
def test_the_content_type_decides_what_is_shown(
    read: Reader, content_type: str, body: bytes, shown: str, broken: list[Rule]
) -> None:
    ack, violations = read(content_type, body)
    assert ack.text == shown
    assert [violation.rule for violation in violations] == broken


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ("a &amp; b &lt;c&gt; *now* `x`", []),
        ("<@U0ALICE0001> <@W0ALICE0001|alice> <#C0ALERTS001|alerts> <#C0ALERTS001|>", []),
        ("<https://a.example/?b=c&amp;d=e> <https://a.example|there> <mailto:a@example.com|a> <tel:123>", []),
        ("<!date^1785000000^{date_short_pretty} {time}|2026-07-25 17:20 UTC>", []),
        ("<https://a.example/?a=b&c=d>", [AMPERSAND]),
        ("<@alice>", [BRACKET] * 2),
        ("<!date^soon^{date}|x>", [BRACKET] * 2),
        ("`<!here|here>` <!everyone> <!subteam^S0ONCALL01|@oncall>", [WAKES] * 3),
    ],
)
def test_wrong_markup_is_a_violation(text: str, broken: list[Rule]) -> None:
    assert [violation.rule for violation in markup.problems(text)] == broken


@given(st.text())
def test_escaped_text_is_fine_and_reads_as_it_was_typed(text: str) -> None:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert list(markup.problems(escaped)) == []
    assert markup.plain(escaped, str, str) == text

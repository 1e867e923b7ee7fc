"""How simulated Slack reads the ack of a command, and what it counts as a violation in any message."""

import json

import pytest

from bot.sim.slack.ack import Reader, read_ack, read_replacement
from bot.sim.slack.rules import Rule
from harness.blocks import plain, section

JSON = "application/json; charset=utf-8"
BROADCAST = section("<!channel>")
INVALID = {"type": "divide"}


@pytest.mark.parametrize(
    ("message", "broken"),
    [
        ({"text": "Paused.", "respone_type": "in_channel"}, [Rule.UNKNOWN_KEY]),
        ({"text": 7}, [Rule.WRONG_TYPE]),
        ({"text": "a", "unfurl_links": "no"}, [Rule.WRONG_TYPE]),
        ({"text": "a", "response_type": "public"}, [Rule.UNKNOWN_RESPONSE_TYPE]),
        ({"text": "a", "replace_original": True}, [Rule.REPLACES_SLASH_COMMAND]),
        ({"text": "a", "delete_original": True}, [Rule.REPLACES_SLASH_COMMAND]),
        ({"text": "a", "replace_original": False, "delete_original": False}, []),
        ({"blocks": [{"type": "divider"}]}, [Rule.BLOCKS_WITHOUT_TEXT]),
        ({"text": "a", "blocks": [INVALID]}, [Rule.INVALID_BLOCKS]),
        ({"text": "a", "attachments": [{"text": "b"}, {"blocks": [INVALID]}]}, [Rule.INVALID_BLOCKS]),
        ({"text": "x" * 4000}, []),
        ({"text": "x" * 4001}, [Rule.TEXT_TOO_LONG]),
        ({"text": "a", "link_names": True}, [Rule.LINKS_NAMES]),
        ({"text": "a", "parse": "full"}, [Rule.LINKS_NAMES]),
        ({"text": "a & b"}, [Rule.RAW_AMPERSAND]),
        ({"text": "a", "blocks": [BROADCAST, {"type": "header", "text": plain("<!channel>")}]}, [Rule.BROADCAST]),
        ({"text": "a", "attachments": [{"text": "a > b"}]}, [Rule.RAW_ANGLE_BRACKET]),
        ({"text": "a", "attachments": [{"fields": [{"value": "a < b"}, {}]}]}, [Rule.RAW_ANGLE_BRACKET]),
        ({"text": "a", "attachments": [{"blocks": [BROADCAST], "actions": []}]}, [Rule.BROADCAST]),
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
        (read_ack, "text/plain", b"[]", "[]", []),
        (read_ack, "text/plain", b'{"text":"Paused."}', '{"text":"Paused."}', [Rule.ACK_JSON_AS_TEXT]),
        (read_ack, JSON, b"Paused.", "", [Rule.ACK_NOT_JSON]),
        (read_ack, JSON, b"[]", "", [Rule.ACK_NOT_JSON]),
        (read_ack, JSON, b" \n", "", []),
        (read_ack, JSON, json.dumps({"text": "x" * 40_001}).encode(), "x" * 40_000, [Rule.TEXT_TOO_LONG]),
        (read_replacement, JSON, b"ok", "", [Rule.ACK_NOT_JSON]),
        (read_replacement, JSON, b'{"txt":"a"}', "", [Rule.UNKNOWN_KEY]),
        (read_replacement, "text/plain", b'{"text":"a"}', "", [Rule.ACK_BODY_IGNORED]),
        (read_replacement, "text/plain", b" \n", "", []),
    ],
)
def test_the_content_type_decides_what_is_shown(
    read: Reader, content_type: str, body: bytes, shown: str, broken: list[Rule]
) -> None:
    ack, violations = read(content_type, body)
    assert ack.text == shown
    assert [violation.rule for violation in violations] == broken

"""How simulated Slack reads an acknowledgement, and what it holds against one."""

import json

import pytest

from bot.sim.slack.ack import read_ack
from bot.sim.slack.rules import Rule

JSON = "application/json; charset=utf-8"


def rules(**message: object) -> list[Rule]:
    return [violation.rule for violation in read_ack(JSON, json.dumps(message).encode())[1]]


def test_json_without_its_content_type_is_displayed_as_it_is() -> None:
    ack, violations = read_ack("text/plain", b'{"text":"Paused."}')

    assert (ack.text, ack.response_type) == ('{"text":"Paused."}', "ephemeral")
    assert [violation.rule for violation in violations] == [Rule.ACK_JSON_AS_TEXT]


@pytest.mark.parametrize("body", [b"Paused.", b"12", b"[]"])
def test_plain_text_is_displayed(body: bytes) -> None:
    ack, violations = read_ack("text/plain", body)

    assert (ack.text, violations) == (body.decode(), [])


@pytest.mark.parametrize("body", [b"Paused.", b"[]"])
def test_json_must_be_an_object(body: bytes) -> None:
    ack, violations = read_ack(JSON, body)

    assert ack.content.is_empty
    assert [violation.rule for violation in violations] == [Rule.ACK_NOT_JSON]


def test_unknown_keys_are_violations() -> None:
    assert rules(text="Paused.", respone_type="in_channel") == [Rule.UNKNOWN_KEY]


@pytest.mark.parametrize("wrong", [{"text": 7}, {"text": "a", "attachments": {}}, {"text": "a", "unfurl_links": "no"}])
def test_wrong_types_are_violations(wrong: dict[str, object]) -> None:
    assert rules(**wrong) == [Rule.WRONG_TYPE]


def test_unknown_response_types_are_violations() -> None:
    assert rules(text="Paused.", response_type="public") == [Rule.UNKNOWN_RESPONSE_TYPE]


@pytest.mark.parametrize("flag", ["replace_original", "delete_original"])
def test_a_command_has_no_original_to_replace(flag: str) -> None:
    assert rules(text="Paused.", **{flag: True}) == [Rule.REPLACES_SLASH_COMMAND]
    assert rules(text="Paused.", **{flag: False}) == []


def test_blocks_need_a_text() -> None:
    assert rules(blocks=[{"type": "divider"}]) == [Rule.BLOCKS_WITHOUT_TEXT]


def test_invalid_blocks_are_shown_to_nobody() -> None:
    ack, violations = read_ack(JSON, b'{"text":"Paused.","blocks":[{"type":"divide"}]}')

    assert ack.content.is_empty
    assert [violation.rule for violation in violations] == [Rule.INVALID_BLOCKS]


def test_long_texts_are_violations_and_cut_off_at_last() -> None:
    assert rules(text="x" * 4000) == []
    assert rules(text="x" * 4001) == [Rule.TEXT_TOO_LONG]
    assert len(read_ack(JSON, json.dumps({"text": "x" * 40_001}).encode())[0].text) == 40_000


@pytest.mark.parametrize("option", [{"link_names": True}, {"parse": "full"}])
def test_linking_names_is_a_violation(option: dict[str, object]) -> None:
    assert rules(text="Paused.", **option) == [Rule.LINKS_NAMES]


def test_markup_is_judged_wherever_it_can_stand() -> None:
    assert rules(text="a & b") == [Rule.RAW_AMPERSAND]
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "<!channel>"}}
    plain = {"type": "header", "text": {"type": "plain_text", "text": "<!channel>"}}
    assert rules(text="a", blocks=[section, plain]) == [Rule.BROADCAST]
    field = {"title": "a", "value": "a < b"}
    attachments = [{"text": "a > b", "fields": [field, {}], "blocks": [section], "actions": []}]
    assert rules(text="a", attachments=attachments) == [
        Rule.RAW_ANGLE_BRACKET,
        Rule.RAW_ANGLE_BRACKET,
        Rule.BROADCAST,
    ]

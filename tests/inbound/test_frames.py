"""What the ack of an envelope looks like."""

import json

import pytest

from bot.inbound.frames import Envelope, ack_of


@pytest.mark.parametrize(
    ("takes_answer", "body", "ack"),
    [
        (True, '{"text":"Pausing…"}', {"envelope_id": "1", "payload": {"text": "Pausing…"}}),
        (True, "", {"envelope_id": "1"}),
        (False, '{"text":"Pausing…"}', {"envelope_id": "1"}),
    ],
)
def test_it_carries_an_answer_where_there_is_one_and_slack_takes_it(
    *, takes_answer: bool, body: str, ack: object
) -> None:
    assert json.loads(ack_of(Envelope("1", {}, takes_answer), body)) == ack

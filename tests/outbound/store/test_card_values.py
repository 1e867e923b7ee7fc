"""What is stored of a card is read again, also if a newer version of the bot has added fields."""

import json
from dataclasses import replace
from typing import Any

import pytest

from bot.outbound.store.card_values import kind_of, read_content, read_facts, write_content, write_facts
from harness.product import cards
from scripts.message_examples import ALERT, CARD_FACTS, RESULT, fired


def with_new_fields(part: Any) -> Any:
    """The JSON, with a field more in each object that has a type of the product."""
    if not isinstance(part, dict) or "type" in part:
        return part
    return {name: with_new_fields(value) for name, value in part.items()} | {"of_a_newer_version": 1}


CONTENTS: dict[str, cards.CardContent] = {
    "alert": fired(2, 1.0, alert=replace(ALERT, fields=(("spent", "$40"),))),
    "reply": replace(fired(1), reply=cards.Reply("1.2", next(iter(cards.Worse)))),
    "result": RESULT,
}


@pytest.mark.parametrize("name", CONTENTS)
def test_a_content_is_read_as_it_was_written(name: str) -> None:
    content = CONTENTS[name]
    written = write_content(content)
    newer = json.dumps(with_new_fields(json.loads(written)))
    assert read_content(kind_of(content), written) == read_content(kind_of(content), newer) == content


def test_facts_are_read_as_they_were_written() -> None:
    written = write_facts(CARD_FACTS)
    newer = json.dumps(json.loads(written) | {"of_a_newer_version": [1]})
    assert read_facts(CARD_FACTS.id, written) == read_facts(CARD_FACTS.id, newer) == CARD_FACTS

"""Every message and view keeps Slack's limits, whatever the people and the programs write that are shown in it."""

import json
from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

import pytest

from bot.messages import blocks as shapes
from bot.sim.slack.block_kit import width
from bot.sim.slack.content import CONTENT_KEYS, MOST_BLOCKS, mistakes
from harness import examples
from harness.examples import elements
from harness.product import cards, requests, sessions

HOSTILE = {
    "ampersands": "&" * 300,
    "astral": "🚨" * 300,
    "mentions": "<!channel>" * 60,
    "backticks": "`" * 300,
    "lone surrogates": "\ud83d" * 300,
    "words": "R&D 🚨 " * 100,
}
ORDER_ID = "1" * 28


def session_of(text: str) -> sessions.Session:
    return replace(examples.LISTED, tags=(text,) * 9, domains=(text,) * 3, key_name=text, status=text)


def results(text: str) -> Iterator[shapes.Message]:
    more: dict[str, Any] = {"message_url": f"https://acme.slack.com/archives/C1/p{'1' * 900}", "order_id": ORDER_ID}
    for name, outcome in examples.OUTCOMES.items():
        yield examples.answer(name, said_by_anchor(outcome, text), text, known=session_of(text), **more)


def said_by_anchor(outcome: Any, text: str) -> Any:
    """The outcome, with this text of Anchor's."""
    names = {field.name for field in fields(outcome)} & {"anchor_message", "status", "reason"}
    return replace(outcome, **dict.fromkeys(names, text))


def all_cards(text: str) -> Iterator[shapes.Message]:
    alert = replace(examples.ALERT, text=text * 9, title=text, fields=((text, text),) * 10)
    known = session_of(text).for_card()
    later = [fired(9, 1.0, alert=alert), fired(9, 1.0, resolved_at=2.0, alert=alert), fired(1, alert=alert)]
    for one in examples.STATES.values():
        state = one and replace(one, user_id=requests.operator_id(text), reason=text, order_id=ORDER_ID)
        yield examples.card(examples.RESULT, state, facts=known)
        for content in later:
            yield examples.card(content, state, facts=known)
            yield summary(content, state)


def summary(content: cards.AlertContent, state: sessions.SessionState | None) -> shapes.Message:
    most = range(cards.MOST_IN_SUMMARY)
    states = dict.fromkeys(most, state) if state else {}
    return examples.summary([content] * len(most), states, facts_of=most)


def lists(text: str) -> Iterator[shapes.Message]:
    was_paused = replace(examples.WAS_PAUSED, user_id=requests.operator_id(text), reason=text, order_id=ORDER_ID)
    running = examples.running(*examples.many(session_of(text)), is_complete=False)
    paused: dict[str, sessions.SessionState] = {one.id: was_paused for one in running.sessions}
    yield examples.listed(running, text)
    yield examples.listed(examples.running(), text)
    for some in (paused, {}):
        yield examples.listed(running, paused=some, is_admin=True)
        yield examples.overview(running, some, is_admin=True)


fired = examples.fired
BUILDERS = {"results": results, "cards": all_cards, "lists": lists}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("builder", BUILDERS)
def test_every_message_keeps_slacks_limits(builder: str, name: str) -> None:
    for message in BUILDERS[builder](HOSTILE[name]):
        assert list(mistakes({"text": message.text, "blocks": list(message.blocks)}, CONTENT_KEYS)) == []
        assert width(message.text) <= 4_000
        assert size(message) <= 13_000 < MOST_BLOCKS
        assert shapes.context("…") not in message.blocks


def size(message: shapes.Message) -> int:
    """The length of the JSON of its blocks."""
    return width(json.dumps(message.blocks, ensure_ascii=False, separators=(",", ":")))


@pytest.mark.parametrize("name", HOSTILE)
def test_a_result_keeps_its_whole_text(name: str) -> None:
    for message in results(HOSTILE[name]):
        assert f"`{examples.ID}`" in message.text
        shown = [
            block["text"]["text"] if "text" in block else block["elements"][0]["text"] for block in message.blocks[:2]
        ]
        assert "\n".join(shown) in {message.text, ""}


@pytest.mark.parametrize("name", HOSTILE)
def test_every_session_of_a_card_keeps_its_button(name: str) -> None:
    for message, short in zip(all_cards(HOSTILE[name]), all_cards("x"), strict=True):
        buttons, expected = ([one["value"] for one in elements(list(each.blocks))] for each in (message, short))
        assert buttons == expected


def test_of_a_message_that_is_too_long_the_texts_are_cut_and_then_the_last_blocks() -> None:
    texts = shapes.from_blocks([shapes.section("x" * 3_000)] * 10).blocks
    assert [len(block["text"]["text"]) for block in texts] == [750] * 10
    button = {"type": "button", "action_id": "a", "text": shapes.plain_text("b" * 300)}
    rows = [shapes.section(f"{number}", button) for number in range(50)]
    posted = shapes.from_blocks(rows).blocks
    assert list(posted[:-1]) == rows[: len(posted) - 1]
    assert posted[-1] == shapes.context("…")

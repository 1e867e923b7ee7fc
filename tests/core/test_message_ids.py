"""Session ids are found in everything that people see of a message, and nowhere else."""

import itertools
import json
import time
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.session_ids import MOST_IDS, Mentions, find_mentions
from harness.blocks import actions, button, context, fields, image, mrkdwn, preformatted, section, words
from harness.samples import sample

Json = dict[str, Any]

ID, OTHER = "3f2b8c1e-7d4a-4f0b-9a56-0c1d2e3f4a5b", "9c0d7e11-2222-4333-8444-555566667777"


def blocks(*given: Json) -> Json:
    return {"blocks": list(given)}


def rich(*elements: Json, kind: str = "rich_text_section") -> Json:
    return blocks({"type": "rich_text", "elements": [{"type": kind, "elements": list(elements)}]})


def attached(**given: Any) -> Json:
    return {"attachments": [{"id": 1, "callback_id": "x", **given}]}


def legacy(**given: Any) -> Json:
    return attached(actions=[{"id": "1", "type": "button", "name": "pause", "text": "Pause", **given}])


def put(place: Json, session_id: str) -> Json:
    """The message with this id in its place."""
    filled = json.dumps(place).replace("HALF", session_id[:18]).replace("REST", session_id[18:])
    return json.loads(filled.replace("$", session_id))  # type: ignore[no-any-return]


VISIBLE: dict[str, Json] = {
    "text": {"text": "*High spend*\nin `$`"},
    "the target of a link": {"text": "see <https://a.example/sessions/$|this>"},
    "the label of a link": {"text": "see <https://a.example/|$>"},
    "section": blocks(section("in $.")),
    "fields": blocks(fields("Session", "$")),
    "context": blocks(context(mrkdwn("$"), image("a"))),
    "button value": blocks(actions(button(value="$"))),
    "button url": blocks(actions(button(value="x", url="https://a.example/$"))),
    "our Resume button": blocks(actions(button(value=f"$ after={'0' * 28}"))),
    "styled halves of rich text": rich(words("id "), words("HALF", style={"bold": True}), words("REST")),
    "link of rich text": rich({"type": "link", "url": "https://a.example/$", "text": "here"}),
    "beside a mention": rich({"type": "user", "user_id": "U0BOB000001"}, words("$"), {"type": "emoji", "name": "fire"}),
    "code of rich text": blocks({"type": "rich_text", "elements": [preformatted(words("$"))]}),
    "list of rich text": rich({"type": "rich_text_section", "elements": [words("$")]}, kind="rich_text_list"),
    **{f"attachment's {name}": attached(**{name: "in $"}) for name in ("text", "title_link", "fallback")},
    "attachment's field": attached(fields=[{"title": "Session", "value": "$", "short": True}]),
    "attachment's button value": legacy(value="$"),
    "attachment's link button": legacy(url="https://a.example/$"),
    "shared message": attached(message_blocks=[{"message": blocks(section("$"))}]),
}
EXCLUDED: dict[str, Json] = {
    "client_msg_id": {"client_msg_id": "$"},
    "file": {"files": [{"id": "$", "title": "$", "url_private": "https://a.example/$"}]},
    "metadata": {"metadata": {"event_type": "x", "event_payload": {"text": "$", "value": "$"}}},
    "action_id": blocks(actions(button(action_id="$", value="x"))),
    "name of a legacy button": legacy(name="$"),
    "image": blocks(image("a", image_url="https://a.example/$.png")),
    "file of an image": blocks(image("a", slack_file={"url": "$", "title": "$"})),
    "user of rich text": rich({"type": "user", "user_id": "$"}),
    "no text": {"text": [{"value": 5}], "blocks": "$", "attachments": 5},
    "half of an id": {"text": "HALF"},
}


def message(*parts: Json) -> Json:
    """One message with all these parts."""
    whole: Json = {"type": "message", "text": "", "blocks": [], "attachments": []}
    for part in parts:
        for name, value in part.items():
            former = whole.get(name)
            if isinstance(former, str) and isinstance(value, str) and name == "text":
                whole[name] = f"{former}\n{value}"
            elif isinstance(former, list) and isinstance(value, list):
                whole[name] = former + value
            elif former is None:
                whole[name] = value
    return whole


def ids(mentions: Mentions) -> list[str]:
    return [*mentions.found]


numbers = st.uuids(version=4).map(str)


@given(
    st.lists(st.tuples(numbers, st.sampled_from([*VISIBLE])), max_size=6),
    st.lists(st.tuples(numbers, st.sampled_from([*EXCLUDED])), max_size=6),
)
def test_exactly_the_visible_ids_of_any_message_are_found(
    shown: list[tuple[str, str]], hidden: list[tuple[str, str]]
) -> None:
    parts = [put(VISIBLE[place], number) for number, place in shown]
    parts += [put(EXCLUDED[place], number) for number, place in hidden]
    mentions = find_mentions(message(*parts))
    assert set(ids(mentions)) == {number for number, _ in shown}
    assert mentions.is_complete


def test_ids_come_in_the_order_of_the_message_and_once() -> None:
    found = find_mentions(sample("message_action.two_ids.payload")["message"] | {"blocks": [section(OTHER)]})
    assert ids(found) == [ID, OTHER]


MANY = [str(uuid.UUID(int=number)) for number in range(1, MOST_IDS + 50)]


@pytest.mark.parametrize(
    ("huge", "is_found"),
    [
        ({"text": f"{ID} {'a ' * 200_000}"}, True),
        ({"text": f"{'a ' * 200_000} {ID}"}, False),
        ({"blocks": [section(ID), *([[]] * 500_000), section(OTHER)]}, True),
        ({"blocks": [{"elements": [{}] * 500_000}, section(ID)]}, False),
    ],
    ids=itertools.count(),
)
def test_a_huge_message_takes_bounded_work_and_is_not_complete(huge: Json, *, is_found: bool) -> None:
    began = time.process_time()
    mentions = find_mentions(huge)
    assert time.process_time() - began < 2
    assert not mentions.is_complete
    assert ids(mentions) == ([ID] if is_found else [])


def test_of_very_many_ids_the_first_are_found() -> None:
    mentions = find_mentions({"text": "\n".join(MANY)})
    assert (ids(mentions), mentions.is_complete) == (MANY[:MOST_IDS], False)
    few = find_mentions({"text": "\n".join(MANY[:MOST_IDS])})
    assert (len(few.found), few.is_complete) == (MOST_IDS, True)


def test_deeply_nested_parts_are_read() -> None:
    nested: Any = section(ID)
    for _ in range(10_000):
        nested = [nested]
    assert ids(find_mentions({"blocks": nested})) == [ID]

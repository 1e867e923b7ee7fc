"""Session ids are found in everything that people see of a message, and nowhere else."""

import itertools
import json
import time
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.message_ids import MOST_IDS, Mention, Mentions, find_mentions
from bot.core.session_id import SessionId
from harness.blocks import actions, button, context, fields, header, image, mrkdwn, plain, preformatted, section, words
from harness.samples import sample

Json = dict[str, Any]
Place = Callable[[str], Json]

ID, OTHER = "3f2b8c1e-7d4a-4f0b-9a56-0c1d2e3f4a5b", "9c0d7e11-2222-4333-8444-555566667777"


def blocks(*given: Json) -> Json:
    return {"blocks": list(given)}


def rich(kind: str, *elements: Json) -> Json:
    return blocks({"type": "rich_text", "elements": [{"type": kind, "elements": list(elements)}]})


def attached(**given: Any) -> Json:
    return {"attachments": [{"id": 1, "callback_id": "x", **given}]}


def attached_text(name: str, found: str) -> Json:
    return attached(**{name: f"in {found}"})


VISIBLE: dict[str, Place] = {
    "text": lambda found: {"text": f"*High spend*\nin `{found}`"},
    "the target of a link": lambda found: {"text": f"see <https://a.example/sessions/{found}|this>"},
    "the label of a link": lambda found: {"text": f"see <https://a.example/|{found}>"},
    "section": lambda found: blocks(section(f"in {found}.")),
    "fields": lambda found: blocks(fields("Session", found)),
    "header": lambda found: blocks(header(found)),
    "context": lambda found: blocks(context(mrkdwn(found), image("a"))),
    "alternative text": lambda found: blocks(image(found)),
    "button value": lambda found: blocks(actions(button(value=found))),
    "button text": lambda found: blocks(actions(button(text=found, value="x"))),
    "button url": lambda found: blocks(actions(button(value="x", url=f"https://a.example/{found}"))),
    "accessory": lambda found: blocks(section("a", accessory=button(value=found))),
    "our Resume button": lambda found: blocks(actions(button(value=f"{found} after={'0' * 28}"))),
    "rich text": lambda found: rich("rich_text_section", words(f"in {found}")),
    "styled halves of rich text": lambda found: rich(
        "rich_text_section", words("id "), words(found[:9], style={"bold": True}), words(found[9:])
    ),
    "link of rich text": lambda found: rich(
        "rich_text_section", {"type": "link", "url": f"https://a.example/{found}", "text": "here"}
    ),
    "bare link of rich text": lambda found: rich(
        "rich_text_quote", {"type": "link", "url": f"https://a.example/{found}"}
    ),
    "beside a mention": lambda found: rich(
        "rich_text_section", {"type": "user", "user_id": "U0BOB000001"}, words(found), {"type": "emoji", "name": "fire"}
    ),
    "code of rich text": lambda found: blocks({"type": "rich_text", "elements": [preformatted(words(found))]}),
    "list of rich text": lambda found: blocks(
        {
            "type": "rich_text",
            "elements": [
                {"type": "rich_text_list", "elements": [{"type": "rich_text_section", "elements": [words(found)]}]}
            ],
        }
    ),
    "table": lambda found: blocks({"type": "table", "rows": [[{"type": "raw_text", "text": found}]]}),
    "card in a carousel": lambda found: blocks(
        {"type": "carousel", "elements": [{"type": "card", "title": plain("a"), "actions": [button(value=found)]}]}
    ),
    "container": lambda found: blocks({"type": "container", "child_blocks": [section(found)]}),
    **{
        f"attachment's {name}": partial(attached_text, name)
        for name in ("text", "title", "title_link", "pretext", "fallback", "footer", "author_name", "author_link")
    },
    "attachment's field": lambda found: attached(fields=[{"title": "Session", "value": found, "short": True}]),
    "attachment's field title": lambda found: attached(fields=[{"title": found, "value": "x"}]),
    "attachment's button value": lambda found: attached(
        actions=[{"id": "1", "type": "button", "name": "pause", "text": "Pause", "value": found}]
    ),
    "attachment's link button": lambda found: attached(
        actions=[{"type": "button", "text": "Open", "url": f"https://a.example/{found}"}]
    ),
    "attachment's blocks": lambda found: attached(blocks=[section(found)]),
    "shared message": lambda found: attached(message_blocks=[{"message": blocks(section(found))}]),
}
EXCLUDED: dict[str, Place] = {
    "client_msg_id": lambda hidden: {"client_msg_id": hidden},
    "file": lambda hidden: {"files": [{"id": hidden, "title": hidden, "url_private": f"https://a.example/{hidden}"}]},
    "metadata": lambda hidden: {"metadata": {"event_type": "x", "event_payload": {"text": hidden, "value": hidden}}},
    "metadata of an attachment": lambda hidden: attached(metadata={"event_payload": {"text": hidden}}, text="a"),
    "files of an attachment": lambda hidden: attached(files=[{"title": hidden}]),
    "block_id": lambda hidden: blocks(section("a", block_id=hidden)),
    "action_id": lambda hidden: blocks(actions(button(action_id=hidden, value="x"))),
    "callback_id": lambda hidden: attached(callback_id=hidden),
    "name of a legacy button": lambda hidden: attached(actions=[{"type": "button", "text": "a", "name": hidden}]),
    "image": lambda hidden: blocks(image("a", image_url=f"https://a.example/{hidden}.png")),
    "file of an image": lambda hidden: blocks(image("a", slack_file={"url": hidden, "title": hidden})),
    "attached image": lambda hidden: attached(image_url=f"https://a.example/{hidden}.png", thumb_url=hidden),
    "user of rich text": lambda hidden: rich("rich_text_section", {"type": "user", "user_id": hidden}),
    "what no type fits": lambda hidden: {"text": [hidden.replace("-", "/")], "blocks": hidden, "attachments": 5},
    "half of an id": lambda hidden: {"text": hidden[:18]},
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
    return [mention.session_id for mention in mentions.found]


@pytest.mark.parametrize("place", VISIBLE)
def test_an_id_is_found_in_each_visible_place(place: str) -> None:
    assert ids(find_mentions(message(VISIBLE[place](ID)))) == [ID]


@pytest.mark.parametrize("place", EXCLUDED)
def test_no_id_is_found_in_what_nobody_sees(place: str) -> None:
    assert find_mentions(message(EXCLUDED[place](ID))) == Mentions(())


numbers = st.uuids(version=4).map(str)


@given(
    st.lists(st.tuples(numbers, st.sampled_from([*VISIBLE])), max_size=6),
    st.lists(st.tuples(numbers, st.sampled_from([*EXCLUDED])), max_size=6),
)
def test_exactly_the_visible_ids_of_any_message_are_found(
    shown: list[tuple[str, str]], hidden: list[tuple[str, str]]
) -> None:
    parts = [VISIBLE[place](number) for number, place in shown] + [EXCLUDED[place](number) for number, place in hidden]
    mentions = find_mentions(message(*parts))
    assert set(ids(mentions)) == {number for number, _ in shown}
    assert mentions.is_complete


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["text", "type", "elements", "value", "x"]), inner),
    max_leaves=30,
)


@given(st.dictionaries(st.sampled_from(["text", "blocks", "attachments"]), json_values))
def test_any_json_is_read(odd: Json) -> None:
    assert find_mentions(odd).found == ()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (message({"text": f"Agent *Scraper* in `{ID}` spends"}), "Agent Scraper in spends"),
        (message({"text": f"Scraper spends:\n`{ID}`"}), "Scraper spends:"),
        (message(blocks(section("Scraper & co"), actions(button(value=ID)))), "Pause"),
        (message(attached(title="Scraper spends", actions=[{"type": "button", "value": ID}])), "Scraper spends"),
        (message({"text": f"{ID}\n"}, blocks(section(f"Scraper: {ID}"))), "Scraper:"),
        (message({"text": f"a &amp; b <https://a.example/{ID}|c>"}), "a & b"),
        (message({"text": f"{'x' * 200} {ID}"}), "x" * 150),
        (message({"text": " ".join([*"abcdefghij", ID, *"klmnopqrst"])}), "c d e f g h i j k l m n o p q r"),
        (message({"text": ID}), ""),
    ],
)
def test_each_id_has_the_words_around_it_or_the_line_above(given: Json, expected: str) -> None:
    assert find_mentions(given) == Mentions((Mention(SessionId(ID), expected),))


def test_ids_come_in_the_order_of_the_message_and_once() -> None:
    found = find_mentions(sample("message_action.two_ids.payload")["message"] | {"blocks": [section(OTHER)]})
    assert ids(found) == [ID, OTHER]


def test_the_id_of_a_url_is_the_one_that_it_calls_the_sessions() -> None:
    assert ids(find_mentions({"text": f"https://a.example/projects/{OTHER}/sessions/{ID}"})) == [ID]


MANY = [str(uuid.UUID(int=number)) for number in range(1, MOST_IDS + 50)]


@pytest.mark.parametrize(
    ("huge", "is_found"),
    [
        ({"text": f"{ID} {'a ' * 200_000}"}, True),
        ({"text": f"{'a ' * 200_000} {ID}"}, False),
        ({"text": f"{'ab-' * 300_000} {ID}"}, False),
        ({"blocks": [section(ID), *([[]] * 500_000), section(OTHER)]}, True),
        ({"blocks": [{"elements": [{}] * 500_000}, section(ID)]}, False),
        ({"attachments": [{str(number): {} for number in range(100_000)}, {"text": ID}]}, False),
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
    assert ids(find_mentions(json.loads(json.dumps(message(blocks(section(ID))))))) == [ID]

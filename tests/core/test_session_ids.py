"""Session ids: in what people type, and in messages."""

import itertools
import json
import time
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.session_ids import MOST_IDS, Ambiguous, Found, Mentions, NoId, SessionId, find_mentions, find_session_id
from harness.blocks import actions, button, context, fields, image, mrkdwn, preformatted, section, words
from harness.samples import sample

ID = SessionId("3f2b8c1e-7d4a-4f0b-9a56-0c1d2e3f4a5b")
OTHER = SessionId("9c0d7e11-2222-4333-8444-555566667777")

VARIANTS = sample("slash_command.text_variants")
WITHOUT_ID = {
    "empty (user typed only the command)": NoId(""),
    "help": NoId("help"),
    "two different ids -> ambiguous": Ambiguous((ID, OTHER)),
    "user mention, should_escape=true": NoId("@bob"),
    "user mention, should_escape=false": NoId("@bob"),
    "channel mention, should_escape=true": NoId("#alerts"),
    "hostile: broadcast attempt": NoId("!channel"),
    "hostile: typed entities": NoId("!channel *bold* `code`"),
}
WITH_REST = {
    "trailing words": "because of OOM",
    "emoji shortcode": ":pause_button:",
    "newline (shift-enter)": "second line",
}


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant["note"])
def test_every_form_that_slack_sends(variant: dict[str, str]) -> None:
    expected = WITHOUT_ID.get(variant["note"]) or Found(ID, WITH_REST.get(variant["note"], ""))
    assert find_session_id(variant["text"]) == expected


@pytest.mark.parametrize(
    "text",
    [
        f"*{ID}*",
        f"```{ID}```",
        f"session_id={ID}",
        f'{{"session_id":"{ID}"}}',
        f"セッション{ID}を",
        ID.translate({ord("-"): "\N{FULLWIDTH HYPHEN-MINUS}"}),
        ID.translate({ord(digit): 0xFF10 + int(digit) for digit in "0123456789"}),
        "\N{WORD JOINER}".join(ID),
        f"\ufe0f{ID}\u0301",
        "\N{ZERO WIDTH NO-BREAK SPACE}" + ID,
        f"https://app.anchorbrowser.io/sessions/{ID}/live?tab=1#x",
        f"https://app.anchorbrowser.io/projects/{OTHER}/sessions/{ID}",
        f"https://app.anchorbrowser.io/open?to=%2Fsessions%2F{ID}",
        f"<https://app.anchorbrowser.io/projects/{OTHER}/sessions/{ID}|open it>",
        f"<https://example.com/|{ID}>",
        f"{ID} {ID.upper()}",
    ],
)
def test_other_forms_that_people_paste(text: str) -> None:
    assert find_session_id(text) == Found(ID, "")


@pytest.mark.parametrize(
    "text",
    [
        "3f2b8c1e",
        ID[:-1],
        "0-" + ID,
        ID + "0",
        "x" + ID,
        f"{ID}-{OTHER}",
        "3f2b8c1e7d4a-4f0b-9a56-0c1d2e3f4a5b",
        "gggggggg-7d4a-4f0b-9a56-0c1d2e3f4a5b",
        "<https://example.com/|here>",
    ],
)
def test_a_text_that_resembles_an_id_is_none(text: str) -> None:
    assert isinstance(find_session_id(text), NoId)


REASON = "cost &lt; 5 &gt; 3 says <@U0BOB000001|bob> in <#C0ALERTS001|alerts> <#C1|>"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"<https://x.example/{ID}|{OTHER}>", Ambiguous((ID, OTHER))),
        (f"{ID} {OTHER.replace('-', '')}", Ambiguous((ID, OTHER))),
        ("\u00a0 \u200b \ufeff ", NoId("")),
        (f"{ID} {REASON}", Found(ID, "cost < 5 > 3 says @bob in #alerts #C1")),
    ],
    ids=["another id in the label of a link", "an id without dashes", "invisible characters", "a reason"],
)
def test_two_ids_none_and_a_reason(text: str, found: object) -> None:
    assert find_session_id(text) == found


ids = st.uuids().map(str)
dashes = st.sampled_from("-\N{EN DASH}\N{EM DASH}\N{FIGURE DASH}\N{HYPHEN}\N{NON-BREAKING HYPHEN}")
wrappings = st.sampled_from(
    [
        *("{}", "“{}”", "‘{}’", '"{}"', "'{}'", "`{}`", "&lt;{}&gt;", "({})", "{{{}}}", "urn:uuid:{}"),
        *("{}.", "{},", "{}!", "{}\u200b"),
        *("<https://anchor.example.com/sessions/{}>", "<https://anchor.example.com/sessions/{}|label>"),
    ]
)
spaces = st.text(st.sampled_from(" \t\n\u00a0\u200b\ufeff\u2009"), max_size=3)


@given(ids, dashes, wrappings, spaces, spaces, st.booleans(), st.booleans())
def test_any_id_is_found_in_any_form(
    session_id: str, dash: str, wrapping: str, before: str, after: str, upper: bool, bare: bool
) -> None:
    written = session_id.replace("-", "" if bare else dash)
    text = before + wrapping.format(written.upper() if upper else written) + after
    assert find_session_id(text) == Found(SessionId(session_id), "")


Json = dict[str, Any]


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


def found_in(mentions: Mentions) -> list[str]:
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
    assert set(found_in(mentions)) == {number for number, _ in shown}
    assert mentions.is_complete


def test_ids_come_in_the_order_of_the_message_and_once() -> None:
    found = find_mentions(sample("message_action.two_ids.payload")["message"] | {"blocks": [section(OTHER)]})
    assert found_in(found) == [ID, OTHER]


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
    assert found_in(mentions) == ([ID] if is_found else [])


def test_of_very_many_ids_the_first_are_found() -> None:
    mentions = find_mentions({"text": "\n".join(MANY)})
    assert (found_in(mentions), mentions.is_complete) == (MANY[:MOST_IDS], False)
    few = find_mentions({"text": "\n".join(MANY[:MOST_IDS])})
    assert (len(few.found), few.is_complete) == (MOST_IDS, True)


def test_deeply_nested_parts_are_read() -> None:
    nested: Any = section(ID)
    for _ in range(10_000):
        nested = [nested]
    assert found_in(find_mentions({"blocks": nested})) == [ID]

"""Cards of alerts and results: within Slack's limits, harmless, and changed only where that is due."""

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.messages.cards import alert_message
from bot.messages.results import CardUpdate, apply
from bot.sim.slack.content import CONTENT_KEYS, mistakes
from harness import OTHER_SESSION, SESSION
from harness.blocks import button, section
from harness.product import SessionId, alerts, cards, sessions
from harness.values import MessageContent
from messages import examples
from messages.examples import ALERT, ANSWERS, ID, STATES, SUMMARY_OF_MOST, card, elements, fired, state, summary

Alert, Severity = alerts.Alert, alerts.Severity
UNSURE = cards.ResultContent("order-1", ANSWERS["pause: unconfirmed, no answer"].text, ())
HOSTILE = st.text(st.sampled_from("<>&!@#|*_~`\n\u200b🚨ab") | st.characters(exclude_categories=()), max_size=4000)


def body_of(shown: alerts.Alert) -> str:
    return str(alert_message(shown).blocks[1]["text"]["text"])


def first_line_of(message: Any) -> str:
    return str(message.blocks[0]["text"]["text"]).split("\n")[0]


def actions_of(message: Any) -> list[str]:
    return [one["action_id"] for one in elements(list(message.blocks))]


def wrong(message: Any) -> list[object]:
    return list(mistakes({"text": message.text, "blocks": list(message.blocks)}, CONTENT_KEYS))


@pytest.mark.parametrize(("own", "is_shown"), [("order-1", True), ("order-2", False), ("order-3", False)])
def test_a_result_shows_the_state_of_a_later_order(own: str, *, is_shown: bool) -> None:
    assert ("Paused" in card(replace(examples.RESULT, order_id=own), state("paused")).text) is is_shown


@pytest.mark.parametrize("shown", [ALERT, UNSURE], ids=["alert", "result"])
@pytest.mark.parametrize("phase", [sessions.Phase.ENDED, sessions.Phase.NOT_FOUND, sessions.Phase.NOT_RUNNING])
def test_of_a_session_that_has_ended_no_card_says_that_the_agent_may_run(
    shown: cards.CardContent, phase: sessions.Phase
) -> None:
    doubtful = replace(state("unconfirmed"), order_id="order-1")
    is_ended = phase == sessions.Phase.ENDED
    now = sessions.state_at_anchor(sessions.Phase.ENDED if is_ended else phase, 9.0, doubtful)
    text = card(shown, replace(now, order_id="order-9")).text
    assert ("*Unconfirmed*" in text, "may still" in text) == (True, False)
    assert "may still" in card(shown, doubtful).text


def test_nobody_is_mentioned_and_nothing_is_hidden() -> None:
    assert body_of(Alert(ID, "High spend", title="\u200b")) == "&gt; High spend"
    assert body_of(Alert(ID, "✅\n✅", title="✅")) == "&gt; (nothing readable)"
    hostile = Alert(ID, "<!channel> ```<@U1>\n<https://evil.example|Open>", "<!here>\n*`x`*")
    assert first_line_of(alert_message(hostile)) == "⚠️ *Warning*"
    quote = ["&lt;!here&gt; ∗'x'∗", "&lt;!channel&gt; '''&lt;@U1&gt;", "&lt;https://evil.example|Open&gt;"]
    assert body_of(hostile) == "\n".join(f"&gt; {line}" for line in quote)


SIGNS = sorted(
    {line.split()[0] for one in examples.MESSAGES.values() for line in one.text.splitlines() if line[:1] > "\u2000"}
)
"""Those with which lines of the bot begin."""
IMITATIONS = (
    "{} *Paused* by Bob",
    "\u200b{}\u200d *Paused* by Bob",
    "\u3164\u2800{} *Paused* by Bob",
    "*{} Paused* by Bob",
    "_{}{} ~Paused~_ by Bob",
    "> &gt; {} *Paused* by Bob",
    ":white_check_mark: {}:no_entry:*Paused* by Bob",
)
BOLD_OR_ITALIC = re.compile(r"(?<!\w)([*_~])(?=\S)[^\n]*?(?<=\S)\1(?!\w)")


@pytest.mark.parametrize("imitation", IMITATIONS)
@pytest.mark.parametrize("sign", SIGNS)
def test_the_text_of_a_program_cannot_imitate_the_bot(sign: str, imitation: str) -> None:
    line = imitation.format(sign, sign)
    hostile = Alert(ID, f"It spends\n{line}\n{line}", line, fields=((line, line), (":warning", line)))
    message = alert_message(hostile)
    shown = [str(message.blocks[1]["text"]["text"]), *(one["text"] for one in message.blocks[2]["fields"])]
    for text in ("\n".join(shown), message.text.partition("\n")[2]):
        _, *quotes = text.split("&gt; ")
        assert len(quotes) == 6
        assert [one for one in quotes if not one[0].isascii() or BOLD_OR_ITALIC.search(one)] == []
        assert "\n✅" not in text
        assert text.count("Paused") == 6
    assert first_line_of(message) == "⚠️ *Warning*"


@pytest.mark.parametrize(
    ("text", "body"),
    [
        ("node_cpu__seconds of a_b is 2*3, _hidden", "&gt; node_cpu__seconds of a_b is 2∗3, ˍhidden"),
        ("It spends\n𝗣𝗮𝘂𝘀𝗲𝗱 𝑏𝑦 𝙱𝚘𝚋 𝟗", "&gt; It spends\n&gt; Paused by Bob 9"),
    ],
)
def test_names_can_be_read_and_letters_that_look_bold_or_italic_do_not(text: str, body: str) -> None:
    assert body_of(Alert(ID, text)) == body


def test_a_link_shows_the_end_of_a_long_host_which_says_whose_it_is() -> None:
    host = f"grafana.example.{'a' * 60}.{'b' * 60}.evil.test"
    assert body_of(replace(ALERT, url=f"https://{host}/")).endswith(f"|Open on …{host[-80:]}>")


def test_the_text_of_a_summary_says_what_its_rows_say() -> None:
    contents = [replace(fired(1), last_at=1.0), fired(1), fired(2, resolved_at=1.0), fired(1)]
    message = summary(contents, {0: state("paused"), 1: state("paused"), 3: state("unconfirmed")}, facts_of=())
    rows = message.text.splitlines()[1:5]
    assert [block["text"]["text"] for block in message.blocks[1:5]] == rows
    words = ("Crit", "Paused", "Resolved", "Unconfirmed")
    assert [next(word for word in words if word in row) for row in rows] == list(words)


def test_the_text_of_an_alert_without_a_title_is_a_quote_in_a_summary_too() -> None:
    first, second = (replace(fired(1), alert=Alert(ID, text)) for text in ("*Paused by Ada*\nIt ended", "Resumed"))
    message = summary([first, second], {}, facts_of=())
    assert message.text.splitlines()[-1] == "“Paused by Ada∗ It ended”, “Resumed”"


def test_a_summary_fits_into_one_message_with_a_button_for_each_session() -> None:
    blocks = list(SUMMARY_OF_MOST.blocks)
    assert wrong(SUMMARY_OF_MOST) == []
    assert len(actions_of(SUMMARY_OF_MOST)) == len(blocks) - 2 == 13
    assert [number for number, block in enumerate(blocks) if "`shop.example`" in str(block)] == [1]
    assert len(SUMMARY_OF_MOST.text) <= 3_500
    long = summary([fired(1, alert=replace(ALERT, title="x" * 300))] * 2, {})
    assert 60 < max(len(run) for run in re.findall("x+", long.text)) <= 80


def test_the_button_is_red_only_while_a_critical_alert_fires() -> None:
    def colours(*of: Any) -> list[Any]:
        return [one.get("style") for one in elements(list(card(*of).blocks))]

    assert colours(fired(1), None) == colours(fired(1), STATES["resumed"]) == ["danger"]
    assert colours(fired(2, 1.0, resolved_at=2.0), None) == colours(fired(1), STATES["paused"]) == [None]
    assert colours(fired(2, 1.0), STATES["paused"]) == ["danger", None]


def test_a_card_that_ends_keeps_its_last_line() -> None:
    state = sessions.state_at_anchor(sessions.Phase.ENDED, 1.0, STATES["paused"], status="completed")
    ended = card(ALERT, state)
    assert re.search(r"Ended while paused\*, .*Paused\* by <@U0BOB000001>, <.*>: it loops", ended.text)
    assert "it loops" not in card(ALERT, state, "C0OTHER0001").text


@given(HOSTILE, HOSTILE, HOSTILE, st.sampled_from([*STATES.values()]), st.sampled_from(Severity), st.text(max_size=300))
def test_any_card_keeps_slacks_rules(
    text: str, title: str, reason: str, one: Any, severity: alerts.Severity, path: str
) -> None:
    fields = tuple((f"{number}{title}", f"{number}{text}") for number in range(10))
    url = f"https://a.example/?{re.sub(r'[^!-~]', '', path)}"
    shown = Alert(SessionId(ID), f"x{text}", title, severity, url, fields=fields)
    for message in (alert_message(shown), card(shown, one and replace(one, reason=reason))):
        assert wrong(message) == []
        assert len(message.text) <= 4_000
    plain = alert_message(replace(shown, fields=()))
    assert len(re.findall(r"[<>]", plain.text)) == 2
    assert f"\n{body_of(shown)}\n" in f"{plain.text}\n"


ONE, RESUME = SessionId(SESSION), "anchor_resume_confirmed"
PAUSED = CardUpdate(ONE, "Paused", button(RESUME, ONE))
RESUMED = CardUpdate(ONE, "Resumed", button("anchor_pause", ONE))
GONE = CardUpdate(ONE, "Gone", None)

clickable = st.sampled_from(
    [button(value=ONE), button(RESUME, ONE), button(value=OTHER_SESSION), {"type": "button", "action_id": "x"}]
)
blocks = st.one_of(
    st.just(section("text")),
    clickable.map(lambda element: {**section("beside"), "accessory": element}),
    st.lists(clickable, min_size=1, max_size=3).map(lambda some: {"type": "actions", "elements": some}),
)
clicked_cards = st.builds(MessageContent, st.text(), st.lists(blocks, max_size=50).map(tuple))
changes = st.sampled_from([PAUSED, RESUMED, GONE])


def buttons(card: MessageContent) -> list[dict[str, Any]]:
    found = []
    for block in card.blocks:
        found.extend([*block.get("elements", ()), *([block["accessory"]] if "accessory" in block else [])])
    return found


@given(clicked_cards, changes)
def test_a_change_made_twice_is_made_once(card: MessageContent, change: CardUpdate) -> None:
    once = apply(change, card)
    assert apply(change, once) == once


@given(clicked_cards, changes)
def test_everything_else_stays(card: MessageContent, change: CardUpdate) -> None:
    changed = apply(change, card)
    assert [one for one in buttons(changed) if one.get("value") != ONE] == [
        one for one in buttons(card) if one.get("value") != ONE
    ]
    assert [block for block in changed.blocks if block == section("text")] == [
        block for block in card.blocks if block == section("text")
    ]
    assert len(changed.blocks) <= 50


@given(clicked_cards, changes, changes)
def test_the_last_change_counts(card: MessageContent, first: CardUpdate, second: CardUpdate) -> None:
    changed = apply(second, apply(first, card))
    offered = {one["action_id"] for one in buttons(changed) if one.get("value") == ONE}
    assert second.button is None or offered <= {second.button["action_id"]}


def test_in_a_full_message_a_button_that_has_no_successor_is_only_removed() -> None:
    last = {**section("full"), "accessory": button(value=ONE)}
    card = MessageContent("", (*[section("text")] * 49, last))
    assert apply(GONE, card).blocks == (*[section("text")] * 49, section("full"))

"""The rules that every message and view keeps: Slack's, and those for people who read it in an emergency."""

import html
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from itertools import product
from typing import Any, get_args

import pytest
from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

from bot.messages import blocks as shapes
from bot.messages.home import home_view
from bot.messages.results import card_update
from bot.messages.sessions import age
from bot.sim.slack.block_kit import width
from bot.sim.slack.content import CONTENT_KEYS, MOST_BLOCKS, mistakes, mrkdwn_objects, objects
from bot.sim.slack.markup import problems
from harness.cards import View as HomeView
from harness.product import SessionId, alerts, orders, outcomes, sessions, workspace
from harness.texts import HELP
from messages import examples
from messages.examples import CONTENTS, ID, STATES, card, elements, listed, order, overview, running
from messages.examples import summary as summary_of

MOST_WORDS = {"⏸️": 25, "▶️": 25, "⛔": 40, "🔹": 40, "❓": 40}
"""By the sign of the verdict."""


def test_every_outcome_has_an_example() -> None:
    every = [*examples.OUTCOMES.values(), *examples.NOT_AUTOMATIC.values()]
    assert {type(outcome) for outcome in every} == set(get_args(outcomes.Outcome))
    assert {one.why for one in every if isinstance(one, outcomes.Refusal)} == set(outcomes.Why)


def test_the_answer_to_each_outcome(wording: Callable[[str, str], None]) -> None:
    for name, message in examples.ANSWERS.items():
        wording(name, message.text)


def test_a_message_keeps_slacks_rules() -> None:
    for name, message in examples.MESSAGES.items():
        blocks = list(message.blocks)
        assert validated(blocks) == blocks, name
        assert all(block.get("expand") for block in blocks if block["type"] == "section"), name
        spoken = {
            (one["accessibility_label"], one["value"]) for one in elements(blocks) if "accessibility_label" in one
        }
        assert len({label for label, _ in spoken}) == len(spoken), name
        assert list(mistakes({"text": message.text, "blocks": blocks}, CONTENT_KEYS)) == [], name


def test_a_view_keeps_slacks_rules() -> None:
    for name, one in examples.VIEWS.items():
        view = one.as_json()
        assert View(**view).to_dict() == view, name
        assert [found for text in mrkdwn_objects(view) for found in problems(text)] == [], name
        assert "'expand'" not in str(view), name


def validated(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the models of slack_sdk write for the blocks, if they are valid: they leave out what they do not know."""
    return [one.to_dict() for one in Block.parse_all(blocks)]


def test_only_a_confirmed_change_has_its_sign_and_doubt_has_its_own() -> None:
    doubt = outcomes.Unconfirmed | outcomes.Broken
    for kind, sign in ((outcomes.Paused, "⏸️"), (outcomes.Resumed, "▶️"), (doubt, "❓")):
        have = {name for name, outcome in examples.OUTCOMES.items() if isinstance(outcome, kind)}
        assert {name for name, message in examples.ANSWERS.items() if message.text.startswith(sign)} == have


def test_no_answer_is_longer_than_somebody_reads_in_an_emergency() -> None:
    answers = {name: one.text for name, one in examples.ANSWERS.items()}
    long = {name: text for name, text in answers.items() if words(text) > MOST_WORDS.get(text[:2].strip(), 999)}
    assert long == {}


def test_no_message_begins_with_an_id_and_a_lock_screen_shows_no_markup() -> None:
    for message in examples.MESSAGES.values():
        shown = lock_screen(message.text)
        assert shown or not message.text
        assert not re.match(r"\W*(Session )?[0-9a-f]{8}\b", shown)
        assert not re.search(r"<!date|&[a-z]+;|\|", shown)


def lock_screen(text: str) -> str:
    """The text that a phone's lock screen shows of a message: its first 100 characters."""
    named = re.sub(r"<[^|>]*\|([^>]*)>", r"\1", re.sub(r"<!date\^[^|>]*\|[^>]*>", "(date)", text))
    return " ".join(re.sub(r"[*`]", "", html.unescape(named)).split())[:100]


def test_help_is_read_at_a_glance() -> None:
    assert words(HELP) <= 40
    assert len(HELP.splitlines()) <= 4


def words(text: str) -> int:
    """Count the words that people see; a mention and an id are one word each."""
    shown = re.sub(r"<[^|>]*\|([^>]*)>", r"\1", text)
    return sum(any(char.isalnum() for char in word) for word in shown.split())


def test_the_text_alone_tells_what_the_blocks_say() -> None:
    """Screen readers and notifications get nothing else."""
    for message in examples.MESSAGES.values():
        text = message.text.replace("*", "")
        shown = objects(list(message.blocks), leave_out=lambda member: member == "confirm")
        said = [line for one in shown if one.get("type") == "mrkdwn" for line in str(one["text"]).splitlines()]
        missing = [line for line in said if line.replace("*", "") not in text]
        assert missing == [] or len(text) > 3_000


def test_a_clicked_message_changes_only_by_what_is_known() -> None:
    for why in outcomes.Why:
        not_sent = outcomes.Refusal(why, "U0BOB000001", is_confirmed=why is not outcomes.Why.PAUSED_SINCE)
        assert card_update(order("resume"), not_sent, now=0.0, order_id="") is None


def test_resume_after_a_newer_pause_knows_of_that_pause_and_asks_nothing_more() -> None:
    (resume,) = elements(list(examples.ANSWERS["resume: somebody paused since"].blocks))
    assert (resume["value"], "confirm" in resume) == (f"{order('resume').session_id} after={'1' * 28}", False)


def test_no_two_pages_of_the_installation_are_alike_and_only_an_installation_is_a_success() -> None:
    pages = examples.PAGES.values()
    assert len({page.title for page in pages}) == len({page.lines for page in pages}) == len(examples.PAGES)
    assert {name for name, page in examples.PAGES.items() if page.status == 200} == {"Installed"}
    assert {name: page.outcome for name, page in examples.PAGES.items()} == {name: name for name in examples.PAGES}
    assert all(len(line) < 200 for page in (*pages, examples.LONG_PAGE) for line in page.lines)


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
    for name, outcome in examples.OUTCOMES.items():
        yield examples.answer(name, said_by_anchor(outcome, text), text, known=session_of(text), order_id=ORDER_ID)


def said_by_anchor(outcome: Any, text: str) -> Any:
    """The outcome, with this text of Anchor's."""
    names = {field.name for field in fields(outcome)} & {"anchor_message", "status", "reason"}
    return replace(outcome, **dict.fromkeys(names, text))


def all_cards(text: str) -> Iterator[shapes.Message]:
    alert = replace(examples.ALERT, text=text * 9, title=text, fields=((text, text),) * 10)
    known = session_of(text).for_card()
    later = [fired(9, 1.0, alert=alert), fired(9, 1.0, resolved_at=2.0, alert=alert), fired(1, alert=alert)]
    for one in STATES.values():
        state = one and replace(one, user_id=orders.operator_id(text), reason=text, order_id=ORDER_ID)
        yield card(examples.RESULT, state, facts=known)
        for content in later:
            yield card(content, state, facts=known)
            yield summary(content, state)


def summary(content: alerts.AlertContent, state: sessions.SessionState | None) -> shapes.Message:
    most = range(alerts.MOST_IN_SUMMARY)
    states = dict.fromkeys(most, state) if state else {}
    return examples.summary([content] * len(most), states, facts_of=most)


def lists(text: str) -> Iterator[shapes.Message]:
    was_paused = replace(examples.WAS_PAUSED, user_id=orders.operator_id(text), reason=text, order_id=ORDER_ID)
    running = examples.running(*examples.many(session_of(text)), is_complete=False)
    paused: dict[str, sessions.SessionState] = {one.id: was_paused for one in running.sessions}
    yield listed(running, text)
    yield listed(examples.running(), text)
    for some in (paused, {}):
        yield listed(running, paused=some)
        yield overview(running, some)


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
        assert f"`{ID}`" in message.text
        shown = [
            block["text"]["text"] if "text" in block else block["elements"][0]["text"] for block in message.blocks[:2]
        ]
        assert "\n".join(shown) in {message.text, ""}


@pytest.mark.parametrize("name", HOSTILE)
def test_every_session_of_a_card_keeps_its_button(name: str) -> None:
    for message, short in zip(all_cards(HOSTILE[name]), all_cards("x"), strict=True):
        buttons, expected = ([one["value"] for one in elements(list(each.blocks))] for each in (message, short))
        assert buttons == expected


LATER = 1.0  # after the last order in STATES
CAN_RUN = {name: state for name, state in STATES.items() if name not in {"ended", "paused"}}


def can_pause(message: object) -> list[str]:
    """The sessions that a message can pause."""
    blocks = list(message.blocks)  # type: ignore[attr-defined]
    return [one["value"].split()[0] for one in elements(blocks) if one["action_id"] == "anchor_pause"]


def test_a_card_of_a_session_that_can_run_pauses_it() -> None:
    for content, state, facts in product(CONTENTS, CAN_RUN, (None, examples.CARD_FACTS)):
        assert can_pause(card(CONTENTS[content], CAN_RUN[state], facts=facts)) == [ID], (content, state)


def test_a_card_pauses_a_session_with_an_alert_after_its_last_order() -> None:
    for content, state in product(CONTENTS.keys() - {"result", "resolved"}, STATES.keys() - {"ended"}):
        about = CONTENTS[content]
        assert isinstance(about, alerts.AlertContent)
        assert can_pause(card(replace(about, last_at=LATER), STATES[state])) == [ID], (content, state)


def test_each_row_of_a_summary_pauses_its_session() -> None:
    several = [one for one in CONTENTS.values() if isinstance(one, alerts.AlertContent)]
    for state in CAN_RUN.values():
        states = {} if state is None else dict.fromkeys(range(len(several)), state)
        assert len(set(can_pause(summary_of(several, states)))) == len(several)


def test_a_message_about_a_session_that_can_run_pauses_it() -> None:
    for name, message in examples.MESSAGES.items():
        is_told = any(words in message.text for words in ("▶️", "⏳ *", "❓")) and "*Ended*" not in message.text
        assert can_pause(message) or not is_told, name


def test_each_row_of_a_list_of_running_sessions_pauses_its_session() -> None:
    several = [replace(examples.BARE, id=SessionId(f"{number:08d}{ID[8:]}")) for number in range(5)]
    for message in (listed(running(examples.LISTED, *several)), overview(running(examples.LISTED, *several), {})):
        assert can_pause(message) == [examples.LISTED.id, *(one.id for one in several)]


def lines_of(view: HomeView) -> list[str]:
    return [line for text in mrkdwn_objects(list(view.blocks)) for line in text.splitlines()]


def test_the_lists_of_sessions_stand_between_the_notice_and_the_alerts() -> None:
    lines = lines_of(home_view(replace(examples.FIRST, sessions=examples.OVERVIEW_BLOCKS, notice="News")))
    assert lines[lines.index("News") + 1].startswith("*Running now")
    assert len(home_view(replace(examples.FIRST, sessions=examples.LONGEST["longest overview"].blocks)).blocks) < 100


@pytest.mark.parametrize(
    ("shown", "controls"),
    [
        (examples.EMPTY, {"anchor_set_key": "primary"}),
        (examples.FULL, {"anchor_set_key": None}),
        (examples.with_key(replace(examples.KEY, check=workspace.KeyCheck.REFUSED)), {"anchor_set_key": "primary"}),
    ],
    ids=["no key", "a key", "a refused key"],
)
def test_the_status_stands_first_and_the_step_that_it_asks_for_is_a_primary_button(
    shown: workspace.Workspace, controls: dict[str, str | None]
) -> None:
    blocks = home_view(replace(examples.ADMINS, workspace=shown)).blocks
    status = list(blocks[: blocks.index({"type": "divider"})])
    assert status[0]["type"] == "section"
    assert {one["action_id"]: one.get("style") for one in elements(status)} == controls


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "under 1 min"),
        (60, "1 min"),
        (3_599, "59 min"),
        (3_600, "1 h 0 min"),
        (86_399, "23 h 59 min"),
        (9e4, "1 d 1 h"),
    ],
)
def test_ages(seconds: float, text: str) -> None:
    assert age(seconds) == text


def test_a_notice_of_a_policy_of_very_many_fits_into_a_message() -> None:
    assert len(examples.LONG_POLICY.text) < 40_000


@pytest.mark.parametrize(
    ("known", "numbers"),
    [([examples.PAUSED], ["2", "1"]), ([examples.PAUSED, outcomes.NotFound(404, "")], ["3", "1", "1"])],
)
def test_the_progress_of_a_batch_counts_what_was_done_and_what_was_not(
    known: list[outcomes.Outcome], numbers: list[str]
) -> None:
    assert re.findall(r"\d+", examples.progress(*known, None).partition("\n")[0]) == numbers

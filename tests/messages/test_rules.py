"""The rules that every message and view keeps: Slack's, and those for people who read it in an emergency."""

import html
import re
from collections.abc import Callable
from typing import Any, get_args

import pytest
from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

from bot.messages.results import card_update
from bot.sim.slack.content import CONTENT_KEYS, mistakes, mrkdwn_objects, objects
from bot.sim.slack.markup import problems
from harness.examples import ANSWERS, LONG_PAGE, MESSAGES, NOT_AUTOMATIC, OUTCOMES, PAGES, VIEWS, elements, order
from harness.product import outcomes
from harness.texts import HELP

MOST_WORDS = {"⏸️": 25, "▶️": 25, "⛔": 40, "🔹": 40, "❓": 40}
"""By the sign of the verdict."""


def test_every_outcome_has_an_example() -> None:
    examples = [*OUTCOMES.values(), *NOT_AUTOMATIC.values()]
    assert {type(outcome) for outcome in examples} == set(get_args(outcomes.Outcome))


def test_every_reason_why_an_order_was_not_sent_has_an_example() -> None:
    examples = [*OUTCOMES.values(), *NOT_AUTOMATIC.values()]
    assert {one.why for one in examples if isinstance(one, outcomes.Refusal)} == set(outcomes.Why)


def test_the_answer_to_each_outcome(wording: Callable[[str, str], None]) -> None:
    for name, message in ANSWERS.items():
        wording(name, message.text)


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_keeps_slacks_rules(name: str) -> None:
    blocks = list(MESSAGES[name].blocks)
    assert validated(blocks) == blocks
    assert all(block.get("expand") for block in blocks if block["type"] == "section")
    spoken = {(one["accessibility_label"], one["value"]) for one in elements(blocks) if "accessibility_label" in one}
    assert len({label for label, _ in spoken}) == len(spoken)
    assert list(mistakes({"text": MESSAGES[name].text, "blocks": blocks}, CONTENT_KEYS)) == []


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_keeps_slacks_rules(name: str) -> None:
    view = VIEWS[name].as_json()
    assert View(**view).to_dict() == view
    assert [found for text in mrkdwn_objects(view) for found in problems(text)] == []
    assert "'expand'" not in str(view)


def validated(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the models of slack_sdk write for the blocks, if they are valid: they leave out what they do not know."""
    return [one.to_dict() for one in Block.parse_all(blocks)]


@pytest.mark.parametrize(("name", "outcome"), OUTCOMES.items(), ids=OUTCOMES)
def test_only_a_confirmed_change_has_its_sign_and_doubt_has_its_own(name: str, outcome: outcomes.Outcome) -> None:
    doubt = outcomes.Unconfirmed | outcomes.Broken
    for kind, sign in ((outcomes.Paused, "⏸️"), (outcomes.Resumed, "▶️"), (doubt, "❓")):
        assert ANSWERS[name].text.startswith(sign) == isinstance(outcome, kind)


def test_no_answer_is_longer_than_somebody_reads_in_an_emergency() -> None:
    answers = {name: one.text for name, one in ANSWERS.items()}
    long = {name: text for name, text in answers.items() if words(text) > MOST_WORDS.get(text[:2].strip(), 999)}
    assert long == {}


@pytest.mark.parametrize("name", sorted(one for one, message in MESSAGES.items() if message.text))
def test_no_message_begins_with_an_id_and_a_lock_screen_shows_no_markup(name: str) -> None:
    shown = lock_screen(MESSAGES[name].text)
    assert shown
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


@pytest.mark.parametrize("name", MESSAGES)
def test_the_text_alone_tells_what_the_blocks_say(name: str) -> None:
    """Screen readers and notifications get nothing else."""
    text = MESSAGES[name].text.replace("*", "")
    shown = objects(list(MESSAGES[name].blocks), leave_out=lambda member: member == "confirm")
    said = [line for one in shown if one.get("type") == "mrkdwn" for line in str(one["text"]).splitlines()]
    missing = [line for line in said if line.replace("*", "") not in text]
    assert missing == [] or len(text) > 3_000


def test_a_clicked_message_changes_only_by_what_is_known() -> None:
    for why in outcomes.Why:
        not_sent = outcomes.Refusal(why, "U0BOB000001", is_confirmed=why is not outcomes.Why.PAUSED_SINCE)
        assert card_update(order("resume"), not_sent, now=0.0, order_id="") is None


def test_resume_after_a_newer_pause_knows_of_that_pause_and_asks_nothing_more() -> None:
    (resume,) = elements(list(ANSWERS["resume: somebody paused since"].blocks))
    assert (resume["value"], "confirm" in resume) == (f"{order('resume').session_id} after={'1' * 28}", False)


def test_no_two_pages_of_the_installation_are_alike_and_only_an_installation_is_a_success() -> None:
    pages = PAGES.values()
    assert len({page.title for page in pages}) == len({page.lines for page in pages}) == len(PAGES)
    assert {name for name, page in PAGES.items() if page.status == 200} == {"Installed"}
    assert {name: page.outcome for name, page in PAGES.items()} == {name: name for name in PAGES}
    assert all(len(line) < 200 for page in (*pages, LONG_PAGE) for line in page.lines)

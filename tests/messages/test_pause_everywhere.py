"""A session that runs, as far as anybody knows, has Pause wherever its state is shown."""

from dataclasses import replace

import pytest

from harness.examples import (
    BARE,
    CARD_FACTS,
    CONTENTS,
    ID,
    LISTED,
    MESSAGES,
    STATES,
    card,
    elements,
    listed,
    overview,
    running,
    summary,
)
from harness.product import SessionId, cards

LATER = 1.0  # after the last order in STATES
CAN_RUN = {name: state for name, state in STATES.items() if name not in {"ended", "paused"}}


def can_pause(message: object) -> list[str]:
    """The sessions that a message can pause."""
    blocks = list(message.blocks)  # type: ignore[attr-defined]
    return [one["value"].split()[0] for one in elements(blocks) if one["action_id"] == "anchor_pause"]


@pytest.mark.parametrize("state", CAN_RUN)
@pytest.mark.parametrize("content", CONTENTS)
def test_a_card_of_a_session_that_can_run_pauses_it(content: str, state: str) -> None:
    for facts in (None, CARD_FACTS):
        assert can_pause(card(CONTENTS[content], CAN_RUN[state], facts=facts)) == [ID]


@pytest.mark.parametrize("state", sorted(STATES.keys() - {"ended"}))
@pytest.mark.parametrize("content", sorted(CONTENTS.keys() - {"result", "resolved"}))
def test_a_card_pauses_a_session_with_an_alert_after_its_last_order(content: str, state: str) -> None:
    about = CONTENTS[content]
    assert isinstance(about, cards.AlertContent)
    later = replace(about, last_at=LATER)
    assert can_pause(card(later, STATES[state])) == [ID]


def test_each_row_of_a_summary_pauses_its_session() -> None:
    alerts = [one for one in CONTENTS.values() if isinstance(one, cards.AlertContent)]
    for state in CAN_RUN.values():
        states = {} if state is None else dict.fromkeys(range(len(alerts)), state)
        assert len(set(can_pause(summary(alerts, states)))) == len(alerts)


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_about_a_session_that_can_run_pauses_it(name: str) -> None:
    message = MESSAGES[name]
    is_told = any(words in message.text for words in ("▶️", "⏳ *", "❓")) and "*Ended*" not in message.text
    assert can_pause(message) or not is_told


def test_each_row_of_a_list_of_running_sessions_pauses_its_session() -> None:
    several = [replace(BARE, id=SessionId(f"{number:08d}{ID[8:]}")) for number in range(5)]
    for message in (listed(running(LISTED, *several)), overview(running(LISTED, *several), {})):
        assert can_pause(message) == [LISTED.id, *(one.id for one in several)]

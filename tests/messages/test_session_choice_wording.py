"""The wording of the modal to choose among the session ids of a message, and of the note if it has none."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.message_ids import Mention, Mentions
from bot.core.session_id import SessionId
from bot.messages.markup import width
from bot.messages.session_choice import NOTHING_CHOSEN, OUT_OF_DATE, choice_modal, no_id_note
from bot.messages.session_modal import NO_SESSION, not_opened_message
from harness import OTHER_SESSION, SESSION
from messages.test_administration_wording import rendered

Check = Callable[[str, str], None]

FIRST, SECOND = Mention(SessionId(SESSION), "Scraper spends:"), Mention(SessionId(OTHER_SESSION), "")
MANY = tuple(Mention(SessionId(f"{number:08x}{SESSION[8:]}"), f"No. {number} & <co>") for number in range(60))

MODALS = {
    "several ids": choice_modal(Mentions((FIRST, SECOND)), "origin"),
    "one id in a message that is too long": choice_modal(Mentions((FIRST,), is_complete=False), "origin"),
    "more ids than fit": choice_modal(Mentions(MANY), "origin"),
}
TEXTS = {
    "no id": no_id_note(is_complete=True),
    "no id in a message that is too long": no_id_note(is_complete=False),
    "nothing chosen": NOTHING_CHOSEN,
    "text without an id": NO_SESSION,
    "out of date": OUT_OF_DATE,
    "not opened": not_opened_message().text,
}


@pytest.mark.parametrize("name", [name for name in MODALS if "than fit" not in name])
def test_the_modal(name: str, wording: Check) -> None:
    wording(f"modal: {name}", "\n".join(rendered(MODALS[name])))


def test_answers(wording: Check) -> None:
    for name, text in TEXTS.items():
        wording(f"answer: {name}", text)


def test_more_than_ten_sessions_are_in_groups_of_ten() -> None:
    _, _, *groups = MODALS["more ids than fit"].blocks
    labels = [f"Sessions {first} to {first + 9}" for first in (1, 11, 21, 31, 41)]
    assert [group["label"]["text"] for group in groups] == labels


@given(st.text(max_size=150))
def test_the_words_beside_an_id_are_not_too_long_for_slack(context: str) -> None:
    modal = choice_modal(Mentions((Mention(SessionId(SESSION), context), SECOND)), "origin")
    (box, _) = modal.blocks[2]["element"]["options"]
    description = box.get("description", {"text": "x"})["text"]
    assert 0 < width(description) <= 75
    assert "\n" not in description

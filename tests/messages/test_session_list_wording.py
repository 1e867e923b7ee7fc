"""The wording of the lists of sessions."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bot.core.outcomes import NoKey, Refusal, StoreUnavailable
from bot.core.policy import NotAMember, NotHere, Role
from bot.core.requests import Verb
from bot.core.session import RUNNING, Session
from bot.core.session_id import SessionId
from bot.core.session_list import NotRead, SessionList, Unread
from bot.core.session_overview import Overview, PausedSession
from bot.messages.blocks import section
from bot.messages.home import Notice, home_view
from bot.messages.message import Message, ephemeral
from bot.messages.session_lines import age, session_facts
from bot.messages.session_list import (
    list_message,
    list_refusal,
    not_read_text,
    reading_message,
)
from bot.messages.session_modal import loading_modal, message_modal, sessions_modal
from bot.messages.session_overview import overview_blocks, overview_message, reading_overview_message
from bot.messages.usage import sessions_help_message
from bot.messages.view import View
from harness import ALICE, OTHER_SESSION, SESSION
from messages.test_administration_wording import FIRST, lines_of, rendered
from messages.test_history_wording import ORDER

Check = Callable[[str, str], None]

DASHBOARD = "https://dashboard.example/sessions"
NOW = 1_785_000_000.0
FULL = Session(
    id=SessionId(SESSION),
    status=RUNNING,
    created_at=NOW - 3_900,
    tags=("checkout", "<!here> & `prod`", "eu", "blue"),
    domains=("shop.example", "bank.example"),
    steps=12,
    key_name="ci-key",
    is_task=False,
    credits=1.5,
    max_minutes=180,
)
BARE = Session(id=SessionId(OTHER_SESSION), status="warming up", steps=1)
LONG = replace(FULL, tags=("&" * 99,) * 9, domains=(f"{'x' * 99}.example",) * 3)


def many(one: Session) -> tuple[Session, ...]:
    return tuple(replace(one, id=SessionId(f"{number:08x}{SESSION[8:]}")) for number in range(17))


def running(*sessions: Session, is_complete: bool = True) -> SessionList:
    return SessionList(sessions, is_complete, NOW)


def listed(found: SessionList, words: str = "", matches: SessionList | None = None) -> Message:
    return list_message(found, found if matches is None else matches, words, dashboard_url=DASHBOARD)


def overview(found: SessionList | NotRead, paused: tuple[PausedSession, ...] | None, **more: Any) -> Message:
    shown = Overview(found, paused, **{"allowed": frozenset(Verb), "viewer_id": "U0BOB000001", **more})
    return overview_message(shown, now=NOW, dashboard_url=DASHBOARD)


PAUSED = PausedSession(ORDER, FULL)
ONE, NONE_FOUND = running(FULL), running(is_complete=False)
REFUSALS: dict[str, Refusal] = {
    "no key": NoKey(),
    "no key, the person can set it": NoKey(can_set=True),
    "a guest": NotAMember(Role.GUEST),
    "another channel": NotHere(frozenset({"C0ALERTS001"})),
    "the database failed": StoreUnavailable(),
}
MESSAGES: dict[str, Message] = {
    "all": listed(running(FULL, BARE)),
    "one": listed(running(BARE)),
    "none": listed(running()),
    "none found, not everything read": listed(running(is_complete=False)),
    "more than are shown, not everything read": listed(running(*many(BARE), is_complete=False)),
    "words: one matches": listed(running(FULL, BARE), "checkout", running(FULL)),
    "words: all match": listed(running(FULL, BARE), "e", running(FULL, BARE)),
    "words: none matches": listed(running(FULL, BARE), "a `b` <c>", running()),
    "words: none matches, not everything read": listed(
        running(FULL, is_complete=False), "x", running(is_complete=False)
    ),
    "words: none runs": listed(running(), "x"),
    "waiting": reading_message(""),
    "waiting for words": reading_message("checkout"),
    "waiting for all sessions": reading_overview_message(),
    "help about sessions": sessions_help_message(),
    "overview": overview(running(FULL, BARE), (replace(PAUSED, order=replace(ORDER, session_id=OTHER_SESSION)),)),
    "overview: one's own pause": overview(running(), (replace(PAUSED, session=None),), viewer_id=ALICE),
    "overview: a pause, to an admin": overview(running(), (PAUSED,), is_admin=True),
    "overview: nothing": overview(running(), ()),
    "overview: no buttons where they are": overview(running(FULL), (PAUSED,), allowed=frozenset()),
    "overview: no buttons, another session": overview(running(BARE), (), allowed=frozenset()),
    "overview: not everything read": overview(running(is_complete=False), None),
    "overview: many": overview(running(*many(BARE), is_complete=False), (PAUSED,) * 12),
    "overview: Anchor can't be read": overview(NotRead(Unread.TIMED_OUT), (replace(PAUSED, session=None),)),
    **{f"refused: {name}": list_refusal(one, dashboard_url=DASHBOARD) for name, one in REFUSALS.items()},
    **{f"not read: {why}": ephemeral(not_read_text(NotRead(why), dashboard_url=DASHBOARD)) for why in Unread},
    "not read: with a status": ephemeral(not_read_text(NotRead(Unread.KEY_REJECTED, 401), dashboard_url=DASHBOARD)),
}

OVERVIEW = Overview(running(FULL), (PAUSED,), frozenset(Verb), "U0BOB000001")
MODALS: dict[str, View] = {
    "loading": loading_modal(),
    "sessions": sessions_modal(OVERVIEW, "origin", now=NOW, dashboard_url=DASHBOARD),
    "sessions, from a message, with a note": sessions_modal(
        OVERVIEW, "origin", now=NOW, dashboard_url=DASHBOARD, note="(the result)", has_thread=True
    ),
    "refused": message_modal(list_refusal(NoKey(can_set=True), dashboard_url=DASHBOARD)),
    "refused, with a note": message_modal(list_refusal(NoKey(), dashboard_url=DASHBOARD), "(the note)"),
}
LONGEST = {
    "list": listed(running(*many(LONG), is_complete=False)),
    "overview": overview(running(*many(LONG), is_complete=False), (replace(PAUSED, session=LONG),) * 12),
}


@pytest.mark.parametrize(("name", "message"), MESSAGES.items(), ids=MESSAGES)
def test_messages(name: str, message: Message, wording: Check) -> None:
    shown = [line for block in message.blocks for line in lines_of(block)] or [message.text]
    wording(name, "\n".join(dict.fromkeys(shown)))


def test_the_modal(wording: Check) -> None:
    for name, view in MODALS.items():
        wording(f"modal: {name}", "\n".join(rendered(view)))


def test_home_has_the_lists_between_the_key_and_the_alerts() -> None:
    blocks = overview_blocks(OVERVIEW, now=NOW, dashboard_url=DASHBOARD)
    shown = home_view(replace(FIRST, sessions=tuple(blocks), notice=Notice("(the result)"))).blocks
    assert [*shown].index(blocks[0]) == [*shown].index(section("(the result)")) + 1
    assert len(home_view(replace(FIRST, sessions=LONGEST["overview"].blocks)).blocks) < 100


@pytest.mark.parametrize("message", [*MESSAGES.values(), *LONGEST.values()], ids=[*MESSAGES, *LONGEST])
def test_the_text_has_what_the_blocks_say_and_is_short_enough(message: Message) -> None:
    assert len(message.text) <= 4_000
    said = [line for block in message.blocks for line in lines_of(block) if not line.startswith("[")]
    missing = [line for line in said if line.removeprefix("small: ") not in message.text]
    assert not missing or len(message.text) > 3_000


def test_nothing_but_hosts_and_names_is_shown() -> None:
    assert "here" in json.dumps(MESSAGES["all"].blocks)
    assert "<!here>" not in json.dumps(MESSAGES["all"].blocks)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "under 1 min"),
        (59, "under 1 min"),
        (60, "1 min"),
        (3_599, "59 min"),
        (3_600, "1 h 0 min"),
        (86_399, "23 h 59 min"),
        (90_000, "1 d 1 h"),
    ],
)
def test_ages(seconds: float, text: str) -> None:
    assert age(seconds) == text


def test_facts(wording: Check) -> None:
    wording("facts: everything", session_facts(FULL, now=NOW))
    wording("facts: its end is past", session_facts(replace(FULL, created_at=NOW - 20_000), now=NOW))
    wording("facts: nothing", session_facts(Session(id=SessionId(SESSION), status=RUNNING), now=NOW))

"""The wording of past orders, in Home and in the modal."""

from collections.abc import Callable
from dataclasses import replace
from typing import get_args

from bot.core import outcomes
from bot.core.history import HistoryQuery, PastOrder, Period, Result
from bot.core.policy import Role
from bot.core.requests import Verb, operator_id
from bot.messages.history import MOST_IN_MODAL, LastOrders, history_modal
from bot.messages.home import Home, home_view
from harness import ALICE, SESSION
from messages.test_administration_wording import FIRST, rendered

Check = Callable[[str, str], None]

ORDER = PastOrder(
    id="1",
    team_id="T0HOME00001",
    session_id=SESSION,
    verb="pause",
    reason="it <loops> & spends",
    source="command",
    user_id=ALICE,
    home_team_id="T0HOME00001",
    channel_id="C0ALERTS001",
    thread_ts=None,
    state="told",
    outcome="Paused",
    outcome_fields="{}",
    delivered_by="ack",
    given_at=1_785_000_000.0,
    settled_at=1_785_000_000.5,
    told_at=1_785_000_001.0,
)


def home(orders: tuple[PastOrder, ...] | None, *, is_admin: bool = False, viewer: str = "U0BOB000001") -> Home:
    role = Role.ADMIN if is_admin else Role.MEMBER
    return replace(FIRST, role=role, last=LastOrders(orders, viewer, is_admin=is_admin))


HOMES = {
    "no order": home(()),
    "an order of somebody": home((ORDER,)),
    "an order of one's own": home((ORDER,), viewer=ALICE),
    "an order, admin": home((replace(ORDER, channel_id="D0ALICE0001", reason=""),), is_admin=True),
    "an order of the command line": home((replace(ORDER, user_id=operator_id("alice"), channel_id=""),), is_admin=True),
    "a database that fails": home(None),
}
MODALS = {
    "no order": history_modal(HistoryQuery(), []),
    "chosen": history_modal(
        HistoryQuery(user_ids=frozenset({ALICE}), session_id=SESSION, result=Result.NOT_DONE, period=Period.MONTH),
        [ORDER],
    ),
    "a database that fails": history_modal(HistoryQuery(), None),
}
MORE = history_modal(HistoryQuery(), [ORDER] * (MOST_IN_MODAL + 1))


def test_home(wording: Check) -> None:
    without = rendered(home_view(FIRST))
    for name, one in HOMES.items():
        wording(f"home: {name}", "\n".join(line for line in rendered(home_view(one)) if line not in without))


def test_the_modal(wording: Check) -> None:
    first: list[str] = []
    for name, view in (MODALS | {"more": MORE}).items():
        lines = rendered(view)
        wording(f"modal: {name}", "\n".join(dict.fromkeys(line for line in lines if line not in first)))
        first = first or lines


def test_every_outcome(wording: Check) -> None:
    names = [None, "OfANewerVersion", *(outcome.__name__ for outcome in get_args(outcomes.Outcome))]
    for verb in Verb:
        orders = [replace(ORDER, verb=verb.value, outcome=name) for name in names]
        _, *blocks = home_view(home(tuple(orders))).blocks
        texts = [block["text"]["text"].splitlines()[0] for block in blocks if SESSION in str(block)]
        wording(f"outcomes of a {verb}", "\n".join(f"{name}: {text}" for name, text in zip(names, texts, strict=True)))

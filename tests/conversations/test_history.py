"""Past orders in Home, and the modal in which admins look for others."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from bot.core.admin_outcomes import NotAdmin, NotServed
from bot.core.history import HistoryQuery, PastOrder
from bot.core.outcomes import Doubt, NotFound, Outcome, Paused, Unconfirmed
from bot.core.policy import Policy, Role, Rule
from bot.core.recovery import State
from bot.messages.history import (
    MOST_IN_HOME,
    MOST_IN_MODAL,
    NO_SESSION,
    TITLE,
    LastOrders,
    history_modal,
    last_orders,
)
from bot.messages.modal_results import MODAL_NOT_OPENED, ONE_MOMENT, about_problem
from bot.outbound.store.order_history import OrderHistory
from bot.outbound.store.order_rows import OrderRows
from bot.sim.slack import User, View
from bot.usecases import past_orders
from bot.usecases.admin.history import HistoryModal
from harness import BOTH_TRANSPORTS, OTHER_SESSION, SESSION, AdminHarness, ManyHarness, single_workspace
from harness.order_rows import order_row

pytestmark = pytest.mark.anyio

BUTTON = "anchor_history"
A_DAY = 86_400.0
REASONS = tuple(f"reason {number:02}" for number in range(12))


async def leave(team: AdminHarness, user: User, outcome: Outcome = Paused(), **more: Any) -> None:  # noqa: B008 - it does not change
    """Put an order that was told into the journal."""
    reason = more.pop("reason", "")
    row = order_row(outcome=outcome, **{"age": 60.0, "team": team.team_id, **more})
    actor = replace(row.order.actor, user_id=user.id, channel_id=team.channel.id)
    order = replace(row.order, reason=reason, actor=actor)
    told = replace(row, order=order, state=State.TOLD, told_at=row.given_at)
    await OrderRows(team.at.store.database, team.at.store.cipher, "ours").write([told], [])


def shown(view: View | None, reasons: Sequence[str] = REASONS) -> list[str]:
    """The reasons in a view, from the top."""
    assert view is not None
    return sorted((one for one in reasons if one in view.text), key=view.text.index)


async def lost(*_: object, **__: object) -> list[PastOrder]:
    raise RuntimeError("a bug")


async def slow(*_: object, **__: object) -> list[PastOrder]:
    await asyncio.sleep(2)
    return []


# --- Home ---


@BOTH_TRANSPORTS
async def test_home_has_the_last_ten_orders_and_where_and_why_only_for_some(team: AdminHarness) -> None:
    for number, reason in enumerate(REASONS):
        user = team.member if number % 2 else team.admin
        await leave(team, user, outcome=NotFound(), reason=reason, age=100.0 - number)
    everything = [*reversed(REASONS)][:MOST_IN_HOME]
    admins, members = await team.open_home(), await team.open_home(team.member)
    assert (shown(admins), shown(members)) == (everything, everything[::2])
    place = f"<#{team.channel.id}>"
    assert (admins.text.count(place), members.text.count(place)) == (MOST_IN_HOME, MOST_IN_HOME // 2)
    assert [view.text.count(f"<@{team.admin.id}>") >= MOST_IN_HOME // 2 for view in (admins, members)] == [True, True]
    assert [bool(view.find(BUTTON)) for view in (admins, members)] == [True, False]


async def test_an_order_of_another_workspace_is_not_shown(team: AdminHarness) -> None:
    other = await AdminHarness.open(team.at, 2, with_key=True)
    await leave(other, other.admin, reason=REASONS[0])
    assert shown(await team.open_home()) == []


async def test_home_has_no_orders_for_people_who_are_not_allowed_to_pause(team: AdminHarness) -> None:
    await leave(team, team.admin, session=OTHER_SESSION)
    rule = Rule(frozenset({team.admin.id}), frozenset({team.channel.id}))
    version = await team.at.policy_version(team.team_id)
    await team.at.store.rows.set_policy(team.team_id, Policy(pause=rule), if_version=version)
    views = [await team.open_home(user) for user in (team.admin, team.member)]
    assert [OTHER_SESSION in view.text for view in views] == [True, False]


async def test_a_bot_of_one_workspace_shows_orders_too() -> None:
    async with single_workspace() as at:
        await at.answer("a click")
        await at.command(f"{SESSION} {REASONS[0]}")
        for user, reasons, has_button in ((at.person, [REASONS[0]], True), (at.slack.bob, [], False)):
            home = None
            async with asyncio.timeout(20):
                while not home or home.text.count(SESSION) < 2:  # the journal is written in the background
                    await at.slack.open_home(user)
                    await asyncio.sleep(0.05)
                    home = at.slack.home_of(user)
            assert (shown(home), bool(home.find(BUTTON))) == (reasons, has_button)
        home = at.slack.home_of(at.person)
        assert home
        await at.slack.act(at.person, home, BUTTON)
        await at.slack.until(lambda: (modal := at.slack.modal_of(at.person)) and REASONS[0] in modal.text)


@pytest.mark.parametrize("fault", ["no table", "a bug", "no answer"])
async def test_home_is_shown_without_orders_if_they_can_not_be_read(
    team: AdminHarness, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    await leave(team, team.admin, reason=REASONS[0])
    if fault == "no table":
        await team.execute("ALTER TABLE orders RENAME TO lost")
    else:
        monkeypatch.setattr(OrderHistory, "newest", lost if fault == "a bug" else slow)
        monkeypatch.setattr(past_orders, "_TIMEOUT", 0.1)
    views = [await team.open_home() for _ in range(2)]
    unreadable = last_orders(LastOrders(None, team.admin.id, is_admin=True))[0]["text"]["text"]
    assert [(shown(view), unreadable in view.text, bool(view.find(BUTTON))) for view in views] == [([], True, True)] * 2


# --- the modal ---


@BOTH_TRANSPORTS
async def test_an_admin_looks_for_orders_by_person_session_outcome_and_period(team: AdminHarness) -> None:
    old, late = REASONS[:2]
    await leave(team, team.admin, reason=old, age=3 * A_DAY)
    await leave(team, team.member, Unconfirmed(Doubt.STOPPED), reason=late, age=60)
    await leave(team, team.admin, NotFound(), reason=REASONS[2], session=OTHER_SESSION, age=30)
    await team.open_home()
    modal = await team.open_modal(BUTTON)
    assert (modal.title, shown(modal)) == (TITLE, [REASONS[2], late])
    for values, expected in (
        ({"period": "7"}, [REASONS[2], late, old]),
        ({"people": [team.member.id]}, [late]),
        ({"people": [], "session": f"https://anchor.example/sessions/{OTHER_SESSION}"}, [REASONS[2]]),
        ({"session": "", "result": "unconfirmed"}, [late]),
        ({"result": "refused"}, []),
        ({"result": "every", "period": "all"}, [REASONS[2], late, old]),
    ):
        await team.submit(values)
        assert shown(team.modal()) == expected, values
    assert team.modal().text.count(f"<#{team.channel.id}>") == 3


async def test_a_session_that_is_none_is_an_error_at_its_field(team: AdminHarness) -> None:
    await leave(team, team.admin, reason=REASONS[0])
    await team.open_home()
    await team.open_modal(BUTTON)
    await team.submit({"session": "3f2b"})
    assert (team.modal().errors, shown(team.modal())) == ({"session": NO_SESSION}, [REASONS[0]])


async def test_more_orders_than_fit_are_said_to_be_there(team: AdminHarness) -> None:
    for number in range(MOST_IN_MODAL + 1):
        await leave(team, team.admin, age=number, reason="<&> " * 1_000)
    await team.open_home()
    modal = await team.open_modal(BUTTON)
    assert modal.text.count(SESSION) == MOST_IN_MODAL
    assert str(MOST_IN_MODAL) in modal.text


async def test_orders_that_come_late_are_shown_in_the_modal(hasty: ManyHarness) -> None:
    team = await AdminHarness.open(hasty, with_key=True)
    await leave(team, team.member, reason=REASONS[0])
    await leave(team, team.admin, reason=REASONS[1])
    await team.open_home()
    await team.open_modal(BUTTON)
    await team.submit({"people": [team.member.id], "period": "all"})
    assert ONE_MOMENT in team.modal().text
    modal = await team.wait_for_modal(REASONS[0])
    assert shown(modal) == [REASONS[0]]
    await team.submit({})
    assert shown(await team.wait_for_modal(REASONS[0])) == [REASONS[0]], "the filters are still there"


async def test_whoever_is_no_admin_any_more_sees_no_orders(team: AdminHarness) -> None:
    await leave(team, team.member, reason=REASONS[0])
    await team.open_home(team.second)
    await team.open_modal(BUTTON, user=team.second)
    team.workspace.change_user(team.second, is_admin=False, is_owner=False)
    await team.submit({}, user=team.second)
    await team.wait_for_modal(about_problem(NotAdmin(Role.MEMBER)), user=team.second)
    assert shown(team.modal(team.second)) == []


@pytest.mark.parametrize("fault", ["no table", "no database", "uninstalled", "a bug"])
async def test_the_modal_says_why_it_shows_nothing(
    team: AdminHarness, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    await leave(team, team.admin, reason=REASONS[0])
    await team.open_home()
    await team.open_modal(BUTTON)
    unreadable = history_modal(HistoryQuery(), None).blocks[-1]["text"]["text"]
    texts = {"no table": unreadable, "no database": MODAL_NOT_OPENED, "uninstalled": about_problem(NotServed())}
    if fault == "no table":
        await team.execute("ALTER TABLE orders RENAME TO lost")
    elif fault == "no database":
        await team.execute("UPDATE workspaces SET bot_token = 'damaged'")
    elif fault == "uninstalled":
        assert await team.at.store.rows.delete(team.team_id)
    else:
        monkeypatch.setattr(HistoryModal, "search", lost)
    await team.submit({})
    assert shown(await team.wait_for_modal(texts.get(fault, ""))) == []


async def test_a_bug_in_the_opening_is_told(team: AdminHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HistoryModal, "open_first", lost)
    await team.open_home()
    await team.press(BUTTON)
    await team.wait_for_direct_messages()

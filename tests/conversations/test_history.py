"""Past orders in Home, and the modal of the last 30 days."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from unittest.mock import AsyncMock

import pytest

from bot.messages import history as text
from bot.sim.slack import User, View
from harness import BOTH_TRANSPORTS, OTHER_SESSION, AdminHarness
from harness import admin_texts as say
from harness.order_rows import OrdersOf, order_row, told
from harness.product import outcomes, policy

pytestmark = pytest.mark.anyio

BUTTON = "anchor_history"
REASONS = tuple(f"reason {number:02}" for number in range(12))


async def leave(team: AdminHarness, user: User, outcome: outcomes.Outcome = outcomes.Paused(), **more: Any) -> None:  # noqa: B008 - it does not change
    """Put an order that was told into the journal."""
    reason = more.pop("reason", "")
    row = order_row(**{"age": 60.0, "team": team.team_id, **more})
    actor = replace(row.order.actor, user_id=user.id, channel_id=team.channel.id)
    order = replace(row.order, reason=reason, actor=actor)
    row = told(replace(row, order=order), outcome, settled_at=row.given_at)
    await OrdersOf(team.at.store, "ours", team.at.store.cipher).write(row)


def shown(view: View | None, reasons: Sequence[str] = REASONS) -> list[str]:
    """The reasons in a view, from the top."""
    assert view is not None
    return sorted((one for one in reasons if one in view.text), key=view.text.index)


@BOTH_TRANSPORTS
async def test_home_has_the_last_ten_orders_and_where_and_why_only_for_some(team: AdminHarness) -> None:
    other = await AdminHarness.open(team.at, 2, with_key=True)
    await leave(other, other.admin, reason="reason of another workspace")
    for number, reason in enumerate(REASONS):
        user = team.member if number % 2 else team.admin
        await leave(team, user, outcome=outcomes.NotFound(), reason=reason, age=100.0 - number)
    everything = [*reversed(REASONS)][: text.MOST_IN_HOME]
    admins, members = await team.open_home(), await team.open_home(team.member)
    assert (shown(admins), shown(members)) == (everything, everything[::2])
    place = f"<#{team.channel.id}>"
    assert (admins.text.count(place), members.text.count(place)) == (text.MOST_IN_HOME, text.MOST_IN_HOME // 2)
    assert min(view.text.count(f"<@{team.admin.id}>") for view in (admins, members)) >= text.MOST_IN_HOME // 2
    assert [bool(view.find(BUTTON)) for view in (admins, members)] == [True, False]
    rule, version = policy.Rule(frozenset({team.admin.id})), await team.at.policy_version(team.team_id)
    await team.at.store.rows.set_policy(team.team_id, policy.Policy(pause=rule), if_version=version)
    views = [await team.open_home(user) for user in (team.admin, team.member)]
    assert [shown(view) for view in views] == [everything, []], "people who are not allowed to pause see none"


async def test_an_admin_sees_the_last_thirty_days(team: AdminHarness) -> None:
    await leave(team, team.admin, reason=REASONS[0], age=31 * 86_400)
    await leave(team, team.member, outcomes.Unconfirmed(outcomes.Doubt.NO_ANSWER), reason=REASONS[1], age=29 * 86_400)
    await leave(team, team.admin, outcomes.NotFound(), reason=REASONS[2], session=OTHER_SESSION, age=30)
    await team.open_home()
    modal = await team.open_modal(BUTTON)
    assert (modal.title, shown(modal)) == (text.TITLE, [REASONS[2], REASONS[1]])
    assert modal.text.count(f"<#{team.channel.id}>") == 2


async def test_somebody_who_is_no_admin_any_more_sees_no_history_and_no_settings(team: AdminHarness) -> None:
    await leave(team, team.admin, reason=REASONS[0])
    await team.open_home()
    team.workspace.change_user(team.admin, is_admin=False)
    for button in (BUTTON, "anchor_change_policy"):
        modal = await team.open_modal(button)
        assert say.not_admin() in modal.text
        assert shown(modal) == []


@pytest.mark.parametrize("fault", ["no table", "no answer", "a bug"])
async def test_home_and_the_modal_say_why_they_show_no_orders(
    team: AdminHarness, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    async def slow(*_: object, **__: object) -> None:
        reads.append(None)
        try:
            await asyncio.sleep(10.0)
        finally:
            reads.pop()

    reads = list[None]()
    await leave(team, team.admin, reason=REASONS[0])
    await team.open_home()
    if fault == "no table":
        await team.at.execute("ALTER TABLE orders RENAME TO lost")
    else:
        newest = slow if fault == "no answer" else AsyncMock(side_effect=RuntimeError)
        monkeypatch.setattr("bot.outbound.store.history.OrderHistory.newest", newest)
        monkeypatch.setattr("bot.outbound.store.history.SessionStates.paused", AsyncMock(return_value=None))
    modal = await team.open_modal(BUTTON)
    unreadable = text.history_modal(None).blocks[-1]["text"]["text"]
    assert (shown(modal), unreadable in modal.text) == ([], True)
    await team.slack.close(team.admin)
    missing = text.last_orders(text.LastOrders(None, team.admin.id, is_admin=True))[0]["text"]["text"]
    home = await team.open_home()
    assert (shown(home), missing in home.text, bool(home.find(BUTTON))) == ([], True, True)
    assert reads == []  # none goes on

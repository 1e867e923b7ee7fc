"""Home: how the workspace is set up, its status, sessions and past orders."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from bot.messages import home as text
from bot.messages.settings import TITLES
from bot.sim.slack import ApiCall, Message, Slow, User, View
from harness import BOTH_TRANSPORTS, OTHER_SESSION, SESSION, ManyHarness, Tenant, paused, single_workspace
from harness import texts as say
from harness.order_rows import OrdersOf, order_row, told
from harness.product import Secret, outcomes, permissions, workspace
from harness.texts import REFRESH, is_about, who_can

NAMES = ("set_key", "change_policy", "alerts_channel", "alerts_token")


def controls(view: View | None) -> list[str]:
    return [name for name in NAMES if view and view.find(f"anchor_{name}")]


def footer(of: workspace.Workspace, role: permissions.Role) -> str:
    """The last line of Home, which tells people whether they can change it, and why not."""
    return str(text.home_view(text.Home(of, role, "")).blocks[-1]["elements"][0]["text"])


@BOTH_TRANSPORTS
async def test_everybody_sees_how_the_workspace_is_set_up_and_admins_get_the_controls(at: ManyHarness) -> None:
    team = await Tenant.open(at)
    assert controls(await team.open_home(team.member)) == []
    for user in (team.admin, team.second):
        assert controls(await team.open_home(user)) == [*NAMES]
    rows = at.store.rows
    value, check = Secret("sk-of-tenant-1-and-its-end-9876"), workspace.KeyCheck.VERIFIED
    at.anchor.add_key(value.reveal())
    await rows.set_key(team.team_id, workspace.AnchorKey(value, check, team.second.id, 1_785_000_000))
    rule = permissions.Rule(frozenset({team.admin.id, team.member.id}), frozenset({team.channel.id}))
    await rows.set_policy(team.team_id, permissions.Policy(pause=rule), if_version=(await team.stored()).policy_version)
    await rows.set_alerts_channel(team.team_id, team.channel.id)
    home = await team.open_home(team.member)
    shown = ("`9876`", f"<@{team.second.id}>", "<!date^1785000000^", who_can("pause", rule), f"<#{team.channel.id}>")
    assert [text for text in shown if text not in home.text] == []
    assert "sk-of-tenant" not in str(home)
    assert controls(home) == []
    assert controls(await team.open_home()) == [*NAMES]


async def test_the_home_of_a_single_workspace_shows_its_settings_without_controls() -> None:
    async with single_workspace(PAUSE_USERS="U0ALICE0001", ALLOWED_CHANNELS="C0ALERTS001, C0INCIDENT1") as at:
        await at.slack.open_home(at.person, tab="messages")
        assert at.calls("views.publish") == 0
        await at.slack.open_home(at.person)
        await at.slack.until(lambda: at.slack.home_of(at.person))
        home = at.slack.home_of(at.person)
    assert home is not None
    channels = frozenset({"C0ALERTS001", "C0INCIDENT1"})
    assert who_can("pause", permissions.Rule(frozenset({"U0ALICE0001"}), channels)) in home.text
    assert who_can("resume", permissions.Rule(channels=channels)) in home.text
    assert footer(workspace.Workspace("", Secret(""), None, permissions.EVERYBODY), permissions.Role.ADMIN) in home.text
    assert controls(home) == []


BUTTON = "anchor_history"
REASONS = tuple(f"reason {number}" for number in range(4))


async def leave(team: Tenant, user: User, outcome: outcomes.Outcome = outcomes.Paused(), **more: Any) -> None:  # noqa: B008 - it does not change
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
async def test_an_admin_sees_the_last_thirty_days(team: Tenant) -> None:
    other = await Tenant.open(team.at, 2, with_key=True)
    await leave(other, other.admin, reason=REASONS[3])
    await leave(team, team.admin, reason=REASONS[0], age=31 * 86_400)
    await leave(team, team.member, outcomes.Unconfirmed(outcomes.Doubt.NO_ANSWER), reason=REASONS[1], age=29 * 86_400)
    await leave(team, team.admin, outcomes.NotFound(), reason=REASONS[2], session=OTHER_SESSION, age=30)
    assert [bool((await team.open_home(user)).find(BUTTON)) for user in (team.member, team.admin)] == [False, True]
    modal = await team.open_modal(BUTTON)
    assert (modal.title, shown(modal)) == (TITLES["anchor_history"], [REASONS[2], REASONS[1]])
    assert (modal.text.count(f"<#{team.channel.id}>"), f"<@{team.member.id}>" in modal.text) == (2, True)


async def test_somebody_who_is_no_admin_any_more_sees_no_history_and_no_settings(team: Tenant) -> None:
    await leave(team, team.admin, reason=REASONS[0])
    await team.open_home()
    team.workspace.change_user(team.admin, is_admin=False)
    for button in (BUTTON, "anchor_change_policy"):
        modal = await team.open_modal(button)
        assert say.not_admin() in modal.text
        assert shown(modal) == []


async def test_the_modal_says_why_it_shows_no_orders(team: Tenant) -> None:
    await leave(team, team.admin, reason=REASONS[0])
    await team.open_home()
    await team.at.execute("ALTER TABLE orders RENAME TO lost")
    modal = await team.open_modal(BUTTON)
    unreadable = text.history_modal(None).blocks[-1]["text"]["text"]
    assert (shown(modal), unreadable in modal.text) == ([], True)


def buttons(shown: Message | View | None) -> list[tuple[str, str]]:
    """The buttons of sessions, from the top: their action and the beginning of their value."""
    assert shown is not None
    blocks: list[Any] = [*shown.blocks]
    found = [one for block in blocks for one in (*block.get("elements", ()), block.get("accessory", {}))]
    own = [one for one in found if one.get("action_id") in {"anchor_pause", "anchor_resume_confirmed"}]
    return [(one["action_id"], one["value"][:36]) for one in own]


PAUSE, RESUME = ("anchor_pause", SESSION), ("anchor_resume_confirmed", SESSION)


# --- Home ---


@BOTH_TRANSPORTS
async def test_home_shows_the_sessions_and_a_click_pauses_one() -> None:
    async with single_workspace() as at:
        view = await at.open_home()
        assert buttons(view) == [PAUSE]
        await at.slack.act(at.person, view, "anchor_pause")
        await at.slack.until(lambda: buttons(at.slack.home_of(at.person)) == [RESUME, PAUSE])
        shown = at.slack.home_of(at.person)
        assert shown is not None
        assert paused().splitlines()[0] in shown.text
        (told,) = await at.wait_for_direct_messages()
        assert is_about(told, paused())
        await at.slack.act(at.person, shown, REFRESH)
        await at.slack.until(lambda: (now := at.slack.home_of(at.person)) and now.hash != shown.hash)


def publications(at: ManyHarness) -> list[ApiCall]:
    return [call for call in at.slack.api_calls if call.method == "views.publish"]


async def test_home_and_its_event_do_not_wait_for_slow_answers(at: ManyHarness) -> None:
    team = await Tenant.open(at, with_key=True)
    at.slack.faults["users.info"] = Slow(2.5, times=1)
    opened = await at.slack.open_home(team.admin)
    assert (opened.answer.status, publications(at)) == (200, [])
    await at.slack.until(team.home_text)
    assert controls(await team.open_home()) != []

"""The window in which people choose sessions and pause them: what is checked is what is paused."""

import asyncio
import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.core.commands import Choice
from bot.messages import batches
from bot.messages.settings import ONE_MOMENT
from bot.sim.anchor import SessionState, rate_limited
from bot.sim.slack import Answered, Channel, User, View
from harness import BOTH_TRANSPORTS, Conversation, ManyHarness, SingleHarness, Tenant, another_bot, single_workspace
from harness.bots import modal_text
from harness.conversation import post_json
from harness.product import outcomes, permissions
from harness.product import sessions as lists
from harness.stored import until_read_again
from harness.texts import OTHER_SESSION, SESSION, is_about, list_refused, paused

BUTTON = "anchor_pause_several"


def add(at: Conversation, count: int, **details: Any) -> list[str]:
    """Add sessions, each a second older than the one before, and all older than a minute."""
    now = datetime.fromtimestamp(time.time(), UTC) - timedelta(minutes=1)
    return [at.anchor.add_session(created_at=now - timedelta(seconds=one), **details) for one in range(count)]


async def shown(at: Conversation) -> View:
    """The window, when it has been filled."""
    await at.slack.until(lambda: (now := at.slack.modal_of(at.person)) and ONE_MOMENT.text not in now.text)
    return at.modal()


async def window(at: Conversation, words: str = "") -> View:
    await at.command(f"all {words}")
    return await shown(at)


def offered(view: View, what: str = "options") -> list[str]:
    """The sessions with a box."""
    found = [block["element"] for block in blocks(view) if block.get("block_id", "").startswith("sessions_")]
    return [one["value"] for element in found for one in element.get(what, ())]


def checked(view: View) -> list[str]:
    return offered(view, "initial_options")


def boxes(*sessions: str) -> dict[str, list[str]]:
    """The inputs with these sessions checked, of up to ten."""
    return {"sessions_0": [*sessions]}


def blocks(view: View) -> list[Any]:
    return [*view.blocks]


async def sent(at: Conversation, count: int) -> list[str]:
    """Wait until so many sessions were paused at Anchor, and then some time for more. Return them."""
    await at.anchor.until(lambda: len(at.anchor.orders) >= count)
    await asyncio.sleep(1.0)
    return sorted(one.session_id or "" for one in at.anchor.orders)


async def forged(
    at: Conversation, view: View, *sessions: str, team: str = "", state: str = "", **fields: Any
) -> Answered:
    """Submit what the client of a person cannot send; `fields` are those of the payload."""
    chosen = {"type": "checkboxes", "selected_options": [{"value": one} for one in sessions or offered(view)]}
    there = {"id": view.id, "callback_id": BUTTON, "app_installed_team_id": team or at.workspace.team_id}
    values = {"sessions_0": {"sessions_0": chosen}, "reason": {"reason": {"value": "they loop" * 1_000}}}
    changed = there | {"private_metadata": state or view.private_metadata, "state": {"values": values}}
    user = {"id": at.person.id, "team_id": at.workspace.team_id}
    payload = {"type": "view_submission", "user": user, "view": changed} | fields
    return await at.deliver("interactive", payload, takes_answer=True)


# --- to the window ---


@BOTH_TRANSPORTS
async def test_all_that_runs_is_checked_and_what_the_window_shows_is_paused() -> None:
    async with single_workspace() as at:
        sessions = [SESSION, *add(at, 36, is_task=False)]
        await at.command("")  # this list is read only once
        view = await window(at)
        assert (offered(view), checked(view), "37 agents" in view.text) == (sessions, sessions, True)
        assert at.anchor.orders == []
        late = at.anchor.add_session()
        await asyncio.sleep(6.0)  # until a search would find it
        began = time.monotonic()
        await at.slack.submit(at.person, view, {"reason": "they loop"})
        assert at.slack.modal_of(at.person) is None
        assert time.monotonic() - began < 2.0
        assert await sent(at, 37) == sorted(sessions)
        assert at.anchor.session(late).state is SessionState.RUNNING
        (result,) = await at.wait_for_messages(1)
        await at.slack.until(lambda: "may go on in 36 " in at.current(result).text)
        assert "they loop" in at.current(result).text


@pytest.mark.parametrize("words", ["", "checkout"])
async def test_the_window_says_what_is_paused_and_pauses_it_again(words: str) -> None:
    async with single_workspace() as at:
        sessions = add(at, 5, tags=["checkout"])
        for session in sessions[1:]:
            await at.command(session)
        await asyncio.sleep(1.0)
        del at.anchor.requests[:]
        view, count = await window(at, words), 5 if words else 6
        numbers = [int(one) for one in re.findall(r"\d+", view.text.splitlines()[1])]
        assert (numbers, len(checked(view))) == ([count], count)
        options = [one for block in blocks(view) for one in block.get("element", {}).get("options", ())]
        paused = [one["value"] for one in options if f"<@{at.person.id}>" in str(one.get("description"))]
        assert sorted(paused) == sorted(sessions[1:])
        await at.slack.submit(at.person, view)
        assert await sent(at, count) == sorted([*sessions, *([] if words else [SESSION])])


@pytest.mark.parametrize("may", [True, False])
async def test_a_command_with_several_ids_opens_the_window_with_them(*, may: bool) -> None:
    async with single_workspace(PAUSE_SEVERAL_USERS="" if may else "U0BOB000001") as at:
        sessions = add(at, 4)
        await at.command(f"{sessions[2]} {sessions[0]}, too fast")
        if not may:
            named = outcomes.Refusal(outcomes.Why.NOT_NAMED_FOR_SEVERAL, ids=frozenset({"U0BOB000001"}))
            assert (await at.wait_for_ephemeral()).text == list_refused(named)
            assert at.anchor.orders == []
            return
        view = await shown(at)
        assert (checked(view), at.anchor.orders) == ([sessions[0], sessions[2]], [])
        await at.slack.submit(at.person, view)
        assert await sent(at, 2) == sorted([sessions[0], sessions[2]])


async def test_a_summary_of_alerts_offers_its_sessions() -> None:
    token = "s3cret-of-the-monitor-32-characters"
    async with single_workspace(ALERTS_TOKEN=token, ALERTS_CHANNEL="C0ALERTS001") as at:
        long_ago = datetime.fromtimestamp(time.time(), UTC) - timedelta(hours=2)
        sessions = [at.anchor.add_session(created_at=long_ago) for _ in range(12)]
        add(at, 260)  # a list has the newest 250

        async def alert(session: str) -> None:
            headers = {"Authorization": f"Bearer {token}"}
            await post_json(f"{at.bot.url}/alerts", {"session_id": session, "text": "It spends."}, headers=headers)

        await asyncio.gather(*map(alert, sessions))
        await at.slack.until(lambda: any(BUTTON in str(one.blocks) for one in at.messages()), within=60)
        summary = next(one for one in at.messages() if BUTTON in str(one.blocks))
        rows = [one for one in sessions if one in str(summary.blocks)]
        await at.slack.click(at.person, summary, BUTTON)
        view = await shown(at)
        assert (sorted(offered(view)), batches.UNLISTED in view.text) == (sorted(rows), True)
        await at.slack.submit(at.person, view)
        assert await sent(at, len(rows)) == sorted(rows)


async def test_people_who_may_not_see_no_window() -> None:
    async with single_workspace(PAUSE_SEVERAL_USERS="U0BOB000001", ALLOWED_CHANNELS="C0ALERTS001") as at:
        await at.command("all")
        named = outcomes.Refusal(outcomes.Why.NOT_NAMED_FOR_SEVERAL, ids=frozenset({"U0BOB000001"}))
        assert (await at.wait_for_ephemeral()).text == list_refused(named)
        await at.command("all", user=at.slack.guest)
        guest = await at.wait_for_ephemeral(at.slack.guest)
        assert guest.text == list_refused(outcomes.Refusal(outcomes.Why.NOT_MEMBER))
        await at.command("all", user=at.slack.bob, channel=at.slack.private)
        await at.slack.until(lambda: at.ephemerals(at.slack.bob, at.slack.private))
        (told,) = at.ephemerals(at.slack.bob, at.slack.private)
        assert told.text == list_refused(outcomes.Refusal(outcomes.Why.NOT_HERE, ids=frozenset({"C0ALERTS001"})))
        await at.command("all", user=at.slack.carol, team_id="T0PARTNER01")
        assert (await at.wait_for_ephemeral(at.slack.carol)).text == list_refused(
            outcomes.Refusal(outcomes.Why.WRONG_WORKSPACE)
        )
        assert (at.calls("views.open"), at.anchor.requests) == (0, [])
        await at.command("all", user=at.slack.bob)
        await at.slack.until(lambda: at.slack.modal_of(at.slack.bob))
        await at.command(SESSION)  # one of them alone
        assert await sent(at, 1) == [SESSION]


async def test_without_a_key_and_with_none_running_there_is_nothing_to_pause(at: ManyHarness) -> None:
    team = await Tenant.open(at)
    await team.command("all")
    assert (await team.wait_for_ephemeral()).text == list_refused(outcomes.Refusal(outcomes.Why.NO_KEY))
    tenant = await at.set_up(at.add(2))
    tenant.anchor.session(tenant.session).state = SessionState.ENDED
    view = await window(tenant)
    none = batches.none_runs(lists.SessionList((), is_complete=True, read_at=0.0), Choice())
    assert (view.submit, none.text in view.text) == (None, True)


# --- the order ---


@BOTH_TRANSPORTS
async def test_a_window_pauses_what_is_checked_at_another_process_and_reads_nothing(at: ManyHarness) -> None:
    tenant = await at.set_up(at.add(1))
    sessions = [tenant.session, *add(tenant, 49, key=tenant.key)]
    view = await window(tenant)
    add(tenant, 5, key=tenant.key)
    async with another_bot(at) as url:
        tenant.slack.request_url = url
        tenant.anchor.read_fault = rate_limited()
        await tenant.slack.submit(tenant.person, view)
        assert await sent(tenant, 50) == sorted(sessions)


SECOND = frozenset({"U0SECOND001"})


@BOTH_TRANSPORTS
@pytest.mark.parametrize(
    "rules",
    [
        permissions.Policy(pause_several=SECOND),
        permissions.Policy(pause=permissions.Rule(SECOND)),
        permissions.Policy(pause=permissions.Rule(channels=frozenset({"C0OTHER0001"}))),
    ],
    ids=["many", "pause", "channels"],
)
async def test_the_rules_are_checked_again_at_the_submit(at: ManyHarness, rules: permissions.Policy) -> None:
    team = await Tenant.open(at, with_key=True)
    add(team, 1, key=team.key)
    view = await window(team)
    version = (await team.stored()).policy_version
    assert await at.store.rows.set_policy(team.team_id, rules, if_version=version)
    await until_read_again()
    await team.slack.submit(team.person, view)
    await asyncio.sleep(1.0)
    assert (team.modal().submit, team.anchor.orders) == (None, [])
    assert "*Nothing was paused.*" in team.modal().text


# --- bad input ---


async def test_a_view_that_was_changed_or_is_of_somebody_else_is_refused(at: ManyHarness) -> None:
    first, other = await Tenant.open(at, with_key=True), await Tenant.open(at, 2, with_key=True)
    add(first, 2, key=first.key)
    view, foreign = await window(first), await window(other)
    cut = view.private_metadata[:-8] + view.private_metadata[-8:][::-1]
    for answer in (
        await forged(first, view, state=cut),
        await forged(first, view, state=foreign.private_metadata),
        await forged(first, view, user={"id": first.second.id, "team_id": first.team_id}),
        await forged(first, view, state="0193"),
        await forged(first, view, team=other.team_id),
    ):
        assert modal_text(answer) == batches.OUT_OF_DATE.text
    assert first.anchor.orders == []
    await forged(first, view, *offered(view), "x", *offered(view))
    assert len(await sent(first, 3)) == 3
    rows = await at.store.database.fetch_all("SELECT reason FROM orders")
    assert [len(row.reason) for row in rows] == [300] * 3


async def test_nobody_checked_is_told_at_the_field_and_a_submission_that_slack_sends_twice_is_one() -> None:
    async with single_workspace() as at:
        others = add(at, 2)
        view = await window(at)
        await at.slack.submit(at.person, view, boxes())
        assert (at.modal().errors, at.anchor.orders) == ({"sessions_0": batches.NOBODY_CHOSEN.text}, [])
        for trigger_id in ("1.2.a", "1.2.a", "1.2.b"):  # Slack sends one again, and the person presses once more
            await forged(at, view, SESSION, trigger_id=trigger_id)
            await forged(at, view, *others, trigger_id=f"{trigger_id}.2")
        assert await sent(at, 6) == sorted([SESSION, *others] * 2)


# --- the shortcuts ---

TEXT = f"Scraper spends: {SESSION}\nBuyer loops: {OTHER_SESSION}"


async def use(at: SingleHarness, text: str, *, by: User | None = None, channel: Channel | None = None) -> str:
    """Use the shortcut on a message, and return its ts."""
    message = at.slack.post(channel or at.channel, text, user=at.slack.bob)
    await at.slack.use_shortcut(by or at.person, message)
    return message.ts


@BOTH_TRANSPORTS
async def test_a_message_with_several_ids_opens_the_window_with_them() -> None:
    async with single_workspace() as at:
        at.anchor.add_session(session_id=OTHER_SESSION)
        add(at, 1)
        await use(at, TEXT)
        view = await shown(at)
        assert sorted(checked(view)) == sorted([SESSION, OTHER_SESSION])
        assert at.anchor.orders == []
        await at.slack.submit(at.person, view)
        assert await sent(at, 2) == sorted([SESSION, OTHER_SESSION])
        assert all(one in str(at.messages()[-1].text) for one in (f"`{SESSION[:8]}`", f"`{OTHER_SESSION[:8]}`"))


@BOTH_TRANSPORTS
async def test_a_message_without_an_id_opens_it_unchecked_and_one_result_goes_to_its_thread() -> None:
    async with single_workspace(PAUSE_SEVERAL_USERS="U0BOB000001") as at:
        at.anchor.add_session(session_id=OTHER_SESSION)
        ts = await use(at, "The agent loops")
        view = await shown(at)
        assert (sorted(offered(view)), checked(view)) == (sorted([SESSION, OTHER_SESSION]), [])
        await at.slack.submit(at.person, view, boxes(SESSION, OTHER_SESSION))
        assert (at.modal().submit, at.anchor.orders) == (None, []), "this person can pause one at a time"
        await at.slack.close(at.person)
        await use(at, "The agent loops")
        await at.slack.submit(at.person, await shown(at), boxes(OTHER_SESSION))
        posted = (await at.wait_for_messages(3))[-1]
        assert (posted.text.partition(", from <")[0], at.slack.modal_of(at.person)) == (
            paused(session=OTHER_SESSION),
            None,
        )
    assert (posted.thread_ts == at.messages()[1].ts, ts == at.messages()[0].ts) == (True, True)


@BOTH_TRANSPORTS
@pytest.mark.parametrize("channel", ["", "C0ALERTS001"])
async def test_the_global_shortcut_opens_it_unchecked_and_results_come_as_direct_messages(channel: str) -> None:
    token = "token-of-alerts-0123456789abcdef"
    alerts: dict[str, Any] = {"ALERTS_TOKEN": token, "ALERTS_CHANNEL": channel} if channel else {}
    async with single_workspace(**alerts) as at:
        (other,) = add(at, 1)
        for chosen in ([SESSION], [SESSION, other]):
            await at.slack.use_global_shortcut(at.person)
            view = await shown(at)
            assert (offered(view), checked(view)) == ([SESSION, other], [])
            await at.slack.submit(at.person, view, boxes(*chosen))
            assert at.slack.modal_of(at.person) is None
        (first, both) = await at.wait_for_direct_messages(2)
        assert is_about(first, paused())
        assert await sent(at, 3) == sorted([SESSION, SESSION, other])
        assert "2 agents" in both
        posted = await at.wait_for_messages(2) if channel else at.messages()
        assert sorted("2 agents" in one.text for one in posted) == ([False, True] if channel else [])

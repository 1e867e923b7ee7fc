"""The window in which people pause several sessions at once: what it shows is what is paused."""

import asyncio
import re
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import AsyncMock

import pytest

from bot.messages import pausing
from bot.sim.anchor import Answer, Fault, SessionState, Slow, rate_limited, unauthorized
from bot.sim.slack import Answered, View
from harness import (
    BOTH_TRANSPORTS,
    OTHER_SESSION,
    SESSION,
    AdminHarness,
    Conversation,
    ManyHarness,
    another_bot,
    single_workspace,
)
from harness.administration import modal_text
from harness.conversation import post_json
from harness.product import errors, outcomes, policy
from harness.product import sessions as lists
from harness.stored import until_read_again
from harness.texts import REFRESH, incident_text, list_refused, not_read

pytestmark = pytest.mark.anyio

BUTTON = "anchor_pause_several"
AGED = 601.0  # seconds
AWAY = AsyncMock(side_effect=errors.StoreError("away"))


def add(at: Conversation, count: int, **details: Any) -> list[str]:
    """Add sessions, each a second older than the one before, and all older than a minute."""
    now = datetime.fromtimestamp(time.time(), UTC) - timedelta(minutes=1)
    return [at.anchor.add_session(created_at=now - timedelta(seconds=one), **details) for one in range(count)]


async def shown(at: Conversation) -> View:
    """The window, when it has been filled."""
    await at.slack.until(lambda: (now := at.slack.modal_of(at.person)) and pausing.READING_SEVERAL not in now.text)
    return at.modal()


async def window(at: Conversation, words: str = "") -> View:
    await at.command(f"all {words}")
    return await shown(at)


def offered(view: View) -> list[str]:
    """The sessions that can be left out."""
    (options,) = [block["element"]["options"] for block in blocks(view) if block["block_id"] == pausing.LEFT_OUT]
    return [one["value"] for one in options]


def blocks(view: View) -> list[Any]:
    return [*view.blocks]


async def sent(at: Conversation, count: int) -> list[str]:
    """Wait until so many sessions were paused at Anchor, and then some time for more. Return them."""
    await at.anchor.until(lambda: len(at.anchor.orders) >= count)
    await asyncio.sleep(1.0)
    return sorted(one.session_id or "" for one in at.anchor.orders)


async def forged(
    at: Conversation, view: View, *, team: str = "", state: str = "", leave: Sequence[str] = (), **fields: Any
) -> Answered:
    """Submit what the client of a person cannot send; `fields` are those of the payload."""
    chosen = {"type": "multi_static_select", "selected_options": [{"value": one} for one in leave]}
    there = {"id": view.id, "callback_id": BUTTON, "app_installed_team_id": team or at.workspace.team_id}
    values = {pausing.LEFT_OUT: {"x": chosen}, "reason": {"reason": {"value": "they loop" * 1_000}}}
    changed = there | {"private_metadata": state or view.private_metadata, "state": {"values": values}}
    user = {"id": at.person.id, "team_id": at.workspace.team_id}
    payload = {"type": "view_submission", "user": user, "view": changed} | fields
    return await at.deliver("interactive", payload, takes_answer=True)


# --- to the window ---


@BOTH_TRANSPORTS
async def test_the_button_names_the_number_and_pauses_what_the_window_shows() -> None:
    async with single_workspace() as at:
        sessions = [SESSION, *add(at, 36, is_task=False)]
        await at.command("")  # this list is read only once
        await asyncio.sleep(2.0)
        begun = at.anchor.add_session(created_at=datetime.fromtimestamp(time.time(), UTC))
        await asyncio.sleep(2.0)
        view = await window(at)
        assert (view.submit, offered(view)) == ("Pause 37 agents", sessions)
        assert [one for one in sessions if f"`{one[:8]}`" in view.text] == sessions[:20]
        assert at.anchor.orders == []
        late = at.anchor.add_session()
        await asyncio.sleep(6.0)  # until a search would find it
        began = time.monotonic()
        await at.slack.submit(at.person, view, {"reason": "they loop"})
        assert at.slack.modal_of(at.person) is None
        assert time.monotonic() - began < 2.0
        assert await sent(at, 37) == sorted(sessions)
        assert at.anchor.session(late).state is SessionState.RUNNING
        texts = [one.text for one in await at.wait_for_messages(2)]
        assert (sum("they loop" in one for one in texts), sum(begun in one for one in texts)) == (1, 1)
        assert any("may go on in 36 " in one for one in texts)


@pytest.mark.parametrize("name", [{"tags": ["All"]}, {"domains": ["all"]}, {"key_name": "all"}])
async def test_words_choose_and_what_is_called_all_can_be_searched_for(name: dict[str, Any]) -> None:
    async with single_workspace() as at:
        first, second = add(at, 2, tags=["checkout", "prod"])
        (called,) = add(at, 1, **name)
        view = await window(at, "PROD check")
        assert (offered(view), view.find(BUTTON)) == ([first, second], None)
        await at.slack.close(at.person)
        whole = await window(at)
        assert len(offered(whole)) == 4
        await at.slack.act(at.person, whole, BUTTON)
        await at.slack.until(lambda: at.modal().submit == "Pause 1 agent")
        assert at.modal().previous_view_id == whole.id
        assert f"`{called[:8]}`" in at.modal().text
        assert at.anchor.orders == []
        await at.slack.submit(at.person, at.modal())
        assert at.slack.modals_of(at.person) == (), "none is left below that offers all"
        assert await sent(at, 1) == [called]


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
        assert (numbers, view.submit) == ([count, 4], f"Pause {count} agents")
        lines = [line for line in view.text.splitlines() if f"<@{at.person.id}>" in line]
        assert sorted(line for line in lines if any(f"`{one[:8]}`" in line for one in sessions[1:])) == sorted(lines)
        assert len(lines) == 4
        await at.slack.submit(at.person, view)
        assert await sent(at, count) == sorted([*sessions, *([] if words else [SESSION])])


@pytest.mark.parametrize("more", [0, 1])
async def test_a_command_with_very_many_ids_lists_the_first_ones(more: int) -> None:
    async with single_workspace() as at:
        sessions = add(at, lists.MOST_NAMED + more)
        await at.command(" ".join(sessions))
        if more:
            listed = await at.wait_for_ephemeral()
            assert (listed.text[0], f"`{sessions[0][:8]}`" in listed.text, at.anchor.orders) == ("❔", True, [])
        else:
            assert (await shown(at)).submit == f"Pause {len(sessions)} agents"


@pytest.mark.parametrize("may", [True, False])
async def test_a_command_with_several_ids_opens_the_window_with_them(*, may: bool) -> None:
    async with single_workspace(PAUSE_MANY_USERS="" if may else "U0BOB000001") as at:
        sessions = add(at, 4)
        await at.command(f"{sessions[2]} {sessions[0]}, too fast")
        if not may:
            named = policy.NotNamed(frozenset({"U0BOB000001"}), many=True)
            assert (await at.wait_for_ephemeral()).text == list_refused(named)
            assert at.anchor.orders == []
            return
        view = await shown(at)
        assert (view.submit, offered(view), at.anchor.orders) == ("Pause 2 agents", [sessions[0], sessions[2]], [])
        await at.slack.submit(at.person, view)
        assert await sent(at, 2) == sorted([sessions[0], sessions[2]])


async def test_lists_of_more_than_one_session_have_the_button() -> None:
    async with single_workspace() as at:
        sessions = [SESSION, *add(at, 2, tags=["checkout"])]
        await at.command("")
        await at.slack.click(at.person, at.ephemerals()[-1], BUTTON)
        assert offered(await shown(at)) == sessions
        await at.slack.close(at.person)
        await at.command("checkout")
        await at.slack.click(at.person, at.ephemerals()[-1], BUTTON)
        assert offered(await shown(at)) == sessions[1:]
        await at.slack.close(at.person)
        home = await at.open_home()
        await at.slack.act(at.person, home, BUTTON)
        assert offered(await shown(at)) == sessions
        await at.slack.close(at.person)
        await at.slack.use_global_shortcut(at.person)
        await at.slack.until(lambda: (now := at.slack.modal_of(at.person)) and now.find(BUTTON))
        below = at.modal()
        await at.slack.act(at.person, below, BUTTON)
        await at.slack.until(lambda: at.modal().id != below.id)
        assert offered(await shown(at)) == sessions
        for session in sessions[1:]:
            at.anchor.session(session).state = SessionState.ENDED
        await asyncio.sleep(6.0)
        await at.command("")
        assert BUTTON not in str(at.ephemerals()[-1].blocks)


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
        assert (sorted(offered(view)), pausing.UNLISTED in view.text) == (sorted(rows), True)
        await at.slack.submit(at.person, view)
        assert await sent(at, len(rows)) == sorted(rows)


@BOTH_TRANSPORTS
async def test_a_placeholder_opens_if_anchor_is_slow() -> None:
    async with single_workspace() as at:
        at.anchor.read_fault = Slow(4.0)
        began = time.monotonic()
        await at.command("all")
        await at.slack.until(lambda: at.slack.modal_of(at.person))
        assert time.monotonic() - began < 3.0
        assert (at.modal().submit, pausing.READING_SEVERAL in at.modal().text) == (None, True)
        assert (await shown(at)).submit == "Pause 1 agent"


async def test_a_long_list_shows_the_newest_and_how_many_are_left() -> None:
    async with single_workspace() as at:
        sessions = [SESSION, *add(at, 299)]
        view = await window(at)
        assert [number for number in ("300 ", "250:", " 50 ") if number not in view.text] == []
        assert (view.submit, offered(view)) == ("Pause 250 agents", sessions[:100])
        await at.slack.submit(at.person, view, {pausing.LEFT_OUT: [SESSION]})
        assert await sent(at, 249) == sorted(sessions[1:250])


async def test_people_who_may_not_see_no_window() -> None:
    async with single_workspace(PAUSE_MANY_USERS="U0BOB000001", ALLOWED_CHANNELS="C0ALERTS001") as at:
        await at.command("all")
        named = policy.NotNamed(frozenset({"U0BOB000001"}), many=True)
        assert (await at.wait_for_ephemeral()).text == list_refused(named)
        await at.command("all", user=at.slack.guest)
        guest = await at.wait_for_ephemeral(at.slack.guest)
        assert guest.text == list_refused(policy.NotAMember(policy.Role.GUEST))
        await at.command("all", user=at.slack.bob, channel=at.slack.private)
        await at.slack.until(lambda: at.ephemerals(at.slack.bob, at.slack.private))
        (told,) = at.ephemerals(at.slack.bob, at.slack.private)
        assert told.text == list_refused(policy.NotHere(frozenset({"C0ALERTS001"})))
        await at.command("all", user=at.slack.carol, team_id="T0PARTNER01")
        assert (await at.wait_for_ephemeral(at.slack.carol)).text == list_refused(outcomes.WrongWorkspace())
        assert (at.calls("views.open"), at.anchor.requests) == (0, [])
        await at.command("all", user=at.slack.bob)
        await at.slack.until(lambda: at.slack.modal_of(at.slack.bob))
        await at.command(SESSION)  # one of them alone
        assert await sent(at, 1) == [SESSION]


@pytest.mark.parametrize(
    ("fault", "why", "status"),
    [
        (unauthorized(), lists.Unread.KEY_REJECTED, 401),
        (rate_limited(), lists.Unread.RATE_LIMITED, 429),
        (Answer(200, b"{}"), lists.Unread.UNREADABLE, 200),
    ],
)
async def test_an_unreadable_list_has_its_own_sentence(fault: Fault, why: lists.Unread, status: int) -> None:
    async with single_workspace() as at:
        at.anchor.read_fault = fault
        view = await window(at)
        assert (view.submit, not_read(why, status, ordered="all") in view.text) == (None, True)


async def test_an_exception_is_told_in_the_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.usecases.sessions.SessionReads.running", AsyncMock(side_effect=ZeroDivisionError))
    async with single_workspace() as at:
        assert incident_text("x").splitlines()[1] in (await window(at)).text


async def test_without_a_key_and_with_none_running_there_is_nothing_to_pause(at: ManyHarness) -> None:
    team = await AdminHarness.open(at)
    await team.command("all")
    assert (await team.wait_for_ephemeral()).text == list_refused(outcomes.NoKey(can_set=True))
    tenant = await at.set_up(at.add(2))
    tenant.anchor.session(tenant.session).state = SessionState.ENDED
    view = await window(tenant)
    none = pausing.none_runs_text(lists.SessionList((), is_complete=True, read_at=0.0), lists.Choice())
    assert (view.submit, none in view.text) == (None, True)


# --- the order ---


async def test_a_long_list_is_kept_in_the_store_and_not_searched_again(at: ManyHarness) -> None:
    tenant = await at.set_up(at.add(1))
    sessions = [tenant.session, *add(tenant, 149, key=tenant.key)]
    view = await window(tenant)
    assert (view.submit, len(view.private_metadata) < 1_000) == ("Pause 150 agents", True)
    add(tenant, 5, key=tenant.key)
    async with another_bot(at) as url:
        tenant.slack.request_url = url
        tenant.anchor.read_fault = rate_limited()
        await tenant.slack.submit(tenant.person, view)
        assert await sent(tenant, 150) == sorted(sessions)


async def test_without_the_store_the_newest_hundred_are_shown_and_paused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.outbound.store.marks.ShownSessions.keep", AWAY)
    async with single_workspace() as at:
        sessions = [SESSION, *add(at, 149)]
        view = await window(at, "")
        assert (view.submit, offered(view)) == ("Pause 100 agents", sessions[:100])
        assert [number for number in ("150 ", "100:", " 50 ") if number not in view.text] == []
        assert len(view.private_metadata) <= 3_000
        await at.slack.submit(at.person, view)
        assert await sent(at, 100) == sorted(sessions[:100])


async def test_a_window_whose_list_is_lost_pauses_nothing_and_shows_it_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async with single_workspace() as at:
        add(at, 149)
        view = await window(at)
        monkeypatch.setattr("bot.outbound.store.marks.ShownSessions.find", AWAY)
        await at.slack.submit(at.person, view)
        await at.slack.until(lambda: at.modal().hash != view.hash)
        assert (at.modal().submit, at.anchor.orders) == ("Pause 150 agents", [])


SECOND = frozenset({"U0SECOND001"})


@BOTH_TRANSPORTS
@pytest.mark.parametrize(
    "rules",
    [
        policy.Policy(pause_many=SECOND),
        policy.Policy(pause=policy.Rule(SECOND)),
        policy.Policy(pause=policy.Rule(channels=frozenset({"C0OTHER0001"}))),
    ],
    ids=["many", "pause", "channels"],
)
async def test_the_rules_are_checked_again_at_the_submit(at: ManyHarness, rules: policy.Policy) -> None:
    team = await AdminHarness.open(at, with_key=True)
    view = await window(team)
    version = await at.policy_version(team.team_id)
    assert await at.store.rows.set_policy(team.team_id, rules, if_version=version)
    await until_read_again()
    await team.slack.submit(team.person, view)
    await asyncio.sleep(1.0)
    assert (team.modal().submit, team.anchor.orders) == (None, [])
    assert "*Nothing was paused.*" in team.modal().text


async def test_home_is_in_no_channel_so_the_rule_for_channels_refuses_it() -> None:
    async with single_workspace(ALLOWED_CHANNELS="C0ALERTS001") as at:
        add(at, 2)
        home = await at.open_home()
        assert home.find(BUTTON) is None
        action = {"action_id": BUTTON, "block_id": "b", "type": "button", "value": "words "}
        await at.slack.act(at.person, home, REFRESH, actions=[action | {"action_ts": f"{at.slack.clock.now():.6f}"}])
        refused = list_refused(policy.NotHere(frozenset({"C0ALERTS001"})))
        assert (await at.wait_for_direct_messages(), at.calls("views.open")) == ([refused], 0)


# --- an old window ---


@BOTH_TRANSPORTS
async def test_an_old_window_first_shows_what_has_changed() -> None:
    async with single_workspace() as at:
        first, second, third = add(at, 3)
        for verb in ("pause", "resume"):
            await at.command(first, verb=verb)
        await asyncio.sleep(5.0)
        view = await window(at)
        await at.command(second)
        await at.command(second, verb="resume")
        at.anchor.session(third).state = SessionState.ENDED
        new = at.anchor.add_session(created_at=datetime.fromtimestamp(time.time(), UTC))
        await asyncio.sleep(AGED)
        before = list(at.anchor.orders)
        await at.slack.submit(at.person, view, {pausing.LEFT_OUT: [SESSION]})
        again = at.modal()
        assert (at.anchor.orders, again.submit) == (before, "Pause 3 agents")
        assert sorted(offered(again)) == sorted([new, SESSION, first, second])
        changes = [f"*Began*: `{new[:8]}`.", f"*Ended*: `{third[:8]}`.", f"*Resumed*: `{second[:8]}`."]
        assert [line for line in again.text.splitlines() if line in changes] == changes
        del at.anchor.requests[:]
        await at.slack.submit(at.person, again)
        assert await sent(at, 3) == sorted([new, first, second])


# --- bad input ---


async def test_a_view_that_was_changed_or_is_of_somebody_else_is_refused(at: ManyHarness) -> None:
    first, other = await AdminHarness.open(at, with_key=True), await AdminHarness.open(at, 2, with_key=True)
    add(first, 2, key=first.key)
    await first.slack.use_global_shortcut(first.person, workspace=first.workspace)
    await first.slack.until(lambda: first.slack.modal_of(first.person) and first.modal().find(BUTTON))
    below = first.modal()
    await first.slack.close(first.person)
    view, foreign = await window(first), await window(other)
    cut = view.private_metadata[:-8] + view.private_metadata[-8:][::-1]
    for answer in (
        await forged(first, view, state=cut),
        await forged(first, view, state=foreign.private_metadata),
        await forged(first, view, user={"id": first.second.id, "team_id": first.team_id}),
        await forged(first, view, state=below.private_metadata),
        await forged(first, view, team=other.team_id),
        await forged(first, view, leave=[OTHER_SESSION]),
        await forged(first, view, leave=["x"]),
    ):
        assert modal_text(answer) == pausing.SEVERAL_OUT_OF_DATE
    assert first.anchor.orders == []
    await forged(first, view, leave=[first.session])
    assert len(await sent(first, 2)) == 2
    rows = await at.store.database.fetch_all("SELECT reason FROM orders")
    assert [len(row.reason) for row in rows] == [300, 300]


async def test_nothing_left_is_told_at_the_field_and_a_submission_that_slack_sends_twice_is_one() -> None:
    async with single_workspace() as at:
        (other,) = add(at, 1)
        view = await window(at)
        await at.slack.submit(at.person, view, {pausing.LEFT_OUT: [SESSION, other]})
        assert (at.modal().errors, at.anchor.orders) == ({pausing.LEFT_OUT: pausing.NOBODY_LEFT}, [])
        for trigger_id in ("1.2.a", "1.2.a", "1.2.b"):  # Slack sends one again, and the person presses once more
            await forged(at, view, leave=[other], trigger_id=trigger_id)
        assert await sent(at, 2) == [SESSION] * 2


async def test_a_late_record_is_told_in_the_window() -> None:
    async with single_workspace(ack_wait=0.0) as at:
        view = await window(at)
        await at.slack.submit(at.person, view)
        await at.slack.until(lambda: pausing.SEVERAL_BEGUN in at.modal().text)
        assert await sent(at, 1) == [SESSION]

"""An admin sets, replaces and removes the workspace's Anchor key in Slack."""

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest

from bot.core.anchor_key import AnchorKey, KeyCheck
from bot.core.secret import Secret
from bot.sim.slack import Answer, Message, Slow, View, api_error
from harness import HTTP_ONLY
from harness.administration import AdminHarness, another_bot
from harness.many_workspaces import ManyHarness, many_workspaces
from harness.samples import sample
from harness.transport import deliver

pytestmark = pytest.mark.anyio

KEY, OTHER = "sk-first-0123456789-1234", "sk-other-0123456789-5678"
SAVED = "✅ *Saved.* Anchor accepts the key ending `1234`. It holds from the next command on."
CHECKING = "⏳ Checking…"


@pytest.fixture
async def team(at: ManyHarness) -> AdminHarness:
    """A workspace without a key; Anchor accepts two."""
    at.anchor.add_key(KEY)
    at.anchor.add_key(OTHER)
    return await AdminHarness.open(at)


async def key_of(team: AdminHarness) -> tuple[str, KeyCheck, str | None] | None:
    found = await team.at.store.installations.find(team.team_id)
    assert found
    key = found.anchor_key
    return (key.value.reveal(), key.check, key.set_by) if key else None


def shown(team: AdminHarness) -> str:
    """What the admin reads in Home."""
    home = team.at.slack.home_of(team.admin)
    return home.text if home else ""


def visible(team: AdminHarness) -> View:
    view = team.at.slack.modal_of(team.admin)
    assert view is not None
    return view


async def refused_without_key(team: AdminHarness, **fields: Any) -> Message:
    """The answer to a command in a workspace without a key."""
    await team.command(**fields)
    return team.seen()[-1]


# --- set ---


async def test_an_admin_sets_the_key_and_the_next_command_pauses(team: AdminHarness) -> None:
    at, session = team.at, team.at.anchor.add_session(key=KEY)
    await team.open_home()
    form = await team.open_modal("anchor_set_key")
    assert (form.title, form.submit, form.close) == ("Anchor API key", "Save", "Cancel")
    await team.submit({"key": f"  {KEY} "})
    view = visible(team)
    assert (SAVED in view.text, view.submit, view.find("key")) == (True, None, None)
    assert await key_of(team) == (KEY, KeyCheck.VERIFIED, team.admin.id)
    await at.slack.until(lambda: "A key ending `1234` is set, and Anchor accepts it" in shown(team))
    await team.command(session)
    assert team.seen()[-1].text.startswith("⏸️ *Paused*")
    assert {request.key for request in at.anchor.requests} == {KEY}


@HTTP_ONLY
async def test_a_dialog_opens_before_slack_has_said_who_it_is(team: AdminHarness) -> None:
    """A trigger is good for 3 seconds, and this bot has never heard of this person."""
    at = team.at
    await team.open_home()
    async with another_bot(at) as url:
        at.slack.request_url = url
        at.slack.faults["users.info"] = Slow(3.5, times=1)
        await team.press("anchor_set_key")
        await team.slack.until(lambda: team.slack.modal_of(team.admin))
        view = team.modal()
        assert (view.title, view.submit) == ("Anchor API key", None)
        form = await team.wait_for_modal("API key")
        assert form.submit == "Save"


@HTTP_ONLY
async def test_somebody_of_whom_nothing_is_known_and_who_is_no_admin_gets_no_form(team: AdminHarness) -> None:
    at = team.at
    await team.open_home()
    team.workspace.change_user(team.admin, is_admin=False)
    async with another_bot(at) as url:
        at.slack.request_url = url
        await team.press("anchor_set_key")
        view = await team.wait_for_modal("only admins and owners of this workspace may do that")
    assert view.submit is None


async def test_a_dialog_that_does_not_open_is_told_of(team: AdminHarness) -> None:
    await team.open_home()
    team.at.slack.faults["views.open"] = api_error("expired_trigger_id", times=1)
    await team.press("anchor_set_key")
    (message,) = await team.wait_for_direct_messages(user=team.admin)
    assert message == "The dialog that you asked for did not open in time. Press the button once more."


# --- what is no good key ---


async def test_a_key_that_anchor_refuses_is_an_error_on_the_field(team: AdminHarness) -> None:
    await team.open_home()
    view = await team.set_key("sk-nobody-knows-this-one")
    assert view.errors == {
        "key": "Anchor refuses this key (401), so it was not saved. Copy it again from Anchor's dashboard."
    }
    assert await key_of(team) is None
    await team.submit({"key": KEY})
    assert SAVED in visible(team).text


@pytest.mark.parametrize("typed", ["two words", "sk-…-ellipsis", "\u200bsk-1", " "])
async def test_what_is_no_key_is_not_tried(team: AdminHarness, typed: str) -> None:
    await team.open_home()
    view = await team.set_key(typed)
    assert view.errors["key"].startswith("This is no key: it has blanks or characters that no key has.")
    assert (team.at.anchor.requests, await key_of(team)) == ([], None)


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (Answer(503, b"down", "text/plain"), "it answered with 503"),
        (Answer(200, b"<html>", "text/html"), "it answered with 200"),
        (None, "it gave no answer"),
    ],
    ids=["out of service", "not Anchor", "unreachable"],
)
async def test_while_anchor_can_not_say_it_is_saved_only_if_the_admin_says_so(
    team: AdminHarness, fault: Answer | None, why: str
) -> None:
    at = team.at
    await team.open_home()
    at.anchor.fault = fault
    if fault is None:
        await at.anchor.stop()
    view = await team.set_key(KEY)
    assert view.errors["key"] == (
        f"Anchor can't say whether this key is good ({why}), so it was not saved. Try again in a minute; or, to save "
        "it all the same, tick the box for that in the dialog for the key; open it anew if it is gone."
    )
    assert await key_of(team) is None
    await team.submit({"untried": ["yes"]})
    assert (
        "⚠️ *Saved, but not verified:* Anchor did not say whether the key ending `1234` is good." in visible(team).text
    )
    assert await key_of(team) == (KEY, KeyCheck.UNVERIFIED, team.admin.id)
    await at.slack.until(lambda: "it is *not verified*: Anchor has not said yet whether it is good" in shown(team))
    (message,) = await team.wait_for_direct_messages(user=team.admin)
    assert "It is not verified: Anchor did not say whether it is good." in message


async def test_a_key_that_was_saved_untried_is_verified_by_its_first_use(team: AdminHarness) -> None:
    at, session = team.at, team.at.anchor.add_session(key=KEY)
    await team.open_home()
    await at.anchor.stop()
    await team.set_key(KEY, untried=["yes"])
    await at.anchor.start()
    await team.command(session)
    async with asyncio.timeout(5):
        while await key_of(team) != (KEY, KeyCheck.VERIFIED, team.admin.id):  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.02)


# --- the time that an ack has ---


@pytest.mark.parametrize("slow", ["Anchor", "Slack"])
async def test_what_takes_long_is_told_in_the_dialog_when_it_is_known(team: AdminHarness, slow: str) -> None:
    at = team.at
    await team.open_home()
    await team.open_modal("anchor_set_key")
    if slow == "Anchor":
        at.anchor.fault = Slow(2.4)
    else:
        at.slack.faults["users.info"] = Slow(2.4)
    sent = await team.submit({"key": KEY})
    assert sent.elapsed < 2.7
    assert CHECKING in visible(team).text
    await team.wait_for_modal(SAVED)
    assert await key_of(team) == (KEY, KeyCheck.VERIFIED, team.admin.id)


async def test_both_are_within_one_budget(team: AdminHarness) -> None:
    at = team.at
    await team.open_home()
    await team.open_modal("anchor_set_key")
    at.anchor.fault = Slow(1.2)
    at.slack.faults["users.info"] = Slow(1.2)
    sent = await team.submit({"key": KEY})
    assert sent.elapsed < 2.7
    assert CHECKING in visible(team).text
    await team.wait_for_modal(SAVED)


async def test_what_follows_the_ack_does_not_overtake_it(database_url: str) -> None:
    """Slack may do what an ack says after what came behind it."""
    async with many_workspaces(database_url, patience=0.0) as at:
        at.anchor.add_key(KEY)
        at.slack.platform.ack_travels = 0.5
        team = await AdminHarness.open(at)
        await team.open_home()
        await team.open_modal("anchor_set_key")
        await team.submit({"key": KEY})
        assert CHECKING in visible(team).text
        await team.wait_for_modal(SAVED)


async def test_a_refusal_that_comes_late_says_that_nothing_was_saved(team: AdminHarness) -> None:
    await team.open_home()
    await team.open_modal("anchor_set_key")
    team.at.anchor.fault = Slow(2.4)
    await team.submit({"key": "sk-nobody-knows-this-one"})
    await team.wait_for_modal("Anchor refuses this key (401), so it was not saved.")
    assert await key_of(team) is None


async def test_whoever_has_closed_the_dialog_is_told_by_message(team: AdminHarness) -> None:
    at = team.at
    await team.open_home()
    await team.open_modal("anchor_set_key")
    at.anchor.fault = Slow(2.4)
    await team.submit({"key": KEY})
    await at.slack.close(team.admin)
    assert SAVED in "\n".join(await team.wait_for_direct_messages(2, user=team.admin))


# --- who may ---


@pytest.mark.parametrize(
    "change",
    [
        {"is_admin": False},
        {"is_admin": False, "is_restricted": True},
        {"is_bot": True},
        {"team_id": "T0PARTNER01"},
    ],
    ids=["member", "guest", "bot", "stranger"],
)
async def test_the_right_is_checked_again_when_the_key_is_sent(team: AdminHarness, change: dict[str, Any]) -> None:
    at = team.at
    await team.open_home()
    form = await team.open_modal("anchor_set_key")
    at.slack.fill(team.admin, form, "key", KEY)
    team.workspace.change_user(team.admin, **change)
    await at.slack.submit(team.admin)
    view = await team.wait_for_modal("Nothing was changed")
    assert "only admins and owners of this workspace may do that." in view.text
    assert (at.anchor.requests, await key_of(team)) == ([], None)


async def test_where_slack_does_not_say_who_it_is_nothing_is_saved(team: AdminHarness) -> None:
    await team.open_home()
    await team.open_modal("anchor_set_key")
    team.at.slack.faults["users.info"] = api_error("internal_error")
    await team.submit({"key": KEY})
    assert "Slack does not say just now whether you are an admin of this workspace." in visible(team).text
    assert await key_of(team) is None


async def test_an_outsider_who_sends_the_dialog_changes_nothing(team: AdminHarness) -> None:
    """The workspace is that of the installation, whatever the person's own."""
    at = team.at
    other = await AdminHarness.open(at, 2)
    payload = sample("view_submission.slack_connect_foreign_user.payload")
    payload["user"] |= {"id": other.admin.id, "team_id": other.team_id}
    payload["team"] = {"id": other.team_id, "domain": "other"}
    typed = {"key": {"key": {"type": "plain_text_input", "value": KEY}}}
    payload["view"] |= {
        "callback_id": "anchor_set_key",
        "app_installed_team_id": team.team_id,
        "private_metadata": "0",
        "state": {"values": typed},
    }
    answer = await deliver(at.slack, "interactive", payload, takes_answer=True)
    assert "only admins and owners of this workspace may do that." in answer.body.decode()
    assert [await key_of(one) for one in (team, other)] == [None, None]
    assert at.anchor.requests == []


# --- two at once ---


async def test_a_dialog_left_open_over_a_change_changes_nothing(team: AdminHarness) -> None:
    at = team.at
    await team.open_home()
    await team.open_home(team.second)
    await team.open_modal("anchor_set_key")
    assert "*Saved.*" in (await team.set_key(OTHER, user=team.second)).text
    await team.submit({"key": KEY})
    assert "it has been changed since you looked at it" in visible(team).text
    assert await key_of(team) == (OTHER, KeyCheck.VERIFIED, team.second.id)
    await at.slack.until(lambda: "A key ending `5678` is set" in shown(team))


async def test_of_two_who_send_at_once_one_sets_the_key(team: AdminHarness) -> None:
    for user in (team.admin, team.second):
        await team.open_home(user)
        await team.open_modal("anchor_set_key", user=user)
    await asyncio.gather(team.submit({"key": KEY}), team.submit({"key": OTHER}, user=team.second))
    views = [team.at.slack.modal_of(user) for user in (team.admin, team.second)]
    said = [view.text for view in views if view]
    assert sorted(("*Saved.*" in text, "has been changed" in text) for text in said) == [(False, True), (True, False)]


# --- replace and remove ---


async def test_a_replaced_key_is_told_to_those_who_should_know(team: AdminHarness) -> None:
    at = team.at
    for user in (team.admin, team.second, team.member):
        await team.open_home(user)
    await at.store.admins.note(team.team_id, team.member.id, 1_785_000_000)  # who is none any more
    await team.set_key(KEY)
    first = f"<@{team.admin.id}> set the Anchor key ending `1234`. Anchor accepts it."
    assert [text.split("\n")[0] for text in await team.wait_for_direct_messages(user=team.second)] == [first]
    await team.open_home(team.second)
    form = await team.open_modal("anchor_set_key", user=team.second)
    assert "It takes the place of the key ending `1234`." in form.text
    await team.submit({"key": OTHER}, user=team.second)
    change = f"<@{team.second.id}> replaced the Anchor key ending `1234` by one ending `5678`. Anchor accepts it."
    for user in (team.admin, team.second):
        assert [text.split("\n")[0] for text in await team.wait_for_direct_messages(2, user=user)] == [first, change]
    assert team.direct_messages(team.member) == []
    session = at.anchor.add_session(key=OTHER)
    await team.command(session)
    assert team.orders == []
    assert at.anchor.posts(session)[0].key == OTHER


@pytest.mark.parametrize("change", ["replaced", "removed"])
async def test_whoever_set_the_key_is_told_even_if_they_are_no_admin_any_more(team: AdminHarness, change: str) -> None:
    await team.open_home()
    before = AnchorKey(Secret(KEY), KeyCheck.VERIFIED, team.member.id, 1_785_000_000)
    assert await team.at.store.installations.set_key(team.team_id, before)
    await team.open_home()
    await (team.set_key(OTHER) if change == "replaced" else team.press("anchor_remove_key"))
    (message,) = await team.wait_for_direct_messages(user=team.member)
    assert message.startswith(f"<@{team.admin.id}> {change} the Anchor key ending `1234`")


async def test_an_admin_removes_the_key(team: AdminHarness) -> None:
    at = team.at
    await team.open_home()
    await team.set_key(KEY)
    await at.slack.close(team.admin)
    home = await team.open_home()
    button = home.find("anchor_remove_key")
    assert button is not None
    assert "ending 1234 is deleted here" in str(button["confirm"])
    await team.press("anchor_remove_key")
    await at.slack.until(lambda: "The key ending `1234` was removed." in shown(team))
    assert "*No key is set*" in shown(team)
    assert (
        f"<@{team.admin.id}> removed the Anchor key ending `1234`."
        in (await team.wait_for_direct_messages(2, user=team.admin))[1]
    )
    assert await key_of(team) is None
    assert (await refused_without_key(team)).text.startswith("*Not paused:* this workspace has no Anchor API key yet")


async def test_a_key_that_somebody_has_replaced_meanwhile_is_not_removed(team: AdminHarness) -> None:
    await team.open_home()
    await team.set_key(KEY)
    await team.at.slack.close(team.admin)
    await team.open_home()
    await team.open_home(team.second)
    await team.set_key(OTHER, user=team.second)
    await team.press("anchor_remove_key")
    await team.at.slack.until(lambda: "it has been changed since you looked at it" in shown(team))
    assert "A key ending `5678` is set" in shown(team)
    await team.press("anchor_remove_key")
    await team.at.slack.until(lambda: "*No key is set*" in shown(team))


async def test_a_message_that_does_not_arrive_holds_nothing_up(team: AdminHarness) -> None:
    """The last admin who knew may be gone: who set the key was deactivated, and nobody else has opened Home."""
    await team.open_home()
    await team.set_key(KEY)
    team.workspace.change_user(team.admin, deleted=True)
    team.at.slack.faults["chat.postMessage"] = api_error("user_disabled")
    await team.open_home(team.second)
    assert "*Saved.*" in (await team.set_key(OTHER, user=team.second)).text
    assert await key_of(team) == (OTHER, KeyCheck.VERIFIED, team.second.id)


@HTTP_ONLY
async def test_a_change_holds_for_the_next_command_at_every_bot(team: AdminHarness) -> None:
    at = team.at
    first, second = [at.anchor.add_session(key=key) for key in (KEY, OTHER)]
    async with another_bot(at) as url:
        here, there = at.slack.request_url, url
        for key, session, way in ((KEY, first, there), (OTHER, second, here)):
            at.slack.request_url = here if way is there else there
            await team.open_home()
            await team.set_key(key)
            await at.slack.close(team.admin)
            at.slack.request_url = way
            await team.command(session)
            assert at.anchor.posts(session)[0].key == key


@pytest.mark.parametrize("verb", ["pause", "resume"])
async def test_a_new_key_is_not_blamed_for_the_one_before(team: AdminHarness, verb: str) -> None:
    """An order joins one that is under way with the key of before, which Anchor refuses. A pause is sent anew."""
    at, session = team.at, team.at.anchor.add_session(key=OTHER)
    await team.open_home()
    await team.set_key(KEY)
    await at.slack.close(team.admin)
    at.anchor.revoke(KEY)
    at.anchor.fault = Slow(1.0, times=1)
    first = asyncio.create_task(team.command(session, command=f"/anchor-{verb}"))
    await at.anchor.until(lambda: at.anchor.posts(session))
    await team.set_key(OTHER)
    await team.command(session, command=f"/anchor-{verb}")
    await first
    assert [request.key for request in at.anchor.posts(session)] == [KEY, *([OTHER] if verb == "pause" else [])]
    assert ("⏸️ *Paused*" in str(team.seen())) is (verb == "pause")
    assert await key_of(team) == (OTHER, KeyCheck.VERIFIED, team.admin.id)
    assert "Anchor refuses" not in str([message.text for message in team.direct_messages(team.admin)])


# --- no key yet ---


async def test_an_admin_without_a_key_can_set_it_on_the_spot(team: AdminHarness) -> None:
    at, session = team.at, team.at.anchor.add_session(key=KEY)
    message = await refused_without_key(team, text=session)
    assert message.ephemeral_to == team.admin.id
    assert "You can set one now: press the button below" in message.text
    await at.slack.click(team.admin, message, "anchor_set_key")
    await team.wait_for_modal("Paste the API key")
    await team.submit({"key": KEY})
    assert SAVED in visible(team).text
    await team.command(session)
    assert team.seen()[-1].text.startswith("⏸️ *Paused*")


async def test_the_button_gives_somebody_who_is_no_admin_any_more_no_form(team: AdminHarness) -> None:
    at = team.at
    message = await refused_without_key(team)
    team.workspace.change_user(team.admin, is_admin=False)
    await team.open_home()  # so the bot knows them as a member
    await at.slack.click(team.admin, message, "anchor_set_key")
    view = await team.wait_for_modal("only admins and owners of this workspace may do that")
    assert view.submit is None


async def test_a_member_without_a_key_learns_who_can_set_it_and_where(team: AdminHarness) -> None:
    at = team.at
    await at.slack.command(team.member, team.channel, team.session)
    message = at.slack.seen_by(team.member, team.channel)[-1]
    assert message.ephemeral_to == team.member.id
    assert message.text == (
        f"*Not paused:* this workspace has no Anchor API key yet, so the bot left session `{team.session}` "
        "alone.\nAn admin or owner of this workspace can set one in the Home tab of this app (in Slack's sidebar, "
        "under Apps). If it can't wait, do it in Anchor's dashboard."
    )
    assert message.blocks == ()


@pytest.mark.parametrize("who", ["admin", "member"])
async def test_the_button_on_an_alert_says_the_same(team: AdminHarness, who: str) -> None:
    at, user = team.at, getattr(team, who)
    pause = {
        "type": "button",
        "action_id": "anchor_pause",
        "text": {"type": "plain_text", "text": "Pause"},
        "value": team.session,
    }
    alert = at.slack.post(team.channel, "High spend", blocks=[{"type": "actions", "elements": [pause]}])
    await at.slack.click(user, alert)
    await at.slack.until(lambda: at.slack.seen_by(user, team.channel)[-1].ephemeral_to)
    message = at.slack.seen_by(user, team.channel)[-1]
    assert "this workspace has no Anchor API key yet" in message.text
    assert ("anchor_set_key" in str(message.blocks)) is (who == "admin")


# --- what goes wrong ---


async def test_while_the_database_is_away_the_key_stays_in_the_form(team: AdminHarness) -> None:
    await team.open_home()
    await team.open_modal("anchor_set_key")
    async with team.at.store.database.changing() as connection:
        await connection.exec_driver_sql("ALTER TABLE workspaces RENAME TO gone")
    await team.submit({"key": KEY})
    assert visible(team).errors["key"].startswith("The bot's database gives no answer")
    async with team.at.store.database.changing() as connection:
        await connection.exec_driver_sql("ALTER TABLE gone RENAME TO workspaces")
    await team.submit({})
    assert SAVED in visible(team).text


async def test_the_key_is_nowhere_but_where_it_belongs(
    team: AdminHarness, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    at = team.at
    at.anchor.add_session(key=KEY)
    with caplog.at_level(logging.DEBUG, "bot"):
        await team.open_home()
        await team.set_key(KEY)
        await team.wait_for_direct_messages(user=team.admin)
        await at.slack.close(team.admin)
        at.anchor.fault = Answer(503, b"down", "text/plain")
        await team.open_home()
        await team.set_key(OTHER)
        await team.submit({"untried": ["yes"]})
        await team.wait_for_direct_messages(2, user=team.admin)
    everything = [
        caplog.text,
        str([vars(record) for record in caplog.records]),
        str([call.arguments for call in at.slack.api_calls]),
        str([view.private_metadata for view in at.slack.modals_of(team.admin)]),
        str(team.direct_messages(team.admin)),
        str(team.seen()),
    ]
    files = b"".join(path.read_bytes() for path in tmp_path.iterdir())  # noqa: ASYNC240 - small files
    for key in (KEY, OTHER):
        assert [text for text in everything if key in text] == []
        assert key.encode() not in files


@pytest.mark.parametrize("own", [True, False], ids=["the same person", "another admin"])
async def test_a_submission_that_comes_again_is_not_denied(team: AdminHarness, *, own: bool) -> None:
    """Slack says "try again?" where it has not heard the answer, and the dialog is as it was."""
    await team.open_home()
    await team.open_home(team.second)
    form = await team.open_modal("anchor_set_key")
    await team.submit({"key": KEY})
    assert SAVED in visible(team).text
    told = len(await team.wait_for_direct_messages(user=team.admin))
    user = team.admin if own else team.second
    again = {
        "type": "view_submission",
        "team": {"id": team.team_id, "domain": "x"},
        "user": {"id": user.id, "team_id": team.team_id},
        "trigger_id": "1.2.3",
        "view": {
            "id": form.id,
            "type": "modal",
            "callback_id": "anchor_set_key",
            "private_metadata": form.private_metadata,
            "app_installed_team_id": team.team_id,
            "state": {"values": {"key": {"key": {"type": "plain_text_input", "value": KEY}}}},
        },
    }
    answer = (await deliver(team.at.slack, "interactive", again, takes_answer=True)).body.decode()
    assert ("Saved" in answer, "Nothing was changed" in answer) == (own, not own)
    await asyncio.sleep(0.3)
    assert len(team.direct_messages(team.admin)) == told


async def test_without_a_key_and_without_the_right_to_ask_who_is_an_admin_people_are_told_what_comes_first(
    team: AdminHarness,
) -> None:
    team.workspace.installation.scopes.discard("users:read")
    message = await refused_without_key(team)
    assert message.text.endswith(
        "An admin or owner of this workspace should install this app again, since it lacks the scope `users:read`; "
        "then they can set one in the Home tab of this app (in Slack's sidebar, under Apps). If it can't wait, do it "
        "in Anchor's dashboard."
    )
    assert message.blocks == ()


async def test_the_button_says_so_where_the_database_is_away_and_nothing_is_known_of_the_workspace(
    team: AdminHarness,
) -> None:
    at = team.at
    message = await refused_without_key(team)
    async with at.store.database.changing() as connection:
        await connection.exec_driver_sql("DELETE FROM workspaces")
    await team.command()  # what is known is not used for what is gone
    async with at.store.database.changing() as connection:
        await connection.exec_driver_sql("ALTER TABLE workspaces RENAME TO gone")
    await at.slack.click(team.admin, message, "anchor_set_key")
    await at.slack.until(lambda: "can't be opened" in team.seen()[-1].text)
    said = team.seen()[-1]
    assert said.text == (
        "The dialog can't be opened: the bot's database gives no answer. Press the button again in a minute."
    )
    assert said.ephemeral_to == team.admin.id

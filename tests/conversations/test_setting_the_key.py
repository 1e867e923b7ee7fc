"""An admin sets, replaces and removes the workspace's Anchor key in Slack."""

import asyncio
import json
import logging
from pathlib import Path
from typing import Any

import pytest

from bot.core.anchor_key import AnchorKey, KeyCheck
from bot.core.secret import Secret
from bot.sim.slack import Answer, Message, Slow, View, api_error
from conversations.offices import Office, another_bot
from harness import HTTP_ONLY, deliver
from tenants import Tenancy, tenancy

pytestmark = pytest.mark.anyio

SAMPLES = Path(__file__).parents[1] / "samples"
KEY, OTHER = "sk-first-0123456789-1234", "sk-other-0123456789-5678"
SAVED = "✅ *Saved.* Anchor accepts the key ending `1234`. It holds from the next command on."
CHECKING = "⏳ Checking…"


@pytest.fixture
async def office(at: Tenancy) -> Office:
    """A workspace without a key; Anchor accepts two."""
    at.anchor.add_key(KEY)
    at.anchor.add_key(OTHER)
    return await Office.open(at)


async def key_of(office: Office) -> tuple[str, KeyCheck, str | None] | None:
    found = await office.at.store.installations.find(office.tenant.team_id)
    assert found
    key = found.anchor_key
    return (key.value.reveal(), key.check, key.set_by) if key else None


def shown(office: Office) -> str:
    """What the admin reads in Home."""
    home = office.at.slack.home_of(office.admin)
    return home.text if home else ""


def visible(office: Office) -> View:
    view = office.at.slack.modal_of(office.admin)
    assert view is not None
    return view


async def refused_without_key(office: Office, **fields: Any) -> Message:
    """The answer to a command in a workspace without a key."""
    await office.at.type(office.tenant, **fields)
    return office.at.said(office.tenant)[-1]


# --- set ---


async def test_an_admin_sets_the_key_and_the_next_command_pauses(office: Office) -> None:
    at, session = office.at, office.at.anchor.add_session(key=KEY)
    await office.home()
    form = await office.dialog("anchor_set_key")
    assert (form.title, form.submit, form.close) == ("Anchor API key", "Save", "Cancel")
    await office.submit({"key": f"  {KEY} "})
    view = visible(office)
    assert (SAVED in view.text, view.submit, view.find("key")) == (True, None, None)
    assert await key_of(office) == (KEY, KeyCheck.VERIFIED, office.admin.id)
    await at.slack.until(lambda: "A key ending `1234` is set, and Anchor accepts it" in shown(office))
    await at.type(office.tenant, session)
    assert at.said(office.tenant)[-1].text.startswith("⏸️ *Paused*")
    assert {request.key for request in at.anchor.requests} == {KEY}


@HTTP_ONLY
async def test_a_dialog_opens_before_slack_has_said_who_it_is(office: Office) -> None:
    """A trigger is good for 3 seconds, and this bot has never heard of this person."""
    at = office.at
    await office.home()
    async with another_bot(at) as url:
        at.slack.request_url = url
        at.slack.faults["users.info"] = Slow(3.5, times=1)
        await office.press("anchor_set_key")
        view = await office.dialog_says("One moment")
        assert (view.title, view.submit) == ("Anchor API key", None)
        form = await office.dialog_says("API key", but_not="One moment")
        assert form.submit == "Save"


@HTTP_ONLY
async def test_somebody_of_whom_nothing_is_known_and_who_is_no_admin_gets_no_form(office: Office) -> None:
    at = office.at
    await office.home()
    office.tenant.workspace.change_user(office.admin, is_admin=False)
    async with another_bot(at) as url:
        at.slack.request_url = url
        await office.press("anchor_set_key")
        view = await office.dialog_says("only admins and owners of this workspace may do that")
    assert view.submit is None


async def test_a_dialog_that_does_not_open_is_told_of(office: Office) -> None:
    await office.home()
    office.at.slack.faults["views.open"] = api_error("expired_trigger_id", times=1)
    await office.press("anchor_set_key")
    (message,) = await office.told(office.admin)
    assert message == "The dialog that you asked for did not open in time. Press the button once more."


# --- what is no good key ---


async def test_a_key_that_anchor_refuses_is_an_error_on_the_field(office: Office) -> None:
    await office.home()
    view = await office.set_key("sk-nobody-knows-this-one")
    assert view.errors == {
        "key": "Anchor refuses this key (401), so it was not saved. Copy it again from Anchor's dashboard."
    }
    assert await key_of(office) is None
    await office.submit({"key": KEY})
    assert SAVED in visible(office).text


@pytest.mark.parametrize("typed", ["two words", "sk-…-ellipsis", "\u200bsk-1", " "])
async def test_what_is_no_key_is_not_tried(office: Office, typed: str) -> None:
    await office.home()
    view = await office.set_key(typed)
    assert view.errors["key"].startswith("This is no key: it has blanks or characters that no key has.")
    assert (office.at.anchor.requests, await key_of(office)) == ([], None)


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
    office: Office, fault: Answer | None, why: str
) -> None:
    at = office.at
    await office.home()
    at.anchor.fault = fault
    if fault is None:
        await at.anchor.stop()
    view = await office.set_key(KEY)
    assert view.errors["key"] == (
        f"Anchor can't say whether this key is good ({why}), so it was not saved. Try again in a minute; or, to save "
        "it all the same, tick the box for that in the dialog for the key; open it anew if it is gone."
    )
    assert await key_of(office) is None
    await office.submit({"untried": ["yes"]})
    assert (
        "⚠️ *Saved, but not verified:* Anchor did not say whether the key ending `1234` is good." in visible(office).text
    )
    assert await key_of(office) == (KEY, KeyCheck.UNVERIFIED, office.admin.id)
    await at.slack.until(lambda: "it is *not verified*: Anchor has not said yet whether it is good" in shown(office))
    (message,) = await office.told(office.admin)
    assert "It is not verified: Anchor did not say whether it is good." in message


async def test_a_key_that_was_saved_untried_is_verified_by_its_first_use(office: Office) -> None:
    at, session = office.at, office.at.anchor.add_session(key=KEY)
    await office.home()
    await at.anchor.stop()
    await office.set_key(KEY, untried=["yes"])
    await at.anchor.start()
    await at.type(office.tenant, session)
    async with asyncio.timeout(5):
        while await key_of(office) != (KEY, KeyCheck.VERIFIED, office.admin.id):  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.02)


# --- the time that an ack has ---


@pytest.mark.parametrize("slow", ["Anchor", "Slack"])
async def test_what_takes_long_is_told_in_the_dialog_when_it_is_known(office: Office, slow: str) -> None:
    at = office.at
    await office.home()
    await office.dialog("anchor_set_key")
    if slow == "Anchor":
        at.anchor.fault = Slow(2.4)
    else:
        at.slack.faults["users.info"] = Slow(2.4)
    sent = await office.submit({"key": KEY})
    assert sent.elapsed < 2.7
    assert CHECKING in visible(office).text
    await office.dialog_says(SAVED)
    assert await key_of(office) == (KEY, KeyCheck.VERIFIED, office.admin.id)


async def test_both_are_within_one_budget(office: Office) -> None:
    at = office.at
    await office.home()
    await office.dialog("anchor_set_key")
    at.anchor.fault = Slow(1.2)
    at.slack.faults["users.info"] = Slow(1.2)
    sent = await office.submit({"key": KEY})
    assert sent.elapsed < 2.7
    assert CHECKING in visible(office).text
    await office.dialog_says(SAVED)


async def test_what_follows_the_ack_does_not_overtake_it(database_url: str) -> None:
    """Slack may do what an ack says after what came behind it."""
    async with tenancy(database_url, patience=0.0) as at:
        at.anchor.add_key(KEY)
        at.slack.platform.ack_travels = 0.5
        office = await Office.open(at)
        await office.home()
        await office.dialog("anchor_set_key")
        await office.submit({"key": KEY})
        assert CHECKING in visible(office).text
        await office.dialog_says(SAVED)


async def test_a_refusal_that_comes_late_says_that_nothing_was_saved(office: Office) -> None:
    await office.home()
    await office.dialog("anchor_set_key")
    office.at.anchor.fault = Slow(2.4)
    await office.submit({"key": "sk-nobody-knows-this-one"})
    await office.dialog_says("Anchor refuses this key (401), so it was not saved.")
    assert await key_of(office) is None


async def test_whoever_has_closed_the_dialog_is_told_by_message(office: Office) -> None:
    at = office.at
    await office.home()
    await office.dialog("anchor_set_key")
    at.anchor.fault = Slow(2.4)
    await office.submit({"key": KEY})
    await at.slack.close(office.admin)
    assert SAVED in "\n".join(await office.told(office.admin, 2))


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
async def test_the_right_is_checked_again_when_the_key_is_sent(office: Office, change: dict[str, Any]) -> None:
    at = office.at
    await office.home()
    form = await office.dialog("anchor_set_key")
    at.slack.fill(office.admin, form, "key", KEY)
    office.tenant.workspace.change_user(office.admin, **change)
    await at.slack.submit(office.admin)
    view = await office.dialog_says("Nothing was changed")
    assert "only admins and owners of this workspace may do that." in view.text
    assert (at.anchor.requests, await key_of(office)) == ([], None)


async def test_where_slack_does_not_say_who_it_is_nothing_is_saved(office: Office) -> None:
    await office.home()
    await office.dialog("anchor_set_key")
    office.at.slack.faults["users.info"] = api_error("internal_error")
    await office.submit({"key": KEY})
    assert "Slack does not say just now whether you are an admin of this workspace." in visible(office).text
    assert await key_of(office) is None


async def test_an_outsider_who_sends_the_dialog_changes_nothing(office: Office) -> None:
    """The workspace is that of the installation, whatever the person's own."""
    at = office.at
    other = await Office.open(at, 2)
    sample = json.loads((SAMPLES / "view_submission.slack_connect_foreign_user.payload.json").read_text())
    sample["user"] |= {"id": other.admin.id, "team_id": other.tenant.team_id}
    sample["team"] = {"id": other.tenant.team_id, "domain": "other"}
    typed = {"key": {"key": {"type": "plain_text_input", "value": KEY}}}
    sample["view"] |= {
        "callback_id": "anchor_set_key",
        "app_installed_team_id": office.tenant.team_id,
        "private_metadata": "0",
        "state": {"values": typed},
    }
    answer = await deliver(at.slack, "interactive", sample, takes_answer=True)
    assert "only admins and owners of this workspace may do that." in answer.body.decode()
    assert [await key_of(one) for one in (office, other)] == [None, None]
    assert at.anchor.requests == []


# --- two at once ---


async def test_a_dialog_left_open_over_a_change_changes_nothing(office: Office) -> None:
    at = office.at
    await office.home()
    await office.home(office.second)
    await office.dialog("anchor_set_key")
    assert "*Saved.*" in (await office.set_key(OTHER, user=office.second)).text
    await office.submit({"key": KEY})
    assert "it has been changed since you looked at it" in visible(office).text
    assert await key_of(office) == (OTHER, KeyCheck.VERIFIED, office.second.id)
    await at.slack.until(lambda: "A key ending `5678` is set" in shown(office))


async def test_of_two_who_send_at_once_one_sets_the_key(office: Office) -> None:
    for user in (office.admin, office.second):
        await office.home(user)
        await office.dialog("anchor_set_key", user=user)
    await asyncio.gather(office.submit({"key": KEY}), office.submit({"key": OTHER}, user=office.second))
    views = [office.at.slack.modal_of(user) for user in (office.admin, office.second)]
    said = [view.text for view in views if view]
    assert sorted(("*Saved.*" in text, "has been changed" in text) for text in said) == [(False, True), (True, False)]


# --- replace and remove ---


async def test_a_replaced_key_is_told_to_those_who_should_know(office: Office) -> None:
    at = office.at
    for user in (office.admin, office.second, office.member):
        await office.home(user)
    await at.store.admins.note(office.tenant.team_id, office.member.id, 1_785_000_000)  # who is none any more
    await office.set_key(KEY)
    first = f"<@{office.admin.id}> set the Anchor key ending `1234`. Anchor accepts it."
    assert [text.split("\n")[0] for text in await office.told(office.second)] == [first]
    await office.home(office.second)
    form = await office.dialog("anchor_set_key", user=office.second)
    assert "It takes the place of the key ending `1234`." in form.text
    await office.submit({"key": OTHER}, user=office.second)
    change = f"<@{office.second.id}> replaced the Anchor key ending `1234` by one ending `5678`. Anchor accepts it."
    for user in (office.admin, office.second):
        assert [text.split("\n")[0] for text in await office.told(user, 2)] == [first, change]
    assert office.messages_to(office.member) == []
    session = at.anchor.add_session(key=OTHER)
    await at.type(office.tenant, session)
    assert at.asked(office.tenant) == []
    assert at.anchor.posts(session)[0].key == OTHER


@pytest.mark.parametrize("change", ["replaced", "removed"])
async def test_whoever_set_the_key_is_told_even_if_they_are_no_admin_any_more(office: Office, change: str) -> None:
    await office.home()
    before = AnchorKey(Secret(KEY), KeyCheck.VERIFIED, office.member.id, 1_785_000_000)
    assert await office.at.store.installations.set_key(office.tenant.team_id, before)
    await office.home()
    await (office.set_key(OTHER) if change == "replaced" else office.press("anchor_remove_key"))
    (message,) = await office.told(office.member)
    assert message.startswith(f"<@{office.admin.id}> {change} the Anchor key ending `1234`")


async def test_an_admin_removes_the_key(office: Office) -> None:
    at = office.at
    await office.home()
    await office.set_key(KEY)
    await at.slack.close(office.admin)
    home = await office.home()
    button = home.find("anchor_remove_key")
    assert button is not None
    assert "ending 1234 is deleted here" in str(button["confirm"])
    await office.press("anchor_remove_key")
    await at.slack.until(lambda: "The key ending `1234` was removed." in shown(office))
    assert "*No key is set*" in shown(office)
    assert f"<@{office.admin.id}> removed the Anchor key ending `1234`." in (await office.told(office.admin, 2))[1]
    assert await key_of(office) is None
    assert (await refused_without_key(office)).text.startswith("*Not paused:* this workspace has no Anchor API key yet")


async def test_a_key_that_somebody_has_replaced_meanwhile_is_not_removed(office: Office) -> None:
    await office.home()
    await office.set_key(KEY)
    await office.at.slack.close(office.admin)
    await office.home()
    await office.home(office.second)
    await office.set_key(OTHER, user=office.second)
    await office.press("anchor_remove_key")
    await office.at.slack.until(lambda: "it has been changed since you looked at it" in shown(office))
    assert "A key ending `5678` is set" in shown(office)
    await office.press("anchor_remove_key")
    await office.at.slack.until(lambda: "*No key is set*" in shown(office))


async def test_a_message_that_does_not_arrive_holds_nothing_up(office: Office) -> None:
    """The last admin who knew may be gone: who set the key was deactivated, and nobody else has opened Home."""
    await office.home()
    await office.set_key(KEY)
    office.tenant.workspace.change_user(office.admin, deleted=True)
    office.at.slack.faults["chat.postMessage"] = api_error("user_disabled")
    await office.home(office.second)
    assert "*Saved.*" in (await office.set_key(OTHER, user=office.second)).text
    assert await key_of(office) == (OTHER, KeyCheck.VERIFIED, office.second.id)


@HTTP_ONLY
async def test_a_change_holds_for_the_next_command_at_every_bot(office: Office) -> None:
    at = office.at
    first, second = [at.anchor.add_session(key=key) for key in (KEY, OTHER)]
    async with another_bot(at) as url:
        here, there = at.slack.request_url, url
        for key, session, way in ((KEY, first, there), (OTHER, second, here)):
            at.slack.request_url = here if way is there else there
            await office.home()
            await office.set_key(key)
            await at.slack.close(office.admin)
            at.slack.request_url = way
            await at.type(office.tenant, session)
            assert at.anchor.posts(session)[0].key == key


@pytest.mark.parametrize("verb", ["pause", "resume"])
async def test_a_new_key_is_not_blamed_for_the_one_before(office: Office, verb: str) -> None:
    """An order joins one that is under way with the key of before, which Anchor refuses. A pause is sent anew."""
    at, session = office.at, office.at.anchor.add_session(key=OTHER)
    await office.home()
    await office.set_key(KEY)
    await at.slack.close(office.admin)
    at.anchor.revoke(KEY)
    at.anchor.fault = Slow(1.0, times=1)
    first = asyncio.create_task(at.type(office.tenant, session, command=f"/anchor-{verb}"))
    await at.anchor.until(lambda: at.anchor.posts(session))
    await office.set_key(OTHER)
    await at.type(office.tenant, session, command=f"/anchor-{verb}")
    await first
    assert [request.key for request in at.anchor.posts(session)] == [KEY, *([OTHER] if verb == "pause" else [])]
    assert ("⏸️ *Paused*" in str(at.said(office.tenant))) is (verb == "pause")
    assert await key_of(office) == (OTHER, KeyCheck.VERIFIED, office.admin.id)
    assert "Anchor refuses" not in str([message.text for message in office.messages_to(office.admin)])


# --- no key yet ---


async def test_an_admin_without_a_key_can_set_it_on_the_spot(office: Office) -> None:
    at, session = office.at, office.at.anchor.add_session(key=KEY)
    message = await refused_without_key(office, text=session)
    assert message.ephemeral_to == office.admin.id
    assert "You can set one now: press the button below" in message.text
    await at.slack.click(office.admin, message, "anchor_set_key")
    await office.dialog_says("Paste the API key")
    await office.submit({"key": KEY})
    assert SAVED in visible(office).text
    await at.type(office.tenant, session)
    assert at.said(office.tenant)[-1].text.startswith("⏸️ *Paused*")


async def test_the_button_gives_somebody_who_is_no_admin_any_more_no_form(office: Office) -> None:
    at = office.at
    message = await refused_without_key(office)
    office.tenant.workspace.change_user(office.admin, is_admin=False)
    await office.home()  # so the bot knows them as a member
    await at.slack.click(office.admin, message, "anchor_set_key")
    view = await office.dialog_says("only admins and owners of this workspace may do that")
    assert view.submit is None


async def test_a_member_without_a_key_learns_who_can_set_it_and_where(office: Office) -> None:
    at = office.at
    await at.slack.command(office.member, office.tenant.alerts, office.tenant.session)
    message = at.slack.seen_by(office.member, office.tenant.alerts)[-1]
    assert message.ephemeral_to == office.member.id
    assert message.text == (
        f"*Not paused:* this workspace has no Anchor API key yet, so the bot left session `{office.tenant.session}` "
        "alone.\nAn admin or owner of this workspace can set one in the Home tab of this app (in Slack's sidebar, "
        "under Apps). If it can't wait, do it in Anchor's dashboard."
    )
    assert message.blocks == ()


@pytest.mark.parametrize("who", ["admin", "member"])
async def test_the_button_on_an_alert_says_the_same(office: Office, who: str) -> None:
    at, user = office.at, getattr(office, who)
    pause = {
        "type": "button",
        "action_id": "anchor_pause",
        "text": {"type": "plain_text", "text": "Pause"},
        "value": office.tenant.session,
    }
    alert = at.slack.post(office.tenant.alerts, "High spend", blocks=[{"type": "actions", "elements": [pause]}])
    await at.slack.click(user, alert)
    await at.slack.until(lambda: at.slack.seen_by(user, office.tenant.alerts)[-1].ephemeral_to)
    message = at.slack.seen_by(user, office.tenant.alerts)[-1]
    assert "this workspace has no Anchor API key yet" in message.text
    assert ("anchor_set_key" in str(message.blocks)) is (who == "admin")


# --- what goes wrong ---


async def test_while_the_database_is_away_the_key_stays_in_the_form(office: Office) -> None:
    await office.home()
    await office.dialog("anchor_set_key")
    async with office.at.store.database.changing() as connection:
        await connection.exec_driver_sql("ALTER TABLE workspaces RENAME TO gone")
    await office.submit({"key": KEY})
    assert visible(office).errors["key"].startswith("The bot's database gives no answer")
    async with office.at.store.database.changing() as connection:
        await connection.exec_driver_sql("ALTER TABLE gone RENAME TO workspaces")
    await office.submit({})
    assert SAVED in visible(office).text


async def test_the_key_is_nowhere_but_where_it_belongs(
    office: Office, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    at = office.at
    at.anchor.add_session(key=KEY)
    with caplog.at_level(logging.DEBUG, "bot"):
        await office.home()
        await office.set_key(KEY)
        await office.told(office.admin)
        await at.slack.close(office.admin)
        at.anchor.fault = Answer(503, b"down", "text/plain")
        await office.home()
        await office.set_key(OTHER)
        await office.submit({"untried": ["yes"]})
        await office.told(office.admin, 2)
    everything = [
        caplog.text,
        str([vars(record) for record in caplog.records]),
        str([call.arguments for call in at.slack.api_calls]),
        str([view.private_metadata for view in at.slack.modals_of(office.admin)]),
        str(office.messages_to(office.admin)),
        str(at.said(office.tenant)),
    ]
    files = b"".join(path.read_bytes() for path in tmp_path.iterdir())  # noqa: ASYNC240 - small files
    for key in (KEY, OTHER):
        assert [text for text in everything if key in text] == []
        assert key.encode() not in files


@pytest.mark.parametrize("own", [True, False], ids=["the same person", "another admin"])
async def test_a_submission_that_comes_again_is_not_denied(office: Office, *, own: bool) -> None:
    """Slack says "try again?" where it has not heard the answer, and the dialog is as it was."""
    await office.home()
    await office.home(office.second)
    form = await office.dialog("anchor_set_key")
    await office.submit({"key": KEY})
    assert SAVED in visible(office).text
    told = len(await office.told(office.admin))
    user = office.admin if own else office.second
    again = {
        "type": "view_submission",
        "team": {"id": office.tenant.team_id, "domain": "x"},
        "user": {"id": user.id, "team_id": office.tenant.team_id},
        "trigger_id": "1.2.3",
        "view": {
            "id": form.id,
            "type": "modal",
            "callback_id": "anchor_set_key",
            "private_metadata": form.private_metadata,
            "app_installed_team_id": office.tenant.team_id,
            "state": {"values": {"key": {"key": {"type": "plain_text_input", "value": KEY}}}},
        },
    }
    answer = (await deliver(office.at.slack, "interactive", again, takes_answer=True)).body.decode()
    assert ("Saved" in answer, "Nothing was changed" in answer) == (own, not own)
    await asyncio.sleep(0.3)
    assert len(office.messages_to(office.admin)) == told


async def test_without_a_key_and_without_the_right_to_ask_who_is_an_admin_people_are_told_what_comes_first(
    office: Office,
) -> None:
    office.tenant.workspace.installation.scopes.discard("users:read")
    message = await refused_without_key(office)
    assert message.text.endswith(
        "An admin or owner of this workspace should install this app again, since it lacks the scope `users:read`; "
        "then they can set one in the Home tab of this app (in Slack's sidebar, under Apps). If it can't wait, do it "
        "in Anchor's dashboard."
    )
    assert message.blocks == ()


async def test_the_button_says_so_where_the_database_is_away_and_nothing_is_known_of_the_workspace(
    office: Office,
) -> None:
    at = office.at
    message = await refused_without_key(office)
    async with at.store.database.changing() as connection:
        await connection.exec_driver_sql("DELETE FROM workspaces")
    await at.type(office.tenant)  # what is known is not used for what is gone
    async with at.store.database.changing() as connection:
        await connection.exec_driver_sql("ALTER TABLE workspaces RENAME TO gone")
    await at.slack.click(office.admin, message, "anchor_set_key")
    await at.slack.until(lambda: "can't be opened" in at.said(office.tenant)[-1].text)
    said = at.said(office.tenant)[-1]
    assert said.text == (
        "The dialog can't be opened: the bot's database gives no answer. Press the button again in a minute."
    )
    assert said.ephemeral_to == office.admin.id

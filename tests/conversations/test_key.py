"""An admin sets, replaces and removes the workspace's Anchor key in Slack."""

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest

from bot.core.admin_outcomes import KeyRemoved, KeySaved, NewKeyRejected, NewKeyUnverified, NotAdmin, NotAKey, Outdated
from bot.core.outcomes import NoKey, StoreUnavailable
from bot.core.policy import Role
from bot.core.secret import Secret
from bot.core.workspace import AnchorKey, KeyCheck
from bot.messages.admin_notices import key_removed_message, key_set_message
from bot.messages.modal_results import CHECKING, MODAL_NOT_OPENED, about_key, about_problem, about_removal
from bot.sim.slack import Answer, Message, Slow
from harness import (
    BOTH_TRANSPORTS,
    BY_BOTH,
    HTTP_ONLY,
    AdminHarness,
    ManyHarness,
    another_bot,
    outcome_text,
    paused,
)
from harness.administration import modal_text
from harness.samples import sample
from harness.texts import is_about, waiting_text

pytestmark = pytest.mark.anyio

KEY, OTHER = "sk-first-0123456789-1234", "sk-other-0123456789-5678"
SAVED = about_key(KeySaved("1234", KeyCheck.VERIFIED))
OUTDATED = about_problem(Outdated())


async def without_key(at: ManyHarness) -> AdminHarness:
    """A workspace without a key, in which an admin looks at Home; Anchor accepts two keys."""
    at.anchor.add_key(KEY)
    at.anchor.add_key(OTHER)
    team = await AdminHarness.open(at)
    await team.open_home()
    return team


@pytest.fixture
async def team(at: ManyHarness) -> AdminHarness:
    return await without_key(at)


def made(by: str, key: str = KEY, check: KeyCheck = KeyCheck.VERIFIED) -> AnchorKey:
    return AnchorKey(Secret(key), check, by, 1_785_000_000)


async def key_of(team: AdminHarness) -> tuple[str, KeyCheck, str | None] | None:
    key = (await team.stored()).anchor_key
    return (key.value.reveal(), key.check, key.set_by) if key else None


async def refused_without_key(team: AdminHarness, session: str | None = None) -> Message:
    """The answer to a command in a workspace without a key."""
    await team.command(session)
    return team.seen()[-1]


# --- set ---


@BOTH_TRANSPORTS
async def test_an_admin_sets_the_key_and_the_next_command_pauses(team: AdminHarness) -> None:
    session = team.anchor.add_session(key=KEY)
    await team.open_modal("anchor_set_key")
    await team.submit({"key": f"  {KEY} "})
    view = team.modal()
    assert (SAVED in view.text, view.submit, view.find("key")) == (True, None, None)
    assert await key_of(team) == (KEY, KeyCheck.VERIFIED, team.admin.id)
    await team.home_with("`1234`")
    await team.command(session)
    assert is_about(team.seen()[-1].text, paused(session=session, user=team.admin.id))
    assert {request.key for request in team.anchor.requests} == {KEY}


@pytest.mark.parametrize("field", ["type", "app_installed_team_id"])
async def test_a_key_is_saved_from_a_modal_without_its_type_or_its_installation(team: AdminHarness, field: str) -> None:
    team.slack.platform.unsent_view_fields = {field}
    assert SAVED in (await team.set_key(KEY)).text


@HTTP_ONLY
async def test_a_modal_opens_before_slack_has_said_who_it_is(team: AdminHarness) -> None:
    """A trigger is good for 3 seconds, and this bot has never heard of this person."""
    async with another_bot(team.at) as url:
        team.slack.request_url = url
        team.slack.faults["users.info"] = Slow(2.5, times=1)
        await team.press("anchor_set_key")
        await team.slack.until(lambda: team.slack.modal_of(team.admin))
        assert team.modal().submit is None
        assert (await team.wait_for_modal("")).find("key")


# --- keys that are not saved ---


async def test_a_key_that_anchor_refuses_is_an_error_on_the_field(team: AdminHarness) -> None:
    view = await team.set_key("sk-nobody-knows-this-one")
    assert view.errors == {"key": about_key(NewKeyRejected(401))}
    assert await key_of(team) is None
    await team.submit({"key": KEY})
    assert SAVED in team.modal().text


async def test_text_that_is_no_key_is_not_tried(team: AdminHarness) -> None:
    await team.open_modal("anchor_set_key")
    for typed in ("two words", "sk-…-ellipsis", "\u200bsk-1", " "):
        await team.submit({"key": typed})
        assert team.modal().errors == {"key": about_key(NotAKey())}
    assert (team.anchor.requests, await key_of(team)) == ([], None)


@pytest.mark.parametrize(
    ("fault", "status"),
    [(Answer(503, b"down", "text/plain"), 503), (Answer(200, b"<html>", "text/html"), 200), (None, None)],
    ids=["out of service", "not Anchor", "unreachable"],
)
async def test_while_anchor_can_not_say_a_key_is_saved_only_if_the_admin_says_so(
    team: AdminHarness, fault: Answer | None, status: int | None
) -> None:
    team.anchor.fault = fault
    if fault is None:
        await team.anchor.stop()
    view = await team.set_key(KEY)
    assert view.errors == {"key": about_key(NewKeyUnverified(status))}
    assert await key_of(team) is None
    await team.submit({"untried": ["yes"]})
    assert about_key(KeySaved("1234", KeyCheck.UNVERIFIED)) in team.modal().text
    assert await key_of(team) == (KEY, KeyCheck.UNVERIFIED, team.admin.id)
    expected = key_set_message(team.admin.id, made(team.admin.id, check=KeyCheck.UNVERIFIED), None)
    assert await team.wait_for_direct_messages(user=team.admin) == [expected.text]


# --- the time that an ack has ---


@pytest.mark.slow
@BOTH_TRANSPORTS
async def test_slack_and_anchor_share_one_timeout_and_the_outcome_follows(hasty: ManyHarness) -> None:
    team = await without_key(hasty)
    await team.open_modal("anchor_set_key")
    team.anchor.fault = Slow(2.9)
    team.slack.faults["users.info"] = Slow(1.5)
    sent = await team.submit({"key": KEY})
    assert sent.error is None
    assert CHECKING in team.modal().text
    await team.wait_for_modal(SAVED)
    assert await key_of(team) == (KEY, KeyCheck.VERIFIED, team.admin.id)


async def test_an_outcome_after_the_ack_does_not_overtake_it(hasty: ManyHarness) -> None:
    """Slack may do what an ack says after what came behind it."""
    team = await without_key(hasty)
    team.slack.platform.ack_delay = 0.5
    assert CHECKING in (await team.set_key("sk-nobody-knows-this-one")).text
    await team.wait_for_modal(about_key(NewKeyRejected(401)))
    assert await key_of(team) is None


async def test_an_admin_who_has_closed_the_modal_gets_the_outcome_as_a_message(hasty: ManyHarness) -> None:
    team = await without_key(hasty)
    await team.set_key(KEY)
    await team.slack.close(team.admin)
    assert SAVED in await team.wait_for_direct_messages(2, user=team.admin)


# --- rights ---


@pytest.mark.parametrize(
    ("change", "role"),
    [({"is_admin": False}, Role.MEMBER), ({"team_id": "T0PARTNER01"}, Role.OUTSIDER), ({}, Role.UNKNOWN)],
    ids=["member", "stranger", "role unknown"],
)
async def test_the_right_is_checked_again_when_the_key_is_sent(
    team: AdminHarness, change: dict[str, Any], role: Role
) -> None:
    await team.open_modal("anchor_set_key")
    team.workspace.change_user(team.admin, **change)
    if role is Role.UNKNOWN:
        team.slack.faults["users.info"] = Answer(503)
    await team.submit({"key": KEY})
    await team.wait_for_modal(about_problem(NotAdmin(role)))
    assert (team.anchor.requests, await key_of(team)) == ([], None)


async def test_an_outsider_who_sends_the_modal_changes_nothing(team: AdminHarness) -> None:
    """The workspace is that of the installation, whatever the person's own."""
    other = await AdminHarness.open(team.at, 2)
    payload = sample("view_submission.slack_connect_foreign_user.payload")
    payload["user"] |= {"id": other.admin.id, "team_id": other.team_id}
    payload["team"] = {"id": other.team_id, "domain": "other"}
    payload["view"] |= {
        "callback_id": "anchor_set_key",
        "app_installed_team_id": team.team_id,
        "private_metadata": "0",
        "state": {"values": {"key": {"key": {"type": "plain_text_input", "value": KEY}}}},
    }
    answer = await team.deliver("interactive", payload, takes_answer=True)
    assert modal_text(answer) == about_problem(NotAdmin(Role.OUTSIDER))
    assert [await key_of(one) for one in (team, other)] == [None, None]
    assert team.anchor.requests == []


# --- two at once ---


@BOTH_TRANSPORTS
async def test_of_two_who_send_at_once_one_sets_the_key(team: AdminHarness) -> None:
    await team.open_home(team.second)
    for user in (team.admin, team.second):
        await team.open_modal("anchor_set_key", user=user)
    await asyncio.gather(team.submit({"key": KEY}), team.submit({"key": OTHER}, user=team.second))
    is_second = OUTDATED in team.modal(team.admin).text
    assert (OUTDATED in team.modal(team.second).text) is not is_second
    key, user = (OTHER, team.second) if is_second else (KEY, team.admin)
    assert await key_of(team) == (key, KeyCheck.VERIFIED, user.id)


async def test_a_submission_that_comes_again_is_not_denied(team: AdminHarness) -> None:
    """Slack says "try again?" if it has not heard the answer."""
    await team.open_home(team.second)
    for user in (team.admin, team.second):
        await team.open_modal("anchor_set_key", user=user)
    sent = await team.submit({"key": KEY})
    announced = [key_set_message(team.admin.id, made(team.admin.id), None).text]
    assert await team.wait_for_direct_messages(user=team.admin) == announced
    assert modal_text((await team.slack.resend(sent)).answer) == SAVED
    await team.submit({"key": KEY}, user=team.second)
    assert OUTDATED in team.modal(team.second).text, "the same key by another admin is another change"
    assert await key_of(team) == (KEY, KeyCheck.VERIFIED, team.admin.id)
    await asyncio.sleep(0.3)
    assert [message.text for message in team.direct_messages()] == announced


# --- replace and remove ---


async def test_a_replaced_key_is_announced_to_the_admins(team: AdminHarness) -> None:
    for user in (team.second, team.member):
        await team.open_home(user)
    await team.at.store.admins.record(team.team_id, team.member.id, 1_785_000_000)  # no admin any more
    await team.set_key(KEY)
    first = key_set_message(team.admin.id, made(team.admin.id), None).text
    assert await team.wait_for_direct_messages(user=team.second) == [first]
    await team.open_home(team.second)
    form = await team.open_modal("anchor_set_key", user=team.second)
    assert "`1234`" in form.text
    await team.submit({"key": OTHER}, user=team.second)
    change = key_set_message(team.second.id, made(team.second.id, OTHER), made(team.admin.id)).text
    for user in (team.admin, team.second):
        assert await team.wait_for_direct_messages(2, user=user) == [first, change]
    assert team.direct_messages(team.member) == []
    session = team.anchor.add_session(key=OTHER)
    await team.command(session)
    assert team.anchor.posts(session)[0].key == OTHER


@pytest.mark.parametrize("change", ["replaced", "removed"])
async def test_the_person_who_set_the_key_is_notified_although_no_admin_any_more(
    team: AdminHarness, change: str
) -> None:
    before = made(team.member.id)
    assert await team.at.store.rows.set_key(team.team_id, before)
    await team.open_home()
    if change == "replaced":
        await team.set_key(OTHER)
        expected = key_set_message(team.admin.id, made(team.admin.id, OTHER), before)
    else:
        await team.remove_key()
        expected = key_removed_message(team.admin.id, before)
    assert await team.wait_for_direct_messages(user=team.member) == [expected.text]


async def test_an_admin_removes_the_key(team: AdminHarness) -> None:
    await team.set_key(KEY)
    await team.slack.close(team.admin)
    await team.open_home()
    question = await team.open_modal("anchor_remove_key")
    assert "`1234`" in question.text
    await team.submit({})
    assert (team.modal().submit, about_removal(KeyRemoved("1234")) in team.modal().text) == (None, True)
    home = await team.home_with("⛔")
    assert home.find("anchor_key_menu") is None
    reported = await team.wait_for_direct_messages(2, user=team.admin)
    assert reported[1] == key_removed_message(team.admin.id, made(team.admin.id)).text
    assert await key_of(team) is None
    message = await refused_without_key(team)
    assert message.text == outcome_text(NoKey(can_set=True), session=team.session, user=team.admin.id)


async def test_a_key_that_was_replaced_meanwhile_is_not_removed(team: AdminHarness) -> None:
    await team.set_key(KEY)
    await team.slack.close(team.admin)
    await team.open_home()
    await team.open_home(team.second)
    await team.open_modal("anchor_remove_key")
    await team.set_key(OTHER, user=team.second)
    await team.submit({})
    assert OUTDATED in team.modal().text
    await team.home_with("`5678`")
    await team.slack.close(team.admin)
    assert about_removal(KeyRemoved("5678")) in (await team.remove_key()).text


async def test_the_remove_button_of_an_earlier_version_asks_before_it_removes(team: AdminHarness) -> None:
    """A Home that was published then is shown until it is opened again."""
    await team.set_key(KEY)
    await team.slack.close(team.admin)
    await team.open_home()
    action = {"type": "button", "action_id": "anchor_remove_key", "block_id": "x", "value": "1", "action_ts": "1.2"}
    await team.press("anchor_remove_key", actions=[action])
    assert "`1234`" in (await team.wait_for_modal("")).text
    await team.submit({})
    assert await key_of(team) is None


async def test_an_option_that_the_bot_does_not_know_does_nothing(team: AdminHarness) -> None:
    await team.set_key(KEY)
    await team.slack.close(team.admin)
    await team.open_home()
    option = {"text": {"type": "plain_text", "text": "x"}, "value": "anchor_of_tomorrow"}
    action = {"type": "overflow", "action_id": "anchor_key_menu", "block_id": "x", "selected_option": option}
    sent = await team.press("anchor_remove_key", actions=[action])
    await team.open_home()
    assert (sent.status, team.slack.modal_of(team.admin)) == (200, None)


@HTTP_ONLY
async def test_a_change_holds_for_the_next_command_at_every_bot(team: AdminHarness) -> None:
    first, second = [team.anchor.add_session(key=key) for key in (KEY, OTHER)]
    async with another_bot(team.at) as url:
        here, there = team.slack.request_url, url
        for key, session, way in ((KEY, first, there), (OTHER, second, here)):
            team.slack.request_url = here if way is there else there
            await team.open_home()
            await team.set_key(key)
            await team.slack.close(team.admin)
            team.slack.request_url = way
            await team.command(session)
            assert team.anchor.posts(session)[0].key == key


@pytest.mark.slow
@pytest.mark.parametrize("verb", ["pause", "resume"])
async def test_a_new_key_is_not_blamed_for_the_one_before(team: AdminHarness, verb: str) -> None:
    """An order joins one that is under way with the key of before, which Anchor refuses. A pause is sent again."""
    session = team.anchor.add_session(key=OTHER)
    await team.set_key(KEY)
    await team.slack.close(team.admin)
    team.anchor.revoke(KEY)
    team.anchor.fault = Slow(3.0)
    first = asyncio.create_task(team.command(session, verb=verb))
    await team.anchor.until(lambda: team.anchor.posts(session))
    team.anchor.fault = None
    await team.set_key(OTHER)
    await team.command(session, verb=verb)
    await first
    waiting = waiting_text(verb, session=session)
    await team.slack.until(lambda: len([one for one in team.seen() if one.text != waiting]) == 2)
    assert [request.key for request in team.anchor.posts(session)] == [KEY, *([OTHER] if verb == "pause" else [])]
    is_paused = any(is_about(message.text, paused(session=session, user=team.admin.id)) for message in team.seen())
    assert is_paused is (verb == "pause")
    assert await key_of(team) == (OTHER, KeyCheck.VERIFIED, team.admin.id)
    by = team.admin.id
    announced = [key_set_message(by, made(by), None), key_set_message(by, made(by, OTHER), made(by))]
    assert await team.wait_for_direct_messages(2, user=team.admin) == [message.text for message in announced]


# --- no key yet ---


async def test_without_a_key_an_admin_can_set_it_on_the_spot(team: AdminHarness) -> None:
    for by in BY_BOTH:
        message = await team.answer(by)
        refusal = outcome_text(NoKey(can_set=True), session=team.session, user=team.admin.id)
        assert (message.text, message.ephemeral_to) == (refusal, team.admin.id)
        await team.slack.click(team.admin, message, "anchor_set_key")
        assert (await team.wait_for_modal("")).find("key")
        if by == BY_BOTH[0]:
            await team.slack.close(team.admin)
    await team.submit({"key": KEY})
    assert SAVED in team.modal().text


@pytest.mark.parametrize(
    ("who", "refusal"), [("member", NoKey()), ("admin", NoKey(scope_missing=True))], ids=["member", "without the scope"]
)
async def test_without_a_key_others_learn_who_can_set_it(team: AdminHarness, who: str, refusal: NoKey) -> None:
    user = getattr(team, who)
    if refusal.scope_missing:
        team.workspace.installation.scopes.discard("users:read")
        await team.open_home()  # so the bot knows that it lacks the scope
    for by in BY_BOTH:
        message = await team.answer(by, user)
        assert message.text == outcome_text(refusal, session=team.session, user=user.id)
        assert (message.ephemeral_to, message.blocks) == (user.id, ())


async def test_the_button_gives_no_form_to_somebody_who_is_no_admin_any_more(team: AdminHarness) -> None:
    message = await refused_without_key(team)
    team.workspace.change_user(team.admin, is_admin=False)
    await team.open_home()  # so the bot knows them as a member
    await team.slack.click(team.admin, message, "anchor_set_key")
    view = await team.wait_for_modal(about_problem(NotAdmin(Role.MEMBER)))
    assert view.submit is None


# --- outages, and secrecy ---


async def test_while_the_database_is_away_the_key_stays_in_the_form(team: AdminHarness) -> None:
    await team.open_modal("anchor_set_key")
    await team.at.rename_table("workspaces", "gone")
    await team.submit({"key": KEY})
    assert team.modal().errors == {"key": about_key(StoreUnavailable())}
    await team.at.rename_table("gone", "workspaces")
    await team.submit({})
    assert SAVED in team.modal().text


async def test_the_button_says_so_if_nothing_is_known_of_the_workspace_and_the_database_is_away(
    team: AdminHarness,
) -> None:
    message = await refused_without_key(team)
    await team.execute("DELETE FROM workspaces")
    await team.command()  # from now on the bot does not use what it knew
    await team.at.rename_table("workspaces", "gone")
    await team.slack.click(team.admin, message, "anchor_set_key")
    await team.slack.until(lambda: team.seen()[-1].text == MODAL_NOT_OPENED)
    assert team.seen()[-1].ephemeral_to == team.admin.id


async def test_the_key_is_nowhere_but_at_anchor(
    team: AdminHarness, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    with caplog.at_level(logging.DEBUG, "bot"):
        await team.set_key(KEY)
        await team.wait_for_direct_messages(user=team.admin)
        await team.slack.close(team.admin)
        team.anchor.fault = Answer(503, b"down", "text/plain")
        await team.open_home()
        await team.set_key(OTHER)
        await team.submit({"untried": ["yes"]})
        await team.wait_for_direct_messages(2, user=team.admin)
    shown = (caplog.records, team.slack.modals_of(team.admin), team.direct_messages(), team.seen())
    everything = [caplog.text, *map(str, shown), *(str(vars(record)) for record in caplog.records)]
    everything += [str(call.arguments) for call in team.slack.api_calls]
    files = b"".join(path.read_bytes() for path in tmp_path.iterdir())  # noqa: ASYNC240 - small files
    for key in (KEY, OTHER):
        assert [text for text in everything if key in text] == []
        assert key.encode() not in files

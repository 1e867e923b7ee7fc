"""An admin sets, replaces and removes the workspace's Anchor key in Slack."""

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest

from bot.sim.slack import Answer, Message, Slow
from harness import BOTH_TRANSPORTS, BY_BOTH, HTTP_ONLY, AdminHarness, ManyHarness, another_bot, outcome_text, paused
from harness import admin_texts as say
from harness.administration import modal_text
from harness.product import Secret, outcomes, policy, workspace
from harness.samples import sample
from harness.texts import is_about, waiting_text

pytestmark = pytest.mark.anyio

KEY, OTHER = "sk-first-0123456789-1234", "sk-other-0123456789-5678"
VERIFIED, UNVERIFIED = workspace.KeyCheck.VERIFIED, workspace.KeyCheck.UNVERIFIED
SAVED = say.key_saved()
DOWN = Answer(503, b"down", "text/plain")


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


def made(by: str, key: str = KEY, check: workspace.KeyCheck = VERIFIED) -> workspace.AnchorKey:
    return workspace.AnchorKey(Secret(key), check, by, 1_785_000_000)


async def key_of(team: AdminHarness) -> tuple[str, workspace.KeyCheck, str | None] | None:
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
    assert await key_of(team) == (KEY, VERIFIED, team.admin.id)
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


async def test_a_key_that_is_none_or_that_anchor_refuses_is_an_error_on_the_field(team: AdminHarness) -> None:
    await team.open_modal("anchor_set_key")
    for typed in ("two words", "sk-…-ellipsis", "\u200bsk-1", " "):
        await team.submit({"key": typed})
        assert team.modal().errors == {"key": say.NOT_A_KEY}
    assert team.anchor.requests == []
    await team.submit({"key": "sk-nobody-knows-this-one"})
    view = team.modal()
    assert view.errors == {"key": say.KEY_REFUSED}
    assert await key_of(team) is None
    await team.submit({"key": KEY})
    assert SAVED in team.modal().text


@pytest.mark.parametrize(
    ("fault", "status"),
    [(DOWN, 503), (None, None)],
    ids=["out of service", "unreachable"],
)
async def test_while_anchor_can_not_say_a_key_is_saved_only_if_the_admin_says_so(
    team: AdminHarness, fault: Answer | None, status: int | None
) -> None:
    team.anchor.fault = fault
    if fault is None:
        await team.anchor.stop()
    view = await team.set_key(KEY)
    assert view.errors == {"key": say.key_untried(status)}
    assert await key_of(team) is None
    await team.submit({"untried": ["yes"]})
    assert say.key_saved("1234", UNVERIFIED) in team.modal().text
    assert await key_of(team) == (KEY, UNVERIFIED, team.admin.id)
    expected = say.key_set_notice(team.admin.id, made(team.admin.id, check=UNVERIFIED))
    assert await team.wait_for_direct_messages(user=team.admin) == [expected]


# --- the time that an ack has ---


@BOTH_TRANSPORTS
async def test_slack_and_anchor_share_one_timeout_and_the_outcome_follows(hasty: ManyHarness) -> None:
    team = await without_key(hasty)
    await team.open_modal("anchor_set_key")
    team.anchor.fault = Slow(2.9)
    team.slack.faults["users.info"] = Slow(1.5)
    sent = await team.submit({"key": KEY})
    assert sent.error is None
    assert say.CHECKING in team.modal().text
    await team.wait_for_modal(SAVED)
    assert await key_of(team) == (KEY, VERIFIED, team.admin.id)


async def test_an_outcome_after_the_ack_does_not_overtake_it(hasty: ManyHarness) -> None:
    """Slack may do what an ack says after what came behind it."""
    team = await without_key(hasty)
    team.slack.platform.ack_delay = 0.5
    assert say.CHECKING in (await team.set_key("sk-nobody-knows-this-one")).text
    await team.wait_for_modal(say.KEY_REFUSED)
    assert await key_of(team) is None


# --- rights ---


@pytest.mark.parametrize(
    ("change", "role"),
    [
        ({"is_admin": False}, policy.Role.MEMBER),
        ({"team_id": "T0PARTNER01"}, policy.Role.OUTSIDER),
        ({}, policy.Role.UNKNOWN),
    ],
    ids=["member", "stranger", "role unknown"],
)
async def test_the_right_is_checked_again_when_the_key_is_sent(
    team: AdminHarness, change: dict[str, Any], role: policy.Role
) -> None:
    await team.open_modal("anchor_set_key")
    team.workspace.change_user(team.admin, **change)
    if role is policy.Role.UNKNOWN:
        team.slack.faults["users.info"] = Answer(503)
    await team.submit({"key": KEY})
    await team.wait_for_modal(say.not_admin(role))
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
    assert modal_text(answer) == say.not_admin(policy.Role.OUTSIDER)
    assert [await key_of(one) for one in (team, other)] == [None, None]
    assert team.anchor.requests == []


# --- two at once ---


@BOTH_TRANSPORTS
async def test_of_two_who_send_at_once_one_sets_the_key(team: AdminHarness) -> None:
    await team.open_home(team.second)
    for user in (team.admin, team.second):
        await team.open_modal("anchor_set_key", user=user)
    await asyncio.gather(team.submit({"key": KEY}), team.submit({"key": OTHER}, user=team.second))
    is_second = say.OUTDATED in team.modal(team.admin).text
    assert (say.OUTDATED in team.modal(team.second).text) is not is_second
    key, user = (OTHER, team.second) if is_second else (KEY, team.admin)
    assert await key_of(team) == (key, VERIFIED, user.id)


async def test_a_submission_that_comes_again_is_not_denied(team: AdminHarness) -> None:
    """Slack says "try again?" if it has not heard the answer."""
    await team.open_home(team.second)
    for user in (team.admin, team.second):
        await team.open_modal("anchor_set_key", user=user)
    sent = await team.submit({"key": KEY})
    announced = [say.key_set_notice(team.admin.id, made(team.admin.id))]
    assert await team.wait_for_direct_messages(user=team.admin) == announced
    assert modal_text((await team.slack.resend(sent)).answer) == SAVED
    await team.submit({"key": KEY}, user=team.second)
    assert say.OUTDATED in team.modal(team.second).text, "the same key by another admin is another change"
    assert await key_of(team) == (KEY, VERIFIED, team.admin.id)
    await asyncio.sleep(0.3)
    assert [message.text for message in team.direct_messages()] == announced


# --- replace and remove ---


async def test_a_replaced_key_is_announced_to_the_admins(team: AdminHarness) -> None:
    for user in (team.second, team.member):
        await team.open_home(user)
    await team.at.store.admins.record(team.team_id, team.member.id, 1_785_000_000)  # no admin any more
    await team.set_key(KEY)
    first = say.key_set_notice(team.admin.id, made(team.admin.id))
    assert await team.wait_for_direct_messages(user=team.second) == [first]
    await team.open_home(team.second)
    form = await team.open_modal("anchor_set_key", user=team.second)
    assert "`1234`" in form.text
    await team.submit({"key": OTHER}, user=team.second)
    change = say.key_set_notice(team.second.id, made(team.second.id, OTHER), made(team.admin.id))
    for user in (team.admin, team.second):
        assert await team.wait_for_direct_messages(2, user=user) == [first, change]
    assert team.direct_messages(team.member) == []
    session = team.anchor.add_session(key=OTHER)
    await team.command(session)
    assert team.anchor.posts(session)[0].key == OTHER


async def test_an_admin_removes_the_key_and_who_set_it_is_notified_although_no_admin(team: AdminHarness) -> None:
    before = made(team.member.id)
    assert await team.at.store.rows.set_key(team.team_id, before)
    await team.open_home()
    question = await team.open_modal("anchor_remove_key")
    assert "`1234`" in question.text
    await team.submit({})
    assert (team.modal().submit, say.key_removed("1234") in team.modal().text) == (None, True)
    home = await team.home_with("⛔")
    assert home.find("anchor_key_menu") is None
    for user in (team.admin, team.member):
        assert await team.wait_for_direct_messages(user=user) == [say.key_removed_notice(team.admin.id, before)]
    assert await key_of(team) is None
    message = await refused_without_key(team)
    assert message.text == outcome_text(outcomes.NoKey(can_set=True), session=team.session, user=team.admin.id)


async def test_a_home_of_another_version_does_no_harm(team: AdminHarness) -> None:
    """Its remove button asks before it removes, and an option that the bot does not know does nothing."""
    await team.set_key(KEY)
    await team.slack.close(team.admin)
    await team.open_home()
    option = {"text": {"type": "plain_text", "text": "x"}, "value": "anchor_of_tomorrow"}
    action = {"type": "overflow", "action_id": "anchor_key_menu", "block_id": "x", "selected_option": option}
    assert (await team.press("anchor_remove_key", actions=[action])).status == 200
    await team.open_home()
    assert team.slack.modal_of(team.admin) is None
    action = {"type": "button", "action_id": "anchor_remove_key", "block_id": "x", "value": "1", "action_ts": "1.2"}
    await team.press("anchor_remove_key", actions=[action])
    assert "`1234`" in (await team.wait_for_modal("")).text
    await team.submit({})
    assert await key_of(team) is None


async def test_a_key_that_was_replaced_meanwhile_is_not_removed(team: AdminHarness) -> None:
    await team.set_key(KEY)
    await team.slack.close(team.admin)
    await team.open_home()
    await team.open_home(team.second)
    await team.open_modal("anchor_remove_key")
    await team.set_key(OTHER, user=team.second)
    await team.submit({})
    assert say.OUTDATED in team.modal().text
    await team.home_with("`5678`")
    await team.slack.close(team.admin)
    assert say.key_removed("5678") in (await team.remove_key()).text


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
    assert await key_of(team) == (OTHER, VERIFIED, team.admin.id)
    by = team.admin.id
    announced = [say.key_set_notice(by, made(by)), say.key_set_notice(by, made(by, OTHER), made(by))]
    assert await team.wait_for_direct_messages(2, user=team.admin) == announced


# --- no key yet ---


async def test_without_a_key_an_admin_can_set_it_on_the_spot(team: AdminHarness) -> None:
    for by in BY_BOTH:
        message = await team.answer(by)
        refusal = outcome_text(outcomes.NoKey(can_set=True), session=team.session, user=team.admin.id)
        assert (message.text, message.ephemeral_to) == (refusal, team.admin.id)
        await team.slack.click(team.admin, message, "anchor_set_key")
        assert (await team.wait_for_modal("")).find("key")
        if by == BY_BOTH[0]:
            await team.slack.close(team.admin)
    await team.submit({"key": KEY})
    assert SAVED in team.modal().text


@pytest.mark.parametrize("who", ["a member", "without the scope"])
async def test_without_a_key_others_learn_who_can_set_it(team: AdminHarness, who: str) -> None:
    user = team.member if who == "a member" else team.admin
    refusal = outcomes.NoKey(scope_missing=who != "a member")
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
    view = await team.wait_for_modal(say.not_admin())
    assert view.submit is None


# --- outages, and secrecy ---


async def test_the_key_is_nowhere_but_at_anchor(
    team: AdminHarness, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    with caplog.at_level(logging.DEBUG, "bot"):
        await team.set_key(KEY)
        await team.wait_for_direct_messages(user=team.admin)
        await team.slack.close(team.admin)
        team.anchor.fault = DOWN
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

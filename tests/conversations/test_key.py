"""The key of a workspace: set, checked, refused and replaced."""

import asyncio
import logging
from typing import Any

import pytest

from bot.core.sessions import NotRead
from bot.sim import anchor
from bot.sim.slack import Answer, ResetAfterReading
from harness import BOTH_TRANSPORTS, BY_BOTH, HTTP_ONLY, Conversation, ManyHarness, Tenant, outcome_text, paused
from harness import texts as say
from harness.bots import modal_text
from harness.product import Secret, outcomes, permissions, workspace
from harness.samples import sample
from harness.texts import is_about, settings_texts

KEY, OTHER = "sk-first-0123456789-1234", "sk-other-0123456789-5678"
VERIFIED = workspace.KeyCheck.VERIFIED
SAVED = say.key_saved()
DOWN = Answer(503, b"down", "text/plain")


@pytest.fixture
async def team(at: ManyHarness) -> Tenant:
    """A workspace without a key, in which an admin looks at Home; Anchor accepts two keys."""
    at.anchor.add_key(KEY)
    at.anchor.add_key(OTHER)
    team = await Tenant.open(at)
    await team.open_home()
    return team


def made(by: str, key: str = KEY, check: workspace.KeyCheck = VERIFIED) -> workspace.AnchorKey:
    return workspace.AnchorKey(Secret(key), check, by, 1_785_000_000)


async def key_of(team: Tenant) -> tuple[str, workspace.KeyCheck, str | None] | None:
    key = (await team.stored()).anchor_key
    return (key.value.reveal(), key.check, key.set_by) if key else None


@BOTH_TRANSPORTS
async def test_an_admin_sets_the_key_and_the_next_command_pauses(team: Tenant) -> None:
    session = team.anchor.add_session(key=KEY)
    await team.open_modal("anchor_set_key")
    sent = await team.submit({"key": f"  {KEY} "})
    view = team.modal()
    assert (SAVED in view.text, view.submit, view.find("key")) == (True, None, None)
    assert await key_of(team) == (KEY, VERIFIED, team.admin.id)
    await team.home_with("`1234`")
    await team.command(session)
    assert is_about(team.seen()[-1].text, paused(session=session, user=team.admin.id))
    assert {request.key for request in team.anchor.requests} == {KEY}
    assert modal_text((await team.slack.resend(sent)).answer) == say.OUTDATED
    assert await team.wait_for_direct_messages(user=team.admin) == [
        say.settings_texts.key_saved(made(team.admin.id)).notice(team.admin.id).text
    ]


async def test_nobody_tries_to_tell_a_person_who_was_forgotten_that_their_key_was_replaced(
    team: Tenant, caplog: pytest.LogCaptureFixture
) -> None:
    assert await team.at.store.rows.set_key(team.team_id, made("forgotten-0123456789ab", OTHER))
    await team.open_home()
    await team.open_modal("anchor_set_key")
    await team.submit({"key": KEY})
    await team.wait_for_direct_messages(user=team.admin)
    await asyncio.sleep(1.0)
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_a_key_that_is_none_or_that_anchor_refuses_is_an_error_on_the_field(team: Tenant) -> None:
    await team.open_modal("anchor_set_key")
    for typed in ("two words", "sk-…-ellipsis", "\u200bsk-1", " "):
        await team.submit({"key": typed})
        assert team.modal().errors == {"key": settings_texts.NOT_A_KEY.text}
    assert team.anchor.requests == []
    await team.submit({"key": "sk-nobody-knows-this-one"})
    view = team.modal()
    assert view.errors == {"key": say.KEY_REFUSED}
    assert await key_of(team) is None
    await team.submit({"key": KEY})
    assert SAVED in team.modal().text


@pytest.mark.parametrize(("fault", "status"), [(DOWN, 503), (None, None)], ids=["out of service", "unreachable"])
async def test_while_anchor_can_not_say_a_key_is_not_saved(
    team: Tenant, fault: Answer | None, status: int | None
) -> None:
    team.anchor.fault = fault
    if fault is None:
        await team.anchor.stop()
    view = await team.set_key(KEY)
    assert view.errors == {"key": settings_texts.key_not_accepted(NotRead(status)).text}
    assert await key_of(team) is None


@pytest.mark.parametrize(
    ("change", "role"),
    [
        ({"is_admin": False}, permissions.Role.MEMBER),
        ({"team_id": "T0PARTNER01"}, permissions.Role.OUTSIDER),
        ({}, permissions.Role.UNKNOWN),
    ],
    ids=["member", "stranger", "role unknown"],
)
async def test_the_right_is_checked_again_when_the_key_is_sent(
    team: Tenant, change: dict[str, Any], role: permissions.Role
) -> None:
    await team.open_modal("anchor_set_key")
    team.workspace.change_user(team.admin, **change)
    if role is permissions.Role.UNKNOWN:
        team.slack.faults["users.info"] = Answer(503)
    await team.submit({"key": KEY})
    await team.wait_for_modal(say.not_admin(role))
    assert (team.anchor.requests, await key_of(team)) == ([], None)


async def test_an_outsider_who_sends_the_modal_changes_nothing(team: Tenant) -> None:
    """The workspace is that of the installation, whatever the person's own."""
    other = await Tenant.open(team.at, 2)
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
    assert modal_text(answer) == say.not_admin(permissions.Role.OUTSIDER)
    assert [await key_of(one) for one in (team, other)] == [None, None]
    assert team.anchor.requests == []


@BOTH_TRANSPORTS
async def test_of_two_who_send_at_once_one_sets_the_key(team: Tenant) -> None:
    await team.open_home(team.second)
    for user in (team.admin, team.second):
        await team.open_modal("anchor_set_key", user=user)
    await asyncio.gather(team.submit({"key": KEY}), team.submit({"key": OTHER}, user=team.second))
    is_second = say.OUTDATED in team.modal(team.admin).text
    assert (say.OUTDATED in team.modal(team.second).text) is not is_second
    key, user = (OTHER, team.second) if is_second else (KEY, team.admin)
    assert await key_of(team) == (key, VERIFIED, user.id)


async def test_without_a_key_people_learn_who_can_set_it(team: Tenant) -> None:
    refusal = outcome_text(outcomes.Refusal(outcomes.Why.NO_KEY), session=team.session)
    for by in BY_BOTH:
        message = await team.answer(by, team.member)
        assert (message.text, message.ephemeral_to, message.blocks) == (refusal, team.member.id, ())


def notice(key: str) -> str:
    return settings_texts.key_refused_message(workspace.AnchorKey(Secret(key))).text


async def set_by_an_admin(at: ManyHarness) -> Tenant:
    """A workspace whose key its second admin has set."""
    tenant = await at.set_up(at.add(1))
    assert await at.store.rows.set_key(tenant.team_id, made(tenant.second.id, tenant.key))
    return tenant


async def is_refused(at: ManyHarness, tenant: Tenant) -> bool:
    found = await at.store.rows.find(tenant.team_id)
    return bool(found and found.anchor_key and found.anchor_key.check is workspace.KeyCheck.REFUSED)


@BOTH_TRANSPORTS
async def test_the_person_who_set_the_key_is_notified_once_however_many_orders_there_are(at: ManyHarness) -> None:
    tenant = await set_by_an_admin(at)
    at.anchor.revoke(tenant.key)
    at.anchor.fault = anchor.Slow(0.5)
    await asyncio.gather(*[tenant.order(by) for by in BY_BOTH for _ in range(5)])
    await at.slack.until(lambda: len(tenant.answers()) == 10)
    refusal = outcomes.KeyRejected(401, "Invalid API key")
    text = outcome_text(refusal, session=tenant.session, user=tenant.person.id)
    assert {message.text for message in tenant.answers()} == {text}
    await tenant.answer("a command", tenant.second)
    assert await tenant.wait_for_direct_messages(user=tenant.second) == [notice(tenant.key)]
    await asyncio.sleep(0.4)
    assert (len(tenant.direct_messages(tenant.second)), tenant.direct_messages()) == (1, [])
    assert await is_refused(at, tenant)


async def test_a_notice_that_slack_does_not_answer_is_sent_again(at: ManyHarness) -> None:
    tenant = await set_by_an_admin(at)
    at.anchor.revoke(tenant.key)
    at.slack.faults["chat.postMessage"] = ResetAfterReading(times=1)
    await tenant.answer("a command")
    assert await tenant.wait_for_direct_messages(user=tenant.second) == [notice(tenant.key)]


AutoPause = workspace.AutoPause
MINUTES = 8


async def tries(at: Conversation | ManyHarness, key: str, seconds: float = MINUTES * 60.0) -> int:
    """How often the key is tried meanwhile."""
    at.anchor.requests.clear()
    await asyncio.sleep(seconds)
    return sum((request.verb, request.key) == ("statuses", key) for request in at.anchor.requests)


async def set_mode(at: ManyHarness, tenant: Tenant, mode: workspace.AutoPause, before: workspace.AutoPause) -> None:
    assert await at.store.rows.set_auto_pause(tenant.team_id, mode, before=before, by=tenant.person.id)


@HTTP_ONLY
async def test_a_key_is_tried_each_minute_while_alerts_can_pause(at: ManyHarness) -> None:
    tenant = await at.set_up(at.add(1))
    assert await tries(at, tenant.key) == 0
    await set_mode(at, tenant, AutoPause.OBSERVE, AutoPause.OFF)
    assert MINUTES <= await tries(at, tenant.key) <= 1.3 * MINUTES + 1
    await set_mode(at, tenant, AutoPause.OFF, AutoPause.OBSERVE)
    assert await tries(at, tenant.key) == 0
    await set_mode(at, tenant, AutoPause.ON, AutoPause.OFF)
    await at.execute("UPDATE workspaces SET anchor_api_key = NULL")
    assert await tries(at, tenant.key, seconds=130.0) == 0


@HTTP_ONLY
async def test_a_key_that_anchor_refuses_is_told_within_a_minute_without_an_order(at: ManyHarness) -> None:
    tenant = await set_by_an_admin(at)
    await set_mode(at, tenant, AutoPause.ON, AutoPause.OFF)
    await asyncio.sleep(60.0)
    at.anchor.revoke(tenant.key)
    await asyncio.sleep(60.0)
    assert await tenant.wait_for_direct_messages(user=tenant.second) == [notice(tenant.key)]
    await asyncio.sleep(300.0)
    assert await tenant.wait_for_direct_messages(user=tenant.second) == [notice(tenant.key)]
    assert await is_refused(at, tenant)

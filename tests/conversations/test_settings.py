"""Settings in Home: permissions, automatic pauses, and what admins read when a change fails."""

import logging
from unittest.mock import AsyncMock

import pytest

from bot.outbound.store.workspaces import WorkspaceRows
from bot.sim.slack import Message, User, rate_limited
from harness import BOTH_TRANSPORTS, ManyHarness, Tenant, outcome_text, paused, resumed
from harness import texts as say
from harness.conversation import until
from harness.product import outcomes, permissions, workspace
from harness.stored import add_token, fetch
from harness.texts import NOBODY_SELECTED, OUTDATED, incident_text, is_about, settings_texts

Policy, Rule = permissions.Policy, permissions.Rule


def only(*users: User) -> dict[str, str | list[str]]:
    """The inputs of an admin who lets these people pause."""
    return {"pause_who": "selected", "pause_users": [user.id for user in users]}


def is_refused(team: Tenant, message: Message, refusal: outcomes.Outcome, user: str, verb: str = "pause") -> bool:
    text = outcome_text(refusal, verb=verb, session=team.session, user=user)
    return (message.text, message.ephemeral_to) == (text, user)


@BOTH_TRANSPORTS
async def test_an_admin_narrows_each_verb_by_people_and_by_channels(team: Tenant) -> None:
    incidents = team.add_channel("incidents", with_bot=True)
    form = await team.open_modal("anchor_change_policy")
    assert form.submit is not None
    await team.submit({**only(team.second), "resume_channels": [incidents.id]})
    assert settings_texts.policy_saved(permissions.EVERYBODY).text.partition("\n")[0] in team.modal().text
    pause, resume = Rule(users=frozenset({team.second.id})), Rule(channels=frozenset({incidents.id}))
    assert (await team.stored()).policy == Policy(pause, resume)
    for by, user in (("a command", team.admin), ("a click", team.member)):
        assert is_refused(
            team, await team.answer(by, user), outcomes.Refusal(outcomes.Why.NOT_NAMED, ids=pause.users), user.id
        )
    done = await team.answer("a click", team.second)
    assert is_about(done.text, paused(session=team.session, user=team.second.id))
    refused = await team.answer("a command", team.second, "resume")
    assert is_refused(
        team, refused, outcomes.Refusal(outcomes.Why.NOT_HERE, ids=resume.channels), team.second.id, "resume"
    )
    done = await team.answer("a command", team.member, "resume", channel=incidents)
    assert is_about(done.text, resumed(session=team.session, user=team.member.id))


async def test_an_admin_chooses_who_of_those_who_pause_can_pause_several(team: Tenant) -> None:
    await team.open_modal("anchor_change_policy")
    await team.submit({"several_who": "selected"})
    assert team.modal().errors == {"several_users": NOBODY_SELECTED}
    await team.submit({"several_who": "selected", "several_users": [team.second.id]})
    chosen = Policy(pause_several=frozenset({team.second.id}))
    assert (await team.stored()).policy == chosen
    for line in say.who_can_what(chosen):
        await team.home_with(line)
    done = await team.answer("a command", team.member)
    assert is_about(done.text, paused(session=team.session, user=team.member.id))


async def test_of_two_admins_at_once_the_second_is_refused(team: Tenant) -> None:
    await team.open_home(team.second)
    for user in (team.admin, team.second):
        await team.open_modal("anchor_change_policy", user=user)
    await team.submit(only(team.second), user=team.second)
    await team.submit(only(team.admin))
    assert OUTDATED in team.modal().text
    chosen = Policy(pause=Rule(frozenset({team.second.id})))
    assert (await team.stored()).policy == chosen
    for user in (team.admin, team.second):
        assert await team.wait_for_direct_messages(user=user) == [
            settings_texts.policy_saved(chosen).notice(team.second.id).text
        ]


async def test_the_author_of_a_change_is_told_although_it_is_not_known_who_else_is_an_admin(team: Tenant) -> None:
    await team.open_modal("anchor_change_policy")
    await team.at.rename_table("people", "gone")
    await team.submit(only(team.second))
    notice = settings_texts.policy_saved(Policy(pause=Rule(frozenset({team.second.id})))).notice(team.admin.id)
    assert await team.wait_for_direct_messages(user=team.admin) == [notice.text]


async def test_selected_people_without_any_is_an_error_and_with_everyone_they_are_ignored(team: Tenant) -> None:
    await team.open_modal("anchor_change_policy")
    await team.submit({"pause_who": "selected"})
    assert team.modal().errors == {"pause_users": NOBODY_SELECTED}
    await team.submit({"resume_who": "selected"})
    assert team.modal().errors == dict.fromkeys(("pause_users", "resume_users"), NOBODY_SELECTED)
    assert (await team.stored()).policy == Policy()
    people = [team.second.id]
    await team.submit({"resume_who": "everyone", "resume_users": people, "pause_users": people})
    assert (await team.stored()).policy == Policy(pause=Rule(frozenset(people)))


KEY = "sk-first-0123456789-1234"
OTHERS = ("anchor_change_policy", "anchor_alerts_token")
MODALS: dict[str, dict[str, str]] = {"anchor_set_key": {"key": KEY}} | {key: {} for key in OTHERS}
MODALS["anchor_alerts_token"] = {"sender_name": "spend-monitor"}


async def logged(caplog: pytest.LogCaptureFixture, module: str, **fields: object) -> logging.LogRecord:
    """Wait for a log record of a module of bot/ with these fields."""

    def found() -> list[logging.LogRecord]:
        ours = [record for record in caplog.records if record.name == f"bot.{module}"]
        return [record for record in ours if fields.items() <= vars(record).items()]

    await until(found)
    return found()[0]


async def test_no_modal_opens_while_the_database_is_away(at: ManyHarness, caplog: pytest.LogCaptureFixture) -> None:
    team = await Tenant.open(at)
    await team.open_home()
    await team.at.execute("DELETE FROM workspaces")  # from now on the bot does not use what it knew
    await team.press("anchor_set_key")
    await logged(caplog, "usecases.views", team=team.team_id)
    await team.at.rename_table("workspaces", "gone")
    await team.press("anchor_change_policy")
    await logged(caplog, "usecases.views", why="SQLITE_ERROR")
    assert team.slack.modal_of(team.admin) is None


async def test_while_the_database_is_away_the_key_stays_in_the_form_and_a_pause_works(team: Tenant) -> None:
    assert await add_token(team.at.store.rows, team.team_id, "s3cret-of-the-alerts")
    await team.open_modal("anchor_set_key")
    await team.at.rename_table("workspaces", "gone")
    await team.submit({"key": KEY})
    assert team.modal().errors == {"key": say.NOT_SAVED}
    await team.press("anchor_alerts_channel", team.channel.id)
    await team.home_with(say.NOT_SAVED)
    assert is_about((await team.answer("a command")).text, paused(session=team.session, user=team.admin.id))
    await team.at.rename_table("gone", "workspaces")
    await team.submit({})
    assert say.key_saved() in team.modal().text


async def test_an_outcome_that_home_can_not_show_comes_as_a_message(team: Tenant) -> None:
    team.slack.faults["views.publish"] = rate_limited(30)
    await team.press("anchor_alerts_channel", team.channel.id)
    assert say.alert_posted(team.channel.id) in await team.wait_for_direct_messages(2, user=team.admin)


@pytest.mark.parametrize("modal", ["anchor_set_key", "anchor_alerts_token"])
async def test_a_modal_of_somebody_who_is_no_admin_any_more_changes_nothing(team: Tenant, modal: str) -> None:
    await team.open_modal(modal)
    team.workspace.change_user(team.admin, is_admin=False)
    before = await team.stored()
    await team.submit(MODALS[modal])
    await team.wait_for_modal(say.not_admin())
    assert await team.stored() == before


@pytest.mark.parametrize("where", ["opening", "modal", "home"])
async def test_a_bug_is_logged_under_an_id_and_told_where_it_happened(
    team: Tenant, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    if where == "opening":
        monkeypatch.setattr(WorkspaceRows, "find", AsyncMock(side_effect=RuntimeError))
        await team.press("anchor_set_key")
    else:
        for change in ("set_key", "set_alerts_channel"):
            monkeypatch.setattr(WorkspaceRows, change, AsyncMock(side_effect=RuntimeError))
        await (team.set_key(KEY) if where == "modal" else team.press("anchor_alerts_channel", team.channel.id))
    record = await logged(caplog, "runtime")
    text = incident_text(vars(record)["incident"])
    if where != "opening":
        await (team.wait_for_modal(text) if where == "modal" else team.home_with(text))
        assert [one.name for one in caplog.records if one.levelno >= logging.ERROR] == ["bot.runtime"]


AutoPause = workspace.AutoPause
MODE, MAKE, CHANGE = "anchor_auto_pause", "anchor_alerts_token", "anchor_alerts_sender"


async def recorded(team: Tenant) -> list[tuple[object, ...]]:
    about = "what LIKE 'pauses by alerts%' OR what LIKE 'alert token %'"
    named = "LEFT JOIN audit_people AS people ON people.person = audit.person"
    columns = "audit.team_id, coalesce(people.user_id, audit.user_id), what, content"
    return await fetch(team.at.store, f"SELECT {columns} FROM audit {named} WHERE {about} ORDER BY at")  # noqa: S608


@BOTH_TRANSPORTS
async def test_an_admin_chooses_the_mode_which_admins_are_told_and_the_trail_has(team: Tenant) -> None:
    await team.at.set_up(team)
    await team.open_home(team.second)
    home = await team.open_home()
    assert "*Pauses by alerts: off.*" in home.text
    assert "While pauses by alerts" in home.text
    for seen, mode in ((AutoPause.OFF, AutoPause.OBSERVE), (AutoPause.OBSERVE, AutoPause.ON)):
        await team.press(MODE, f"{seen} {mode}")
        home = await team.home_with(say.alert_tokens.auto_pause_saved(mode).text)
        assert f"*Pauses by alerts: {mode}.*" in home.text
        assert (await team.stored()).auto_pause is mode
    saved = [say.alert_tokens.auto_pause_saved(mode) for mode in (AutoPause.OBSERVE, AutoPause.ON)]
    told = [one.notice(team.admin.id).text for one in saved]
    for admin in (team.admin, team.second):
        assert await team.wait_for_direct_messages(2, user=admin) == told
    said = (team.team_id, team.admin.id, "pauses by alerts")
    assert await recorded(team) == [(*said, "observe"), (*said, "on")]


async def test_a_choice_for_a_mode_that_somebody_else_has_changed_is_refused(team: Tenant) -> None:
    await team.open_home()
    rows = team.at.store.rows
    assert await rows.set_auto_pause(team.team_id, AutoPause.OBSERVE, before=AutoPause.OFF, by=team.second.id)
    await team.press(MODE, "off on")
    await team.home_with(say.OUTDATED)
    assert (await team.stored()).auto_pause is AutoPause.OBSERVE
    assert "*Pauses by alerts: observe.*" in team.home_text()


async def test_a_token_can_pause_only_if_an_admin_says_so_when_it_is_made_or_later(team: Tenant) -> None:
    name = "spend-monitor"
    await team.open_home()
    for box in ([], ["yes"]):
        await team.open_modal(MAKE)
        await team.submit({"sender_name": f"{name}{len(box)}", "sender_pause": box})
        await team.slack.close(team.admin)
    assert [one.may_pause for one in (await team.stored()).alert_tokens] == [False, True]
    home = await team.open_home()
    assert f"can pause: {name}1." in home.text
    for box, can in ((["yes"], True), ([], False), (["yes"], True)):
        await team.press(CHANGE, value=f"{name}0")
        await team.wait_for_modal(f"{name}0")
        await team.submit({"sender_pause": box})
        await team.slack.close(team.admin)
        assert (await team.stored()).alert_tokens[0].may_pause is can
    assert f"*{name}0* · ends" in (await team.open_home()).text
    await team.press(CHANGE, value=f"{name}1")
    await team.wait_for_modal("can pause")  # it is shown as it is, so that saving it changes nothing
    await team.submit({})
    await team.slack.close(team.admin)
    assert (await team.stored()).alert_tokens[1].may_pause
    await team.press(CHANGE, value=f"{name}1")
    await team.wait_for_modal(f"{name}1")
    await team.submit({"sender_revoke": ["yes"]})
    of, may, not_ = "alert token spend-monitor", "can pause, 0 more channels", "cannot pause, 0 more channels"
    assert [entry[2:] for entry in await recorded(team)] == [
        (f"{of}0", not_),
        (f"{of}1", may),
        *((f"{of}0", value) for value in (may, not_, may)),
        (f"{of}1", may),
        (f"{of}1", "revoked"),
    ]
    told = await team.wait_for_direct_messages(7, user=team.admin)
    assert ["can pause sessions" in text for text in told] == [False, True, True, False, True, True, False]

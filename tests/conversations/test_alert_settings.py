"""Who sends alerts, and where they go: tokens, channels, the group that is mentioned."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any

import pytest
from yarl import URL

from bot.core.alert_tokens import AlertToken
from bot.sim.slack import Fault, ResetAfterReading, View, rate_limited
from bot.sim.slack.markup import ON_CALL
from harness import BOTH_TRANSPORTS, ManyHarness, SingleHarness, Tenant, many_workspaces, outcome_text, single_workspace
from harness import texts as say
from harness.bots import another_bot
from harness.conversation import post_json
from harness.product import Secret, outcomes
from harness.stored import add_token, until_read_again
from harness.texts import SAMPLE_ALERT, SESSION, digest

CHOOSE = "anchor_alerts_channel"
MAKE, CHANGE = "anchor_alerts_token", "anchor_alerts_sender"
POST = "chat.postMessage"
TOKEN = "s3cret-of-the-alerts"


def shown_as_chosen(home: View) -> object:
    (chosen,) = [fields[CHOOSE] for fields in home.state.values() if CHOOSE in fields]
    return chosen["selected_conversation"]


async def new_token(team: Tenant, name: str = "spend-monitor") -> str:
    """Open the modal, submit it with this name, read the new token in it, and close it."""
    await team.open_modal(MAKE)
    before = await team.stored()
    await team.submit({"sender_name": name})
    after = await team.stored()
    assert after.alerts_token_version == before.alerts_token_version + 1
    (new,) = {*after.alert_tokens} - {*before.alert_tokens}
    (token,) = [line for line in team.modal().text.splitlines() if digest(line) == new.digest]
    assert (new.name, new.ending, new.made_by) == (name, token[-4:], team.admin.id)
    await team.slack.close(team.admin)
    return token


def made(team: Tenant, name: str) -> str:
    reply = say.alert_tokens.token_made(Secret(""), "", AlertToken(name, ""))
    return reply.notice(team.admin.id).text


async def change(team: Tenant, name: str, **values: str | list[str]) -> str:
    """Change a token in its modal, and return the answer."""
    await team.press(CHANGE, value=name)
    await team.wait_for_modal(name)
    await team.submit(values)
    said = team.modal().text
    await team.slack.close(team.admin)
    return said


@BOTH_TRANSPORTS
async def test_a_channel_is_chosen_and_a_test_alert_shows_the_card(team: Tenant) -> None:
    alerts = team.channel
    await team.press(CHOOSE, alerts.id)
    home = await team.home_with(say.alert_posted(alerts.id))
    assert shown_as_chosen(home) == alerts.id
    assert "'exclude_external_shared_channels': True" in str(home.find(CHOOSE)), "an alert is for the company alone"
    (card,) = team.messages()
    assert card.text == SAMPLE_ALERT
    assert (await team.stored()).alerts_channel == alerts.id
    assert await team.wait_for_direct_messages(user=team.admin) == [
        say.settings_texts.alert_posted(alerts.id).notice(team.admin.id).text
    ]
    await team.click(card, user=team.member)
    answer = (await team.wait_for_messages(2))[1]
    assert answer.text == outcome_text(
        outcomes.NotFound(404, "Session not found"), session="00000000-0000-4000-8000-000000000000", user=team.member.id
    )


async def test_an_admin_names_the_group_that_critical_alerts_mention(team: Tenant) -> None:
    store = team.at.store
    assert await add_token(store.rows, team.team_id, TOKEN)
    await store.rows.set_alerts_channel(team.team_id, team.channel.id)
    await team.open_home()
    saved = say.settings_texts.groups_saved
    of_all, of_two, of_none = [saved(one) for one in ({"": ON_CALL}, {"C0OPS000001": ON_CALL, "": ON_CALL}, {})]
    for written, reply in (
        ("on-call", say.settings_texts.NOT_A_GROUP),
        ("S1,S2", say.settings_texts.NOT_A_GROUP),
        ("S0ONE S0TWO", say.settings_texts.NOT_A_GROUP),
        (ON_CALL, of_all),
        (ON_CALL, of_all),
        (f" C0OPS000001 = {ON_CALL}, {ON_CALL}", of_two),
    ):
        await team.press("anchor_alerts_group", written)
        await team.home_with(reply.text)
    assert (await team.stored()).alerts_groups == f"C0OPS000001={ON_CALL},{ON_CALL}"
    await team.at.post_alert(team.team_id, TOKEN, session_id=SESSION, text="It spends.", severity="critical")
    assert ON_CALL in team.messages()[-1].text
    await team.press("anchor_alerts_group", "")
    await team.home_with(of_none.text)
    assert (await team.stored()).alerts_groups == ""
    reported = [one.notice(team.admin.id).text for one in (of_all, of_two, of_none)]
    assert await team.wait_for_direct_messages(user=team.admin) == reported


@pytest.mark.parametrize(("fault", "code"), [(ResetAfterReading(), ""), (rate_limited(60), "ratelimited")])
async def test_without_a_test_alert_alerts_go_where_they_went(team: Tenant, fault: Fault, code: str) -> None:
    team.slack.faults[POST] = fault
    await team.press(CHOOSE, team.channel.id)
    await team.home_with(say.settings_texts.alert_not_posted(team.channel.id, code).text)
    assert (await team.stored()).alerts_channel is None


@pytest.mark.parametrize("action", [CHOOSE, "anchor_auto_pause"])
async def test_somebody_who_is_no_admin_any_more_changes_and_posts_nothing(team: Tenant, action: str) -> None:
    await team.at.store.rows.set_alerts_channel(team.team_id, team.channel.id)
    before = await team.stored()
    await team.open_home()
    team.workspace.change_user(team.admin, is_admin=False)
    await team.press(action, {CHOOSE: team.channel.id, "anchor_auto_pause": "off on"}[action])
    home = await team.home_with(say.not_admin())
    assert home.find(action) is None
    assert (team.messages(), await team.stored()) == ([], before)


async def test_programs_have_tokens_that_are_made_listed_and_revoked_one_by_one(team: Tenant) -> None:
    at, alert = team.at, {"session_id": team.session, "text": "Spends too fast"}
    await at.store.rows.set_alerts_channel(team.team_id, team.channel.id)
    await team.open_home()
    form = await team.open_modal(MAKE)
    assert f"{at.environ['BASE_URL']}/alerts/{team.team_id}" in form.text.splitlines()
    await team.slack.close(team.admin)
    names = ("spend-monitor", "grafana")
    tokens = []
    for name in names:
        tokens.append(await new_token(team, name))
        await team.home_with(f"*{name}* · ends `{tokens[-1][-4:]}` · made by <@{team.admin.id}>")
    assert [(await at.post_alert(team.team_id, token, **alert))[0] for token in tokens] == [200, 200]
    assert await team.wait_for_direct_messages(2, user=team.admin) == [made(team, name) for name in names]
    home = (await team.open_home()).text
    assert [token for token in tokens if token in home] == []
    assert say.alert_tokens.TOKEN_REVOKED.text in await change(team, "spend-monitor", sender_revoke=["yes"])
    assert [(await at.post_alert(team.team_id, token, **alert))[0] for token in tokens] == [401, 200]
    home = (await team.open_home()).text
    assert ("spend-monitor" in home, "grafana" in home) == (False, True)
    await team.wait_for_direct_messages(3, user=team.admin)


@pytest.mark.parametrize("name", ["default", "a=b", "a,b", "Default", "dеfault", "-x", "*x*", "x y", "x\u200b", "21st"])
async def test_no_token_is_made_of_a_name_that_is_taken_or_can_deceive(team: Tenant, name: str) -> None:
    taken = ["default", *(f"monitor-{number}" for number in range(19 if name == "21st" else 0))]
    for number, one in enumerate(taken):
        assert await add_token(team.at.store.rows, team.team_id, f"{TOKEN}-{number}", one)
    assert await refusal(team, name)
    assert len((await team.stored()).alert_tokens) == len(taken)


async def refusal(team: Tenant, name: str) -> str:
    """Try to make a token of this name, and return what is said at the input."""
    await team.open_home()
    await team.open_modal(MAKE)
    await team.submit({"sender_name": name})
    said = say.alert_tokens.name_problem(name, (await team.stored()).alert_tokens)
    assert team.modal().errors == {"sender_name": said}
    return said


async def test_an_alert_goes_to_the_channels_that_an_admin_adds_to_its_token(team: Tenant) -> None:
    at, other = team.at, team.add_channel("other", with_bot=True)
    await at.take_alerts(team, TOKEN)
    assert await add_token(at.store.rows, team.team_id, f"{TOKEN}-2", "grafana")
    alert = {"session_id": team.session, "text": "Spends", "channel": other.id}
    await team.open_home()
    status, answer = await at.post_alert(team.team_id, TOKEN, **alert)
    moved = say.cards.moved(other.id, team.channel.id)
    assert (status, answer["channel"], str(answer["warnings"])) == (200, team.channel.id, str([moved]))
    await team.press(CHANGE, value="default")
    await team.wait_for_modal("default")
    await team.submit({"sender_channels": [other.id]})
    await team.slack.close(team.admin)
    for token, channel in ((TOKEN, other.id), (f"{TOKEN}-2", team.channel.id)):
        status, answer = await at.post_alert(team.team_id, token, **alert)
        assert (status, answer["channel"], "warnings" in answer) == (200, channel, token != TOKEN)
    reported = await team.wait_for_direct_messages(user=team.admin)
    (stored,) = [one for one in (await team.stored()).alert_tokens if one.name == "default"]
    assert reported == [say.alert_tokens.token_changed("changed", stored).notice(team.admin.id).text]


async def test_a_token_whose_modal_was_closed_is_written_nowhere_else(hasty: ManyHarness) -> None:
    team = await Tenant.open(hasty)
    await team.open_home()
    await team.open_modal(MAKE)
    await team.submit({"sender_name": "spend-monitor"})
    await team.slack.close(team.admin)
    reported = await team.wait_for_direct_messages(2, user=team.admin)
    assert sorted(reported) == sorted([made(team, "spend-monitor"), say.UNSEEN])
    assert len((await team.stored()).alert_tokens) == 1


async def test_unfinished_alerts_of_one_workspace_leave_room_for_another(sqlite_url: str) -> None:
    """Two requests of the first workspace wait for their bodies."""
    async with many_workspaces(sqlite_url, alerts_at_once=6) as at, AsyncExitStack() as stack:
        teams = [await Tenant.open(at, number) for number in (1, 2)]
        for team in teams:
            assert await add_token(at.store.rows, team.team_id, TOKEN)
            await at.store.rows.set_alerts_channel(team.team_id, team.channel.id)
        url = URL(f"{at.bot.url}/alerts/{teams[0].team_id}")
        head = f"POST {url.path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 9\r\n\r\n"
        for _ in range(2):
            _, writer = await asyncio.open_connection(url.host, url.port)
            stack.callback(writer.close)
            writer.write(head.encode())

        async def is_taken(team: Tenant) -> bool:
            return (await at.post_alert(team.team_id, TOKEN, session_id=SESSION, text="It spends."))[0] == 200

        await asyncio.sleep(0.1)  # the bot has read both by then; it waits 5 seconds for a body
        assert not await is_taken(teams[0])
        assert await is_taken(teams[1])


MONITOR, OTHER = "s3cret-of-the-spend-monitor", "s3cret-of-grafana-and-long"
NAMED: dict[str, Any] = {"ALERTS_TOKEN": f"spend-monitor={MONITOR},grafana={OTHER}", "ALERTS_CHANNEL": "C0ALERTS001"}
ALERT = {"session_id": SESSION, "text": "It spends."}


async def send(at: SingleHarness, token: str = MONITOR, **fields: object) -> tuple[int, Mapping[str, Any]]:
    headers = {"Authorization": f"Bearer {token}"}
    status, answer, _ = await post_json(f"{at.bot.url}/alerts", ALERT | fields, headers=headers)
    return status, answer


async def test_an_alert_cannot_name_another_sender() -> None:
    async with single_workspace(**NAMED) as at:
        _, answer = await send(at, sender="grafana", text="It spends.\nSent by grafana")
        assert "sender" in str(answer["warnings"])
        (card,) = at.messages()
    assert card.text.splitlines()[-1].startswith("Sent by spend-monitor")
    assert "&gt; Sent by grafana" in card.text


async def test_a_resolved_alert_ends_only_what_its_own_sender_reported() -> None:
    """Before, any program could mark the alerts of all others as resolved."""
    async with single_workspace(**NAMED) as at:
        await send(at, MONITOR, fingerprint="a")
        await send(at, OTHER, fingerprint="a")
        await send(at, OTHER, status="resolved")
        await send(at, MONITOR, fingerprint="b")
        await send(at, OTHER, fingerprint="b", status="resolved")
        await send(at, MONITOR, fingerprint="a", status="resolved")
        await asyncio.sleep(1.5)
        assert "Resolved" not in at.messages()[0].text
        await send(at, MONITOR, status="resolved")
        await at.slack.until(lambda: "*Resolved*" in at.messages()[0].text)


async def test_a_token_ends_at_every_process_and_works_in_no_other_workspace(at: ManyHarness) -> None:
    ours, theirs = await at.set_up_two()
    await at.take_alerts(ours, MONITOR)
    await at.take_alerts(theirs, OTHER)
    async with another_bot(at) as url:
        bots = (at.bot.url, url.removesuffix("/slack/events"))

        async def statuses(team_id: str, token: str) -> list[int]:
            headers = {"Authorization": f"Bearer {token}"}
            return [(await post_json(f"{bot}/alerts/{team_id}", {"text": "x"}, headers=headers))[0] for bot in bots]

        assert await statuses(ours.team_id, MONITOR) == [400, 400]
        assert await statuses(theirs.team_id, MONITOR) == await statuses(ours.team_id, OTHER) == [401, 401]
        version = (await ours.stored()).alerts_token_version
        assert await at.store.rows.set_alert_tokens(ours.team_id, (), if_version=version)
        await until_read_again()
        assert await statuses(ours.team_id, MONITOR) == [401, 401]
        assert await statuses(theirs.team_id, OTHER) == [400, 400]
        await at.slack.uninstall(theirs.workspace)
        assert await statuses(theirs.team_id, OTHER) == [401, 401]
        await at.install(theirs)
        assert await statuses(theirs.team_id, OTHER) == [401, 401]


async def test_an_old_window_brings_no_revoked_token_back(team: Tenant) -> None:
    rows = team.at.store.rows
    for token, name in ((MONITOR, "stolen"), (OTHER, "kept")):
        assert await add_token(rows, team.team_id, token, name)
    await team.open_home()
    await team.press(CHANGE, value="kept")
    await team.wait_for_modal("kept")
    stored = await team.stored()
    left = [one for one in stored.alert_tokens if one.name == "kept"]
    assert await rows.set_alert_tokens(team.team_id, left, if_version=stored.alerts_token_version)
    await team.submit({"sender_channels": [team.channel.id]})
    assert say.OUTDATED in team.modal().text
    assert (await team.stored()).alert_tokens == tuple(left)


async def test_odd_names_are_answered_and_a_control_without_a_choice_changes_nothing(team: Tenant) -> None:
    assert await add_token(team.at.store.rows, team.team_id, MONITOR)
    await team.open_home()
    before = await team.stored()
    for forged in ("default\n*✅*", "x" * 100_000, "default default", "", "T0OTHER0001"):
        await team.press("anchor_alerts_sender", value="default", actions=[forged_action(forged)])
        await team.wait_for_modal("Revoked")
        await team.slack.close(team.admin)
    for name in ("anchor_alerts_channel", "anchor_auto_pause", "anchor_key_menu"):
        pressed = await team.press("anchor_set_key", actions=[forged_action("odd", name)])
        assert pressed.status == 200
    await asyncio.sleep(2.0)
    assert (await team.stored(), team.slack.modal_of(team.admin)) == (before, None)
    assert team.direct_messages() == []


def forged_action(value: str, action_id: str = "anchor_alerts_sender") -> dict[str, str]:
    return {"type": "button", "action_id": action_id, "block_id": "b", "value": value}

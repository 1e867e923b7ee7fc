"""Programs with tokens of their own: cards and the log name them, and what one does is not done for another."""

import asyncio
from collections.abc import Mapping
from typing import Any

import aiohttp
import pytest

from conversations.test_health import becomes
from harness import HTTP_ONLY, SESSION, AdminHarness, ManyHarness, SingleHarness, single_workspace
from harness import admin_texts as say
from harness.administration import another_bot
from harness.conversation import post_json
from harness.product import workspace as product
from harness.stored import add_token, until_read_again

pytestmark = pytest.mark.anyio

TOKEN, OTHER = "s3cret-of-the-spend-monitor", "s3cret-of-grafana-and-long"
NAMED: dict[str, Any] = {"ALERTS_TOKENS": f"spend-monitor={TOKEN},grafana={OTHER}", "ALERTS_CHANNEL": "C0ALERTS001"}
ALERT = {"session_id": SESSION, "text": "It spends."}
MANY = 1_000


async def send(at: SingleHarness, token: str = TOKEN, **fields: object) -> tuple[int, Mapping[str, Any]]:
    headers = {"Authorization": f"Bearer {token}"}
    status, answer, _ = await post_json(f"{at.bot.url}/alerts", ALERT | fields, headers=headers)
    return status, answer


async def guess(url: str, times: int) -> None:
    """Send so many alerts with a wrong token each."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=20)) as session:

        async def one(number: int) -> int:
            headers = {"Authorization": f"Bearer {number:040}"}
            async with session.post(url, json=ALERT, headers=headers) as answer:
                return answer.status

        assert {*await asyncio.gather(*map(one, range(times)))} == {401}


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
        await send(at, TOKEN, fingerprint="a")
        await send(at, OTHER, fingerprint="a")
        await send(at, OTHER, status="resolved")
        await send(at, TOKEN, fingerprint="b")
        await send(at, OTHER, fingerprint="b", status="resolved")
        await send(at, TOKEN, fingerprint="a", status="resolved")
        await asyncio.sleep(1.5)
        assert "Resolved" not in at.messages()[0].text
        await send(at, TOKEN, status="resolved")
        await at.slack.until(lambda: "*Resolved*" in at.messages()[0].text)


async def test_a_short_token_is_refused_and_everything_else_works() -> None:
    """Before, it was only logged as questionable."""
    own: dict[str, Any] = {"ALERTS_TOKEN": "short-of-19-letters", "ALERTS_CHANNEL": "C0ALERTS001"}
    async with single_workspace(**own, ALERTS_TOKENS=f"spend-monitor={TOKEN},x=y") as at:
        for token in (own["ALERTS_TOKEN"], "y", ""):
            assert await send(at, token) == (401, {"error": say.cards.WRONG_TOKEN})
        assert (await send(at))[0] == 200
        reasons = await becomes(at, {"alerts"})
        assert [one in reasons["alerts"] for one in ("token default", "token x", "openssl")] == [True] * 3
        await at.command()
        assert [order.verb for order in at.orders] == ["pause"]


async def test_a_revoked_token_stops_soon_at_every_process_and_one_of_another_workspace_never_works(
    at: ManyHarness,
) -> None:
    ours, theirs = await at.set_up_two()
    await at.take_alerts(ours, TOKEN)
    await at.take_alerts(theirs, OTHER)
    async with another_bot(at) as url:
        base = url.removesuffix("/slack/events")

        async def statuses(team_id: str, token: str) -> list[int]:
            headers = {"Authorization": f"Bearer {token}"}
            urls = [f"{bot}/alerts/{team_id}" for bot in (at.bot.url, base)]
            return [(await post_json(one, {"text": "x"}, headers=headers))[0] for one in urls]

        assert await statuses(ours.team_id, TOKEN) == [400, 400]
        assert await statuses(theirs.team_id, TOKEN) == await statuses(ours.team_id, OTHER) == [401, 401]
        revoked = await at.store.rows.set_alert_tokens(ours.team_id, (), if_version=await version(at, ours.team_id))
        assert revoked
        await until_read_again()
        assert await statuses(ours.team_id, TOKEN) == [401, 401]


async def version(at: ManyHarness, team_id: str) -> int:
    found = await at.store.rows.find(team_id)
    assert found
    return found.alerts_token_version


@HTTP_ONLY
async def test_a_change_while_the_database_does_not_answer_brings_no_revoked_token_back(
    team: AdminHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before, the tokens of a cached workspace were saved over those that the admin had seen."""
    rows, here = team.at.store.rows, team.slack.request_url
    assert await add_token(rows, team.team_id, TOKEN, "stolen")
    assert await add_token(rows, team.team_id, OTHER, "kept")
    await team.open_home()
    async with another_bot(team.at) as url:
        _, kept = await stored(team.at, team.team_id)
        assert await rows.set_alert_tokens(team.team_id, [kept], if_version=await version(team.at, team.team_id))
        team.slack.request_url = url
        await team.press("anchor_alerts_sender", value="kept")
        await team.wait_for_modal("kept")
    team.slack.request_url = here
    monkeypatch.setattr("bot.outbound.workspaces.READ_TIMEOUT", 0.0)
    await team.submit({"sender_channels": [team.channel.id]})
    assert await stored(team.at, team.team_id) == (kept,)
    assert say.settings_texts.NOT_SAVED.text in team.modal().text


async def test_without_an_alert_channel_an_admin_is_offered_the_channel_of_refused_alerts(team: AdminHarness) -> None:
    """Before, a workspace whose program had always named the channel got nothing, and its admin no hint."""
    assert await add_token(team.at.store.rows, team.team_id, TOKEN)
    await team.open_home()
    named = {"session_id": team.session, "text": "x", "channel": team.channel.id}
    assert (await team.at.post_alert(team.team_id, TOKEN, **named))[0] == 400
    await asyncio.sleep(1.0)  # until its use is recorded
    await team.press("anchor_alerts_sender", value="default")
    await team.wait_for_modal(f"named <#{team.channel.id}>")
    await team.submit({"sender_channels": [team.channel.id]})
    assert (await team.at.post_alert(team.team_id, TOKEN, **named))[0] == 200


async def test_the_token_of_a_workspace_that_uninstalled_the_app_works_nowhere_and_never_again(
    at: ManyHarness,
) -> None:
    ours, theirs = await at.set_up_two()
    await at.take_alerts(ours, TOKEN)
    async with another_bot(at) as url:
        urls = [f"{one}/alerts/{ours.team_id}" for one in (at.bot.url, url.removesuffix("/slack/events"))]

        async def statuses() -> list[int]:
            headers = {"Authorization": f"Bearer {TOKEN}"}
            return [(await post_json(one, {"text": "x"}, headers=headers))[0] for one in urls]

        assert await statuses() == [400, 400]
        await at.slack.uninstall(ours.workspace)
        assert await statuses() == [401, 401]
        await at.install(ours)
        assert await statuses() == [401, 401]
    assert (await at.post_alert(theirs.team_id, TOKEN, text="x"))[0] == 401


async def test_many_wrong_tokens_are_logged_and_told_to_an_admin_once(
    team: AdminHarness, caplog: pytest.LogCaptureFixture
) -> None:
    at = team.at
    await at.take_alerts(team, TOKEN)
    await team.open_home()
    await asyncio.sleep(1.0)  # until the admin is recorded
    await guess(f"{at.bot.url}/alerts/{team.team_id}", 99)
    assert logged(caplog) == 0
    await guess(f"{at.bot.url}/alerts/{team.team_id}", MANY)
    assert (await at.post_alert(team.team_id, TOKEN, session_id=team.session, text="It spends."))[0] == 200
    assert await team.wait_for_direct_messages(user=team.admin) == [say.senders.WRONG_TOKENS_MESSAGE.text]
    assert logged(caplog) == 1
    async with another_bot(at) as url:  # which counts for itself, and knows what was told
        await guess(f"{url.removesuffix('/slack/events')}/alerts/{team.team_id}", 100)
        await asyncio.sleep(1.0)
        assert len(team.direct_messages(user=team.admin)) == 1
        await at.execute("UPDATE marks SET until = until - 86400 WHERE name = 'notice wrong tokens'")
    async with another_bot(at) as url:
        await guess(f"{url.removesuffix('/slack/events')}/alerts/{team.team_id}", 100)
        await team.wait_for_direct_messages(2, user=team.admin)


def logged(caplog: pytest.LogCaptureFixture) -> int:
    return sum(record.message == "many wrong alert tokens" for record in caplog.records)


async def test_names_of_any_length_and_kind_get_an_answer(team: AdminHarness) -> None:
    at = team.at
    assert await add_token(at.store.rows, team.team_id, TOKEN)
    await team.open_home()
    for forged in ("default\n*✅*", "x" * 100_000, "default default", "", "T0OTHER0001"):
        await team.press("anchor_alerts_sender", value="default", actions=[forged_action(forged)])
        await team.wait_for_modal("Revoked")
        await team.slack.close(team.admin)
    assert len(await stored(at, team.team_id)) == 1


async def test_a_control_without_a_choice_changes_nothing(team: AdminHarness) -> None:
    await team.open_home()
    before = await team.stored()
    for name in ("anchor_alerts_channel", "anchor_auto_pause", "anchor_key_menu"):
        pressed = await team.press("anchor_set_key", actions=[forged_action("odd", name)])
        assert pressed.status == 200
    await asyncio.sleep(2.0)
    assert (await team.stored(), team.slack.modal_of(team.admin)) == (before, None)
    assert team.direct_messages() == []


def forged_action(value: str, action_id: str = "anchor_alerts_sender") -> dict[str, str]:
    return {"type": "button", "action_id": action_id, "block_id": "b", "value": value}


async def stored(at: ManyHarness, team_id: str) -> tuple[product.AlertToken, ...]:
    found = await at.store.rows.find(team_id)
    assert found
    return found.alert_tokens

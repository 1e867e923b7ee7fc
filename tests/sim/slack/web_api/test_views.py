"""How apps open, push, update and publish views by the Web API, and what simulated Slack rejects."""

import json

import pytest

from bot.sim.slack import Rule, SimSlack, Workspace
from harness.blocks import Block, actions, button, home, modal, mrkdwn, plain, section
from sim.api_client import rules
from sim.view_client import ViewClient

pytestmark = pytest.mark.anyio

ALICE = "U0ALICE0001"
OPEN, PUSH, UPDATE, PUBLISH = "views.open", "views.push", "views.update", "views.publish"
LARGE = modal(*[section("x" * 3000)] * 90)


@pytest.mark.parametrize(
    ("method", "arguments", "error", "broken"),
    [
        (OPEN, {"view": modal(color="red")}, "invalid_arguments", [Rule.INVALID_BLOCKS]),
        (OPEN, {"view": "{"}, "invalid_arguments", []),
        (OPEN, {"view": home()}, "invalid_arguments", [Rule.INVALID_BLOCKS]),
        (OPEN, {"view": LARGE}, "view_too_large", []),
        (OPEN, {"trigger_id": "1.2.a"}, "invalid_trigger_id", []),
        (PUSH, {}, "not_found", []),
        (PUBLISH, {"view": modal(), "user_id": ALICE}, "invalid_arguments", [Rule.INVALID_BLOCKS]),
        (PUBLISH, {"view": home()}, "invalid_arguments", []),
        (PUBLISH, {"view": home(), "user_id": "U0ANCHORBOT"}, "user_not_found", []),
        (PUBLISH, {"view": home(), "user_id": "U0GUEST0001"}, "user_not_found", []),
        (PUBLISH, {"view": home(), "user_id": "U0MALLORY01"}, "user_not_found", []),
        (UPDATE, {"view_id": "V0"}, "not_found", []),
    ],
)
async def test_a_wrong_call_is_refused(
    slack: SimSlack, views: ViewClient, *, method: str, arguments: Block, error: str, broken: list[Rule]
) -> None:
    slack.home.change_user(slack.guest, deleted=True)
    usual = {"trigger_id": await views.trigger(), "view": modal()}
    assert (await views.api.call(method, **(usual | arguments)))["error"] == error
    assert (rules(slack), slack.modals_of(slack.alice), slack.home_of(slack.alice)) == (broken, (), None)


async def test_complaints_name_the_place(views: ViewClient) -> None:
    view = await views.publish(home())
    for method, which, shown, complaint in (
        (
            OPEN,
            {"trigger_id": "x"},
            modal(color="red"),
            "[ERROR] invalid additional property: color [json-pointer:/view]",
        ),
        (UPDATE, {"view_id": view.id}, modal(), "[ERROR] must be one of: home [json-pointer:/view/type]"),
        (PUBLISH, {}, home(), "invalid `user_id`"),
    ):
        answer = await views.api.call(method, view=shown, **which)
        assert answer["response_metadata"] == {"messages": [complaint]}


async def test_a_home_tab_that_is_turned_off_is_not_published(slack: SimSlack, views: ViewClient) -> None:
    view = await views.publish(home())
    slack.home.installation.home_tab = False
    assert (await views.api.call(PUBLISH, user_id=ALICE, view=home()))["error"] == "not_enabled"
    assert slack.home_of(slack.alice) is None
    slack.home.installation.home_tab = True
    assert slack.home_of(slack.alice) == view


async def test_a_trigger_id_is_valid_once_and_for_three_seconds(slack: SimSlack, views: ViewClient) -> None:
    used, old = await views.trigger(), await views.trigger()
    slack.clock.advance(3.0)
    assert (await views.api.call(OPEN, trigger_id=used, view=modal()))["ok"] is True
    slack.clock.advance(0.1)
    for method, trigger_id, error in (
        (OPEN, used, "exchanged_trigger_id"),
        (PUSH, used, "exchanged_trigger_id"),
        (OPEN, old, "expired_trigger_id"),
    ):
        assert await views.api.call(method, trigger_id=trigger_id, view=modal()) == {"ok": False, "error": error}
    assert rules(slack) == [Rule.TRIGGER_TOO_LATE] * 3


async def test_another_workspace_neither_uses_a_trigger_nor_finds_a_view(views: ViewClient, partner: Workspace) -> None:
    view, token, shown = await views.open(modal()), partner.installation.bot_token, json.dumps(modal())
    opened = await views.api.form(OPEN, token, view=shown, trigger_id=await views.trigger())
    updated = await views.api.form(UPDATE, token, view=shown, view_id=view.id)
    assert [opened["error"], updated["error"]] == ["invalid_trigger_id", "not_found"]


async def test_at_most_three_modals_are_stacked(slack: SimSlack, views: ViewClient) -> None:
    shown = modal(actions(button()))
    first = await views.open(shown)
    answers = []
    for method in (PUSH, PUSH, PUSH, OPEN):
        trigger_id = (await slack.act(slack.alice, views.top, "anchor_pause")).trigger_id
        answers.append((await views.api.call(method, trigger_id=trigger_id, view=shown)).get("error"))

    assert answers == [None, None, "push_limit_reached", "push_limit_reached"]
    stack = slack.modals_of(slack.alice)
    assert [view.previous_view_id for view in stack] == [None, stack[0].id, stack[1].id]
    assert {view.root_view_id for view in stack} == {first.id}
    await slack.close(slack.alice)
    assert slack.modals_of(slack.alice) == stack[:2]
    await slack.close(slack.alice, clear=True)
    answer = await views.api.call(UPDATE, view_id=first.id, view=shown)
    assert (slack.modals_of(slack.alice), answer["error"]) == ((), "not_found")


async def test_a_stale_hash_changes_nothing(views: ViewClient) -> None:
    old_modal, old_home = await views.open(modal()), await views.publish(home())
    new_modal, new_home = await views.update(old_modal, modal()), await views.publish(home())
    for method, which, old, new, shown in (
        (UPDATE, {"view_id": new_modal.id}, old_modal, new_modal, modal(section("a"))),
        (PUBLISH, {"user_id": ALICE}, old_home, new_home, home(section("a"))),
    ):
        answer = await views.api.call(method, hash=old.hash, view=shown, **which)
        assert (answer["error"], views.current(new.id)) == ("hash_conflict", new)
        assert (await views.api.call(method, hash=new.hash, view=shown, **which))["ok"] is True
    assert (await views.api.call(PUBLISH, user_id="U0BOB000001", hash="x", view=home()))["ok"] is True


async def test_the_texts_of_a_view_follow_the_rules_of_messages(slack: SimSlack, views: ViewClient) -> None:
    await views.publish(home(section("a & b"), {"type": "header", "text": plain("<!channel>")}))
    await views.open(modal(section("<!channel>")))
    await views.update(views.top, modal({"type": "context", "elements": [mrkdwn("a < b")]}))
    assert rules(slack) == [Rule.RAW_AMPERSAND, Rule.BROADCAST, Rule.RAW_ANGLE_BRACKET]

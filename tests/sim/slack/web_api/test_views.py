"""How apps open, push, update and publish views by the Web API, and what simulated Slack rejects."""

import json
from collections.abc import Callable

import pytest

from bot.sim.slack import Installation, Rule, SimSlack, Workspace
from harness.blocks import Block, actions, button, home, input_of, modal, mrkdwn, plain, section
from sim.api_client import rules
from sim.view_client import ViewClient

pytestmark = pytest.mark.anyio

ALICE = "U0ALICE0001"


async def problems(views: ViewClient, view: object) -> list[str]:
    answer = await views.api.call("views.open", trigger_id=await views.trigger(), view=view)
    assert (answer["ok"], answer["error"]) == (False, "invalid_arguments")
    messages: list[str] = answer["response_metadata"]["messages"]
    return messages


@pytest.fixture
def partner(slack: SimSlack) -> Workspace:
    """Another workspace with the app."""
    partner = Workspace("T0PARTNER01", "partner", Installation("xoxb-partner"))
    partner.add_user("U0PARTNER01", "pat")
    slack.add_workspace(partner)
    return partner


@pytest.mark.parametrize(
    ("most", "view"),
    [
        (24, lambda n: modal(title=plain("x" * n))),
        (24, lambda n: modal(submit=plain("x" * n))),
        (24, lambda n: modal(close=plain("x" * n))),
        (255, lambda n: modal(callback_id="x" * n)),
        (255, lambda n: modal(external_id="x" * n)),
        (3000, lambda n: modal(private_metadata="x" * n)),
        (100, lambda n: modal(*[{"type": "divider"}] * n)),
    ],
)
async def test_a_modal_over_a_limit_is_rejected(views: ViewClient, most: int, view: Callable[[int], Block]) -> None:
    await views.open(view(most))
    assert len(await problems(views, view(most + 1))) == 1


@pytest.mark.parametrize(
    ("view", "complaint"),
    [
        ("{", "must be an object [json-pointer:/view]"),
        ("[]", "must be an object [json-pointer:/view]"),
        (None, "must be an object [json-pointer:/view]"),
        (home(), "unsupported type: home [json-pointer:/view/type]"),
        ({"title": plain("a"), "blocks": []}, "missing required field: type [json-pointer:/view]"),
        ({"type": "modal", "blocks": []}, "missing required field: title [json-pointer:/view]"),
        ({"type": "modal", "title": plain("a")}, "missing required field: blocks [json-pointer:/view]"),
        (modal(blocks={}), "must be an array [json-pointer:/view/blocks]"),
        (modal(color="red"), "invalid additional property: color [json-pointer:/view]"),
        (modal(title=mrkdwn("a")), "unsupported type: mrkdwn [json-pointer:/view/title/type]"),
        (modal(notify_on_close="yes"), "must be a boolean [json-pointer:/view/notify_on_close]"),
        (modal(clear_on_close=1), "must be a boolean [json-pointer:/view/clear_on_close]"),
        (
            {"type": "modal", "title": plain("a"), "blocks": [input_of()]},
            "missing required field: submit [json-pointer:/view]",
        ),
    ],
)
async def test_a_wrong_modal_is_rejected(slack: SimSlack, views: ViewClient, view: object, complaint: str) -> None:
    assert await problems(views, view) == [f"[ERROR] {complaint}"]
    assert slack.modals_of(slack.alice) == ()
    assert rules(slack) == ([Rule.INVALID_BLOCKS] if isinstance(view, dict) else [])


@pytest.mark.parametrize(
    ("view", "complaint"),
    [
        (modal(), "unsupported type: modal [json-pointer:/view/type]"),
        (home(title=plain("a")), "invalid additional property: title [json-pointer:/view]"),
        (home(notify_on_close=True), "invalid additional property: notify_on_close [json-pointer:/view]"),
    ],
)
async def test_a_home_tab_has_nothing_of_a_modal(views: ViewClient, view: Block, complaint: str) -> None:
    answer = await views.api.call("views.publish", user_id=ALICE, view=view)
    assert answer["response_metadata"]["messages"][0] == f"[ERROR] {complaint}"


async def test_a_view_over_250_kilobytes_is_rejected(views: ViewClient) -> None:
    large = modal(*[section("ü" * 1500) for _ in range(90)])
    answer = await views.api.call("views.open", trigger_id=await views.trigger(), view=large)
    assert answer == {"ok": False, "error": "view_too_large"}
    await views.open(large | {"blocks": large["blocks"][:80]})


async def test_a_home_tab_that_is_turned_off_is_not_published(slack: SimSlack, views: ViewClient) -> None:
    view = await views.publish(home())
    slack.home.installation.home_tab = False
    assert (await views.api.call("views.publish", user_id=ALICE, view=home()))["error"] == "not_enabled"
    assert slack.home_of(slack.alice) is None
    slack.home.installation.home_tab = True
    assert slack.home_of(slack.alice) == view


@pytest.mark.parametrize("user_id", ["U0NOBODY001", "U0ANCHORBOT", "U0GUEST0001", "U0MALLORY01"])
async def test_a_home_tab_belongs_to_an_active_member(slack: SimSlack, views: ViewClient, user_id: str) -> None:
    slack.home.change_user(slack.guest, deleted=True)
    assert (await views.api.call("views.publish", user_id=user_id, view=home()))["error"] == "user_not_found"
    answer = await views.api.call("views.publish", view=home())
    assert answer["response_metadata"] == {"messages": ["invalid `user_id`"]}


async def test_a_trigger_id_is_valid_once_and_for_three_seconds(slack: SimSlack, views: ViewClient) -> None:
    used, old = await views.trigger(), await views.trigger()
    slack.clock.advance(3.0)
    assert (await views.api.call("views.open", trigger_id=used, view=modal()))["ok"] is True
    slack.clock.advance(0.1)

    for method, trigger_id, error in (
        ("views.open", used, "exchanged_trigger_id"),
        ("views.push", used, "exchanged_trigger_id"),
        ("views.open", old, "expired_trigger_id"),
    ):
        answer = await views.api.call(method, trigger_id=trigger_id, view=modal())
        assert answer == {"ok": False, "error": error}
    assert rules(slack) == [Rule.TRIGGER_TOO_LATE] * 3


async def test_an_unknown_trigger_id_opens_nothing(slack: SimSlack, views: ViewClient, partner: Workspace) -> None:
    trigger_id, view = await views.trigger(), json.dumps(modal())

    for token, which in (
        ("", {"trigger_id": "1.2.a"}),
        ("", {}),
        (partner.installation.bot_token, {"trigger_id": trigger_id}),
    ):
        answer = await views.api.form("views.open", token, view=view, **which)
        assert answer == {"ok": False, "error": "invalid_trigger_id"}
    assert slack.violations == []


async def test_at_most_three_modals_are_stacked(slack: SimSlack, views: ViewClient) -> None:
    shown = modal(actions(button()))
    nothing_open = await views.api.call("views.push", trigger_id=await views.trigger(), view=shown)
    assert nothing_open == {"ok": False, "error": "not_found"}
    first = await views.open(shown)
    answers = []
    for method in ("views.push", "views.push", "views.push", "views.open"):
        trigger_id = (await slack.act(slack.alice, views.top, "anchor_pause")).trigger_id
        answers.append((await views.api.call(method, trigger_id=trigger_id, view=shown)).get("error"))

    assert answers == [None, None, "push_limit_reached", "push_limit_reached"]
    stack = slack.modals_of(slack.alice)
    assert [view.previous_view_id for view in stack] == [None, stack[0].id, stack[1].id]
    assert {view.root_view_id for view in stack} == {first.id}


async def test_a_stale_hash_changes_nothing(views: ViewClient) -> None:
    old_modal, old_home = await views.open(modal()), await views.publish(home())
    new_modal, new_home = await views.update(old_modal, modal()), await views.publish(home())

    for method, which, old, new, shown in (
        ("views.update", {"view_id": new_modal.id}, old_modal, new_modal, modal(section("a"))),
        ("views.publish", {"user_id": ALICE}, old_home, new_home, home(section("a"))),
    ):
        answer = await views.api.call(method, hash=old.hash, view=shown, **which)
        assert (answer["error"], views.current(new.id)) == ("hash_conflict", new)
        assert (await views.api.call(method, hash=new.hash, view=shown, **which))["ok"] is True
    assert (await views.api.call("views.publish", user_id="U0BOB000001", hash="x", view=home()))["ok"] is True


async def test_what_is_not_there_cannot_be_updated(slack: SimSlack, views: ViewClient, partner: Workspace) -> None:
    view, shown = await views.open(modal(external_id="e")), json.dumps(modal())
    which: list[dict[str, str]] = [{"view_id": view.id}, {"external_id": "e"}]

    for each in which:
        answer = await views.api.form("views.update", partner.installation.bot_token, view=shown, **each)
        assert answer == {"ok": False, "error": "not_found"}
    await slack.close(slack.alice)
    for each in [*which, {}]:
        assert await views.api.form("views.update", view=shown, **each) == {"ok": False, "error": "not_found"}


async def test_a_view_keeps_its_type(views: ViewClient) -> None:
    for view, shown in ((await views.publish(home()), modal()), (await views.open(modal()), home())):
        answer = await views.api.call("views.update", view_id=view.id, view=shown)
        [problem] = answer["response_metadata"]["messages"]
        assert problem == f"[ERROR] must be one of: {view.type} [json-pointer:/view/type]"


async def test_an_external_id_names_one_view_forever(slack: SimSlack, views: ViewClient, partner: Workspace) -> None:
    view = await views.open(modal(external_id="e"))
    await views.api.call("views.update", external_id="e", view=modal(section("a"), external_id="e"))
    assert views.current(view.id).text == "Settings\na\nSave"
    await slack.close(slack.alice)
    other = await views.open(modal())

    for method, which, shown in (
        ("views.open", {"trigger_id": await views.trigger()}, modal(external_id="e")),
        ("views.update", {"view_id": other.id}, modal(external_id="e")),
        ("views.publish", {"user_id": ALICE}, home(external_id="e")),
    ):
        answer = await views.api.call(method, view=shown, **which)
        assert answer == {"ok": False, "error": "duplicate_external_id"}
    theirs = {"user_id": "U0PARTNER01", "view": json.dumps(home(external_id="e"))}
    assert (await views.api.form("views.publish", partner.installation.bot_token, **theirs))["ok"] is True


async def test_the_texts_of_a_view_follow_the_rules_of_messages(slack: SimSlack, views: ViewClient) -> None:
    await views.publish(home(section("a & b"), {"type": "header", "text": plain("<!channel>")}))
    await views.open(modal(section("<!channel>")))
    await views.update(views.top, modal({"type": "context", "elements": [mrkdwn("a < b")]}))
    assert rules(slack) == [Rule.RAW_AMPERSAND, Rule.BROADCAST, Rule.RAW_ANGLE_BRACKET]

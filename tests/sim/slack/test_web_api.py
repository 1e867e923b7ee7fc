"""The Web API of simulated Slack: what it takes and refuses, and what it tells about people."""

import json

import pytest

from bot.sim.slack import Enterprise, Message, Rule, SimSlack, User, Workspace
from harness.blocks import Block, actions, button, home, modal, section
from harness.samples import Json, sample
from sim.alerts import ALERT
from sim.api_client import FORM, JSON, Api, rules
from sim.recording_app import RecordingApp
from sim.view_client import ViewClient

pytestmark = pytest.mark.anyio

OUTSIDE, FORMS_ONLY = [Rule.TOKEN_OUTSIDE_HEADER], [Rule.JSON_TO_FORM_METHOD]
HOME = "xoxb-0123456789-SIMULATED-HOME"
RATE_LIMITED = {"ok": False, "error": "ratelimited"}
POST, LATER, UPDATE = "chat.postMessage", "chat.scheduleMessage", "chat.update"
NOW = 1_785_000_000  # of the fixture
DAY = 86_400
INVALID = [{"type": "divide"}]
LONG = [section("x" * 3_000)]
SMALL = {"text": "a"}
OPEN, PUSH, UPDATE_VIEW, PUBLISH = "views.open", "views.push", "views.update", "views.publish"
LARGE = modal(*[section("x" * 3000)] * 90)
VARIANTS = sample("webapi.users.info.variants")


@pytest.fixture
async def message(slack: SimSlack, api: Api) -> Message:
    await api.post("C0ALERTS001", text="High spend", blocks=ALERT, attachments=[{"text": "see below"}])
    return slack.channel_messages(slack.alerts)[-1]


async def call(api: Api, method: str, message: Message, **changes: object) -> Json:
    """Call a method as a careful app does, but for the changes."""
    own: dict[str, Json] = {POST: {}, LATER: {"post_at": NOW + 3600}, UPDATE: {"ts": message.ts}}
    usual = {"channel": message.channel, "text": "Paused.", "unfurl_links": False, "unfurl_media": False}
    return await api.call(method, **(usual | own[method] | changes))


async def info(api: Api, user: User) -> Json:
    user_json: Json = (await api.form("users.info", user=user.id))["user"]
    return user_json


@pytest.mark.parametrize(
    ("method", "how", "error", "broken"),
    [
        ("auth.test", {"token": "xoxb-unknown"}, "invalid_auth", []),
        ("auth.test", {"token": "xapp-1-A0ANCHOR001-0123456789-SIMULATED"}, "not_allowed_token_type", []),
        ("auth.test", {"token": None}, "not_authed", []),
        ("chat.shout", {}, "unknown_method", []),
        ("api.test", {"token": None}, None, []),
        ("auth.test", {"token": None, "body": f"token={HOME}".encode(), "content_type": FORM}, None, OUTSIDE),
        ("auth.test", {"token": None, "body": b'{"token": "x"}', "content_type": JSON}, "not_authed", OUTSIDE),
        ("auth.test", {"token": None, "query": f"?token={HOME}"}, "not_authed", OUTSIDE),
        ("users.info", {"body": b'{"user": "U0ALICE0001"}', "content_type": JSON}, "user_not_found", FORMS_ONLY),
        ("chat.postMessage", {"body": b"{", "content_type": JSON}, "invalid_json", []),
        ("chat.postMessage", {"body": b"[]", "content_type": JSON}, "json_not_object", []),
        ("chat.postMessage", {"body": b"a=b"}, "missing_post_type", []),
        ("chat.postMessage", {"body": b"blocks=x", "content_type": FORM}, "invalid_blocks_format", []),
    ],
)
async def test_a_call_is_refused_or_on_record(
    slack: SimSlack, api: Api, *, method: str, how: dict[str, str | bytes | None], error: str | None, broken: list[Rule]
) -> None:
    answer = await api.send(method, **how)  # type: ignore[arg-type]
    assert (answer.get("error"), rules(slack), len(slack.api_calls)) == (error, broken, 1)


async def test_a_method_needs_its_scope_and_a_header_names_those_of_the_token(slack: SimSlack, api: Api) -> None:
    slack.home.installation.scopes = {"commands"}
    refused = {"ok": False, "error": "missing_scope", "needed": "users:read", "provided": "commands"}
    assert (await api.send("users.info"), api.headers["X-OAuth-Scopes"]) == (refused, "commands")


@pytest.mark.parametrize(
    ("method", "changes", "error", "broken"),
    [
        (POST, {"channel": "C0INCIDENT1"}, "not_in_channel", []),
        (POST, {"channel": "C0PRIVATE01"}, "channel_not_found", []),
        (POST, {"channel": "C0ARCHIVED1"}, "is_archived", []),
        (POST, {"text": ""}, "no_text", []),
        (POST, {"blocks": INVALID}, "invalid_blocks", [Rule.INVALID_BLOCKS]),
        (POST, {"blocks": LONG * 5}, "msg_blocks_too_long", []),
        (POST, {"attachments": [SMALL] * 101}, "too_many_attachments", [Rule.REJECTED]),
        (POST, {"unfurl_links": True}, None, [Rule.UNFURLS]),
        (POST, {"reply_broadcast": True}, None, [Rule.MISPLACED_THREAD]),
        (POST, {"reply_broadcast": True, "thread_ts": "1.2"}, "thread_not_found", []),
        (LATER, {"post_at": NOW}, "time_in_past", []),
        (LATER, {"post_at": NOW + 121 * DAY}, "time_too_far", []),
        (UPDATE, {"ts": "1.2"}, "message_not_found", []),
        (UPDATE, {"text": "x" * 4001}, "msg_too_long", [Rule.TEXT_TOO_LONG]),
        (UPDATE, {"text": "🚨" * 2001}, "msg_too_long", [Rule.TEXT_TOO_LONG]),
    ],
)
async def test_what_slack_refuses_and_what_it_only_records(
    slack: SimSlack, api: Api, message: Message, *, method: str, changes: Json, error: str | None, broken: list[Rule]
) -> None:
    answer = await call(api, method, message, **changes)
    assert (answer.get("error"), rules(slack)) == (error, broken)
    if error == "invalid_blocks":
        complaint = "[ERROR] unsupported type: divide [json-pointer:/blocks/0/type]"
        assert answer["response_metadata"] == {"messages": [complaint]}
    if error:
        assert (slack.channel_messages(slack.alerts), slack.platform.scheduled) == ([message], {})


async def test_posts_and_updates_have_their_rate_limits(slack: SimSlack, api: Api, message: Message) -> None:
    for method, burst, wait in ((POST, 4, 1), (UPDATE, 50, 2)):
        assert all([(await call(api, method, message))["ok"] for _ in range(burst)])
        assert await call(api, method, message) == RATE_LIMITED
        assert (api.headers["status"], api.headers["Retry-After"]) == ("429", str(wait))
        slack.clock.advance(wait)
        assert (await call(api, method, message))["ok"] is True
    assert (await api.post("U0ALICE0001"))["ok"] is True


async def test_only_the_apps_own_posts_can_be_updated(slack: SimSlack, api: Api, app: RecordingApp) -> None:
    app.says(text="Pausing…", response_type="in_channel")
    await slack.command(slack.alice, slack.alerts)
    slack.post(slack.alerts, "a", blocks=ALERT)
    errors = [(await call(api, UPDATE, each))["error"] for each in slack.channel_messages(slack.alerts)]
    assert errors == ["cant_update_message"] * 3
    ephemeral = slack.post(slack.alerts, "a", ephemeral_to=slack.alice)
    assert (await call(api, UPDATE, ephemeral))["error"] == "message_not_found"


async def test_an_update_is_refused_in_an_archived_channel_and_after_the_window_for_edits(
    slack: SimSlack, api: Api, message: Message
) -> None:
    slack.home.edit_window = 60.0
    slack.clock.advance(60.0)
    assert (await call(api, UPDATE, message))["ok"] is True
    slack.clock.advance(0.1)
    assert (await call(api, UPDATE, message))["error"] == "edit_window_closed"
    slack.alerts.is_archived = True
    assert (await call(api, UPDATE, message))["error"] == "is_inactive"
    assert (await call(api, UPDATE, message, channel=slack.alice.id))["error"] == "channel_not_found"


async def test_thirty_messages_can_be_scheduled_for_five_minutes_of_a_channel(api: Api, message: Message) -> None:
    at = NOW + 3600
    answers = [await call(api, LATER, message, post_at=at + number) for number in range(31)]
    assert [answer.get("error") for answer in answers] == [None] * 30 + ["restricted_too_many"]
    assert (await call(api, LATER, message, post_at=at + 300))["ok"] is True, "the first one is in another window"
    assert (await call(api, LATER, message, channel="U0ALICE0001", post_at=at))["ok"] is True
    deleted = {"channel": message.channel, "scheduled_message_id": answers[1]["scheduled_message_id"]}
    assert (await api.call("chat.deleteScheduledMessage", **deleted))["ok"] is True
    assert (await call(api, LATER, message, post_at=at + 1))["error"] == "restricted_too_many"


async def test_a_message_for_later_is_listed_and_deleted_once_and_in_its_channel(api: Api, message: Message) -> None:
    named = (await call(api, LATER, message))["scheduled_message_id"]
    (listed,) = (await api.call("chat.scheduledMessages.list"))["scheduled_messages"]
    assert (listed["id"], listed["channel_id"], listed["text"]) == (named, "C0ALERTS001", "Paused.")
    answers = [
        await api.call("chat.deleteScheduledMessage", channel=channel, scheduled_message_id=named)
        for channel in ("C0INCIDENT1", "C0ALERTS001", "C0ALERTS001")
    ]
    refused = {"ok": False, "error": "invalid_scheduled_message_id"}
    assert answers == [refused, {"ok": True}, refused]


@pytest.mark.parametrize(
    ("method", "arguments", "error", "broken"),
    [
        (OPEN, {"view": modal(color="red")}, "invalid_arguments", [Rule.INVALID_BLOCKS]),
        (OPEN, {"view": home()}, "invalid_arguments", [Rule.INVALID_BLOCKS]),
        (OPEN, {"view": LARGE}, "view_too_large", []),
        (OPEN, {"trigger_id": "1.2.a"}, "invalid_trigger_id", []),
        (PUSH, {}, "not_found", []),
        (PUBLISH, {"view": home()}, "invalid_arguments", []),
        (PUBLISH, {"view": home(), "user_id": "U0GUEST0001"}, "user_not_found", []),
        (UPDATE_VIEW, {"view_id": "V0"}, "not_found", []),
    ],
)
async def test_a_wrong_call_is_refused(
    slack: SimSlack, views: ViewClient, *, method: str, arguments: Block, error: str, broken: list[Rule]
) -> None:
    slack.home.change_user(slack.guest, deleted=True)
    usual = {"trigger_id": await views.trigger(), "view": modal()}
    assert (await views.api.call(method, **(usual | arguments)))["error"] == error
    assert (rules(slack), slack.modals_of(slack.alice), slack.home_of(slack.alice)) == (broken, (), None)


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


async def test_in_a_modal_views_are_pushed_up_to_three_and_elsewhere_they_are_opened(
    slack: SimSlack, views: ViewClient
) -> None:
    shown = modal(actions(button(action_id="next")))
    await views.open(shown)
    assert (await views.api.call(PUSH, trigger_id=await views.trigger(), view=shown))["error"] == "not_found"

    async def click() -> str:
        return (await slack.act(slack.alice, views.top, "next")).trigger_id

    assert (await views.api.call(OPEN, trigger_id=await click(), view=shown))["error"] == "invalid_trigger_id"
    answers = [await views.api.call(PUSH, trigger_id=await click(), view=shown) for _ in range(3)]
    assert [answer.get("error") for answer in answers] == [None, None, "push_limit_reached"]
    assert (len(slack.modals_of(slack.alice)), rules(slack)) == (3, [Rule.OPENED_IN_MODAL])
    tab = await views.publish(home(actions(button(action_id="next"))))
    await slack.close(slack.alice, clear=True)
    in_home = (await slack.act(slack.alice, tab, "next")).trigger_id
    assert (await views.api.call(OPEN, trigger_id=in_home, view=shown))["ok"] is True


async def test_another_workspace_neither_uses_a_trigger_nor_finds_a_view(views: ViewClient, partner: Workspace) -> None:
    view, token, shown = await views.open(modal()), partner.installation.bot_token, json.dumps(modal())
    opened = await views.api.form(OPEN, token, view=shown, trigger_id=await views.trigger())
    updated = await views.api.form(UPDATE_VIEW, token, view=shown, view_id=view.id)
    assert [opened["error"], updated["error"]] == ["invalid_trigger_id", "not_found"]


async def test_a_stale_hash_changes_nothing(views: ViewClient) -> None:
    old, shown = await views.open(modal()), modal(section("a"))
    new = await views.update(old, modal())
    answer = await views.api.call(UPDATE_VIEW, hash=old.hash, view=shown, view_id=old.id)
    assert (answer["error"], views.current(new.id)) == ("hash_conflict", new)
    assert (await views.api.call(UPDATE_VIEW, hash=new.hash, view=shown, view_id=new.id))["ok"] is True


async def test_people_are_described_as_slack_does(slack: SimSlack, api: Api) -> None:
    for variant, person in (("admin", slack.alice), ("member", slack.bob), ("guest", slack.guest)):
        user = await info(api, person)
        assert user == user | VARIANTS[variant]["user"] | {"profile": user["profile"]}
    slack.home.enterprise = Enterprise("E0GRID00001", "Acme Grid")
    alice = await info(api, slack.alice)
    assert alice == alice | VARIANTS["grid_member"]["user"]
    stranger = VARIANTS["slack_connect_stranger"]["user"]
    assert await info(api, slack.outsider) == {name: stranger[name] for name in stranger if name != "is_stranger"}
    slack.alerts.members.discard(slack.home.installation.bot_user_id)
    assert await info(api, slack.outsider) == stranger
    slack.alerts.members.discard(slack.outsider.id)
    assert (await api.form("users.info", user=slack.outsider.id))["error"] == "user_not_visible"

"""What the page shows of the app's Home and modals, and what people do in them by its orders."""

from collections.abc import AsyncIterator

import pytest

from bot.demo.newco import NEWCO_KEY
from bot.demo.page.server import page
from bot.demo.world import World, world
from browser.parts import actions, button, plain, section
from browser.small_app import SmallApp, field_of, modal, small_app
from demo.page_client import Json, PageClient, open_page

pytestmark = pytest.mark.anyio

KEY = field_of("plain_text_input", "key", label="Key")
PEOPLE = {**field_of("multi_users_select", "people", label="People"), "optional": True}


@pytest.fixture(scope="module")
async def at() -> AsyncIterator[World]:
    """One for all of these tests, which take away again what they put before people."""
    async with world() as at:
        yield at
        assert at.stage.slack.violations == []


@pytest.fixture(scope="module")
async def url(at: World) -> AsyncIterator[str]:
    async with page(at) as url:
        yield url


@pytest.fixture
async def app(at: World) -> AsyncIterator[SmallApp]:
    async with small_app(at.stage.slack) as app:
        yield app
        app.clear()


def shown(client: PageClient) -> Json:
    found: Json = client.slack["app"]
    return found


async def put_up(app: SmallApp, alice: PageClient) -> str:
    """Let Alice open a modal by a button, and return its id."""
    app.opens["open"] = modal(KEY, PEOPLE, title="A key", submit="Save")
    await app.publish(app.slack.alice, section("No key"), {**actions(button("Open", "open")), "block_id": "levers"})
    await alice.until(lambda: shown(alice)["home"])
    home = shown(alice)["home"]["id"]
    assert await alice.order("act", view=home, block="levers", action="open") == ""
    return str(alice.slack["modals"][-1]["id"])


async def test_who_opens_the_home_is_told_of_and_sees_what_the_app_publishes(app: SmallApp, alice: PageClient) -> None:
    assert shown(alice) == {"name": "anchor", "channel": "D0ALICEBOT1", "home": None}
    for tab in ("home", "messages"):
        assert await alice.order("open_home", tab=tab) == ""
    assert [one["event"]["tab"] for one in app.of_type("event_callback")] == ["home", "messages"]
    await app.publish(app.slack.alice, section("No key"))
    await alice.until(lambda: shown(alice)["home"])
    assert shown(alice)["home"]["blocks"][0]["text"]["text"] == "No key"
    assert await alice.order("open_home", tab="about") == "Slack does not let you: the app has no such tab: about."


async def test_a_modal_is_filled_in_refused_and_saved(app: SmallApp, alice: PageClient) -> None:
    view = await put_up(app, alice)
    [before] = alice.slack["modals"]
    assert (before["title"], before["submit"], before["close"], before["errors"]) == ("A key", "Save", None, {})
    app.answers.append({"response_action": "errors", "errors": {"key": "No."}})
    values = {"key": "sk-1", "people": ["U0BOB000001"]}
    assert await alice.order("submit", view=view, values=values) == ""
    assert alice.slack["modals"][0]["errors"] == {"key": "No."}
    assert await alice.order("submit", view=view) == ""
    assert alice.slack["modals"] == []
    assert app.submitted()[1]["people"]["people"]["selected_users"] == ["U0BOB000001"]
    assert await alice.order("submit", view=view) == "What that was in is gone."


async def test_a_modal_is_closed(app: SmallApp, alice: PageClient) -> None:
    for clear in (False, True):
        view = await put_up(app, alice)
        assert await alice.order("close", view=view, clear=clear) == ""
        assert alice.slack["modals"] == []


async def test_something_is_chosen(app: SmallApp, alice: PageClient) -> None:
    one = {"type": "users_select", "action_id": "one", "placeholder": plain("Who")}
    several = {"type": "multi_users_select", "action_id": "several", "placeholder": plain("Who")}
    await app.publish(app.slack.alice, {**actions(one, several), "block_id": "b"})
    await alice.until(lambda: shown(alice)["home"])
    home = shown(alice)["home"]["id"]
    assert await alice.order("act", view=home, block="b", action="one", choice="U0BOB000001") == ""
    assert await alice.order("act", view=home, block="b", action="several", choice=["U0BOB000001"]) == ""
    state = shown(alice)["home"]["state"]["b"]
    assert state["one"]["selected_user"] == "U0BOB000001"
    assert state["several"]["selected_users"] == ["U0BOB000001"]


@pytest.mark.parametrize(
    ("kind", "fields", "problem"),
    [
        ("act", {"action": "fly"}, "Slack does not let you: the view has no such elements: fly."),
        ("act", {"action": "open", "choice": 5}, "choice must be a text, or several."),
        ("act", {"action": "open", "choice": ["x", 5]}, "choice must be a text, or several."),
        ("submit", {"values": []}, "values must be an object."),
        ("submit", {"values": {"key": None}}, "values must be a text, or several."),
        ("submit", {}, "Slack does not let you: this must be filled in: key."),
    ],
)
async def test_what_can_t_be_done_is_answered_with_why(
    app: SmallApp, alice: PageClient, kind: str, fields: dict[str, object], problem: str
) -> None:
    view = await put_up(app, alice)
    assert await alice.order(kind, view=view, block="levers", **fields) == problem


async def test_nobody_acts_in_another_ones_view(app: SmallApp, alice: PageClient, url: str) -> None:
    view = await put_up(app, alice)
    async with open_page(url, "U0BOB000001") as bob:
        assert bob.slack["modals"] == []
        assert await bob.order("close", view=view) == "What that was in is gone."


async def test_somebody_of_another_workspace_has_no_app(url: str) -> None:
    async with open_page(url, "U0MALLORY01") as mallory:
        assert mallory.slack["app"] is None
        assert await mallory.order("open_home", tab="home") == (
            "Slack does not let you: people of other workspaces have no tab of the app."
        )


async def test_the_admin_of_another_workspace_has_that_before_her(at: World, url: str) -> None:
    async with open_page(url, "U0DORA00001") as dora:
        assert (dora.slack["workspace"], [one["name"] for one in dora.slack["channels"]]) == (
            "Newco",
            ["alerts", "general", "anchor"],
        )
        assert [agent["name"] for agent in dora.world["agents"]] == ["Lead research"]
        assert dora.world["key_to_set"] == {"workspace": "Newco", "key": NEWCO_KEY}
        assert not dora.world["has_monitor"]
        [agent] = at.others
        assert await dora.order("end", session_id=agent.session_id) == ""
        await dora.until(lambda: dora.world["agents"][0]["state"] == "completed")
        assert await dora.order("begin_anew", session_id=agent.session_id) == ""
        await dora.until(lambda: dora.world["agents"][0]["state"] == "running")
        assert await dora.order("end", session_id=next(iter(at.agents)).session_id) == (
            "There is no '3f2b8c1e-7d4a-4f0b-9a56-0c1d2e3f4a5b' here."
        )


async def test_everybody_who_can_be_at_the_page_is_named(alice: PageClient) -> None:
    people = [(one["name"], one["workspace"], one["is_admin"], one["is_external"]) for one in alice.slack["people"]]
    assert people == [
        ("alice", "Acme", True, False),
        ("bob", "Acme", False, False),
        ("mallory", "Acme", False, True),
        ("dora", "Newco", True, False),
    ]
    assert alice.world["key_to_set"] is None

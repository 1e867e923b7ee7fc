"""How people close modals in simulated Slack, and what the app gets to know of it."""

import pytest

from bot.sim.slack import NotPossibleError, Rule, SimSlack
from sim.api_client import rules
from sim.screens import Screens, as_written, home, ids_of, modal, sample
from sim.ways import Ways

pytestmark = pytest.mark.anyio

CLOSED = sample("view_closed.payload")


async def test_closing_is_told_to_an_app_that_wants_to_know(slack: SimSlack, screens: Screens, ways: Ways) -> None:
    view = await screens.open(as_written(CLOSED["view"], notify_on_close=True))
    slack.fill(slack.alice, view, "api_key", "ak_half")

    delivery = await slack.close(slack.alice)

    assert delivery is not None
    assert ways.last == CLOSED | {"view": CLOSED["view"] | ids_of(view)}
    assert list(ways.last) == list(CLOSED)
    assert (slack.modals_of(slack.alice), delivery.status, delivery.mistakes) == ((), 200, [])
    assert (delivery.trigger_id, delivery.response_url) == ("", "")


async def test_closing_is_told_to_nobody_else(slack: SimSlack, screens: Screens, ways: Ways) -> None:
    await screens.open(modal())
    count = len(ways.got)

    assert await slack.close(slack.alice) is None
    assert (len(ways.got), slack.modal_of(slack.alice)) == (count, None)


@pytest.mark.parametrize(
    ("clear", "clear_on_close", "left", "told"),
    [
        (False, False, 2, None),
        (True, False, 0, "below"),
        (False, True, 0, "below"),
    ],
)
async def test_closing_shows_the_view_below_unless_all_are_cleared(
    slack: SimSlack, screens: Screens, heard: Ways, *, clear: bool, clear_on_close: bool, left: int, told: str | None
) -> None:
    await screens.open(modal(notify_on_close=True, callback_id="bottom"))
    heard.says(response_action="push", view=modal(notify_on_close=True, callback_id="below"))
    await slack.submit(slack.alice)
    heard.says(response_action="push", view=modal(clear_on_close=clear_on_close))
    await slack.submit(slack.alice)
    heard.body = None

    delivery = await slack.close(slack.alice, clear=clear)

    assert len(slack.modals_of(slack.alice)) == left
    assert (delivery is None) is (told is None)
    if told:
        assert (heard.last["view"]["callback_id"], heard.last["is_cleared"]) == (told, True)


async def test_the_ack_of_a_closing_says_nothing(slack: SimSlack, screens: Screens, heard: Ways) -> None:
    await screens.open(modal(notify_on_close=True))
    heard.says(response_action="clear")

    await slack.close(slack.alice)

    assert rules(slack) == [Rule.ACK_BODY_IGNORED]


async def test_a_tab_is_not_closed(slack: SimSlack, screens: Screens, heard: Ways) -> None:
    tab = await screens.publish(home())

    with pytest.raises(NotPossibleError, match="tab"):
        await slack.close(slack.alice, tab)
    assert (slack.home_of(slack.alice), heard.got) == (tab, [])

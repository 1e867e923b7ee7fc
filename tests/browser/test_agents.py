"""The agents beside the channel: what each does and spends, and that a pause stops it."""

import re

import pytest
from playwright.async_api import expect

from bot.demo.agents import Agent
from browser.accessibility import axe_in_both_themes
from browser.channel_page import ChannelPage
from harness.product import outcomes
from harness.texts import not_automatic, paused

pytestmark = pytest.mark.anyio

OBSERVED = not_automatic(outcomes.Observed()).strip("*")
PAUSED = paused(user="alert:spend-monitor").splitlines()[0].replace("*", "").replace("`", "").removeprefix("⏸️ ")


def agent_of(channel: ChannelPage, name: str) -> Agent:
    """The agent as the demo has it."""
    return next(agent for agent in channel.demo.agents if agent.job.name == name)


async def spent_and_log(channel: ChannelPage, name: str) -> tuple[str, str]:
    """What an agent has spent and logged, as it is shown."""
    card = channel.agent(name)
    return await card.locator(".spent").inner_text(), await card.locator(".log").inner_text()


async def test_a_pause_stops_the_agent_and_a_resume_lets_it_go_on(channel: ChannelPage) -> None:
    card, session_id = channel.agent("Flight watch"), agent_of(channel, "Flight watch").session_id
    await channel.enter(f"/anchor-pause {session_id}")
    await expect(card.get_by_text("Paused", exact=True)).to_be_visible()
    await expect(card.get_by_role("listitem").last).to_have_text("› Paused: waiting")
    paused = await spent_and_log(channel, "Flight watch")
    spent, log = await spent_and_log(channel, "Office supplies")  # which goes on
    await expect(channel.agent("Office supplies").locator(".spent")).not_to_have_text(spent)
    await expect(channel.agent("Office supplies").locator(".log")).not_to_have_text(log, use_inner_text=True)
    assert await spent_and_log(channel, "Flight watch") == paused
    await channel.enter(f"/anchor-resume {session_id}")
    await expect(card.get_by_text("Running", exact=True)).to_be_visible()
    waited = card.get_by_role("listitem").filter(has_text="Paused: waiting").last
    await expect(waited.locator("xpath=following-sibling::*[1]")).to_have_text("› Resumed: going on")
    await expect(card.locator(".spent")).not_to_have_text(paused[0])


async def test_alerts_come_when_the_budget_is_spent_or_by_hand(channel: ChannelPage) -> None:
    for agent in channel.demo.agents:
        card = channel.agent(agent.job.name)
        for text in (agent.job.goal, "Running"):
            await expect(card.get_by_text(text, exact=True)).to_be_visible()
        await expect(card.get_by_role("button", name=agent.session_id)).to_be_visible()
    supplies, flights = channel.agent("Office supplies"), agent_of(channel, "Flight watch")
    await expect(supplies.locator(".money")).to_have_text(re.compile(r"^\$\d+\.\d\d of \$40$"))
    await channel.in_sidebar("#alerts").click()
    over_budget = channel.message("Office supplies: spending").filter(has_text="Critical")
    await expect(over_budget.first).to_contain_text("of $40.00.")
    alerts = [channel.message(f"{agent.job.name}: spending") for agent in channel.demo.agents]
    before = [await one.count() for one in alerts]
    await channel.agent("Flight watch").get_by_role("button", name="Raise alert").click()
    await expect(alerts[1]).to_have_count(max(before[1], 1))
    for text in (flights.job.goal[1:], "Spent $", "Info", flights.session_id):
        await expect(alerts[1].last).to_contain_text(text)
    invoices = channel.agent("Invoice filing")
    await invoices.get_by_role("button", name="End session").click()
    await expect(invoices.get_by_text("Ended", exact=True)).to_be_visible()
    assert await axe_in_both_themes(channel.page) == []
    await invoices.get_by_role("button", name="New session").press("Enter")
    await expect(invoices.get_by_text("Running", exact=True)).to_be_visible()


async def test_alerts_pause_an_agent_only_if_they_are_let(fresh: ChannelPage) -> None:
    card, page = fresh.agent("Flight watch"), fresh.page
    modes = page.get_by_role("group", name="Alerts pause the agent")
    shown = fresh.message("Flight watch: spending")
    for mode, text, state in (("Observe", OBSERVED, "Running"), ("On", PAUSED, "Paused")):
        await modes.get_by_text(mode, exact=True).click()
        await expect(modes).not_to_have_attribute("aria-busy", "true")
        await expect(modes.get_by_role("radio", name=mode)).to_be_checked()
        await card.get_by_role("button", name="Raise alert").click()
        await expect(shown.filter(has_text=text).first).to_be_visible()
        await expect(card.get_by_text(state, exact=True)).to_be_visible()
    assert await axe_in_both_themes(page) == []

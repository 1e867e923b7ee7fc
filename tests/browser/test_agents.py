"""The agents beside the channel: what each does and spends, and that a pause stops it."""

import re

import pytest
from playwright.async_api import expect

from bot.demo.agents import Agent
from browser.room import Room

pytestmark = pytest.mark.anyio


def agent_of(room: Room, name: str) -> Agent:
    """The agent as the world has it."""
    return next(agent for agent in room.at.agents if agent.job.name == name)


async def state_of(room: Room, name: str) -> tuple[str, str]:
    """What an agent has spent and logged, as it is shown."""
    card = room.agent(name)
    return await card.locator(".spent").inner_text(), await card.locator(".log").inner_text()


async def let_others_work(room: Room) -> None:
    """Wait until another agent has visibly done something, twice."""
    for _ in range(2):
        spent, log = await state_of(room, "Office supplies")
        await expect(room.agent("Office supplies").locator(".spent")).not_to_have_text(spent)
        await expect(room.agent("Office supplies").locator(".log")).not_to_have_text(log, use_inner_text=True)


async def test_each_agent_has_its_job_its_session_and_its_state(room: Room) -> None:
    for job, goal in (
        ("Office supplies", "Reorder one box of printer paper"),
        ("Flight watch", "Tell me when Lisbon gets cheaper than 120 €"),
        ("Invoice filing", "File October's invoices by supplier"),
    ):
        card = room.agent(job)
        await expect(card.get_by_text(goal, exact=True)).to_be_visible()
        await expect(card.get_by_role("button", name=agent_of(room, job).session_id)).to_be_visible()
        await expect(card.get_by_text("Running", exact=True)).to_be_visible()


async def test_they_work_and_spend(room: Room) -> None:
    await let_others_work(room)
    card = room.agent("Office supplies")
    assert re.fullmatch(r"\$\d\d\.\d\d of \$40\.00", await card.locator(".money").inner_text())
    newest = card.get_by_role("listitem").last
    await expect(newest).to_be_in_viewport(ratio=1)
    await expect(newest).to_have_text(f"› {agent_of(room, 'Office supplies').log[-1].text}")


async def test_who_is_over_the_budget_is_marked_and_reported_once(room: Room) -> None:
    await expect(room.agent("Office supplies").locator(".spent")).to_have_css("color", "rgb(176, 27, 53)")
    await room.page.get_by_role("button", name="#alerts").click()
    alert = room.message("Office supplies: spending").filter(has_text="Critical")
    await expect(alert.first).to_contain_text("its budget is $40.00.")
    reported = await alert.count()
    await let_others_work(room)
    await expect(alert).to_have_count(reported)


async def test_a_pause_stops_the_agent_and_a_resume_lets_it_go_on(room: Room) -> None:
    card, session_id = room.agent("Flight watch"), agent_of(room, "Flight watch").session_id
    await room.enter(f"/anchor-pause {session_id}")
    await expect(card.get_by_text("Paused", exact=True)).to_be_visible()
    await expect(card.get_by_role("listitem").last).to_have_text("› Paused: waiting")
    paused = await state_of(room, "Flight watch")
    await let_others_work(room)
    assert await state_of(room, "Flight watch") == paused
    await room.enter(f"/anchor-resume {session_id}")
    await expect(card.get_by_text("Running", exact=True)).to_be_visible()
    waited = card.get_by_role("listitem").filter(has_text="Paused: waiting").last
    await expect(waited.locator("xpath=following-sibling::*[1]")).to_have_text("› Resumed: going on")
    await expect(card.locator(".spent")).not_to_have_text(paused[0])


async def test_a_session_ends_and_a_new_one_takes_its_job(room: Room) -> None:
    card, former = room.agent("Invoice filing"), agent_of(room, "Invoice filing").session_id
    await card.get_by_role("button", name="End session").click()
    await expect(card.get_by_text("Ended", exact=True)).to_be_visible()
    await expect(card.get_by_role("listitem").last).to_have_text("› The session has ended")
    await room.enter(f"/anchor-pause {former}")
    await expect(room.message("Not running, nothing to pause")).to_be_visible()
    await card.get_by_role("button", name="New session").press("Enter")
    await expect(card.get_by_role("button", name=former)).to_have_count(0)
    await expect(card.get_by_text("Running", exact=True)).to_be_visible()
    await expect(card.get_by_role("button", name="End session")).to_be_focused()
    present = agent_of(room, "Invoice filing").session_id
    assert present != former
    await room.enter(f"/anchor-pause {present}")
    await expect(card.get_by_text("Paused", exact=True)).to_be_visible()
    await room.enter(f"/anchor-resume {present}")
    await expect(card.get_by_text("Running", exact=True)).to_be_visible()


async def test_an_alert_is_raised_by_hand(room: Room) -> None:
    await room.page.get_by_role("button", name="#alerts").click()
    alerts = room.message("Flight watch: spending")
    before = await alerts.count()
    await room.agent("Flight watch").get_by_role("button", name="Raise alert").click()
    await expect(alerts).to_have_count(before + 1)
    await expect(alerts.last).to_contain_text("Told to: Tell me when Lisbon gets cheaper than 120 €. Spent $")
    await expect(alerts.last).to_contain_text(f"Info: session {agent_of(room, 'Flight watch').session_id}")


async def test_five_alerts_at_once_are_five_cards(room: Room) -> None:
    await room.page.get_by_role("button", name="#alerts").click()
    await expect(room.message("Office supplies: spending").filter(has_text="Critical")).not_to_have_count(0)
    names = ("Office supplies", "Flight watch", "Invoice filing")
    before = [await room.message(f"{name}: spending").count() for name in names]
    await room.page.get_by_role("button", name="Raise five alerts at once").press("Enter")
    for name, count, more in zip(names, before, (2, 2, 1), strict=True):
        await expect(room.message(f"{name}: spending")).to_have_count(count + more)
    await expect(room.page.get_by_role("status")).to_be_empty()

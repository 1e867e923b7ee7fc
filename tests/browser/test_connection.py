"""Pages share one world, and go on by themselves when the bot or the whole demo was away."""

import re

import pytest
from playwright.async_api import Browser, WebSocketRoute, expect

from bot.demo.page.server import page as served
from bot.demo.world import world
from browser.pages import watched_page
from browser.room import Room

pytestmark = pytest.mark.anyio

GONE = "The demo is gone. Start it again (anchor-bot demo), and this page goes on by itself if the address is the same."


async def test_two_pages_of_one_person_show_the_same(room: Room, browser: Browser, url: str) -> None:
    session_id = await room.alert()
    async with watched_page(browser) as page:
        await page.goto(url)
        other = Room(room.at, room.channel, page)
        await other.open()
        await other.enter("From the other page")
        await expect(room.message("From the other page").locator(".author")).to_have_text("alice")
        await room.button(f"Pause session {session_id}").click()
        await room.dialog.get_by_role("button", name="Pause").click()
        await expect(other.list.get_by_text("Paused by @alice")).to_be_visible()
        await expect(other.dialog).to_be_hidden()
        await other.pull("Slow", on=True)
        await expect(room.lever("Slow")).to_be_checked()
        await room.pull("Slow", on=False)
    await room.enter("The other one is closed")
    await expect(room.message("The other one is closed")).to_be_visible()


async def test_two_pages_in_one_browser_keep_their_channels_apart(room: Room, url: str) -> None:
    page = await room.page.context.new_page()
    await page.goto(url)
    await expect(page).to_have_title("#alerts · Anchor demo")
    room.post("Here")
    await expect(room.message("Here")).to_be_visible()
    await expect(room.page).to_have_title(f"#{room.channel.name} · Anchor demo")


async def test_the_page_survives_that_the_bot_is_started_anew(room: Room) -> None:
    session_id = await room.alert()
    await room.line.fill("A draft")
    await room.at.levers.pull("bot_stopped", on=True)
    await expect(room.page.get_by_role("heading", name="Bot")).to_have_text("Botstopped")
    await room.at.levers.pull("bot_stopped", on=False)
    await expect(room.page.get_by_role("heading", name="Bot")).to_have_text("Botready")
    await expect(room.line).to_have_value("A draft")
    await room.button(f"Pause session {session_id}").click()
    await room.dialog.get_by_role("button", name="Pause").click()
    await expect(room.list.get_by_text("Paused by @alice")).to_be_visible()
    await expect(room.page.get_by_role("alert")).to_be_hidden()


async def test_it_says_that_the_demo_is_gone_and_goes_on_when_it_is_there_again(browser: Browser) -> None:
    async with await browser.new_context(locale="en-US") as context:
        page = await context.new_page()
        async with world() as at, served(at) as url:
            port = int(url.rstrip("/").rpartition(":")[2])
            room = Room(at, at.stage.slack.incidents, page)
            await page.goto(f"{url}#{at.stage.slack.alice.id}")
            await room.open()
            room.post("Of the first world")
            await room.message("Of the first world").hover()
            await room.button("Reply in thread").click()
        gone = page.get_by_role("alert")
        await expect(gone).to_have_text(GONE)
        await room.enter("Said to nobody")
        await expect(page.get_by_role("status")).to_have_text("The demo is gone; nothing was sent.")
        await expect(room.line).to_have_value("Said to nobody")
        async with world() as at, served(at, port):
            await expect(gone).to_be_hidden()
            await expect(room.message("Of the first world")).to_have_count(0)
            await expect(room.line).to_have_accessible_name("Message #incidents as alice")
            at.stage.slack.post(at.stage.slack.private, "Elsewhere in the second")
            await expect(page.get_by_role("button", name="#war-room 1 unread")).to_be_visible()
            await room.line.press("Enter")
            await expect(room.message("Said to nobody")).to_be_visible()


async def test_what_was_on_its_way_when_the_connection_broke_is_not_waited_for(room: Room, url: str) -> None:
    sockets: list[WebSocketRoute] = []
    page = await room.page.context.new_page()
    await page.route_web_socket(re.compile("/socket"), lambda socket: sockets.append(socket.connect_to_server()))
    torn = Room(room.at, room.channel, page)
    await page.goto(url)
    await torn.open()
    async with room.hanging():
        await torn.enter("/anchor-pause help")
        await expect(page.locator("form[aria-busy=true]")).to_be_visible()
        await sockets[0].close()
        await expect(page.get_by_role("status")).to_have_text("The demo was ended before it answered.")
        await expect(page.locator("form[aria-busy=true]")).to_have_count(0)
        await expect(torn.line).to_have_value("/anchor-pause help")
        await expect(page.get_by_role("alert")).to_be_hidden()
    await expect(torn.message("Only visible to you")).to_be_visible()
